"""Datasets that lie in folders: the ten of the paper by name, and any folder of one's own."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.datasets import (
    DATA_VARIABLE,
    ImageFolder,
    data_root,
    fingerprint_files,
    read_image_folder,
    scan_image_folder,
)
from tckr_bench.records import DatasetDescription, LabelledImages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tckr_bench.records import Split


@dataclass(frozen=True)
class FolderFacts:
    """What is known of a folder dataset without its files."""

    name: str
    source: str
    native_size: str
    licence: str


PAPER_DATASETS = (
    FolderFacts("cifar10", "CIFAR-10 (Krizhevsky 2009)", "32x32", "not stated"),
    FolderFacts("cifar100", "CIFAR-100 (Krizhevsky 2009)", "32x32", "not stated"),
    FolderFacts("oxford_pets", "Oxford-IIIT Pet (Parkhi et al. 2012)", "photographs", "CC BY-SA 4.0"),
    FolderFacts("tiny_imagenet", "Tiny ImageNet (Le and Yang 2015)", "64x64", "ImageNet terms"),
    FolderFacts("stanford_cars", "Stanford Cars (Krause et al. 2013)", "photographs", "not stated"),
    FolderFacts("food101", "Food-101 (Bossard et al. 2014)", "up to 512x512", "Foodspotting, scientific fair use"),
    FolderFacts("stl10", "STL-10 (Coates et al. 2011)", "96x96", "ImageNet terms"),
    FolderFacts("imagewoof", "Imagewoof (Howard 2019)", "photographs", "ImageNet terms"),
    FolderFacts("imagenette", "Imagenette (Howard 2019)", "photographs", "ImageNet terms"),
    FolderFacts("caltech101", "Caltech-101 (Fei-Fei et al. 2004)", "about 300x200", "CC BY 4.0"),
)


class FolderDataset:
    """A dataset at `<root>/{train,test}/<class>/*`, with an optional `validation`."""

    def __init__(self, locate: Callable[[], Path], facts: FolderFacts, *, remedy: str) -> None:
        self._locate = locate
        self._facts = facts
        self._remedy = remedy

    @functools.cached_property
    def _folder(self) -> ImageFolder:
        return scan_image_folder(self._locate(), name=self._facts.name, remedy=self._remedy)

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
            source=self._facts.source,
            licence=self._facts.licence,
        )

    def read(self, split: Split, *, size: int) -> LabelledImages:
        """Decode a split to (n, size, size, 3) uint8, ordered by class folder and file name."""
        return read_image_folder(self._folder, split, size=size, name=self._facts.name)


def paper_dataset(facts: FolderFacts) -> FolderDataset:
    """Return one of the paper's datasets, found under the data root."""
    return FolderDataset(
        lambda: data_root() / facts.name,
        facts,
        remedy=f"set {DATA_VARIABLE} to the folder that holds it, or use another dataset",
    )


def own_folder(path: Path) -> FolderDataset:
    """Return the dataset in a folder of one's own; its path is not part of what is published."""
    facts = FolderFacts("imagefolder", "a local folder", "as found", "not stated")
    return FolderDataset(lambda: path, facts, remedy="or set the option 'path'")
