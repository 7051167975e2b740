"""Decoding of images that people bring: hostile or damaged files end in one sentence, everything else in RGB."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from tckr_bench.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import BinaryIO

    import numpy as np
    import numpy.typing as npt
    from PIL import Image

    from tckr_bench.records import EncodedImage, Images

WORKERS = 4
THUMBNAIL = (18, 16)  # width and height in pixels: twice the 9 x 8 grey levels of a difference hash
_BATCH = 256  # images in flight while inspecting: bounds what datasets with images in memory hold at once
_CHUNK = 1 << 20  # bytes
# Other readers of Pillow's start programs of their own (EPS) or are rarely used and little tried on hostile files.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF")
_ORIENTATION = 0x0112
_DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    TypeError,
    RuntimeError,
    struct.error,
    zlib.error,
)  # all of these are raised by Pillow's readers for damaged files


@dataclass(frozen=True)
class ImageFacts:
    """What one decode tells of an image.

    Attributes:
        file_digest: sha256 of the stored bytes.
        pixel_digest: sha256 of the decoded pixels and their shape; a large JPEG is decoded at a fraction of its size.
        width: in pixels, upright.
        height: in pixels, upright.
        mode: Pillow's mode as stored, such as `RGB`, `L` or `CMYK`.
        transparent: whether it has an alpha channel or a transparent colour.
        turned: whether its metadata turn or mirror it.
        animated: whether it has more than one frame; the first is used.
        thumbnail: (16, 18, 3) uint8, RGB, averaged over the whole image.
    """

    file_digest: bytes
    pixel_digest: bytes
    width: int
    height: int
    mode: str
    transparent: bool
    turned: bool
    animated: bool
    thumbnail: npt.NDArray[np.uint8]


def to_rgb(image: Image.Image) -> Image.Image:
    """Return an opened image upright and as RGB.

    Transparent pixels show white, as what lies under them is arbitrary; 16-bit greys keep their high byte.
    """
    import numpy as np
    from PIL import Image as Pillow
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        image = Pillow.fromarray((np.clip(np.asarray(image, dtype=np.int64), 0, 65535) // 256).astype(np.uint8))
    if image.has_transparency_data:
        upper = image.convert("RGBA")
        image = Pillow.alpha_composite(Pillow.new("RGBA", upper.size, "white"), upper)
    return image.convert("RGB")


def resize_to_rgb(image: Image.Image, size: int) -> Images:
    """Return an opened image as (size, size, 3) uint8: RGB, upright, by a plain bilinear resize.

    Transparent pixels show white, as what lies under them is arbitrary; 16-bit greys keep their high byte.

    >>> from PIL import Image
    >>> resize_to_rgb(Image.new("L", (4, 4), 7), 1).tolist()
    [[[7, 7, 7]]]
    """
    import numpy as np
    from PIL import Image as Pillow

    return np.asarray(to_rgb(image).resize((size, size), Pillow.Resampling.BILINEAR), dtype=np.uint8)


def decode_images(sources: Sequence[Callable[[], BinaryIO]], *, names: Sequence[str], size: int) -> Images:
    """Decode encoded images (n) to one array (n, size, size, 3) uint8.

    Args:
        sources: each opens one encoded image as a binary stream.
        names: what to call each image in an error.
        size: width and height in pixels.

    Raises:
        DatasetError: an image is damaged, of an unknown format, or larger than Pillow deems safe.
    """
    return decode_with_shapes(sources, names=names, size=size)[0]


def decode_with_shapes(
    sources: Sequence[Callable[[], BinaryIO]], *, names: Sequence[str], size: int
) -> tuple[Images, npt.NDArray[np.int64]]:
    """Decode as `decode_images` does, and return width and height in pixels as stored as well, (n, 2) int64.

    Raises:
        DatasetError: an image is damaged, of an unknown format, or larger than Pillow deems safe.
    """
    import numpy as np

    images = np.empty((len(sources), size, size, 3), dtype=np.uint8)
    shapes = np.empty((len(sources), 2), dtype=np.int64)

    def decode(index: int) -> None:
        with _opened(sources[index], name=names[index]) as (_stream, image):
            shapes[index] = image.size
            images[index] = resize_to_rgb(image, size)

    with _decoding_warnings(), ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(decode, range(len(sources))):
            pass
    return images, shapes


def inspect_images(images: Iterable[EncodedImage]) -> Iterator[tuple[EncodedImage, ImageFacts | str]]:
    """Yield every image, in order, with what one decode tells of it, or the sentence why it cannot be decoded.

    JPEGs are decoded at the smallest scale that the thumbnail allows, which costs a fraction of a full decode and
    still reads every byte. No more than a few hundred images are held at once.
    """

    def inspect(image: EncodedImage) -> ImageFacts | str:
        try:
            return _inspect(image)
        except DatasetError as error:
            return str(error)

    waiting = iter(images)
    with ThreadPoolExecutor(WORKERS) as pool:
        while batch := list(islice(waiting, _BATCH)):
            with _decoding_warnings():
                found = list(pool.map(inspect, batch))
            yield from zip(batch, found, strict=True)


def _inspect(encoded: EncodedImage) -> ImageFacts:
    with _opened(encoded.open, name=encoded.name) as (stream, image):
        file_digest = _digest(stream)
        width, height = image.size
        orientation = image.getexif().get(_ORIENTATION, 1)
        mode, transparent = image.mode, image.has_transparency_data
        animated = getattr(image, "is_animated", False) and image.format != "MPO"  # MPO: previews, not frames
        image.draft(None, (4 * THUMBNAIL[0], 4 * THUMBNAIL[1]))
        upright = to_rgb(image)
        pixels = hashlib.sha256(f"{width}x{height} {upright.width}x{upright.height} ".encode())
        pixels.update(upright.tobytes())
        turned_a_quarter = orientation in (5, 6, 7, 8)
        return ImageFacts(
            file_digest=file_digest,
            pixel_digest=pixels.digest(),
            width=height if turned_a_quarter else width,
            height=width if turned_a_quarter else height,
            mode=mode,
            transparent=transparent,
            turned=orientation in range(2, 9),
            animated=animated,
            thumbnail=shrink(upright),
        )


def shrink(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Return an RGB image averaged down to a thumbnail, (16, 18, 3) uint8.

    >>> from PIL import Image
    >>> shrink(Image.new("RGB", (40, 30), (1, 2, 3))).mean(axis=(0, 1)).tolist()
    [1.0, 2.0, 3.0]
    """
    import numpy as np
    from PIL import Image as Pillow

    return np.asarray(image.resize(THUMBNAIL, Pillow.Resampling.BOX), dtype=np.uint8)


