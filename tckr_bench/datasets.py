"""Helpers shared by dataset plugins: where data lies, what a folder holds, its fingerprint, and decoding.

A folder dataset is `<root>/<split>/<class folder>/<image>`; the order is by class folder, then file name.
"""

from __future__ import annotations

import hashlib
import os
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.errors import DatasetError
from tckr_bench.records import SPLITS, LabelledImages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import BinaryIO

    import numpy as np
    import numpy.typing as npt
    from PIL import Image

    from tckr_bench.records import Images, Labels, Split

DATA_VARIABLE = "TCKR_BENCH_DATA"
IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_WORKERS = 4
_DECODING_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    TypeError,
    struct.error,
    zlib.error,
)  # all of these are raised by Pillow's readers for damaged files


@dataclass(frozen=True)
class ImageFolder:
    """The files of a folder dataset, by split, with the class index of each.

    Attributes:
        root: the resolved folder of the dataset.
        class_names: names of the class folders of `train`, sorted by folder name, underscores as spaces.
        files: paths relative to `root` per split, sorted by class folder, then by file name.
        labels: class index of every file, per split.
    """

    root: Path
    class_names: tuple[str, ...]
    files: Mapping[Split, tuple[Path, ...]]
    labels: Mapping[Split, tuple[int, ...]]

    @property
    def counts(self) -> dict[str, int]:
        """Number of images per split that exists."""
        return {split: len(paths) for split, paths in self.files.items()}


def data_root() -> Path:
    """Return the folder that `TCKR_BENCH_DATA` names.

    Raises:
        DatasetError: the variable is not set, or is not a folder.
    """
    value = os.environ.get(DATA_VARIABLE, "")
    if not value:
        raise DatasetError(
            f"{DATA_VARIABLE} is not set; set it to the folder that holds <dataset>/train/<class>/*, "
            "or use a dataset that comes with the package, such as 'fashion-mnist'"
        )
    root = Path(value).expanduser()
    if not root.is_dir():
        raise DatasetError(f"{DATA_VARIABLE} is '{value}', which is not a folder; set it to the folder of the datasets")
    return root


def scan_image_folder(root: Path, *, name: str, remedy: str) -> ImageFolder:
    """List the images of a folder dataset; no image is opened.

    `remedy` is what a user should do where `root` is not there, to end an error with.

    Raises:
        DatasetError: the folder or a split is missing, a class folder is empty, a class of `test` or
            `validation` is unknown in `train`, two class folders have one name, or a link leaves the folder.
    """
    if not root.is_dir():
        raise DatasetError(
            f"the dataset '{name}' is not at '{root}'; put it there as train/<class>/* and test/<class>/*, {remedy}"
        )
    resolved = root.resolve()
    found = {
        split: _scan_split(resolved, split, name=name)
        for split in SPLITS
        if split != "validation" or (resolved / split).is_dir()
    }
    folders = sorted(found["train"])
    for split, classes in found.items():
        unknown = sorted(set(classes) - set(folders))
        if unknown:
            raise DatasetError(
                f"the dataset '{name}' has the class '{unknown[0]}' in {split} but not in train; "
                "add its training images or remove it"
            )
    index = {folder: position for position, folder in enumerate(folders)}
    return ImageFolder(
        root=resolved,
        class_names=_class_names(folders, name=name),
        files={split: tuple(path for key in sorted(found[split]) for path in found[split][key]) for split in found},
        labels={split: tuple(index[key] for key in sorted(found[split]) for _ in found[split][key]) for split in found},
    )


def _class_names(folders: Sequence[str], *, name: str) -> tuple[str, ...]:
    names = tuple(folder.replace("_", " ") for folder in folders)
    twice = next((given for given in names if names.count(given) > 1), None)
    if twice is not None:
        raise DatasetError(f"two class folders of the dataset '{name}' are both called '{twice}'; rename one of them")
    return names


def _scan_split(root: Path, split: str, *, name: str) -> dict[str, tuple[Path, ...]]:
    """Return the image paths (relative to the root) of every class folder of a split."""
    folder = root / split
    if not folder.is_dir():
        raise DatasetError(f"the dataset '{name}' has no folder '{split}' in '{root}'; add {split}/<class>/*")
    classes: dict[str, tuple[Path, ...]] = {}
    for entry in _entries(folder, root=root):
        if entry.is_dir():
            classes[entry.name] = _scan_class(entry, root=root, name=name)
    if not classes:
        raise DatasetError(f"the dataset '{name}' has no images: '{folder}' holds no class folder")
    return classes


def _scan_class(folder: Path, *, root: Path, name: str) -> tuple[Path, ...]:
    images = tuple(
        entry.relative_to(root)
        for entry in _entries(folder, root=root)
        if entry.suffix.lower() in IMAGE_SUFFIXES and entry.is_file()
    )
    if not images:
        raise DatasetError(
            f"the class folder '{folder.relative_to(root).as_posix()}' of the dataset '{name}' holds no "
            "images; add some or remove the folder"
        )
    return images


