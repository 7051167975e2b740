"""The private part of Fashion-MNIST, packaged as parquet; the miniature was pretrained on the other part."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.components import DatasetComponent, NoOptions
from tckr_bench.datasets import decode_images, fingerprint_files
from tckr_bench.errors import DatasetError
from tckr_bench.records import DatasetDescription, LabelledImages

if TYPE_CHECKING:
    from tckr_bench.records import Split

FOLDER = Path(__file__).parent / "fashion_mnist"
CLASS_NAMES = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
COUNTS = {"train": 2000, "validation": 500, "test": 2000}  # known here: importing pyarrow takes longer than the rest


class FashionMnist:
    """Packaged images of clothes with the splits train, validation and test."""

    def describe(self) -> DatasetDescription:
        """Return names, counts and the fingerprint of the packaged files.

        Raises:
            DatasetError: a packaged file is missing.
        """
        return DatasetDescription(
            name="fashion-mnist",
            class_names=CLASS_NAMES,
            counts=dict(COUNTS),
            fingerprint=fingerprint_files(FOLDER, [Path(_file(split).name) for split in COUNTS]),
            native_size="28x28",
            source="Fashion-MNIST (Xiao et al. 2017), the part the miniature was not pretrained on",
            licence="MIT",
        )

    def read(self, split: Split, *, size: int) -> LabelledImages:
        """Decode a split to (n, size, size, 3) uint8 in the order of the file."""
        import numpy as np
        from pyarrow import parquet

        table = parquet.read_table(_file(split), columns=["image", "label"])
        encoded = table.column("image").combine_chunks().field("bytes").to_pylist()
        images = decode_images(
            [partial(io.BytesIO, data) for data in encoded],
            names=[f"fashion-mnist {split} {row}" for row in range(len(encoded))],
            size=size,
        )
        return LabelledImages(images=images, labels=table.column("label").to_numpy().astype(np.int64))


def _file(split: str) -> Path:
    path = FOLDER / f"{split}.parquet"
    if not path.is_file():
        raise DatasetError(f"the packaged file '{path}' is missing; reinstall tckr-bench")
    return path


FASHION_MNIST = DatasetComponent(
    "fashion-mnist",
    version="1",
    options=NoOptions,
    load=lambda _options: FashionMnist(),
    summary="the part of Fashion-MNIST that the miniature was not pretrained on; packaged",
)
