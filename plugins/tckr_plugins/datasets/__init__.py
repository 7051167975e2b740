"""Built-in datasets: two that come with the package, the paper's ten, and one's own in folders or files."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

from tckr_bench.components import Component
from tckr_bench.hookspecs import hookimpl
from tckr_plugins.datasets.catalogue import CATALOGUE, HubSource
from tckr_plugins.datasets.options import (
    HubOptions,
    ImageFolderOptions,
    PackagedOptions,
    PaperDatasetOptions,
    ParquetOptions,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Dataset
    from tckr_bench.records import DatasetDescription
    from tckr_plugins.datasets.catalogue import DatasetSpec
    from tckr_plugins.datasets.digits import Digits
    from tckr_plugins.datasets.elsewhere import HubDataset
    from tckr_plugins.datasets.fashion import FashionMnist
    from tckr_plugins.datasets.folders import FolderDataset
    from tckr_plugins.datasets.paper import PaperDataset
    from tckr_plugins.datasets.tabledataset import TableDataset


def load_fashion_mnist(_options: PackagedOptions) -> FashionMnist:
    """Return the private half of Fashion-MNIST, which comes with the package."""
    from tckr_plugins.datasets.fashion import FashionMnist

    return FashionMnist()


def load_digits(_options: PackagedOptions) -> Digits:
    """Return scikit-learn's digits."""
    from tckr_plugins.datasets.digits import Digits

    return Digits()


def load_image_folder(options: ImageFolderOptions) -> FolderDataset:
    """Return the dataset in a folder of one's own."""
    from tckr_plugins.datasets.own import own_folder

    return own_folder(options.path.expanduser(), test_fraction=options.test_fraction)


def load_hub(options: HubOptions) -> HubDataset:
    """Return a dataset of the hub."""
    from tckr_plugins.datasets.elsewhere import HubDataset

    return HubDataset(HubSource(**options.model_dump()))


def load_parquet(options: ParquetOptions) -> TableDataset:
    """Return the dataset in tables of one's own."""
    from tckr_plugins.datasets.elsewhere import parquet_dataset
    from tckr_plugins.datasets.layout import Wanted
    from tckr_plugins.datasets.tables import Columns

    return parquet_dataset(
        options.path,
        Wanted(options.configuration, options.train_split, options.test_split),
        Columns(options.image_column, options.label_column),
        test_fraction=options.test_fraction,
    )


def load_paper_dataset(spec: DatasetSpec, options: PaperDatasetOptions) -> PaperDataset:
    """Return a dataset of the catalogue, from the copy on the hub that the options choose."""
    from tckr_plugins.datasets.paper import PaperDataset

    return PaperDataset(spec, chosen=_chosen_source(spec, options))


def _chosen_source(spec: DatasetSpec, options: PaperDatasetOptions) -> HubSource | None:
    """Return the source the options choose; None for the catalogue's own."""
    if not (options.source or options.revision):
        return None
    known = {source.id: source for source in (spec.source, *spec.alternatives)}
    source = known.get(options.source or spec.source.id, HubSource(options.source, test_split=""))
    return dataclasses.replace(source, revision=options.revision or source.revision)


@hookimpl
def register_datasets(register: Callable[[Component[Dataset]], None]) -> None:
    """Register every built-in dataset."""
    register(
        Component(
            "fashion-mnist",
            version="1",
            options=PackagedOptions,
            load=load_fashion_mnist,
            summary="the part of Fashion-MNIST that the miniature was not pretrained on; packaged",
        )
    )
    register(
        Component(
            "digits",
            version="1",
            options=PackagedOptions,
            load=load_digits,
            summary="scikit-learn's 1,797 handwritten digits of 8x8 pixels; packaged",
        )
    )
    register(
        Component(
            "imagefolder",
            version="1",
            options=ImageFolderOptions,
            load=load_image_folder,
            summary="your own images: imagefolder:<path> with <class>/* or {train,test}/<class>/*",
            argument="path",
        )
    )
    register(
        Component(
            "hub",
            version="1",
            options=HubOptions,
            load=load_hub,
            summary="any image dataset of the Hugging Face hub: hub:<owner>/<name>",
            argument="id",
        )
    )
    register(
        Component(
            "parquet",
            version="1",
            options=ParquetOptions,
            load=load_parquet,
            summary="your own images in parquet or Arrow files, as the hub stores them: parquet:<path>",
            argument="path",
        )
    )
    for spec in CATALOGUE:
        register(
            Component(
                spec.name,
                version="2",
                options=PaperDatasetOptions,
                load=functools.partial(load_paper_dataset, spec),
                summary=f"{spec.title}, at TCKR_BENCH_DATA/{spec.name} or hub:{spec.source.id}",
                groups=("paper-ten",),
                published=functools.partial(_published, spec),
            )
        )


def _published(spec: DatasetSpec, options: PaperDatasetOptions) -> DatasetDescription:
    return spec.published(_chosen_source(spec, options))
