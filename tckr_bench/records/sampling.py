"""Which examples a model learns from and is judged on, and which epoch of it is kept: named, not yet drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tckr_bench.records.membership import CanaryKind

EpochChoice = Literal["validation", "test", "last"]
"""Which epoch of a training is kept: the best on the validation split; the best on the test set, as the paper does,
which flatters the accuracy; or the last, for a model that is to memorise and where none validate."""
Take = Literal["train", "members", "part", "outside", "everything", "test-split"]
"""What a sample takes; see `Sample`."""


@dataclass(frozen=True)
class ChallengeParameters:
    """Which examples make the challenge.

    Attributes:
        per_side: how many training and as many test examples; None for all of both that are eligible.
        most_to_one: where that is None, how many examples of one side there are for one of the other, at most. Shadow
            models are of their target's size: where sides are uneven most examples are in, or out, of most shadows.
        canaries: how many of each side are made canaries, planted records that mimic the most vulnerable ones.
        canary_kind: what makes them so: a label drawn among the wrong ones, or the negative of the picture.
    """

    per_side: int | None = None
    most_to_one: int = 3
    canaries: int = 0
    canary_kind: CanaryKind = "mislabelled"


@dataclass(frozen=True)
class Sample:
    """Which images stand in the place of the training split.

    Attributes:
        take: the `train` split as it is; the `members` of a challenge with its canaries; the random `part` of a
            challenge that shadow `index` learns from, of its target's size; images from `outside` it, the validation
            split; `everything` in it; or what of the `test-split` shadow `index` of the paper's protocol learns from.
        challenge: the challenge that is meant.
        index: which shadow model.
    """

    take: Take = "train"
    challenge: ChallengeParameters = field(default_factory=ChallengeParameters)
    index: int = 0
