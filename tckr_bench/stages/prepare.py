"""Prepare: decode a dataset once, to uint8 arrays, with a validation split taken from the training set."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic

from tckr_bench.errors import DatasetError
from tckr_bench.plugin.protocols import NamedDataset
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import SPLITS, ImageCatalogue, LabelledImages
from tckr_bench.seeds import derive_seed
from tckr_bench.stages.arrays import read_arrays, write_arrays
from tckr_bench.stages.challenge import Eligible, eligible
from tckr_bench.stages.decoded import check_description, checked_names, checked_split
from tckr_bench.stages.request import PlaceT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from tckr_bench.plugin.protocols import Context, Dataset
    from tckr_bench.records import DatasetDescription, Split
    from tckr_bench.stages.request import StageRequest

DATA_FILE = "data.safetensors"
CHALLENGE_FILE = "challenge.safetensors"
CLASSES_FILE = "classes.json"
CATALOGUE_FILE = "catalogue.json"


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

    train, test = read("train"), read("test")
    context.progress(0.5)
    own = read("validation") if "validation" in description.counts else test.take(slice(0))
    whole = _identified(train, own, test)
    names = _names(dataset, description, label=use.label)
    _write_catalogue(whole, names, folder)
    train, validation, test = whole
    train = _evenly(train, parameters.training_images)
    if "validation" not in description.counts:
        classes = len(description.class_names)
        train, validation = split_validation(train, fraction=parameters.validation_fraction, classes=classes)
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name, split in zip(SPLITS, (train, validation, test), strict=True):
        assert split.identities is not None, "given before anything was left out"
        parts = (("images", split.images), ("labels", split.labels), ("identities", split.identities))
        arrays |= {f"{name}_{what}": array for what, array in parts}
    write_arrays(folder / DATA_FILE, arrays)
    write_arrays(folder / CHALLENGE_FILE, vars(eligible(train.images, test.images)))
    (folder / CLASSES_FILE).write_text(json.dumps(description.class_names), encoding="utf-8")


def read_prepared(folder: Path) -> Prepared:
    """Read a prepared dataset."""
    arrays = read_arrays(folder / DATA_FILE)
    train, validation, test = (
        LabelledImages(*(arrays[f"{split}_{what}"] for what in ("images", "labels", "identities"))) for split in SPLITS
    )
    names = json.loads((folder / CLASSES_FILE).read_text(encoding="utf-8"))
    return Prepared(train, validation, test, tuple(names), Eligible(**read_arrays(folder / CHALLENGE_FILE)))


def read_catalogue(folder: Path) -> ImageCatalogue:
    """Read what is known of all images of a dataset as it delivers them."""
    import numpy as np

    content = json.loads((folder / CATALOGUE_FILE).read_text(encoding="ascii"))
    train, validation, test = content["counts"]
    return ImageCatalogue(
        (train, validation, test), np.asarray(content["labels"], dtype=np.int64), tuple(content["names"])
    )


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
    return train.take(~chosen), train.take(chosen)


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
    return data.take(chosen)


def _identified(*splits: LabelledImages) -> tuple[LabelledImages, ...]:
    """Return the splits as a dataset delivers them, each image with its place among all of them, one after another."""
    import numpy as np

    starts = [0, *itertools.accumulate(map(len, splits))]
    return tuple(
        replace(split, identities=np.arange(start, start + len(split), dtype=np.int64))
        for split, start in zip(splits, starts, strict=False)
    )


def _names(dataset: Dataset, description: DatasetDescription, *, label: str) -> list[str]:
    """Return what the files of all images are called, split by split; none where the images are no files."""
    if not isinstance(dataset, NamedDataset):
        return []
    found = {split: dataset.image_names(split) for split in SPLITS if split in description.counts}
    if not any(found.values()):
        return []
    return [name for split, names in found.items() for name in checked_names(label, description, split, found=names)]


def _write_catalogue(splits: Sequence[LabelledImages], names: Sequence[str], folder: Path) -> None:
    labels = [label for split in splits for label in split.labels.tolist()]
    content = {"counts": [len(split) for split in splits], "labels": labels, "names": list(names)}
    # in ASCII: the name of a file need not be valid text
    (folder / CATALOGUE_FILE).write_text(json.dumps(content), encoding="ascii")
