"""Datasets that lie in folders."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.datasets import (
    ImageFolder,
    encoded_folder_images,
    fingerprint_files,
    read_image_folder,
    scan_image_folder,
)
from tckr_bench.records import DatasetDescription, LabelledImages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tckr_bench.records import EncodedImage, Split


@dataclass(frozen=True)
class FolderFacts:
    """What is known of a folder dataset without its files."""

    name: str
    source: str
    native_size: str
    licence: str


class FolderDataset:
    """A dataset at `<root>/{train,test}/<class>/*`, with an optional `validation`; plain with a `test_fraction`."""

    def __init__(
        self, locate: Callable[[], Path], facts: FolderFacts, *, remedy: str, test_fraction: float | None = None
    ) -> None:
        self._locate = locate
        self._facts = facts
        self._remedy = remedy
        self._test_fraction = test_fraction

    @functools.cached_property
    def _folder(self) -> ImageFolder:
        return scan_image_folder(
            self._locate(), name=self._facts.name, remedy=self._remedy, test_fraction=self._test_fraction
        )

    @property
    def _source(self) -> str:
        if not self._folder.split_here:
            return self._facts.source
        share = 100 * (self._test_fraction or 0)
        return f"{self._facts.source}; {share:.4g} % of every class set aside at random as test images"

    def describe(self) -> DatasetDescription:
        """Return names, counts and the fingerprint over names and contents of all image files.

        Raises:
            DatasetError: the data is not there or not usable; the sentence says what to do.
        """
        folder = self._folder
        files = [path for paths in folder.files.values() for path in paths]
        return DatasetDescription(
            name=self._facts.name,
            class_names=folder.class_names,
            counts=folder.counts,
            fingerprint=fingerprint_files(folder.root, files),
            native_size=self._facts.native_size,
            source=self._source,
            licence=self._facts.licence,
        )

    def read(self, split: Split, *, size: int) -> LabelledImages:
        """Decode a split to (n, size, size, 3) uint8, ordered by class folder and file name."""
        return read_image_folder(self._folder, split, size=size, name=self._facts.name)

    def encoded_images(self, split: Split) -> Iterator[EncodedImage]:
        """Yield every image of a split as it is stored, in the order of `read`, named by its path in the folder."""
        return encoded_folder_images(self._folder, split, name=self._facts.name)

    def image_names(self, split: Split) -> tuple[str, ...]:
        """Return the path of each image within the folder, in the order of `read`."""
        return tuple(path.as_posix() for path in self._folder.files[split])

    @property
    def ignored_files(self) -> tuple[str, ...]:
        """Paths within the folder of the files in class folders that are no images."""
        return tuple(path.as_posix() for path in self._folder.ignored)
