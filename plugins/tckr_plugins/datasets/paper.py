"""The ten datasets of the paper: found in the data root, then in the Hugging Face cache; fetched only when asked to."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

from tckr_bench.datasets import DATA_VARIABLE, ImageFolder, data_root, scan_image_folder
from tckr_bench.datasets.fetching import Whereabouts
from tckr_bench.errors import DatasetError
from tckr_plugins.datasets.catalogue import CONVERTED
from tckr_plugins.datasets.fetching import fetch_limited, plan_fetch, readable_size, refuse_occupied
from tckr_plugins.datasets.finding import holds_class_folders, in_data_root, tables_in_cache, tables_in_folder
from tckr_plugins.datasets.folders import FolderDataset, FolderFacts
from tckr_plugins.datasets.hub import HubRemote
from tckr_plugins.datasets.naming import match_classes
from tckr_plugins.datasets.tabledataset import ClassOrder, TableDataset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tckr_bench.datasets.fetching import FetchPlan
    from tckr_bench.records import DatasetDescription, EncodedImage, LabelledImages, Split
    from tckr_plugins.datasets.catalogue import DatasetSpec, HubSource
    from tckr_plugins.datasets.hub import Remote
    from tckr_plugins.datasets.tabledataset import TableFiles
    from tckr_plugins.datasets.tables import NamedLabels


@dataclasses.dataclass(frozen=True)
class _Found:
    dataset: CatalogueFolder | TableDataset
    at: str
    cached: bool = False


class PaperDataset:
    """A dataset of the catalogue, with its class names and label order wherever it lies and however it is stored."""

    def __init__(self, spec: DatasetSpec, *, chosen: HubSource | None = None, remote: Remote | None = None) -> None:
        """Take the facts, the copy on the hub if it is not the catalogue's (then the data root is passed over)."""
        self._spec = spec
        self._chosen = chosen
        self._remote = remote or HubRemote(self._source.id, self._source.revision)

    def describe(self) -> DatasetDescription:
        """Return names, counts and the content fingerprint; of a subset, the classes that are there, in label order.

        Raises:
            DatasetError: the dataset is not on disk, or not usable; the sentence says what to do.
        """
        found = self._required
        description = found.dataset.describe()
        # Elsewhere the names of the files tell how many there are of a split.
        if found.cached and self._source.revision == CONVERTED and not self._chosen:
            for split, published in self._spec.counts.items():
                if description.counts[split] < published:
                    raise DatasetError(
                        f"the cached copy of '{self._spec.name}' has {description.counts[split]:,} of {published:,} "
                        f"{split} images; complete it with `tckr-bench datasets prepare {self._spec.name}`"
                    )
        return description

    def read(self, split: Split, *, size: int) -> LabelledImages:
        """Decode a split to (n, size, size, 3) uint8, in a fixed order."""
        return self._required.dataset.read(split, size=size)

    def encoded_images(self, split: Split) -> Iterator[EncodedImage]:
        """Yield every image of a split as it is stored, in the order of `read`."""
        return self._required.dataset.encoded_images(split)

    def image_names(self, split: Split) -> tuple[str, ...]:
        """Return the path of each image within its folder, in the order of `read`; none of images in tables."""
        dataset = self._required.dataset
        return dataset.image_names(split) if isinstance(dataset, FolderDataset) else ()

    @property
    def ignored_files(self) -> tuple[str, ...]:
        """Paths of the files in class folders that are no images."""
        dataset = self._required.dataset
        return dataset.ignored_files if isinstance(dataset, FolderDataset) else ()

    def whereabouts(self) -> Whereabouts | None:
        """Return where the dataset was found and its counts; None where it is not on disk."""
        found = self._found
        return Whereabouts(found.at, found.dataset.count(), own=not found.cached) if found else None

    def published(self) -> DatasetDescription:
        """Return the dataset as published."""
        return self._spec.published(self._chosen)

    @property
    def download_size(self) -> int:
        """Bytes to fetch, about."""
        return self._spec.download_bytes

    def plan_fetch(self, *, limit_per_class: int | None) -> FetchPlan:
        """Ask the hub for the files of the splits, and say where they would go.

        Raises:
            DatasetError: the hub cannot be reached, or the folder for a limited copy is not free.
        """
        folder = self._limited_folder if limit_per_class else None
        if folder:
            refuse_occupied(folder, name=self._spec.name)
        return plan_fetch(self._remote, self._source, limit_per_class=limit_per_class, folder=folder)

    def fetch(self, plan: FetchPlan, *, progress: Callable[[float], None]) -> None:
        """Fetch into the Hugging Face cache or, where the number of images is limited, into the data root."""
        if plan.limit_per_class:
            fetch_limited(self._remote, self._source, plan, self._limited_folder, progress=progress)
        else:
            self._remote.download(plan.files)
        self.__dict__.pop("_found", None)  # look again

    @property
    def _source(self) -> HubSource:
        return self._chosen or self._spec.source

    @property
    def _limited_folder(self) -> Path:
        return data_root() / self._spec.name

    @property
    def _required(self) -> _Found:
        if self._found is None:
            name, source = self._spec.name, f" --set source={self._chosen.id}" if self._chosen else ""
            raise DatasetError(
                f"the dataset '{name}' is not on this computer; fetch it (about "
                f"{readable_size(self._spec.download_bytes)}) with `tckr-bench datasets prepare {name}{source}`, "
                f"or put it at {DATA_VARIABLE}/{name} as train/<class>/* and test/<class>/*"
            )
        return self._found

    @functools.cached_property
    def _found(self) -> _Found | None:
        folder = None if self._chosen else in_data_root(self._spec.name)
        if folder is not None and holds_class_folders(folder):
            return _Found(CatalogueFolder(self._spec, folder), str(folder))
        if folder is not None:
            files = tables_in_folder(folder, self._source, what=f"'{folder}'")
            return _Found(self._table(files, self._spec.title), str(folder))
        cached = tables_in_cache(self._source)
        if cached is None:
            return None
        dataset = self._table(cached, f"{self._spec.title}, hub:{self._source.id}")
        return _Found(dataset, str(cached.root), cached=True)

    def _table(self, files: TableFiles, source: str) -> TableDataset:
        facts = dataclasses.replace(_facts(self._spec), source=source)
        return TableDataset(lambda: files, facts, order=functools.partial(catalogue_order, self._spec))


