"""Prepare: decode a dataset once, to uint8 arrays, with a validation split taken from the training set."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic

from tckr_bench.errors import DatasetError
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import SPLITS, LabelledImages
from tckr_bench.seeds import derive_seed
from tckr_bench.stages.arrays import read_arrays, write_arrays
from tckr_bench.stages.challenge import Eligible, eligible
from tckr_bench.stages.decoded import check_description, checked_split
from tckr_bench.stages.request import PlaceT

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.plugin.protocols import Context, Dataset
    from tckr_bench.records import Split
    from tckr_bench.stages.request import StageRequest

DATA_FILE = "data.safetensors"
CHALLENGE_FILE = "challenge.safetensors"
CLASSES_FILE = "classes.json"


@dataclass(frozen=True)
class Inputs(Generic[PlaceT]):
    """Nothing: every other stage rests on this one."""


@dataclass(frozen=True)
class Parameters:
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
    """A decoded dataset: three splits, the class names in label order, and what challenges may select from.

    `eligible` is None of a sample, whose training images are not those of the dataset.
    """

    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages
    class_names: tuple[str, ...]
    eligible: Eligible | None


def run(request: StageRequest[Inputs[Path], Parameters], folder: Path, context: Context) -> None:
    """Decode the dataset, check it, and write its splits, its class names and what challenges may select from."""
    use, parameters = request.components["dataset"], request.parameters
    dataset: Dataset = default_registry().load(use)
    description = dataset.describe()
    check_description(use.label, description)
    if description.fingerprint != parameters.fingerprint:
        raise DatasetError(f"dataset '{use.label}' changed while the run was under way; run the same command again")

    def read(split: Split) -> LabelledImages:
        found = dataset.read(split, size=parameters.image_size)
        return checked_split(use.label, description, split, found=found, size=parameters.image_size)

    train, test = _evenly(read("train"), parameters.training_images), read("test")
    context.progress(0.5)
    if "validation" in description.counts:
        validation = read("validation")
    else:
        classes = len(description.class_names)
        train, validation = split_validation(train, fraction=parameters.validation_fraction, classes=classes)
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, split in zip(SPLITS, (train, validation, test), strict=True):
        arrays |= {f"{name}_images": split.images, f"{name}_labels": split.labels}
    write_arrays(folder / DATA_FILE, arrays)
    write_arrays(folder / CHALLENGE_FILE, vars(eligible(train.images, test.images)))
    (folder / CLASSES_FILE).write_text(json.dumps(description.class_names), encoding="utf-8")


def read_prepared(folder: Path) -> Prepared:
    """Read a prepared dataset."""
    arrays = read_arrays(folder / DATA_FILE)
    train, validation, test = (LabelledImages(arrays[f"{split}_images"], arrays[f"{split}_labels"]) for split in SPLITS)
    names = json.loads((folder / CLASSES_FILE).read_text(encoding="utf-8"))
    return Prepared(train, validation, test, tuple(names), Eligible(**read_arrays(folder / CHALLENGE_FILE)))


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
