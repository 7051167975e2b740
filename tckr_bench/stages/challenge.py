"""The challenge set: the examples an attack is judged on, and which of them each model was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.records import LabelledImages
from tckr_bench.seeds import derive_seed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tckr_bench.stages.prepare import Prepared


@dataclass(frozen=True)
class ChallengeParameters:
    """Which examples make the challenge.

    Attributes:
        per_side: how many training and as many test examples; None for all of both.
        canaries: how many of each side get a wrong label (planted records, for the overfit control).
    """

    per_side: int | None = None
    canaries: int = 0


@dataclass(frozen=True)
class Challenge:
    """n examples with the labels the attacker holds, who is a member (n,) bool, and who is a canary (n,) bool."""

    examples: LabelledImages
    members: npt.NDArray[np.bool_]
    canaries: npt.NDArray[np.bool_]


def build_challenge(prepared: Prepared, parameters: ChallengeParameters) -> Challenge:
    """Put members (training images) before non-members (test images) and relabel the canaries of both sides."""
    import numpy as np

    sides = []
    canaries = []
    for name, split in (("members", prepared.train), ("non-members", prepared.test)):
        count = len(split) if parameters.per_side is None else min(parameters.per_side, len(split))
        chosen = np.random.default_rng(derive_seed("challenge", name)).permutation(len(split))[:count]
        chosen = np.sort(chosen)
        labels = split.labels[chosen].copy()
        planted = _relabel(labels, count=parameters.canaries, classes=len(prepared.class_names), side=name)
        sides.append(LabelledImages(split.images[chosen], labels))
        canaries.append(planted)
    images = np.concatenate([side.images for side in sides])
    labels = np.concatenate([side.labels for side in sides])
    members = np.arange(len(labels)) < len(sides[0])
    return Challenge(LabelledImages(images, labels), members, np.concatenate(canaries))


def shadow_mask(examples: int, index: int) -> npt.NDArray[np.bool_]:
    """Return which of n examples shadow model `index` is trained on, (n,) bool.

    Shadows come in pairs that split the examples into complementary halves. So each example is in exactly half of
    any even number of shadows, and a bank grows without retraining what exists.

    >>> bool((shadow_mask(10, 0) ^ shadow_mask(10, 1)).all())
    True
    """
    import numpy as np

    pair, side = divmod(index, 2)
    order = np.random.default_rng(derive_seed("shadow split", pair)).permutation(examples)
    first = np.zeros(examples, dtype=bool)
    first[order[: examples // 2]] = True
    return first if side == 0 else ~first


def _relabel(labels: npt.NDArray[np.int64], *, count: int, classes: int, side: str) -> npt.NDArray[np.bool_]:
    """Give `count` labels a wrong class, in place, and return which."""
    import numpy as np

    generator = np.random.default_rng(derive_seed("canaries", side))
    planted = np.zeros(len(labels), dtype=bool)
    planted[generator.permutation(len(labels))[:count]] = True
    shift = generator.integers(1, classes, size=len(labels))
    labels[planted] = (labels[planted] + shift[planted]) % classes
    return planted
