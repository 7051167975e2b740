"""Membership scores of images by the attacks that look at synthetic images alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.plugin.protocols import Context, ReleaseEvidence
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import LabelledImages
from tckr_bench.stats import rank_features

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tckr_bench.plugin.protocols import ReleaseAttack
    from tckr_bench.records import ComponentUse, Floats, Images, Indices, ThreatModel

NEAREST = "nearest-copy"
SCORES: tuple[tuple[str, str, Mapping[str, object]], ...] = (
    (NEAREST, "nearest-copy", {}),
    ("nearest-copy-features", "nearest-copy", {"space": "features"}),
    ("nearest-copy-calibrated", "nearest-copy", {"calibrate": True}),
    ("nearest-copy-features-calibrated", "nearest-copy", {"space": "features", "calibrate": True}),
    ("domias", "domias", {}),
)
"""Label, attack and options, as a matrix would name them."""


@dataclass(frozen=True)
class ImageScores:
    """Scores of n examples by k attacks.

    Attributes:
        labels: of the attacks.
        threat_models: what each sees and owns.
        values: (k, n) float64, higher means member.
        nearest: for each example the synthetic image nearest in pixels, (n,).
    """

    labels: tuple[str, ...]
    threat_models: tuple[ThreatModel, ...]
    values: Floats
    nearest: Indices

    @property
    def features(self) -> Floats:
        """What a scorer learns from: the two rank features of every score, (n, 2 k)."""
        return np.concatenate([rank_features(row) for row in self.values], axis=1)


def uses() -> tuple[ComponentUse, ...]:
    """Return the attacks whose scores are taken.

    Raises:
        PluginError: one of them is not installed.
    """
    registry = default_registry()
    return tuple(registry.use("attack", name, label=label, options=options) for label, name, options in SCORES)


def score_images(
    examples: Images, *, synthetic: Images, references: Images, progress: Callable[[float], None]
) -> ImageScores:
    """Score examples (n) by how much the synthetic images (m) look as if made from them.

    `references` are images of the same source that are among neither.
    """
    evidence = ReleaseEvidence(
        examples, unlabelled(examples).labels, ("",), synthetic=unlabelled(synthetic), references=unlabelled(references)
    )
    attacks: list[ReleaseAttack] = [default_registry().load(use) for use in uses()]
    rows, nearest = [], np.zeros(len(examples), dtype=np.int64)
    for done, (attack, (label, _, _)) in enumerate(zip(attacks, SCORES, strict=True), start=1):
        outcome = attack.score(evidence, context=Context())
        rows.append(outcome.scores)
        if label == NEAREST and outcome.nearest is not None:
            nearest = outcome.nearest
        progress(done / len(attacks))
    labels = tuple(label for label, _, _ in SCORES)
    return ImageScores(labels, tuple(attack.threat_model for attack in attacks), np.stack(rows), nearest)


def unlabelled(images: Images) -> LabelledImages:
    """Return images as of one class: folders need not say what they show."""
    return LabelledImages(images, np.zeros(len(images), dtype=np.int64))
