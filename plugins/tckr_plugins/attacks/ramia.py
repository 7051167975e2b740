"""RaMIA, range membership inference: was the target trained on an image, or on one of its alterations?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tckr_bench.components import AttackComponent
from tckr_bench.errors import TckrError
from tckr_bench.records import ThreatModel
from tckr_plugins.attacks.calibrated_loss import CalibratedLossAttack
from tckr_plugins.attacks.lira import LiraAttack
from tckr_plugins.attacks.rmia import RmiaAttack
from tckr_plugins.attacks.shadow_options import ShadowOptions, shadows_of
from tckr_plugins.late import np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tckr_bench.components import Attack
    from tckr_bench.records import AttackEvidence, Floats, Scores

Base = Literal["rmia", "lira", "calibrated-loss"]
Side = Literal["lowest", "highest"]
BASES: dict[Base, Callable[[], Attack]] = {
    "rmia": RmiaAttack,
    "lira": LiraAttack,
    "calibrated-loss": CalibratedLossAttack,
}


class RamiaOptions(ShadowOptions):
    """Options of `ramia`."""

    base: Base = Field(default="rmia", description="the attack that scores each point of the range, online")
    trim: float = Field(default=0.2, ge=0, lt=1, description="share of the points whose scores are left out")
    side: Side = Field(
        default="lowest",
        description="which scores are left out: of points that the target did not learn, or of outliers",
    )
    exact: bool = Field(
        default=True,
        description="whether the attacker owns the image as the target may have learned it, or altered copies alone",
    )


class RamiaAttack:
    """Score each example by the trimmed mean of a base attack's scores of the example and of its altered copies.

    Formula: s(x) = mean of b(x_j) over the points x_j of the range around x, less the share `trim` of the points with
    the lowest (or highest) b, rounded, of which at least one stays; b is the base attack with the label of x, and takes
    the outputs of target and shadow models for x_j for those for x. The range is the example, unless it is not `exact`,
    and the altered copies that were asked about (`augmented_queries` of the matrix): shifts by a sixteenth of the side,
    then the mirror image. Its test is of a composite hypothesis: *some* point was trained on, which one is not known.
    The largest b would be the generalised likelihood ratio; it follows chance where points are many, and a mean of the
    largest few does so less.
    Source: Tao and Shokri 2025, Range Membership Inference Attacks, arXiv 2408.05131, and Privacy Meter. Differences:
    points are the fixed alterations here, not samples of a range; the published code keeps the whole part of
    (1 - trim) n scores, which may be none. With `lira`, without trimming, it is `lira` with `queries = "all"`.
    Threat model: as of the base attack, also for altered copies of the example; not `exact`, the attacker does not own
    the image that was trained on but others near it, such as a shifted or mirrored print.
    """

    def __init__(self, *, base: Base = "rmia", trim: float = 0.2, side: Side = "lowest", exact: bool = True) -> None:
        self._attack = BASES[base]()
        self.trim = trim
        self.side = side
        self.exact = exact

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        base = self._attack.threat_model
        if self.exact:
            return replace(base, sees=f"{base.sees}, and for altered copies of the example")
        return replace(base, sees=f"{base.sees}, asked about altered copies of the example alone")

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return the trimmed mean of the base attack's scores of each example's range, (n,) float64.

        Raises:
            TckrError: no altered copies were asked about, or the base attack lacks something.
        """
        return trimmed_mean(
            np.stack([self._attack.score(point) for point in self._points(evidence)]), trim=self.trim, side=self.side
        )

    def _points(self, evidence: AttackEvidence) -> Iterator[AttackEvidence]:
        """Yield the evidence as if each point of the range, in turn, were the example."""
        target, shadows = evidence.target_queries, evidence.shadow_queries
        if target is None or shadows is None:
            raise TckrError(
                "the attack 'ramia' was given no altered copies of the examples; set augmented_queries in the matrix "
                "to 4, say"
            )
        if self.exact:
            yield evidence
        for index, of_copy in enumerate(target):
            yield replace(evidence, target_logits=of_copy, shadow_logits=shadows[:, index])


def trimmed_mean(scores: Floats, *, trim: float, side: Side) -> Floats:
    """Return the mean of each column of scores (points, n) without the share `trim` of its lowest or highest, (n,).

    The number left out is rounded; one score at least is kept.

    >>> trimmed_mean(np.array([[1.0], [8.0], [3.0], [4.0]]), trim=0.5, side="lowest").tolist()
    [6.0]
    """
    ordered = np.sort(scores, axis=0)
    kept = max(1, len(ordered) - round(trim * len(ordered)))
    mean: Floats = (ordered[-kept:] if side == "lowest" else ordered[:kept]).mean(axis=0)
    return mean


RAMIA = AttackComponent(
    "ramia",
    version="1",
    options=RamiaOptions,
    load=lambda options: RamiaAttack(base=options.base, trim=options.trim, side=options.side, exact=options.exact),
    summary="trimmed mean of an attack's scores of the image and its altered copies (RaMIA, Tao and Shokri 2025)",
    shadows=shadows_of,
)
