"""The packaged Fashion-MNIST as a challenge: decoded once, kept in files that every process maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tckr_plugins.classifiers import small_cnn
from tckr_plugins.classifiers.options import SmallCnnOptions
from tckr_plugins.datasets.fashion import CLASS_NAMES, FashionMnist

from tckr_bench.plugin.protocols import Context
from tckr_bench.records import ChallengeParameters, LabelledImages, TrainingData
from tckr_bench.seeds import derive_seed
from tckr_bench.stages.challenge import build_challenge, eligible, shadow_mask
from tckr_bench.stages.prepare import Prepared

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

SIDE, STORED_SIDE = 32, 28
ARRAYS = ("images", "labels", "members", "validation_images", "validation_labels")


@dataclass(frozen=True)
class World:
    """n challenge examples with their true membership, and the images that choose the epoch."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    members: npt.NDArray[np.bool_]
    validation_images: npt.NDArray[np.uint8]
    validation_labels: npt.NDArray[np.int64]

    @classmethod
    def packaged(cls, *, per_side: int | None = None, side: int = SIDE) -> World:
        """Decode the packaged Fashion-MNIST; `per_side` training and as many test images are the examples."""
        dataset = FashionMnist()
        train, validation, test = (dataset.read(split, size=side) for split in ("train", "validation", "test"))
        prepared = Prepared(train, validation, test, CLASS_NAMES, eligible(train.images, test.images))
        found = build_challenge(prepared, ChallengeParameters(per_side))
        validation = LabelledImages(validation.images[:per_side], validation.labels[:per_side])
        return cls(found.examples.images, found.examples.labels, found.members, validation.images, validation.labels)

    def save(self, folder: Path) -> None:
        """Write one file for each array."""
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def shared(cls, folder: Path) -> World:
        """Map the files: however many processes do, the images are in memory once."""
        return cls(**{name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS})

    def mask(self, index: int) -> npt.NDArray[np.bool_]:
        """Return which examples shadow model `index` learns from, (n,) bool."""
        return shadow_mask(len(self.labels), index, part=len(self.labels) // 2)


def train_shadow(world: World, index: int, *, epochs: int) -> dict[str, npt.NDArray[np.float32]]:
    """Train shadow model `index` as the stage `train` does, and return its logits on examples and validation images."""
    mask, context = world.mask(index), Context()
    data = TrainingData(
        training=LabelledImages(world.images[mask], world.labels[mask]),
        class_names=CLASS_NAMES,
        validation=LabelledImages(world.validation_images, world.validation_labels),
    )
    classifier = small_cnn.load(SmallCnnOptions(epochs=epochs))
    classifier.fit(data, seed=derive_seed("train", derive_seed("shadow", index)), context=context)
    return {
        "challenge": classifier.predict(world.images, context=context),
        "validation": classifier.predict(world.validation_images, context=context),
    }