def _digest(stream: BinaryIO) -> bytes:
    """Return the sha256 of a whole stream and leave it where it was, since Pillow goes on reading there."""
    position = stream.tell()
    stream.seek(0)
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    stream.seek(position)
    return digest.digest()


@contextlib.contextmanager
def _decoding_warnings() -> Iterator[None]:
    """Silence damaged metadata and refuse decompression bombs; filters are the process's, so no thread sets them."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # damaged metadata, sound pixels
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


@contextlib.contextmanager
def _opened(source: Callable[[], BinaryIO], *, name: str) -> Iterator[tuple[BinaryIO, Image.Image]]:
    """Open an encoded image, and turn whatever Pillow raises while it is open into one sentence."""
    from PIL import Image, UnidentifiedImageError

    try:
        with source() as stream, Image.open(stream, formats=_formats()) as image:
            yield stream, image
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise DatasetError(
            f"the image '{name}' has more pixels than is safe to decode "
            f"(limit {Image.MAX_IMAGE_PIXELS}); scale it down or remove it"
        ) from error
    except UnidentifiedImageError as error:
        raise DatasetError(
            f"the image '{name}' cannot be decoded: it is empty or in no format that is read "
            f"({', '.join(_formats())}); convert or remove the file"
        ) from error
    except _DECODING_ERRORS as error:
        raise DatasetError(f"the image '{name}' cannot be decoded: {error}; mend or remove the file") from error


@functools.cache
def _formats() -> tuple[str, ...]:
    """Return the formats that are read, of those that this Pillow has."""
    from PIL import Image

    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)
