"""Describe images by a few attributes computed from their pixels alone."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.uint8]

CHUNK: Final = 1024
GREYS: Final = ("black", "grey", "white")
HUES: Final = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
COLOURS: Final = (*GREYS, *HUES, "brown")
BRIGHTNESS: Final = ("very dark", "dark", "medium", "bright", "very bright")
WIDTHS: Final = ("narrow", "broad", "wide")
HEIGHTS: Final = ("short", "middling", "tall")
SHAPES: Final = ("open", "loose", "compact")
TEXTURES: Final = ("plain", "textured", "patterned")
SHADES: Final = ("darker above", "evenly lit", "lighter above")
POSITIONS: Final = ("centred", "left", "right", "high", "low")

BRIGHTNESS_EDGES: Final = (75.0, 115.0, 150.0, 185.0)
GREY_EDGES: Final = (40.0, 205.0)
HUE_EDGES: Final = (20.0, 45.0, 70.0, 165.0, 260.0, 295.0, 340.0)
EXTENT_EDGES: Final = (0.5, 0.8)
SHAPE_EDGES: Final = (0.6, 0.8)
TEXTURE_EDGES: Final = (0.085, 0.14)
SHADE_EDGES: Final = (-0.05, 0.05)
COLOURFUL: Final = 0.22
OFF_CENTRE: Final = 0.06


@dataclass(frozen=True)
class Scene:
    """Hold what every attribute needs of n images of h x w pixels.

    Attributes:
        colours: (n, h, w, 3) channel values in 0..255.
        light: (n, h, w) luminance in 0..255.
        mask: (n, h, w) true on the object; never empty for an image.
        background: (n, 3) channel values of the background in 0..255.
    """

    colours: Integers
    light: Integers
    mask: Mask
    background: Integers


def describe_images(images: Pixels) -> list[str]:
    """Describe each image by its object's look, extent and place.

    The object is what differs from the corners of the image; where nothing does, it is the whole
    image. A sentence depends on its own image only.

    Args:
        images: (n, h, w, 3) RGB values in 0..255, with h and w at least 8.

    Returns:
        n sentences such as "a bright grey object, tall and narrow, compact, plain, evenly lit,
        centred on a black background".
    """
    if images.ndim != 4 or images.shape[3] != 3 or min(images.shape[1:3]) < 8:
        raise ValueError(f"images must be (n, h, w, 3) with h, w >= 8, not {images.shape}")
    sentences: list[str] = []
    for start in range(0, len(images), CHUNK):
        sentences.extend(_describe_chunk(images[start : start + CHUNK]))
    return sentences


def _describe_chunk(images: Pixels) -> list[str]:
    """Describe at most ``CHUNK`` images (n, h, w, 3)."""
    scene = _find_objects(images)
    colour, brightness = _colour_and_brightness(scene)
    columns = (
        _words(BRIGHTNESS, brightness),
        _words(COLOURS, colour),
        _words(HEIGHTS, _extent(scene.mask, axis=2)),
        _words(WIDTHS, _extent(scene.mask, axis=1)),
        _words(SHAPES, _compactness(scene.mask)),
        _words(TEXTURES, _texture(scene)),
        _words(SHADES, _shade(scene)),
        _words(POSITIONS, _position(scene.mask)),
        _words(COLOURS, _name_colours(scene.background)),
    )
    return [_sentence(*row) for row in zip(*columns, strict=True)]


def _sentence(
    brightness: str,
    colour: str,
    height: str,
    width: str,
    shape: str,
    texture: str,
    shade: str,
    position: str,
    background: str,
) -> str:
    """Put the words of one image into a sentence."""
    look = f"a {brightness} {colour} object, {height} and {width}, {shape}, {texture}"
    return f"{look}, {shade}, {position} on a {background} background"


def _words(vocabulary: tuple[str, ...], indices: Integers) -> list[str]:
    """Look up one word per index (n,)."""
    return [vocabulary[index] for index in indices.tolist()]


def _bin(values: Floats, edges: tuple[float, ...]) -> Integers:
    """Return for each value (n,) the number of edges at or below it."""
    return np.searchsorted(np.asarray(edges), values, side="right").astype(np.int64)


def _luminance(colours: Integers) -> Integers:
    """Return the luminance (0..255) of colours (..., 3), in exact integer arithmetic."""
    red, green, blue = (colours[..., channel] for channel in range(3))
    return (299 * red + 587 * green + 114 * blue) // 1000


def _find_objects(images: Pixels) -> Scene:
    """Split images (n, h, w, 3) into object and background.

    The background colour is the median of the four corner patches. A pixel belongs to the object
    where it differs from that by a quarter of the largest difference in the image, and by 16 at least.
    """
    colours = images.astype(np.int64)
    count, height, width, _ = colours.shape
    rows, columns = height // 8, width // 8
    bands = np.concatenate([colours[:, :rows], colours[:, -rows:]], axis=1)
    corners = np.concatenate([bands[:, :, :columns], bands[:, :, -columns:]], axis=2)
    background = np.sort(corners.reshape(count, -1, 3), axis=1)[:, 2 * rows * columns]
    distance = np.abs(colours - background[:, None, None, :]).max(axis=3)
    threshold = np.maximum(16, distance.max(axis=(1, 2)) // 4)
    mask = distance >= threshold[:, None, None]
    too_small = mask.sum(axis=(1, 2)) * 50 < height * width
    mask[too_small] = True
    return Scene(colours, _luminance(colours), mask, background)


def _masked_mean(values: Integers, mask: Mask) -> Floats:
    """Return the mean of values (n, h, w) over each mask; 0 where a mask is empty."""
    total = np.where(mask, values, 0).sum(axis=(1, 2))
    mean: Floats = total / np.maximum(mask.sum(axis=(1, 2)), 1)
    return mean


def _colour_and_brightness(scene: Scene) -> tuple[Integers, Integers]:
    """Return the indices of each object's colour and brightness, both from its mean (n,)."""
    means = [_masked_mean(scene.colours[..., channel], scene.mask) for channel in range(3)]
    mean_colour = np.rint(np.stack(means, axis=1)).astype(np.int64)
    brightness = _bin(_masked_mean(scene.light, scene.mask), BRIGHTNESS_EDGES)
    return _name_colours(mean_colour), brightness


