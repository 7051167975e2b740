"""What the training of a cell's classifier proves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import MetricComponent, NoOptions, Quantity
from tckr_bench.records import Estimate
from tckr_plugins.metrics.measurements import measurement
from tckr_plugins.metrics.quantities import epsilon

if TYPE_CHECKING:
    from tckr_bench.records import CellEvidence, Measurement


class EpsilonAccounted:
    """Epsilon of the differential privacy that the training proves, in nats; it holds, so it has no interval.

    It is about one training that sees an image or does not. What else saw the real images stands in the words of the
    interval. `examples` is 1: the one training that it was accounted for.
    """

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement; none where nothing is proved."""
        proved = evidence.guarantee
        if proved is None:
            return []
        left_out = f"; it leaves out {' and '.join(proved.leaves_out)}" if proved.leaves_out else ""
        method = f"accountant {proved.accountant} at delta {proved.delta:g}{left_out}"
        estimate = Estimate(proved.epsilon, proved.epsilon, proved.epsilon, method)
        return [measurement("epsilon-accounted", estimate, examples=1)]


class MatchShortfall:
    """How far a defence that is matched to a student stays below the student's validation accuracy, -1 to 1.

    Both are shares of the same validation images, seen in the search; as an account of it, it has no interval.
    `examples` is the number of trainings that the search took.
    """

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement; none of a defence that is not matched, or that proves nothing."""
        matching = None if evidence.guarantee is None else evidence.guarantee.matching
        if matching is None:
            return []
        short = matching.wanted - matching.reached
        said = "reached" if matching.met else "not reached"
        method = (
            f"{said}: {100 * matching.reached:.1f} % of {100 * matching.wanted:.1f} % wanted on validation images, "
            f"{matching.trainings} trainings"
        )
        return [measurement("match-shortfall", Estimate(short, short, short, method), examples=matching.trainings)]


EPSILON_ACCOUNTED = MetricComponent(
    "epsilon-accounted",
    version="2",
    options=NoOptions,
    load=lambda _options: EpsilonAccounted(),
    summary="epsilon that differentially private training proves",
    quantities=(
        epsilon(
            "epsilon-accounted",
            "ε proved",
            "the epsilon that one differentially private training proves; how its options were found is not counted",
        ),
    ),
)
MATCH_SHORTFALL = MetricComponent(
    "match-shortfall",
    version="1",
    options=NoOptions,
    load=lambda _options: MatchShortfall(),
    summary="accuracy that a matched defence lacks of the student's, on validation images",
    quantities=(
        Quantity(
            "match-shortfall",
            "short of the match",
            "accuracy that a matched defence lacks of the student's, on validation images",
            unit="points",
            scale=100,
            digits=1,
            better="lower",
            low=-1,
            high=1,
        ),
    ),
)
