"""Prepare: decode a dataset once, to uint8 arrays, with a validation split taken from the training set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tckr_bench.errors import DatasetError
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import SPLITS, LabelledImages
from tckr_bench.seeds import derive_seed
from tckr_bench.stages.arrays import read_arrays, write_arrays

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.plugin.protocols import Context, Dataset
    from tckr_bench.stages.request import StageRequest


@dataclass(frozen=True)
class PrepareParameters:
    """How to decode.

    Attributes:
        fingerprint: of the source.
        image_size: side in pixels.
        validation_fraction: share of the training images that validates where no split does.
        training_images: keep so many of the training split at most, evenly from the classes, before any validate.
    """

    fingerprint: str
    image_size: int
    validation_fraction: float
    training_images: int | None = None


@dataclass(frozen=True)
class Prepared:
    """A decoded dataset: three splits and the class names in label order."""

    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages
    class_names: tuple[str, ...]


def run(request: StageRequest, folder: Path, context: Context) -> None:
    """Decode the dataset and write `data.safetensors` and `classes.json`."""
    parameters = request.parse(PrepareParameters)
    dataset: Dataset = default_registry().load(request.components["dataset"])
    description = dataset.describe()
    if description.fingerprint != parameters.fingerprint:
        raise DatasetError(
            f"dataset '{description.name}' changed while the run was under way; run the same command again"
        )
    train = _evenly(dataset.read("train", size=parameters.image_size), parameters.training_images)
    context.progress(0.5)
    test = dataset.read("test", size=parameters.image_size)
    if "validation" in description.counts:
        validation = dataset.read("validation", size=parameters.image_size)
    else:
        classes = len(description.class_names)
        train, validation = split_validation(train, fraction=parameters.validation_fraction, classes=classes)
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, split in zip(SPLITS, (train, validation, test), strict=True):
        arrays[f"{name}_images"] = split.images
        arrays[f"{name}_labels"] = split.labels
    write_arrays(folder / "data.safetensors", arrays)
    (folder / "classes.json").write_text(json.dumps(description.class_names), encoding="utf-8")


def read_prepared(folder: Path) -> Prepared:
    """Read a prepared dataset."""
    arrays = read_arrays(folder / "data.safetensors")
    train, validation, test = (LabelledImages(arrays[f"{split}_images"], arrays[f"{split}_labels"]) for split in SPLITS)
    names = json.loads((folder / "classes.json").read_text(encoding="utf-8"))
    return Prepared(train, validation, test, tuple(names))


def validation_size(images: int, fraction: float, *, classes: int) -> int:
    """Return how many of a training set's images validate; known before any of them is decoded.

    Every class keeps a training image, so a set of a few images may have none to spare.

    >>> validation_size(10, 0.3, classes=2), validation_size(3, 0.4, classes=3)
    (3, 0)
    """
    return max(0, min(round(images * fraction), images - classes))


def split_validation(train: LabelledImages, *, fraction: float, classes: int) -> tuple[LabelledImages, LabelledImages]:
    """Split a seeded, stratified validation part off the training set.

    Each class is shuffled and its images spread evenly over 0 to 1; those that come first validate, but never the
    last of a class. So the size is exact and every class gives its share.
    """
    import numpy as np

    generator = np.random.default_rng(derive_seed("validation split"))
    place = np.empty(len(train))
    for label in np.unique(train.labels):
        indices = generator.permutation(np.flatnonzero(train.labels == label))
        place[indices] = (np.arange(len(indices)) + 0.5) / len(indices)
        place[indices[-1]] = np.inf
    chosen = np.zeros(len(train), dtype=bool)
    chosen[np.argsort(place, kind="stable")[: validation_size(len(train), fraction, classes=classes)]] = True
    return _take(train, ~chosen), _take(train, chosen)


def _evenly(data: LabelledImages, count: int | None) -> LabelledImages:
    """Return `count` images at most, in their order: the classes take turns, each in a shuffled order of its own."""
    import numpy as np

    if count is None or count >= len(data):
        return data
    generator = np.random.default_rng(derive_seed("training images"))
    turn = np.empty(len(data), dtype=np.int64)
    for label in np.unique(data.labels):
        indices = generator.permutation(np.flatnonzero(data.labels == label))
        turn[indices] = np.arange(len(indices))
    chosen = np.zeros(len(data), dtype=bool)
    chosen[np.argsort(turn, kind="stable")[:count]] = True
    return _take(data, chosen)


def _take(data: LabelledImages, mask: npt.NDArray[np.bool_]) -> LabelledImages:
    return LabelledImages(data.images[mask], data.labels[mask])
