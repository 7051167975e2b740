"""What attacks are given, what they find, and what every measurement of a cell is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tckr_bench.records.arrays import (
        Floats,
        Images,
        Indices,
        Labels,
        Logits,
        Members,
        Membership,
        Queries,
        Scores,
        ShadowLogits,
        ShadowQueries,
    )
    from tckr_bench.records.data import PrivacyGuarantee

Surface = Literal["classifier", "generator", "images", "captions", "data"]
"""What an attack looks at: the released classifier's outputs; the adapted generator, the synthetic images or the
captions, should they be released as well; or the challenge examples alone, as a check of the challenge itself."""
CanaryKind = Literal["mislabelled", "rare"]
"""What planted records are like: of a wrong class, or negatives of their picture, unlike any other image."""


@dataclass(frozen=True)
class ThreatModel:
    """What an attacker is taken to see and own; printed beside every measurement of the attack.

    The stage fills in `adaptive` (the shadow models repeat the whole pipeline of the target) and `surface`.
    """

    sees: str
    owns: str
    adaptive: bool = False
    surface: Surface = "classifier"


@dataclass(frozen=True)
class References:
    """m examples of the same source that no model was trained on, the owner's validation split, as all models see them.

    Attributes:
        images: (m, height, width, 3) uint8.
        labels: (m,) int64.
        target_logits: (m, classes) float32.
        shadow_logits: (K, m, classes) float32.
    """

    images: Images
    labels: Labels
    target_logits: Logits
    shadow_logits: ShadowLogits


@dataclass(frozen=True)
class AttackEvidence:
    """What an attack on a classifier may use for n challenge examples; who is a member is not in it.

    Attributes:
        target_logits: outputs of the attacked model, (n, classes) float32.
        labels: labels the attacker holds for the examples, (n,) int64.
        shadow_logits: outputs of K shadow models, (K, n, classes) float32; K may be 0.
        shadow_membership: which examples each shadow model was trained on, (K, n) bool. With shadow data
            `test-split` the models come in pairs: even ones are IN, each odd one is OUT and saw a part of what its
            pair saw.
        images: the examples, (n, height, width, 3) uint8; None where they are not at hand.
        target_queries: outputs of the attacked model on q altered copies of each example (shifts, then a mirror
            image), (q, n, classes) float32; None where none were asked.
        shadow_queries: the same of the shadow models, (K, q, n, classes) float32.
        references: examples known not to be members; None where there is no validation split.
    """

    target_logits: Logits
    labels: Labels
    shadow_logits: ShadowLogits
    shadow_membership: Membership
    images: Images | None = None
    target_queries: Queries | None = None
    shadow_queries: ShadowQueries | None = None
    references: References | None = None


@dataclass(frozen=True)
class DenoisingProbe:
    """How to ask a diffusion model how well it knows an image.

    Attributes:
        kind: `denoising` (error of the predicted noise), `secmi` (error of a deterministic step there and back), `pia`
            (error against the noise predicted at time 0), or `rediffuse` (distance of the mean of several variations).
        timestep: of the training schedule, 0 to steps - 1.
        draws: noises to average over, where the kind draws any.
        seed: of the noises; example i has noises of its own, whatever the batch.
    """

    kind: Literal["denoising", "secmi", "pia", "rediffuse"]
    timestep: int
    draws: int = 1
    seed: int = 0


@dataclass(frozen=True)
class Copies:
    """How close synthetic images come to real ones: the distance of each (m,) to the nearest of either side.

    Distances are root mean squared differences of pixels in 0-255, float64.
    """

    to_members: Floats
    to_others: Floats


@dataclass(frozen=True)
class ReleaseOutcome:
    """What an attack on a release found.

    Attributes:
        scores: one per challenge example, (n,) float64; higher means member.
        nearest: for each example, which synthetic image is nearest, (n,) int64; None where it is not asked.
    """

    scores: Scores
    nearest: Indices | None = None


@dataclass(frozen=True)
class ShadowAudit:
    """An attack turned on each of its K shadow models in turn, with the other groups as its shadows.

    It shows what another training would have given. Canaries are audited one by one, in and out of the models of a bank
    that learned them.

    Attributes:
        aucs: (K,) AUC among the ordinary examples, float64.
        vulnerability: how far membership moves each ordinary example's score, mean over the shadows it is in less mean
            over those it is not in, (n,) float64; known without the target.
        canary_scores: (J, c) float64; both may be 0.
        canary_membership: (J, c) bool.
        tprs: (K,) TPR at 1 % FPR among the ordinary examples, float64; None where too few are out of a shadow model.
    """

    aucs: Floats
    vulnerability: Scores
    canary_scores: Floats
    canary_membership: Membership
    tprs: Floats | None = None


@dataclass(frozen=True)
class AttackScores:
    """Saved outcome of one attack on n examples.

    `scores`, true membership (n,) bool, which examples are canaries the target itself was trained on or not (n,) bool,
    and, where known, the class of each (n,) int64, an audit of the shadow models, and distances of synthetic images.
    """

    attack: str
    scores: Scores
    members: Members
    canaries: Members
    threat_model: ThreatModel
    labels: Labels | None = None
    audit: ShadowAudit | None = None
    copies: Copies | None = None


@dataclass(frozen=True)
class CellEvidence:
    """Everything the measurements of one cell are computed from; all of it is saved.

    Attributes:
        test_labels: labels of the real test images, (n,) int64.
        test_logits: outputs of the cell's classifier on them, (n, classes) float32.
        teacher_logits: outputs of the real-data teacher on them, (n, classes) float32.
        attacks: saved scores by attack label.
        primary_attack: label of the attack that was declared before the run.
        guarantee: what the training of the cell's classifier proves; None where nothing is proved.
    """

    test_labels: Labels
    test_logits: Logits
    teacher_logits: Logits
    attacks: Mapping[str, AttackScores]
    primary_attack: str
    guarantee: PrivacyGuarantee | None = None
