"""A folder of one's own photographs, with splits or plain class folders."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from tckr_bench.components import DatasetComponent, Options
from tckr_plugins.datasets.folders import FolderDataset, FolderFacts


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


def own_folder(options: ImageFolderOptions) -> FolderDataset:
    """Return the dataset in a folder of one's own; its path is not part of what is published."""
    facts = FolderFacts("imagefolder", "a local folder", "as found", "not stated")
    return FolderDataset(
        options.path.expanduser,
        facts,
        remedy="or give another folder as imagefolder:PATH",
        test_fraction=options.test_fraction,
    )


IMAGE_FOLDER = DatasetComponent(
    "imagefolder",
    version="1",
    options=ImageFolderOptions,
    load=own_folder,
    summary="your own images: imagefolder:<path> with <class>/* or {train,test}/<class>/*",
    argument="path",
)
