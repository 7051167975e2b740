"""Folder datasets: where data lies, what a folder holds, its fingerprint, and its images in order.

With splits, a folder dataset is `<root>/<split>/<class folder>/<image>`. Where asked for, it may be plain,
`<root>/<class folder>/<image>`, and test images are then set aside. The order is by class folder, then by path.
Folders within a class folder are looked through: what is in them belongs to the class.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.datasets.decoding import WORKERS, decode_images
from tckr_bench.datasets.splits import set_aside
from tckr_bench.errors import DatasetError
from tckr_bench.records import SPLITS, EncodedImage, LabelledImages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import BinaryIO

    from tckr_bench.records import Split

DATA_VARIABLE = "TCKR_BENCH_DATA"
IMAGE_SUFFIXES = frozenset(
    {
        *(".avif", ".bmp", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".ppm"),
        *(".tif", ".tiff", ".webp"),
    }
)
_NO_CLASS = frozenset(
    {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information"}
)  # made by systems, not people
_LIKE_A_SPLIT = frozenset({"train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval"})


@dataclass(frozen=True)
class ImageFolder:
    """The files of a folder dataset, by split, with the class index of each.

    Attributes:
        root: the resolved folder of the dataset.
        class_names: names of the class folders of `train`, sorted by folder name, underscores as spaces.
        files: paths relative to `root` per split, sorted by class folder, then by path.
        labels: class index of every file, per split.
        ignored: paths relative to `root` of the files in class folders that are no images, hidden ones included.
        split_here: whether the test images were set aside here, as the folder has no splits.
    """

    root: Path
    class_names: tuple[str, ...]
    files: Mapping[Split, tuple[Path, ...]]
    labels: Mapping[Split, tuple[int, ...]]
    ignored: tuple[Path, ...] = ()
    split_here: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Number of images per split that exists."""
        return {split: len(paths) for split, paths in self.files.items()}


@dataclass
class _Scan:
    """What is known while a folder dataset is looked through."""

    root: Path
    name: str
    ignored: list[Path] = field(default_factory=list)


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


def scan_image_folder(root: Path, *, name: str, remedy: str, test_fraction: float | None = None) -> ImageFolder:
    """List the images of a folder dataset; no image is opened.

    `remedy` is what a user should do where `root` is not there, to end an error with. With a `test_fraction`, between
    0 and 1, the folder may be plain, and that share of every class becomes the test split.

    Raises:
        DatasetError: the folder or a split is missing, a class folder is empty, a class of `test` or
            `validation` is unknown in `train`, two class folders have one name, or a link leaves the folder.
    """
    if not root.is_dir():
        layout = "train/<class>/* and test/<class>/*" + (", or as <class>/*" if test_fraction else "")
        raise DatasetError(f"the dataset '{name}' is not at '{root}'; put it there as {layout}, {remedy}")
    scan = _Scan(root.resolve(), name)
    plain = test_fraction is not None and _is_plain(scan)
    found = _plain_splits(scan, test_fraction or 0.0) if plain else _given_splits(scan)
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
        root=scan.root,
        class_names=_class_names(folders, name=name),
        files={split: tuple(path for key in sorted(found[split]) for path in found[split][key]) for split in found},
        labels={split: tuple(index[key] for key in sorted(found[split]) for _ in found[split][key]) for split in found},
        ignored=tuple(scan.ignored),
        split_here=plain,
    )


