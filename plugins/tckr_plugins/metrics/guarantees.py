"""What the training of a cell's classifier proves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import MetricComponent, NoOptions
from tckr_bench.records import Estimate
from tckr_plugins.metrics.measurements import measurement
from tckr_plugins.metrics.quantities import epsilon

if TYPE_CHECKING:
    from tckr_bench.records import CellEvidence, Measurement


class EpsilonAccounted:
    """Epsilon of the differential privacy that the training proves, in nats; it holds, so it has no interval.

    `examples` is 1: the one training that it was accounted for.
    """

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement; none where nothing is proved."""
        proved = evidence.guarantee
        if proved is None:
            return []
        method = f"accountant {proved.accountant} at delta {proved.delta:g}"
        estimate = Estimate(proved.epsilon, proved.epsilon, proved.epsilon, method)
        return [measurement("epsilon-accounted", estimate, examples=1)]


EPSILON_ACCOUNTED = MetricComponent(
    "epsilon-accounted",
    version="1",
    options=NoOptions,
    load=lambda _options: EpsilonAccounted(),
    summary="epsilon that differentially private training proves",
    quantities=(epsilon("epsilon-accounted", "ε proved", "the epsilon that differentially private training proves"),),
)
