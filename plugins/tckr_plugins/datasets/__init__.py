"""Built-in datasets: two that come with the package, the paper's ten, and one's own in folders or files."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from tckr_bench.components import DatasetComponent, lazily
from tckr_bench.hookspecs import hookimpl
from tckr_plugins.datasets.catalogue import CATALOGUE, HubSource
from tckr_plugins.datasets.digits import DIGITS
from tckr_plugins.datasets.fashion import FASHION_MNIST
from tckr_plugins.datasets.options import HubOptions, PaperDatasetOptions, ParquetOptions
from tckr_plugins.datasets.own import IMAGE_FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.records import DatasetDescription
    from tckr_plugins.datasets.catalogue import DatasetSpec
    from tckr_plugins.datasets.paper import PaperDataset

HUB = DatasetComponent(
    "hub",
    version="1",
    options=HubOptions,
    load=lazily("tckr_plugins.datasets.elsewhere", "hub_dataset"),
    summary="any image dataset of the Hugging Face hub: hub:<owner>/<name>",
    argument="id",
)
PARQUET = DatasetComponent(
    "parquet",
    version="1",
    options=ParquetOptions,
    load=lazily("tckr_plugins.datasets.elsewhere", "parquet_dataset"),
    summary="your own images in parquet or Arrow files, as the hub stores them: parquet:<path>",
    argument="path",
)


def paper_component(spec: DatasetSpec) -> DatasetComponent:
    """Return the component of a dataset of the catalogue."""

    def load(options: PaperDatasetOptions) -> PaperDataset:
        from tckr_plugins.datasets.paper import PaperDataset

        return PaperDataset(spec, chosen=_chosen_source(spec, options))

    def published(options: PaperDatasetOptions) -> DatasetDescription:
        return spec.published(_chosen_source(spec, options))

    return DatasetComponent(
        spec.name,
        version="2",
        options=PaperDatasetOptions,
        load=load,
        summary=f"{spec.title}, at TCKR_BENCH_DATA/{spec.name} or hub:{spec.source.id}",
        groups=("paper-ten",),
        published=published,
    )


def _chosen_source(spec: DatasetSpec, options: PaperDatasetOptions) -> HubSource | None:
    """Return the source the options choose; None for the catalogue's own."""
    if not (options.source or options.revision):
        return None
    known = {source.id: source for source in (spec.source, *spec.alternatives)}
    source = known.get(options.source or spec.source.id, HubSource(options.source, test_split=""))
    return dataclasses.replace(source, revision=options.revision or source.revision)


@hookimpl
def register_datasets(register: Callable[[DatasetComponent], None]) -> None:
    """Register the built-in datasets."""
    for component in (FASHION_MNIST, DIGITS, IMAGE_FOLDER, HUB, PARQUET, *map(paper_component, CATALOGUE)):
        register(component)