def list_images(root: Path, *, name: str) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the images of a folder and of the folders within it, and the other files, relative to it; none is opened.

    Raises:
        DatasetError: the folder is not there, cannot be looked into or holds no images, or a link leaves it.
    """
    if not root.is_dir():
        raise DatasetError(f"the {name} are not at '{root}', which is no folder; give the folder that holds them")
    scan = _Scan(root.resolve(), name)
    try:
        images = tuple(sorted(_images_within(scan, scan.root), key=lambda path: path.as_posix()))
    except OSError as error:
        raise DatasetError(
            f"'{error.filename}' cannot be looked into: {error.strerror}; mend its permissions"
        ) from error
    if not images:
        others = f", but {len(scan.ignored)} other files" if scan.ignored else ""
        raise DatasetError(
            f"the folder of the {name} '{root}' holds no images{others}; give a folder of files such as .png or .jpg"
        )
    return images, tuple(scan.ignored)


def _given_splits(scan: _Scan) -> dict[Split, dict[str, tuple[Path, ...]]]:
    """Return the image paths of every class folder, by split, of a folder that has splits."""
    found: dict[Split, dict[str, tuple[Path, ...]]] = {}
    for split in SPLITS:
        folder = scan.root / split
        if folder.is_dir():
            found[split] = _scan_classes(scan, folder)
        elif split != "validation":
            raise DatasetError(
                f"the dataset '{scan.name}' has no folder '{split}' in '{scan.root}'; add {split}/<class>/*"
            )
    return found


def _plain_splits(scan: _Scan, fraction: float) -> dict[Split, dict[str, tuple[Path, ...]]]:
    """Return the image paths of every class folder with a share of each set aside as test images."""
    classes = _scan_classes(scan, scan.root)
    test = {key: set_aside(paths, fraction=fraction) for key, paths in classes.items()}
    return {
        "train": {key: tuple(path for path in paths if path not in test[key]) for key, paths in classes.items()},
        "test": {key: tuple(path for path in paths if path in test[key]) for key, paths in classes.items()},
    }


def _is_plain(scan: _Scan) -> bool:
    """Return whether a folder holds class folders rather than splits.

    A class may be called 'train' (of the railway): it then holds images itself and stands beside other classes.

    Raises:
        DatasetError: a folder looks like a split but is not called so, which would make it a class.
    """
    folders = [entry for entry in _entries(scan.root, scan) if entry.is_dir()]
    with_classes = {entry.name for entry in folders if any(inner.is_dir() for inner in _entries(entry, scan))}
    names = {entry.name for entry in folders}
    if names & {"train", "test"} and (with_classes & set(SPLITS) or names <= set(SPLITS)):
        return False
    for name in sorted(with_classes):
        if name.casefold() in _LIKE_A_SPLIT:
            raise DatasetError(
                f"the dataset '{scan.name}' has a folder '{name}' that looks like a split; call the splits "
                "'train', 'test' and, if there is one, 'validation'"
            )
    return True


def _class_names(folders: Sequence[str], *, name: str) -> tuple[str, ...]:
    names = tuple(folder.replace("_", " ") for folder in folders)
    twice = next((given for given in names if names.count(given) > 1), None)
    if twice is not None:
        raise DatasetError(f"two class folders of the dataset '{name}' are both called '{twice}'; rename one of them")
    return names


def _scan_classes(scan: _Scan, folder: Path) -> dict[str, tuple[Path, ...]]:
    """Return the image paths (relative to the root) of every class folder in a folder."""
    classes: dict[str, tuple[Path, ...]] = {}
    for entry in _entries(folder, scan):
        if entry.is_dir() and entry.name not in _NO_CLASS:
            classes[entry.name] = _scan_class(scan, entry)
    if not classes:
        raise DatasetError(f"the dataset '{scan.name}' has no images: '{folder}' holds no class folder")
    return classes


def _scan_class(scan: _Scan, folder: Path) -> tuple[Path, ...]:
    images = tuple(sorted(_images_within(scan, folder), key=lambda path: path.as_posix()))
    if not images:
        raise DatasetError(
            f"the class folder '{folder.relative_to(scan.root).as_posix()}' of the dataset '{scan.name}' holds no "
            "images; add some or remove the folder"
        )
    return images


def _images_within(scan: _Scan, folder: Path) -> Iterator[Path]:
    """Yield the images in a folder and in folders within it; linked ones are passed over, as they may be rings."""
    for entry in _entries(folder, scan, hidden=scan.ignored):
        if entry.is_dir():
            if entry.name not in _NO_CLASS and not entry.is_symlink():
                yield from _images_within(scan, entry)
        elif entry.suffix.lower() in IMAGE_SUFFIXES and entry.is_file():
            yield entry.relative_to(scan.root)
        else:
            scan.ignored.append(entry.relative_to(scan.root))


def _entries(folder: Path, scan: _Scan, *, hidden: list[Path] | None = None) -> list[Path]:
    """Return the visible entries of a folder by name, refusing links that leave the root; hidden files go to a list."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    if hidden is not None:
        out_of_sight = (entry for entry in entries if entry.name.startswith(".") and not entry.is_dir())
        hidden.extend(Path(entry.path).relative_to(scan.root) for entry in out_of_sight)
    visible = [entry for entry in entries if not entry.name.startswith(".")]
    for entry in visible:
        if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(scan.root):
            raise DatasetError(f"'{entry.path}' is a link that leaves the dataset's folder; copy what it points at")
    return [Path(entry.path) for entry in visible]


