"""Built-in datasets: two that come with the package, the ten of the paper, and any folder of images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from tckr_bench.components import Component, Options
from tckr_bench.hookspecs import hookimpl
from tckr_plugins.datasets.folders import (
    PAPER_DATASETS,
    FolderDataset,
    FolderFacts,
    paper_dataset,
)
from tckr_plugins.datasets.own import own_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Dataset
    from tckr_plugins.datasets.digits import Digits
    from tckr_plugins.datasets.fashion import FashionMnist


class PackagedOptions(Options):
    """A dataset that comes with the package has no options."""


class PaperDatasetOptions(Options):
    """A dataset of the paper is found by its name under `TCKR_BENCH_DATA`; it has no options."""


class ImageFolderOptions(Options):
    """Where one's own images lie."""

    path: Path = Field(
        default=Path("data"),
        description="folder with <class>/*, or with train/<class>/*, test/<class>/* and perhaps validation/<class>/*",
    )
    test_fraction: float = Field(
        default=0.2,
        gt=0,
        lt=1,
        description="share of every class that becomes the test split, where the folder has no splits",
    )


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
    return own_folder(options.path.expanduser(), test_fraction=options.test_fraction)


def _paper_loader(facts: FolderFacts) -> Callable[[PaperDatasetOptions], FolderDataset]:
    return lambda _options: paper_dataset(facts)


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
    for facts in PAPER_DATASETS:
        register(
            Component(
                facts.name,
                version="1",
                options=PaperDatasetOptions,
                load=_paper_loader(facts),
                summary=f"{facts.source}, at TCKR_BENCH_DATA/{facts.name}",
            )
        )
