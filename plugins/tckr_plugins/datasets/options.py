"""Options of the datasets that lie in tables."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from tckr_bench.components import Options
from tckr_plugins.datasets.catalogue import TEST_FRACTION

# No part of a name may lead out of the folder that is made from it.
_WORD = r"[A-Za-z0-9][\w-]*(\.[\w-]+)*"
_IDENTIFIER = rf"^({_WORD}(/{_WORD})?)?$"
_REVISION = rf"^({_WORD}(/{_WORD})*)?$"
_NAME = rf"^({_WORD})?$"


class PaperDatasetOptions(Options):
    """Which copy of a dataset of the paper to use, where it is not the one the catalogue names."""

    source: str = Field(
        default="", pattern=_IDENTIFIER, description="identifier of another copy on the hub; passes over the data root"
    )
    revision: str = Field(
        default="", pattern=_REVISION, description="branch, tag or commit on the hub; passes over the data root"
    )


class TableOptions(Options):
    """How the tables of one's own data are laid out."""

    configuration: str = Field(default="", pattern=_NAME, description="part of the dataset, where it has several")
    image_column: str = Field(default="image", description="column with the encoded images")
    label_column: str = Field(default="label", description="column with the labels, as numbers or texts")
    train_split: str = Field(default="train", pattern=_NAME, description="name of the training split")
    test_split: str = Field(
        default="",
        pattern=_NAME,
        description="name of the split to test on; if empty, the first of test, validation, valid and val",
    )
    test_fraction: float = Field(
        default=TEST_FRACTION,
        gt=0,
        lt=1,
        description="share of the training split that is set aside, stratified, where there is no split to test on",
    )


class HubOptions(TableOptions):
    """Which dataset of the hub."""

    id: str = Field(default="", pattern=_IDENTIFIER, description="identifier on the Hugging Face hub: owner/name")
    revision: str = Field(default="main", pattern=_REVISION, description="branch, tag or commit")


class ParquetOptions(TableOptions):
    """Where one's own tables lie."""

    path: Path = Field(
        default=Path("data.parquet"), description="a parquet or Arrow file, or a folder with files named after splits"
    )
