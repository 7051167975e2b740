"""Finds copies that were altered: mirrored, shifted or cropped, of another brightness or contrast, or all at once.

Images are cut and mirrored in every way of a coarse grid, and compared with the others by their lowest frequencies,
freed of brightness and contrast: one product of matrices for each way. For the few likeliest pairs the window that the
copy was cut from is then found to a fraction of a pixel, and its tone, and the pixels that are left are compared.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Literal

from tckr_plugins.late import np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from tckr_bench.records import Bools, Floats

    Pixels = npt.NDArray[np.uint8]
    Places = npt.NDArray[np.int64]
    Pictures = npt.NDArray[np.float32]
    Shapes = tuple[Pictures, Pictures]

LEAST_WINDOW, MOST_WINDOW, FARTHEST = 0.75, 1.1, 0.14
"""The side of the part of an original that a copy shows, and how far its middle lies off, in sides of the image."""
CONTRASTS, BRIGHTEST = (0.7, 1.45), 45.0
"""How much a copy's contrast may be of its original's, and how many levels brighter or darker it may be."""
FLAT = 3.0  # of 255: an image that varies less has no shape, so that any other of its kind would pass for its copy

_GRID = ((1.0, 3, 5), (0.95, 0.8, 2), (0.9, 1.6, 3), (0.85, 2.4, 4), (0.8, 3.2, 5))
"""Side of a window, the farthest its middle is moved either way, in 32nds, and in how many places it is laid."""
_FREQUENCIES = 8
_CANDIDATES = 4  # of each image, found by likeness
_FITTED = 5  # of each image: the likeliest ways to pair it with a candidate, mirrored or not
_STEPS = 4
_ORIGINALS, _COPIES, _PAIRS = 512, 4096, 64
"""Of a tile: views of 31 MB, similarities of 8 MB; and pairs fitted at once, so few that they stay in a cache."""


def nearest_altered(
    originals: Pixels, copies: Pixels, *, of: Literal["originals", "copies"], frequencies: int | None = None
) -> tuple[Floats, Places]:
    """Return how far each original, or copy, is from its nearest altered counterpart, and which that is.

    The distance of a copy g to an original x is the root mean squared difference, in 0-255, of g and clip(a w + b), w
    the window of x that g shows, mirrored or not, over those pixels of g that the window covers. Window, a and b are
    those that fit best within the limits above; of an original without contrast a = 1 and b = 0. The search sees a few
    candidates only, so that a distance may be too large, and never too small.

    Args:
        originals: (n, side, side, 3) uint8.
        copies: (m, side, side, 3) uint8.
        of: for which of them the nearest of the others is sought.
        frequencies: how many of the lowest of the difference count, either way; None for all.

    >>> image = np.random.default_rng(0).integers(1, 200, (1, 8, 8, 3), dtype=np.uint8)
    >>> image = image.repeat(4, axis=1).repeat(4, axis=2)
    >>> mirrored_and_brighter = image[:, :, ::-1] + 20
    >>> distances, places = nearest_altered(image, mirrored_and_brighter, of="copies")
    >>> bool(distances[0] < 0.01), places.tolist()
    (True, [0])
    """
    counterparts = _candidates(originals, copies, of=of)
    queries, others = np.indices(counterparts.shape)[0].ravel(), counterparts.ravel()
    pairs = np.stack([queries, others] if of == "originals" else [others, queries])
    likeness, views = _orientations(originals, copies, pairs)
    ways = likeness.reshape(len(counterparts), -1)  # of each query: two orientations of every counterpart
    kept = np.argsort(-ways, axis=1, kind="stable")[:, :_FITTED] + np.arange(len(ways))[:, None] * ways.shape[1]
    distances = _fitted_ways(
        originals, copies, pairs, ways=kept.ravel(), views=views.ravel(), frequencies=frequencies
    ).reshape(kept.shape)
    first = distances.argmin(axis=1)[:, None]
    nearest = others[np.take_along_axis(kept, first, axis=1)[:, 0] // 2]
    return distances.min(axis=1), nearest


def windows_tried() -> Floats:
    """Return the windows of the coarse grid, (windows, 4): height, down, width, right, all in sides of the image.

    Down and right are where the window's middle lies off that of the image.

    >>> windows_tried().shape, (32 * windows_tried()[0]).tolist()
    ((79, 4), [32.0, -3.0, 32.0, -3.0])
    """
    found = []
    for size, farthest, places in _GRID:
        offsets = np.linspace(-farthest, farthest, places) / 32
        found += [(size, down, size, right) for down, right in itertools.product(offsets, offsets)]
    return np.array(found)


def sampling(sizes: Floats, offsets: Floats, *, side: int) -> tuple[npt.NDArray[np.float32], Bools]:
    """Return how `side` pixels are interpolated from those of a window along one axis, and which lie in the image.

    Args:
        sizes: of the windows, in sides of the image, (k,).
        offsets: of their middles, in sides of the image, (k,).
        side: pixels of the image, and of what is drawn from the window.

    Returns:
        Weights (k, side, side) and whether each pixel lies in the image, (k, side); beyond its edge all is black.

    >>> weights, inside = sampling(np.array([1.0]), np.array([0.125]), side=4)
    >>> weights[0].tolist()[0], inside[0].tolist()
    ([0.5, 0.5, 0.0, 0.0], [True, True, True, False])
    """
    middle = (side - 1) / 2
    places = middle + sizes[:, None] * (np.arange(side) - middle) + side * offsets[:, None]
    inside = (places > -0.01) & (places < side - 0.99)
    weights = np.maximum(0, 1 - np.abs(places[:, :, None] - np.arange(side))).astype(np.float32)
    return weights, inside


def _candidates(originals: Pixels, copies: Pixels, *, of: Literal["originals", "copies"]) -> Places:
    """Return the places of the few likeliest counterparts of each original, or copy, (queries, few)."""
    count, among = (len(originals), len(copies)) if of == "originals" else (len(copies), len(originals))
    few = min(_CANDIDATES, among)
    likeness, found = np.full((count, few), -np.inf, dtype=np.float32), np.zeros((count, few), dtype=np.int64)
    shapes = [_shapes(_read(copies[part]), _whole(copies.shape[1])) for part in _blocks(len(copies), _COPIES)]
    for rows in _blocks(len(originals), _ORIGINALS):
        views = _views(_read(originals[rows]))
        for columns, shape in zip(_blocks(len(copies), _COPIES), shapes, strict=True):
            tile, mine, others = _likeness(views, shape), rows, columns
            if of == "copies":
                tile, mine, others = tile.T, columns, rows
            kept = min(few, tile.shape[1])
            best = np.argpartition(tile, tile.shape[1] - kept, axis=1)[:, -kept:]
            both = np.concatenate([likeness[mine], np.take_along_axis(tile, best, axis=1)], axis=1)
            places = np.concatenate([found[mine], best + others.start], axis=1)
            order = np.argsort(-both, axis=1, kind="stable")[:, :few]
            likeness[mine], found[mine] = (np.take_along_axis(part, order, axis=1) for part in (both, places))
    return found


def _likeness(views: list[Shapes], shape: Shapes) -> Pictures:
    """Return the highest correlation that any view of n originals has with each of m copies, mirrored or not, (n, m).

    A mirrored image has the same even frequencies, and odd ones of the other sign.
    """
    best = np.full((len(views[0][0]), len(shape[0])), -np.inf, dtype=np.float32)
    for even, odd in views:
        turned = odd @ shape[1].T
        np.abs(turned, out=turned)
        turned += even @ shape[0].T
        np.maximum(best, turned, out=best)
    return best


def _views(pictures: Pictures) -> list[Shapes]:
    """Return the shapes of what each window of the grid shows of the pictures."""
    side = pictures.shape[1]
    windows = windows_tried()
    vertical, horizontal = (sampling(windows[:, at], windows[:, at + 1], side=side)[0] for at in (0, 2))
    return [_shapes(pictures, part) for part in zip(vertical, horizontal, strict=True)]


def _whole(side: int) -> Shapes:
    unchanged = np.eye(side, dtype=np.float32)
    return unchanged, unchanged


def _shapes(pictures: Pictures, window: Shapes) -> Shapes:
    """Return the lowest frequencies of what a window shows of n pictures, without brightness, of length 1.

    The horizontally even ones come first, then the odd ones, (n, some) each; their products with others' add up to a
    correlation.
    """
    waves = _cosines(pictures.shape[1], _FREQUENCIES)
    down, across = waves @ window[0], waves @ window[1]
    count, side = len(pictures), pictures.shape[1]
    rows = np.matmul(down, pictures.reshape(count, side, -1)).reshape(count, len(down), side, 3)
    found: Pictures = np.matmul(across, rows)
    found[:, 0, 0] -= found[:, 0, 0].mean(axis=1, keepdims=True)
    lengths = np.sqrt(np.square(found).sum(axis=(1, 2, 3), keepdims=True))
    found /= np.maximum(lengths, 1e-3)
    odd: Pictures = found[:, :, 1::2].reshape(count, -1)
    return found[:, :, ::2].reshape(count, -1), odd


def _read(images: Pixels) -> Pictures:
    return images.astype(np.float32)


def _without_detail(pictures: Pictures, frequencies: int) -> Pictures:
    """Return pictures freed of all but their lowest frequencies, so many either way."""
    waves = _cosines(pictures.shape[1], frequencies)
    kept = waves.T @ waves
    rows = np.matmul(kept, pictures.reshape(len(pictures), len(kept), -1)).reshape(pictures.shape)
    smooth: Pictures = np.matmul(kept, rows)
    return smooth


def _cosines(side: int, count: int) -> Pictures:
    """Return the lowest frequencies of the orthonormal cosine transform, (count or fewer, side)."""
    from scipy.fft import dct

    waves: Pictures = dct(np.eye(side), axis=0, norm="ortho")[:count].astype(np.float32)
    return waves


def _orientations(originals: Pixels, copies: Pixels, pairs: Places) -> tuple[Pictures, Places]:
    """Return the correlation of the best view of pairs (2, p) of places, and which view that is, (p, 2) each.

    Those of the copy as it is come first, then those of the copy mirrored.
    """
    likeness = np.empty((pairs.shape[1], 2), dtype=np.float32)
    found = np.empty((pairs.shape[1], 2), dtype=np.int64)
    shapes = _shapes(_read(copies), _whole(copies.shape[1]))
    order = np.argsort(pairs[0], kind="stable")
    for part in (order[block] for block in _blocks(len(order), _ORIGINALS)):
        ones, places = np.unique(pairs[0, part], return_inverse=True)
        views = _views(_read(originals[ones]))
        evens, odds = (
            np.stack([np.einsum("pd,pd->p", view[at][places], shapes[at][pairs[1, part]]) for view in views])
            for at in (0, 1)
        )
        both = np.stack([evens + odds, evens - odds], axis=2)
        found[part], likeness[part] = both.argmax(axis=0), both.max(axis=0)
    return likeness, found


def _fitted_ways(
    originals: Pixels,
    copies: Pixels,
    pairs: Places,
    *,
    ways: Places,
    views: Places,
    frequencies: int | None,
) -> Floats:
    """Return the distances of some ways (p,) in which originals and copies may be paired.

    Way 2 i is pair i of the places `pairs`, (2, pairs), and way 2 i + 1 the same with the copy mirrored; `views` are
    the best of each way.
    """
    distances, windows = np.empty(len(ways)), windows_tried()
    for part in _blocks(len(ways), _PAIRS):
        first, second = pairs[:, ways[part] // 2]
        shown, mirrored = _read(copies[second]), ways[part] % 2 == 1
        shown[mirrored] = shown[mirrored, :, ::-1]
        distances[part] = _fitted(_read(originals[first]), shown, windows[views[ways[part]]], frequencies=frequencies)
    return distances


def _fitted(originals: Pictures, copies: Pictures, windows: Floats, *, frequencies: int | None) -> Floats:
    """Return the distances of p pairs (p, side, side, 3), mirrored alike, from windows (p, 4) near the right ones."""
    free = (copies > 0) & (copies < 255)  # a clipped pixel does not tell what it was
    unclipped: Bools = np.all(free, axis=3, keepdims=True)
    grey = originals.mean(axis=3, keepdims=True), copies.mean(axis=3, keepdims=True)
    for _ in range(_STEPS):
        windows = _moved(*grey, windows, free=unclipped)
    shown, inside = _cut(originals, windows)
    contrast, brightness = _tone(shown, copies, kept=_kept(inside, free=free))
    errors = (np.clip(contrast * shown + brightness, 0, 255) - copies) * inside
    if frequencies is not None:
        errors = _without_detail(errors, frequencies)
    distances: Floats = np.sqrt(
        np.square(errors).sum(axis=(1, 2, 3), dtype=np.float64) / (3 * inside.sum(axis=(1, 2, 3)))
    )
    return distances


def _cut(pictures: Pictures, windows: Floats) -> tuple[Pictures, Bools]:
    """Return what the windows (p, 4) show of the pictures, of the same shape, and which pixels, (p, side, side, 1)."""
    count, side = pictures.shape[:2]
    down, above = sampling(windows[:, 0], windows[:, 1], side=side)
    across, beside = sampling(windows[:, 2], windows[:, 3], side=side)
    rows = (down @ pictures.reshape(count, side, -1)).reshape(pictures.shape)
    return across[:, None] @ rows, (above[:, :, None] & beside[:, None])[..., None]


def _kept(inside: Bools, *, free: Bools) -> Bools:
    """Return which pixels tell how a pair fits: those shown and not clipped, or where these are few all shown."""
    kept = inside & free
    few = kept.mean(axis=(1, 2, 3), keepdims=True) < 0.05
    return np.where(few, inside, kept)


def _tone(shown: Pictures, copies: Pictures, *, kept: Bools) -> tuple[Pictures, Pictures]:
    """Return contrast and brightness that bring what is shown nearest to the copies, (p, 1, 1, 1) each."""
    count = np.maximum(kept.sum(axis=(1, 2, 3), keepdims=True), 1).astype(np.float32)
    mean, level = ((part * kept).sum(axis=(1, 2, 3), keepdims=True) / count for part in (shown, copies))
    apart = (shown - mean) * kept
    variance = np.square(apart).sum(axis=(1, 2, 3), keepdims=True) / count
    shaped = variance >= FLAT**2
    together = (apart * (copies - level)).sum(axis=(1, 2, 3), keepdims=True) / count
    contrast = np.where(shaped, np.clip(together / np.maximum(variance, 1), *CONTRASTS), 1)
    brightness = np.where(shaped, np.clip(level - contrast * mean, -BRIGHTEST, BRIGHTEST), 0)
    return contrast, brightness


def _moved(originals: Pictures, copies: Pictures, windows: Floats, *, free: Bools) -> Floats:
    """Return windows (p, 4) after a step of Gauss and Newton towards the least squares, pictures grey."""
    shown, inside = _cut(originals, windows)
    kept = _kept(inside, free=free)
    contrast, brightness = _tone(shown, copies, kept=kept)
    side = originals.shape[1]
    along = (np.arange(side, dtype=np.float32) - (side - 1) / 2)[:, None, None]
    slopes = []
    for axis, places in ((1, along), (2, along[:, 0])):
        slope = np.gradient(shown, axis=axis) / windows[:, axis * 2 - 2].astype(np.float32)[:, None, None, None]
        slopes += [slope * places, side * slope]
    columns = [np.ones_like(shown), shown, *(contrast * slope for slope in slopes)]
    basis = (np.stack(columns, axis=1) * kept[:, None]).reshape(len(shown), len(columns), -1)
    left = ((copies - contrast * shown - brightness) * kept).reshape(len(shown), -1, 1)
    products = (basis @ basis.transpose(0, 2, 1)).astype(np.float64)
    ridge = 1e-3 * np.einsum("pii->pi", products) + 1e-3  # keeps what no pixel tells where it is
    step = np.linalg.solve(products + ridge[:, None] * np.eye(len(columns)), basis @ left)[:, 2:, 0]
    moved = windows + np.clip(step, [-0.1, -0.06] * 2, [0.1, 0.06] * 2)
    found: Floats = np.clip(moved, [LEAST_WINDOW, -FARTHEST] * 2, [MOST_WINDOW, FARTHEST] * 2)
    return found


def _blocks(count: int, size: int) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