class CatalogueFolder(FolderDataset):
    """Class folders of a dataset of the catalogue: all of them or some, however they are spelled."""

    def __init__(self, spec: DatasetSpec, folder: Path) -> None:
        super().__init__(lambda: folder, _facts(spec), remedy="or fetch it")
        self._spec = spec

    @functools.cached_property
    def _folder(self) -> ImageFolder:
        scanned = scan_image_folder(self._locate(), name=self._spec.name, remedy=self._remedy)
        return in_catalogue_order(scanned, self._spec)

    def count(self) -> dict[str, int]:
        """Return the number of images per split."""
        return self._folder.counts


def in_catalogue_order(folder: ImageFolder, spec: DatasetSpec) -> ImageFolder:
    """Return a folder with the names and the label order of the catalogue, restricted to the classes it has.

    Raises:
        DatasetError: a class folder is none of the dataset's, or two are the same.
    """
    positions = match_classes(folder.class_names, spec.spellings, dataset=spec.name)
    index = {position: label for label, position in enumerate(sorted(positions))}
    new_label = [index[position] for position in positions]
    files: dict[Split, tuple[Path, ...]] = {}
    labels: dict[Split, tuple[int, ...]] = {}
    for split, paths in folder.files.items():
        relabelled = [(new_label[label], path) for label, path in zip(folder.labels[split], paths, strict=True)]
        relabelled.sort(key=lambda pair: pair[0])  # stable: within a class the order stays
        files[split] = tuple(path for _, path in relabelled)
        labels[split] = tuple(label for label, _ in relabelled)
    names = tuple(spec.class_names[position] for position in sorted(positions))
    return dataclasses.replace(folder, class_names=names, files=files, labels=labels)


def catalogue_order(spec: DatasetSpec, found: NamedLabels) -> ClassOrder:
    """Return the catalogue's class order for the names a file uses; plain numbers count in published label order.

    Raises:
        DatasetError: a name is none of the dataset's, or a number is out of range.
    """
    if not found.numbered:
        positions = match_classes(found.names, spec.spellings, dataset=spec.name)
        return ClassOrder(spec.class_names, dict(zip(found.names, positions, strict=True)))
    largest = max((int(name) for name in found.names), default=0)
    if largest >= len(spec.class_names):
        raise DatasetError(
            f"the dataset '{spec.name}' has {len(spec.class_names)} classes, but a label is {largest}; "
            "check the option source"
        )
    return ClassOrder(spec.class_names, {str(label): label for label in range(len(spec.class_names))})


def _facts(spec: DatasetSpec) -> FolderFacts:
    return FolderFacts(spec.name, spec.title, spec.native_size, spec.licence)
