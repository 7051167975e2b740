"""The attack and the captioner themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.records import AttackEvidence, ThreatModel

if TYPE_CHECKING:  # Images, Labels and Scores are names for array types; they exist for type checkers only
    from collections.abc import Sequence

    from tckr_bench.components import Context
    from tckr_bench.records import Images, Labels, Scores


@dataclass(frozen=True)
class EntropyAttack:
    """Score an example by minus the entropy of the target's prediction (Salem et al. 2019).

    score = sum_y p_y log p_y, with p = softmax(logits / temperature): 0 for a certain prediction, -log(classes)
    for a uniform one.
    """

    temperature: float

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        return ThreatModel(sees="the target's logits on each example", owns="the examples, without their labels")

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return minus the entropy, in nats, (n,) float64.

        >>> logits = np.array([[0.0, 0.0], [100.0, 0.0]], dtype=np.float32)
        >>> nobody = AttackEvidence(logits, np.zeros(2, int), np.empty((0, 2, 2)), np.empty((0, 2), bool))
        >>> EntropyAttack(1.0).score(nobody).round(3).tolist()
        [-0.693, 0.0]
        """
        logits = evidence.target_logits.astype(np.float64) / self.temperature
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        scores: Scores = (np.exp(log_probabilities) * log_probabilities).sum(axis=1) + 0.0
        return scores


@dataclass(frozen=True)
class BrightnessCaptioner:
    """Say whether an image is bright or dark."""

    threshold: int

    def caption(self, images: Images, labels: Labels, *, class_names: Sequence[str], context: Context) -> list[str]:
        """Return '<class name>: a bright picture' or '<class name>: a dark picture' for each image."""
        bright = images.reshape(len(images), -1).mean(axis=1) >= self.threshold
        context.progress(1.0)
        words = ("dark", "bright")
        return [
            f"{class_names[label]}: a {words[int(is_bright)]} picture"
            for label, is_bright in zip(labels, bright, strict=True)
        ]