def _name_colours(colours: Integers) -> Integers:
    """Return the index in ``COLOURS`` of each colour (n, 3)."""
    top, bottom = colours.max(axis=1), colours.min(axis=1)
    spread = top - bottom
    greyish = (spread < COLOURFUL * np.maximum(top, 1)) | (top < GREY_EDGES[0])
    grey = _bin(_luminance(colours).astype(np.float64), GREY_EDGES)
    hue = _hue(colours, top, np.maximum(spread, 1))
    named = len(GREYS) + _bin(hue, HUE_EDGES) % len(HUES)
    muted_orange = (hue >= 10.0) & (hue < HUE_EDGES[1]) & (top < 170)
    named = np.where(muted_orange, COLOURS.index("brown"), named)
    return np.where(greyish, grey, named).astype(np.int64)


def _hue(colours: Integers, top: Integers, spread: Integers) -> Floats:
    """Return the hue in degrees, [0, 360), of colours (n, 3)."""
    red, green, blue = (colours[:, channel] for channel in range(3))
    sextant = np.where(
        top == red,
        (green - blue) / spread,
        np.where(top == green, 2.0 + (blue - red) / spread, 4.0 + (red - green) / spread),
    )
    hue: Floats = (60.0 * sextant) % 360.0
    return hue


def _extent(mask: Mask, axis: int) -> Integers:
    """Return the binned share of lines with object pixels; axis 1 looks at columns, 2 at rows.

    A line counts where at least a tenth of it belongs to the object.
    """
    filled = mask.sum(axis=axis) * 10 >= mask.shape[axis]
    return _bin(filled.mean(axis=1), EXTENT_EDGES)


def _compactness(mask: Mask) -> Integers:
    """Return the binned share of the object's bounding box that the object fills."""
    height: Integers = _span(np.asarray(mask.any(axis=2)))
    width: Integers = _span(np.asarray(mask.any(axis=1)))
    return _bin(mask.sum(axis=(1, 2)) / (height * width), SHAPE_EDGES)


def _span(occupied: Mask) -> Integers:
    """Return the distance from the first to the last true value of each row (n, k), inclusive."""
    first = occupied.argmax(axis=1)
    last = occupied.shape[1] - 1 - occupied[:, ::-1].argmax(axis=1)
    return np.asarray(last - first + 1, dtype=np.int64)


def _texture(scene: Scene) -> Integers:
    """Return the binned mean step between neighbouring object pixels, relative to their light."""
    light, mask = scene.light, scene.mask
    across = _masked_mean(np.abs(np.diff(light, axis=2)), mask[:, :, 1:] & mask[:, :, :-1])
    down = _masked_mean(np.abs(np.diff(light, axis=1)), mask[:, 1:] & mask[:, :-1])
    step = (across + down) / 2.0
    return _bin(step / (_masked_mean(light, mask) + 16.0), TEXTURE_EDGES)


def _shade(scene: Scene) -> Integers:
    """Return the binned contrast between the object's light in the upper and the lower half."""
    middle = scene.light.shape[1] // 2
    upper = _masked_mean(scene.light[:, :middle], scene.mask[:, :middle])
    lower = _masked_mean(scene.light[:, middle:], scene.mask[:, middle:])
    one_sided = ~scene.mask[:, :middle].any(axis=(1, 2)) | ~scene.mask[:, middle:].any(axis=(1, 2))
    contrast = np.where(one_sided, 0.0, (upper - lower) / (upper + lower + 16.0))
    return _bin(contrast, SHADE_EDGES)


def _position(mask: Mask) -> Integers:
    """Return the index in ``POSITIONS`` of the side that the object's centre of mass leans to."""
    _, height, width = mask.shape
    mass = mask.sum(axis=(1, 2))
    right = (mask.sum(axis=1) * np.arange(width)).sum(axis=1) / mass / (width - 1) - 0.5
    low = (mask.sum(axis=2) * np.arange(height)).sum(axis=1) / mass / (height - 1) - 0.5
    sideways = np.where(right < 0, POSITIONS.index("left"), POSITIONS.index("right"))
    upright = np.where(low < 0, POSITIONS.index("high"), POSITIONS.index("low"))
    leaning = np.where(np.abs(right) > np.abs(low), sideways, upright)
    centred = np.maximum(np.abs(right), np.abs(low)) < OFF_CENTRE
    return np.where(centred, 0, leaning).astype(np.int64)
