"""The attack and the captioner themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.records import AttackEvidence, ThreatModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.components import Context
    from tckr_bench.records import Images, Labels, Scores
    from tckr_bench_example import BrightnessOptions, MarginOptions


@dataclass(frozen=True)
class MarginAttack:
    """Score an example by how far the most probable class is ahead of the next.

    score = p_1 - p_2, the two largest of p = softmax(logits / temperature): 0 for a tie, 1 for certainty.
    """

    options: MarginOptions

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        return ThreatModel(sees="the target's logits on each example", owns="the examples, without their labels")

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return the margin, 0 to 1, (n,) float64.

        >>> logits = np.log(np.array([[0.5, 0.5, 0.0], [0.1, 0.7, 0.2]], dtype=np.float32) + 1e-9)
        >>> nobody = AttackEvidence(logits, np.zeros(2, int), np.empty((0, 2, 3)), np.empty((0, 2), bool))
        >>> from tckr_bench_example import MarginOptions
        >>> MarginAttack(MarginOptions()).score(nobody).round(3).tolist()
        [0.0, 0.5]
        """
        logits = evidence.target_logits.astype(np.float64) / self.options.temperature
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        ordered = np.sort(odds / odds.sum(axis=1, keepdims=True), axis=1)
        scores: Scores = ordered[:, -1] - ordered[:, -2]
        return scores


@dataclass(frozen=True)
class BrightnessCaptioner:
    """Say whether an image is bright or dark."""

    options: BrightnessOptions

    def caption(self, images: Images, labels: Labels, *, class_names: Sequence[str], context: Context) -> list[str]:
        """Return '<class name>: a bright picture' or '<class name>: a dark picture' for each image."""
        bright = images.reshape(len(images), -1).mean(axis=1) >= self.options.threshold
        context.progress(1.0)
        words = ("dark", "bright")
        return [
            f"{class_names[label]}: a {words[int(is_bright)]} picture"
            for label, is_bright in zip(labels, bright, strict=True)
        ]
