"""The three folders of an audit, listed without opening an image, and read once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.datasets import decode_with_shapes, list_images
from tckr_bench.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from tckr_bench.records import Floats, Images, Indices

SIDE = 32
"""Pixels a side at which images are compared, whatever their own size: what the attacks on images look at."""
_AT_ONCE = 256


@dataclass(frozen=True)
class ListedFolder:
    """A folder of images, none of them opened.

    Attributes:
        name: what its images are called in sentences, such as `training images`.
        root: the folder.
        files: paths relative to it, those in folders within it as well.
        ignored: how many other files lie there.
    """

    name: str
    root: Path
    files: tuple[Path, ...]
    ignored: int

    def opener(self, place: int) -> Callable[[], BinaryIO]:
        """Return what opens one of the files."""
        path = self.root / self.files[place]
        return lambda: path.open("rb")


@dataclass(frozen=True)
class AuditFolders:
    """The synthetic images, those they were made from, and others of the same source that nothing was made from."""

    synthetic: ListedFolder
    train: ListedFolder
    holdout: ListedFolder


@dataclass(frozen=True)
class ReadFolder:
    """The n images of a folder.

    Attributes:
        images: (n, SIDE, SIDE, 3) uint8.
        files: (n, 3) float64: width and height in pixels and size in bytes, as stored.
        places: which file of the listed folder each is, (n,) int64.
    """

    images: Images
    files: Floats
    places: Indices

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, chosen: Indices) -> ReadFolder:
        return ReadFolder(self.images[chosen], self.files[chosen], self.places[chosen])


@dataclass(frozen=True)
class DistinctImages:
    """Training and hold-out images, each picture once.

    Attributes:
        shared: pictures that were in both folders, and are in neither now.
        repeated: further copies of a picture within its folder, left out.
    """

    train: ReadFolder
    holdout: ReadFolder
    shared: int
    repeated: int


def list_folders(synthetic: Path, *, train: Path, holdout: Path) -> AuditFolders:
    """List the images of the three folders, flat or with folders in them.

    Raises:
        DatasetError: a folder is missing, holds no images, or is another one or lies within it.
    """
    given = {"synthetic images": synthetic, "training images": train, "hold-out images": holdout}
    roots = {name: root.expanduser() for name, root in given.items()}
    for name, root in roots.items():
        for other, base in roots.items():
            if name != other and root.is_dir() and base.is_dir() and root.resolve().is_relative_to(base.resolve()):
                same = "is that of" if root.resolve() == base.resolve() else "lies within that of"
                raise DatasetError(f"the folder of the {name} '{root}' {same} the {other}; give three apart")
    found = [_listed(name, root) for name, root in roots.items()]
    return AuditFolders(*found)


def _listed(name: str, root: Path) -> ListedFolder:
    files, ignored = list_images(root, name=name)
    return ListedFolder(name, root.resolve(), files, len(ignored))


def read_folder(folder: ListedFolder, *, progress: Callable[[float], None]) -> ReadFolder:
    """Decode every image of a folder, squeezed to a square of `SIDE` pixels.

    Raises:
        DatasetError: an image cannot be decoded; names the file.
    """
    parts, shapes = [], []
    for start in range(0, len(folder.files), _AT_ONCE):
        places = range(start, min(start + _AT_ONCE, len(folder.files)))
        paths = [folder.root / folder.files[place] for place in places]
        openers = [folder.opener(place) for place in places]
        images, sizes = decode_with_shapes(openers, names=[str(path) for path in paths], size=SIDE)
        parts.append(images)
        shapes.append(np.column_stack([sizes, [path.stat().st_size for path in paths]]).astype(np.float64))
        progress((start + len(paths)) / len(folder.files))
    return ReadFolder(np.concatenate(parts), np.concatenate(shapes), np.arange(len(folder.files)))


def distinct(train: ReadFolder, holdout: ReadFolder) -> DistinctImages:
    """Leave out pictures that are in both folders, and further copies within one, by their pixels at `SIDE`."""
    keys = [[_digest(image) for image in folder.images] for folder in (train, holdout)]
    shared = set(keys[0]) & set(keys[1])
    kept = [_firsts(part, without=shared) for part in keys]
    alone = sum(key not in shared for part in keys for key in part)
    repeated = alone - sum(map(len, kept))
    return DistinctImages(train[kept[0]], holdout[kept[1]], len(shared), repeated)


def count_released(synthetic: ReadFolder, among: ReadFolder) -> int:
    """Return how many images of a folder are among the synthetic ones, pixel by pixel at `SIDE`."""
    made = {_digest(image) for image in synthetic.images}
    return sum(_digest(image) in made for image in among.images)


def _digest(image: Images) -> bytes:
    return hashlib.sha256(image.tobytes()).digest()


def _firsts(keys: list[bytes], *, without: set[bytes]) -> Indices:
    """Return where each key comes first, in order, but for some."""
    firsts: dict[bytes, int] = {}
    for index, key in enumerate(keys):
        if key not in without:
            firsts.setdefault(key, index)
    return np.fromiter(firsts.values(), dtype=np.int64, count=len(firsts))
