"""The 1,797 handwritten digits that come with scikit-learn, read without importing it."""

from __future__ import annotations

import hashlib
import importlib.util
import io
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.components import DatasetComponent, NoOptions
from tckr_bench.datasets import resize_to_rgb, stratified_split
from tckr_bench.errors import DatasetError
from tckr_bench.records import DatasetDescription, LabelledImages

if TYPE_CHECKING:
    from tckr_bench.records import Split

CLASS_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
COUNTS: dict[str, int] = {"train": 1000, "validation": 200, "test": 597}
SPLIT_SEED = 0
_SIDE = 8
_LEVELS = 16  # grey values of the source run from 0 to 16


class Digits:
    """scikit-learn's digits with a fixed, stratified split."""

    def describe(self) -> DatasetDescription:
        """Return names, counts and the sha256 of the packaged file.

        Raises:
            DatasetError: scikit-learn, which carries the file, is not installed.
        """
        return DatasetDescription(
            name="digits",
            class_names=CLASS_NAMES,
            counts=dict(COUNTS),
            fingerprint=hashlib.sha256(_packaged_file().read_bytes()).hexdigest(),
            native_size="8x8",
            source="scikit-learn, from the UCI Optical Recognition of Handwritten Digits",
            licence="CC BY 4.0",
        )

    def read(self, split: Split, *, size: int) -> LabelledImages:
        """Return a split as (n, size, size, 3) uint8: grey levels 0-16 scaled to 0-255, then resized."""
        import gzip

        import numpy as np
        from PIL import Image

        text = gzip.decompress(_packaged_file().read_bytes())
        table = np.loadtxt(io.BytesIO(text), delimiter=",", dtype=np.int64)
        levels, labels = table[:, :-1].reshape(-1, _SIDE, _SIDE), table[:, -1]
        parts = stratified_split(labels, tuple(COUNTS.values()), seed=SPLIT_SEED)
        chosen = dict(zip(COUNTS, parts, strict=True))[split]
        grey = np.round(levels[chosen] * (255 / _LEVELS)).astype(np.uint8)
        images = np.stack([resize_to_rgb(Image.fromarray(image), size) for image in grey])
        return LabelledImages(images=images, labels=labels[chosen])


def _packaged_file() -> Path:
    specification = importlib.util.find_spec("sklearn")
    folders = specification.submodule_search_locations if specification else None
    path = Path(folders[0], "datasets", "data", "digits.csv.gz") if folders else None
    if path is None or not path.is_file():
        raise DatasetError("the dataset 'digits' needs scikit-learn's packaged file, which is not there; reinstall it")
    return path


DIGITS = DatasetComponent(
    "digits",
    version="1",
    options=NoOptions,
    load=lambda _options: Digits(),
    summary="scikit-learn's 1,797 handwritten digits of 8x8 pixels; packaged",
)