def _entries(folder: Path, *, root: Path) -> list[Path]:
    """Return the visible entries of a folder by name, refusing links that leave the root."""
    with os.scandir(folder) as found:
        entries = sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root):
            raise DatasetError(f"'{entry.path}' is a link that leaves the dataset's folder; copy what it points at")
    return [Path(entry.path) for entry in entries]


def fingerprint_files(root: Path, files: Iterable[Path]) -> str:
    """Return the sha256 over the relative names and contents of files, in sorted order.

    The root is not part of it, so a copy elsewhere has the same fingerprint.

    Raises:
        DatasetError: a file cannot be read.
    """
    ordered = sorted(files, key=lambda path: path.as_posix())
    with ThreadPoolExecutor(_WORKERS) as pool:
        digests = list(pool.map(lambda path: _digest(root / path), ordered))
    whole = hashlib.sha256()
    for path, digest in zip(ordered, digests, strict=True):
        whole.update(path.as_posix().encode() + b"\0" + digest)
    return whole.hexdigest()


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise DatasetError(f"'{path}' cannot be read: {error.strerror or error}; mend or remove the file") from error


def resize_to_rgb(image: Image.Image, size: int) -> Images:
    """Return an opened image as (size, size, 3) uint8: RGB, upright, by a plain bilinear resize.

    Transparent pixels show white, as what lies under them is arbitrary; 16-bit greys keep their high byte.

    >>> from PIL import Image
    >>> resize_to_rgb(Image.new("L", (4, 4), 7), 1).tolist()
    [[[7, 7, 7]]]
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
    resized = image.convert("RGB").resize((size, size), Pillow.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.uint8)


def decode_images(sources: Sequence[Callable[[], BinaryIO]], *, names: Sequence[str], size: int) -> Images:
    """Decode encoded images (n) to one array (n, size, size, 3) uint8.

    Args:
        sources: each opens one encoded image as a binary stream.
        names: what to call each image in an error.
        size: width and height in pixels.

    Raises:
        DatasetError: an image is damaged, of an unknown format, or larger than Pillow deems safe.
    """
    import numpy as np
    from PIL import Image

    images = np.empty((len(sources), size, size, 3), dtype=np.uint8)

    def decode(index: int) -> None:
        images[index] = _decode(sources[index], name=names[index], size=size)

    # The filters are those of the whole process, so they are set once here and not by each thread.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # damaged metadata, sound pixels
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with ThreadPoolExecutor(_WORKERS) as pool:
            for _ in pool.map(decode, range(len(sources))):
                pass
    return images


def _decode(source: Callable[[], BinaryIO], *, name: str, size: int) -> npt.NDArray[np.uint8]:
    from PIL import Image

    try:
        with source() as stream, Image.open(stream) as image:
            return resize_to_rgb(image, size)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise DatasetError(
            f"the image '{name}' has more pixels than is safe to decode "
            f"(limit {Image.MAX_IMAGE_PIXELS}); scale it down or remove it"
        ) from error
    except _DECODING_ERRORS as error:
        raise DatasetError(f"the image '{name}' cannot be decoded: {error}; mend or remove the file") from error


def read_image_folder(folder: ImageFolder, split: Split, *, size: int, name: str) -> LabelledImages:
    """Decode one split of a folder dataset to (n, size, size, 3) uint8 and its labels (n,) int64.

    Raises:
        DatasetError: the dataset has no such split, or an image cannot be decoded (the file is named).
    """
    import numpy as np

    if split not in folder.files:
        raise DatasetError(f"the dataset '{name}' has no split '{split}'; found: {', '.join(folder.files)}")
    paths = [folder.root / path for path in folder.files[split]]
    images = decode_images([_opener(path) for path in paths], names=[str(path) for path in paths], size=size)
    return LabelledImages(images=images, labels=np.asarray(folder.labels[split], dtype=np.int64))


def _opener(path: Path) -> Callable[[], BinaryIO]:
    return lambda: path.open("rb")


def stratified_split(labels: Labels, sizes: Sequence[int], *, seed: int) -> tuple[npt.NDArray[np.int64], ...]:
    """Deal the indices of `labels` (n,) into disjoint parts that keep the proportions of the classes.

    Parts hold exactly `sizes` indices each, sorted; their sum is at most n. Within a class the order is drawn
    from `seed`; spread evenly over the whole, a part gets its share of every class to within an image or so.

    >>> import numpy as np
    >>> [part.size for part in stratified_split(np.array([0, 0, 1, 1]), [2, 2], seed=0)]
    [2, 2]
    """
    import numpy as np

    assert sum(sizes) <= len(labels), "more asked for than there is"
    generator = np.random.default_rng(seed)
    rank = np.empty(len(labels), dtype=np.float64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        rank[members] = generator.permutation((np.arange(members.size) + generator.random()) / members.size)
    # Each class is spread evenly over [0, 1), so every run of this order is proportional.
    order = np.argsort(rank, kind="stable")
    ends = np.cumsum(sizes)
    return tuple(np.sort(order[end - size : end]) for end, size in zip(ends, sizes, strict=True))
