"""Synthetic images that somebody already has: handed out in order, so that they are scored as if made here."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tckr_bench.components import GeneratorComponent, Options
from tckr_bench.datasets import IMAGE_SUFFIXES, decode_images, fingerprint_once
from tckr_bench.errors import DatasetError, first_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import BinaryIO

    from tckr_bench.components import Context
    from tckr_bench.records import GenerationRequest, Images

_IMAGE_COLUMNS = ("image", "img")
_LABEL_COLUMNS = ("label", "labels", "class_name", "class", "fine_label")


class FolderOptions(Options):
    """Where a synthetic dataset lies that was made elsewhere."""

    path: Path = Field(
        default=Path("synthetic"),
        description="folder with <class>/* or train/<class>/*, or parquet with the columns image and label",
    )
    image_size: int | None = Field(
        default=None, ge=1, le=4096, description="width and height in pixels; the first image's shorter side if none"
    )


@dataclass(frozen=True)
class StoredImage:
    """One image as it lies there: what to call it, and how to open its bytes."""

    name: str
    open: Callable[[], BinaryIO]


class FolderGenerator:
    """Returns, for the k-th image asked of a class, the k-th stored image of that class."""

    def __init__(self, options: FolderOptions) -> None:
        self._path = options.path.expanduser()
        self._option = options.image_size

    @functools.cached_property
    def image_size(self) -> int:
        """Width and height in pixels of what `generate` returns."""
        return self._option or _shorter_side(next(iter(self._stored.values()))[0])

    def restore(self, weights: Path) -> None:
        """Ignore the weights: the images are made."""

    def generate(self, request: GenerationRequest, *, context: Context) -> Images:
        """Return (n, image_size, image_size, 3) uint8: of every image's class, the one with the image's rank.

        Raises:
            DatasetError: a class is not there or has too few images, or an image cannot be decoded.
        """
        assert len(request.ranks) == len(request), "the harness tells ranks and class names"
        chosen = []
        for label, rank in zip(request.prompts.labels.tolist(), request.ranks, strict=True):
            images = self._images_of(request.class_names[label], label)
            if rank >= len(images):
                raise DatasetError(self._too_few(request.class_names, label, rank))
            chosen.append(images[rank])
        context.progress(1.0)
        return decode_images(
            [image.open for image in chosen], names=[image.name for image in chosen], size=self.image_size
        )

    @functools.cached_property
    def _stored(self) -> Mapping[str, Sequence[StoredImage]]:
        return scan(self._path)

    def _images_of(self, name: str, label: int) -> Sequence[StoredImage]:
        """Return the images of a class, found by its name or, in parquet without names, by its index."""
        for key in (normalised(name), f"#{label}"):
            if key in self._stored:
                return self._stored[key]
        raise DatasetError(
            f"the synthetic dataset '{self._path}' has no images of the class '{name}'; add them, or use the class "
            f"names of the real dataset (found, for example, '{next(iter(self._stored))}')"
        )

    def _too_few(self, class_names: Sequence[str], label: int, rank: int) -> str:
        held = len(self._images_of(class_names[label], label))
        least = min(len(self._images_of(name, index)) for index, name in enumerate(class_names))
        return (
            f"the synthetic dataset '{self._path}' has {held} images of the class '{class_names[label]}', but image "
            f"{rank + 1} was asked for; ask for at most {least * len(class_names)} images, {least} for each of the "
            f"{len(class_names)} classes, by a lower cardinality"
        )


def normalised(name: str) -> str:
    """Return a class name as it compares: lower case, letters and digits alone.

    >>> normalised("Ankle_Boot") == normalised("ankle boot")
    True
    """
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def identify(path: Path) -> str:
    """Return a sha256 over the names and contents of a synthetic dataset's files.

    Raises:
        DatasetError: there are none.
    """
    root = _root(path.expanduser())
    files = _files(root)
    folder = root if root.is_dir() else root.parent
    return fingerprint_once(folder, files)


def scan(path: Path) -> Mapping[str, Sequence[StoredImage]]:
    """Return the stored images of every class in the order of their names; no image is opened.

    Classes are named by `normalised` folder names or labels, or by `#index` in parquet whose labels have no names.

    Raises:
        DatasetError: the folder is missing or empty, a link leaves it, or two classes have one name.
    """
    root = _root(path)
    files = _files(root)
    if files[0].suffix.lower() == ".parquet":
        folder = root if root.is_dir() else root.parent
        return _scan_parquet([folder / file for file in files])
    found: dict[str, list[StoredImage]] = {}
    folders: dict[str, str] = {}
    for file in files:
        key = normalised(file.parts[0])
        if folders.setdefault(key, file.parts[0]) != file.parts[0]:
            raise DatasetError(f"'{folders[key]}' and '{file.parts[0]}' in '{root}' name one class; merge them")
        found.setdefault(key, []).append(StoredImage(str(root / file), functools.partial(_open_file, root / file)))
    return found


def _open_file(path: Path) -> BinaryIO:
    return path.open("rb")


def _root(path: Path) -> Path:
    """Return the folder that holds the classes: the path itself, or its `train`."""
    if not path.exists():
        raise DatasetError(
            f"no synthetic dataset is at '{path}'; put it there as <class>/*, train/<class>/* or parquet files"
        )
    inner = path / "train"
    return (inner if inner.is_dir() and any(entry.is_dir() for entry in inner.iterdir()) else path).resolve()


def _files(root: Path) -> list[Path]:
    """Return the image files `<class>/...` of a folder, else its parquet files, relative to it and sorted."""
    if root.is_file():
        if root.suffix.lower() == ".parquet":
            return [root.relative_to(root.parent)]
        raise DatasetError(f"'{root}' is neither a folder nor a parquet file")
    paths = [path for path in root.rglob("*") if not any(part.startswith(".") for part in path.relative_to(root).parts)]
    leaving = next((path for path in paths if not path.resolve().is_relative_to(root)), None)
    if leaving is not None:
        raise DatasetError(f"'{leaving}' is a link that leaves the dataset's folder; copy what it points at")
    relative = sorted((path.relative_to(root) for path in paths if path.is_file()), key=lambda path: path.as_posix())
    images = [path for path in relative if path.suffix.lower() in IMAGE_SUFFIXES and len(path.parts) > 1]
    tables = [path for path in relative if path.suffix.lower() == ".parquet"]
    if not images and not tables:
        raise DatasetError(f"'{root}' holds no synthetic images; it needs <class>/*, train/<class>/* or parquet files")
    return images or tables


def _scan_parquet(paths: Sequence[Path]) -> Mapping[str, Sequence[StoredImage]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tckr_plugins.datasets.tables import feature_names

    found: dict[str, list[StoredImage]] = {}
    for path in paths:
        try:
            schema = pq.read_schema(path)
            image, label = (_column(schema.names, wanted, path) for wanted in (_IMAGE_COLUMNS, _LABEL_COLUMNS))
            labels = pq.read_table(path, columns=[label])[label].to_pylist()
        except (pa.ArrowException, OSError) as error:
            reason = first_line(error)
            raise DatasetError(f"'{path}' cannot be read as parquet ({reason}); mend or remove it") from error
        names = feature_names(schema, label) or ()
        for row, value in enumerate(labels):
            stored = StoredImage(f"{path}, row {row}", functools.partial(_open_row, path, image, row))
            found.setdefault(_key(value, names), []).append(stored)
    return found


def _column(names: Sequence[str], wanted: Sequence[str], path: Path) -> str:
    present = next((name for name in wanted if name in names), None)
    if present is None:
        raise DatasetError(
            f"'{path}' has no column '{wanted[0]}' (found: {', '.join(names)}); it needs the columns image and label"
        )
    return present


def _key(value: Any, names: Sequence[str]) -> str:  # noqa: ANN401 - a cell of a table
    if isinstance(value, str):
        return normalised(value)
    index = int(value) if isinstance(value, int) else -1
    return normalised(names[index]) if 0 <= index < len(names) else f"#{index}"


def _open_row(path: Path, column: str, row: int) -> BinaryIO:
    """Return the bytes of one image, stored plainly or as the library `datasets` does."""
    table = _open_table(path, column, path.stat().st_mtime_ns)
    value = table[column][row].as_py()
    data = value.get("bytes") if isinstance(value, dict) else value
    if not isinstance(data, bytes):
        raise DatasetError(f"'{path}', row {row}, holds no image bytes; store the images in the file")
    return io.BytesIO(data)


@functools.lru_cache(maxsize=4)
def _open_table(path: Path, column: str, _stamp: int) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Map a table's images into memory; a few files at once, not the whole dataset."""
    import pyarrow.parquet as pq

    return pq.read_table(path, columns=[column], memory_map=True)


def _shorter_side(image: StoredImage) -> int:
    from PIL import Image, UnidentifiedImageError

    try:
        with image.open() as stream, Image.open(stream) as opened:
            return min(opened.size)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise DatasetError(f"'{image.name}' cannot be decoded; mend or remove it") from error


FOLDER = GeneratorComponent(
    "folder",
    version="1",
    options=FolderOptions,
    load=FolderGenerator,
    summary="scores synthetic images you already have: <path>/<class>/*, or parquet; with the adapter 'none'",
    identity=lambda options: identify(options.path),
    argument="path",
    image_size=lambda options: options.image_size,
)
