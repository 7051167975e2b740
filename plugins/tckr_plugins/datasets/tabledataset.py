"""A dataset in parquet files: its classes, splits and images, wherever the files were found."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.datasets import decode_images, fingerprint_files, stratified_split
from tckr_bench.errors import DatasetError
from tckr_bench.records import DatasetDescription, EncodedImage, LabelledImages
from tckr_plugins.datasets.catalogue import SPLIT_SEED, share_for_testing
from tckr_plugins.datasets.tables import Columns, NamedLabels, count_rows, encoded_rows, read_labels

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tckr_bench.records import Labels, Split
    from tckr_plugins.datasets.folders import FolderFacts


@dataclass(frozen=True)
class TableFiles:
    """Parquet files of a dataset.

    Attributes:
        root: the folder that the paths are relative to.
        files: paths by split; without `test`, a share of `train` is set aside.
        columns: names of the columns with images and labels.
        test_fraction: the share set aside, of every class.
    """

    root: Path
    files: Mapping[Split, tuple[str, ...]]
    columns: Columns
    test_fraction: float

    def paths(self, split: Split) -> tuple[Path, ...]:
        """Return the files of a split; those of `train` for the test images set aside."""
        return tuple(self.root / name for name in self.files[split if split in self.files else "train"])


@dataclass(frozen=True)
class ClassOrder:
    """Class names in label order, and for each name a file uses the index of its class."""

    names: tuple[str, ...]
    index: Mapping[str, int]


@dataclass(frozen=True)
class _Contents:
    """What the label columns say: class names, and per split the labels and, of a split made here, the rows."""

    class_names: tuple[str, ...]
    labels: Mapping[Split, Labels]
    rows: Mapping[Split, Labels]


class TableDataset:
    """A dataset in parquet files."""

    def __init__(
        self, locate: Callable[[], TableFiles], facts: FolderFacts, *, order: Callable[[NamedLabels], ClassOrder]
    ) -> None:
        """Take how to find the files, what is known without them, and how to name and order the classes of `train`."""
        self._locate = locate
        self._facts = facts
        self._order = order

    @functools.cached_property
    def _table(self) -> TableFiles:
        return self._locate()

    def describe(self) -> DatasetDescription:
        """Return names, counts and the fingerprint over the contents of all files; no image is decoded.

        Raises:
            DatasetError: the data is not there or not usable; the sentence says what to do.
        """
        contents = self._contents
        files = [Path(name) for names in self._table.files.values() for name in names]
        return DatasetDescription(
            name=self._facts.name,
            class_names=contents.class_names,
            counts={split: len(labels) for split, labels in contents.labels.items()},
            fingerprint=fingerprint_files(self._table.root, files),
            native_size=self._facts.native_size,
            source=self._source,
            licence=self._facts.licence,
        )

    def read(self, split: Split, *, size: int) -> LabelledImages:
        """Decode a split to (n, size, size, 3) uint8 in the order of the rows, a batch at a time.

        Raises:
            DatasetError: there is no such split, or an image cannot be decoded (its row is named).
        """
        import numpy as np

        labels = self._labels(split)
        images = np.empty((len(labels), size, size, 3), dtype=np.uint8)
        done = 0
        for batch in encoded_rows(self._table.paths(split), self._table.columns, self._contents.rows.get(split)):
            end = done + len(batch.names)
            images[done:end] = decode_images(batch.sources, names=batch.names, size=size)
            done = end
        return LabelledImages(images=images, labels=labels)

    def encoded_images(self, split: Split) -> Iterator[EncodedImage]:
        """Yield every image of a split as it is stored, in the order of `read`, named by its file and row."""
        labels = iter(self._labels(split).tolist())
        for batch in encoded_rows(self._table.paths(split), self._table.columns, self._contents.rows.get(split)):
            for name, source in zip(batch.names, batch.sources, strict=True):
                yield EncodedImage(name, next(labels), source)

    def count(self) -> dict[str, int]:
        """Return the number of images per split from the footers of the files, without the rest of `describe`."""
        counts: dict[str, int] = {split: count_rows(self._table.paths(split)) for split in self._table.files}
        if "test" not in counts:
            counts["test"] = share_for_testing(counts["train"], self._table.test_fraction)
            counts["train"] -= counts["test"]
        return counts

    @property
    def _source(self) -> str:
        if "test" in self._table.files:
            return self._facts.source
        return (
            f"{self._facts.source}; {self._table.test_fraction:.4g} of the images set aside for testing, "
            f"stratified, seed {SPLIT_SEED}"
        )

    def _labels(self, split: Split) -> Labels:
        known = self._contents.labels
        if split not in known:
            raise DatasetError(f"the dataset '{self._facts.name}' has no split '{split}'; found: {', '.join(known)}")
        return known[split]

    @functools.cached_property
    def _contents(self) -> _Contents:
        table = self._table
        found = {split: read_labels(table.paths(split), table.columns) for split in table.files}
        order = self._order(found["train"].used())
        labels = {split: self._in_order(named, order, split=split) for split, named in found.items()}
        names, labels = _present(order.names, labels, dataset=self._facts.name)
        if "test" in labels:
            return _Contents(names, labels, {})
        train, test = _set_aside(labels["train"], table.test_fraction, dataset=self._facts.name)
        whole = labels["train"]
        made: dict[Split, Labels] = {**labels, "train": whole[train], "test": whole[test]}
        return _Contents(names, made, {"train": train, "test": test})

    def _in_order(self, named: NamedLabels, order: ClassOrder, *, split: Split) -> Labels:
        """Return labels as indices of the ordered classes."""
        import numpy as np

        used = np.unique(named.codes).tolist()
        table = np.full(len(named.names), -1, dtype=np.int64)
        for code in used:
            position = order.index.get(named.names[code])
            if position is None:
                raise DatasetError(
                    f"the dataset '{self._facts.name}' has the class '{named.names[code]}' in {split} but not in "
                    "train; add its training images or remove it"
                )
            table[code] = position
        return table[named.codes]


def _present(
    names: Sequence[str], labels: Mapping[Split, Labels], *, dataset: str
) -> tuple[tuple[str, ...], dict[Split, Labels]]:
    """Leave out the classes that have no images; their order stays.

    Raises:
        DatasetError: there are no training images, or a class has images elsewhere but none in `train`.
    """
    import numpy as np

    there = np.unique(labels["train"])
    if not there.size:
        raise DatasetError(f"the dataset '{dataset}' has no training images; fetch or copy its files again")
    for split, found in labels.items():
        missing = np.setdiff1d(found, there)
        if missing.size:
            raise DatasetError(
                f"the dataset '{dataset}' has the class '{names[missing[0]]}' in {split} but not in train; "
                "add its training images or remove it"
            )
    return tuple(names[i] for i in there.tolist()), {
        split: np.searchsorted(there, found).astype(np.int64) for split, found in labels.items()
    }


def _set_aside(labels: Labels, fraction: float, *, dataset: str) -> tuple[Labels, Labels]:
    import numpy as np

    test = share_for_testing(len(labels), fraction)
    kept, aside = stratified_split(labels, (len(labels) - test, test), seed=SPLIT_SEED)
    if np.unique(labels[kept]).size < np.unique(labels).size:
        raise DatasetError(
            f"the dataset '{dataset}' has no test split, and a class with too few images to set some aside; "
            "add images or lower test_fraction"
        )
    return kept, aside