def fingerprint_files(root: Path, files: Iterable[Path]) -> str:
    """Return the sha256 over the relative names and contents of files, in sorted order.

    The root is not part of it, so a copy elsewhere has the same fingerprint.

    Raises:
        DatasetError: a file cannot be read.
    """
    ordered = sorted(files, key=lambda path: path.as_posix())
    with ThreadPoolExecutor(WORKERS) as pool:
        digests = list(pool.map(lambda path: _digest(root / path), ordered))
    whole = hashlib.sha256()
    for path, digest in zip(ordered, digests, strict=True):
        whole.update(path.as_posix().encode() + b"\0" + digest)
    return whole.hexdigest()


def fingerprint_once(root: Path, files: Iterable[Path]) -> str:
    """Return `fingerprint_files`, hashed once per process for as long as no file's time or size changes.

    For what is asked for again and again: the identity of a component, at each of its uses.
    """
    found = [(path, (root / path).stat()) for path in files]
    return _stamped_fingerprint(root, tuple((path, stamp.st_mtime_ns, stamp.st_size) for path, stamp in found))


@functools.lru_cache(maxsize=16)
def _stamped_fingerprint(root: Path, stamped: tuple[tuple[Path, int, int], ...]) -> str:
    return fingerprint_files(root, [path for path, _, _ in stamped])


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError as error:
        raise DatasetError(f"'{path}' cannot be read: {error.strerror or error}; mend or remove the file") from error


def read_image_folder(folder: ImageFolder, split: Split, *, size: int, name: str) -> LabelledImages:
    """Decode one split of a folder dataset to (n, size, size, 3) uint8 and its labels (n,) int64.

    Raises:
        DatasetError: the dataset has no such split, or an image cannot be decoded (the file is named).
    """
    import numpy as np

    paths = [folder.root / path for path in _files(folder, split, name=name)]
    images = decode_images([_opener(path) for path in paths], names=[str(path) for path in paths], size=size)
    return LabelledImages(images=images, labels=np.asarray(folder.labels[split], dtype=np.int64))


def encoded_folder_images(folder: ImageFolder, split: Split, *, name: str) -> Iterator[EncodedImage]:
    """Yield every image of a split as it is stored, in the order of `read_image_folder`, named by its relative path.

    Raises:
        DatasetError: the dataset has no such split.
    """
    for path, label in zip(_files(folder, split, name=name), folder.labels[split], strict=True):
        yield EncodedImage(path.as_posix(), label, _opener(folder.root / path))


def _files(folder: ImageFolder, split: Split, *, name: str) -> tuple[Path, ...]:
    if split not in folder.files:
        raise DatasetError(f"the dataset '{name}' has no split '{split}'; found: {', '.join(folder.files)}")
    return folder.files[split]


def _opener(path: Path) -> Callable[[], BinaryIO]:
    return lambda: path.open("rb")
