"""The test of the shadow models: no method, but a gate all the same. A target must be one of them by its looks.

An attack learns from shadow models what membership does to the target. Where the target's AUC lies far from those that
the same attack has on the shadow models themselves, they were made otherwise than the target, and neither it nor what
they say of other trainings means anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.controls.api import ControlOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.records import CellRecord, Measurement

GATE = "shadows"
WORDS = "is each row's classifier among the shadow models that repeat it, so attacks must find as much on it as on them"
METRIC = "auc-from-shadows"
DEVIATIONS = 4.0
"""How many standard deviations are allowed, by sixteen shadow models or more."""
ENOUGH = 16


def deviations_allowed(shadows: int) -> float:
    """Return how many standard deviations a target may lie from the mean of so many shadow models.

    Fewer of them tell the standard deviation less well, for which Student's quantile allows at the level of `ENOUGH`.

    >>> [round(deviations_allowed(shadows), 2) for shadows in (8, 16, 64)]
    [5.36, 4.0, 4.0]
    """
    from scipy.special import stdtr, stdtrit

    def widening(count: int) -> float:
        return float((1 + 1 / count) ** 0.5)

    if shadows >= ENOUGH:
        return DEVIATIONS
    tail = stdtr(ENOUGH - 1, -DEVIATIONS / widening(ENOUGH))
    return float(-stdtrit(max(1, shadows - 1), tail)) * widening(shadows)


def lie_among(cells: Sequence[CellRecord]) -> ControlOutcome | None:
    """Judge every bank of shadow models that was attacked in its target's place; None where none was."""
    found = [(cell, it) for cell in cells for it in cell.measurements if it.metric == METRIC]
    if not found:
        return None
    outside = [one for one in found if abs(one[1].value) > deviations_allowed(one[1].examples)]
    if outside:
        told = "; ".join(_told(cell, measurement) for cell, measurement in outside)
        return ControlOutcome(passed=False, reason=f"shadow models are not what their target is: {told}")
    furthest = max(found, key=lambda one: abs(one[1].value) / deviations_allowed(one[1].examples))
    return ControlOutcome(passed=True, reason=f"targets lie among their shadow models; furthest {_told(*furthest)}")


def _told(cell: CellRecord, measurement: Measurement) -> str:
    allowed = deviations_allowed(measurement.examples)
    return (
        f"{cell.method.name} under {measurement.attack}, seed {cell.seed}, {measurement.value:+.1f} standard "
        f"deviations away ({allowed:.1f} allowed)"
    )
