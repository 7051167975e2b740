"""What ranks are made of: what a row reached by seed, and how far another training of it may lie."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from tckr_bench.judging.estimates import usable
from tckr_bench.judging.metric_names import (
    ACCURACY,
    AOP,
    BETWEEN_TRAININGS,
    CORRECTED_AUC,
    GAP,
    OF_WORST,
    WORST_AUC,
    WORST_TPR,
)
from tckr_bench.judging.ranking import Measured, means_of
from tckr_bench.records.estimate import Z_95

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.judging.rows import Row
    from tckr_bench.records import CellRecord, Measurement

CHANCE_TPR = 0.01
OVER_TRAININGS = "draws of examples and trainings (spread of the shadow models)"
_MEASURED = (ACCURACY, WORST_AUC, WORST_TPR, GAP)


def measured_of(row: Row, baseline: Row | None) -> Measured:
    """Return what a row reached by seed, as `ranking` takes it; a failed seed, or what it lacks, counts as chance.

    Args:
        row: a method on a dataset.
        baseline: its real-data baseline, which says what chance loses in accuracy; it loses nothing against itself.
    """
    import numpy as np

    classes = max(2, len(row.description.class_names)) if row.description else 2
    real = baseline.get(ACCURACY) if baseline else None
    chance = {
        ACCURACY: 1 / classes,
        WORST_AUC: 0.5,
        WORST_TPR: CHANCE_TPR,
        GAP: (real.value if real else 1.0) - 1 / classes,
    }
    found = [{key[0]: it for key, it in usable_measurements(cell).items() if not key[1]} for cell in row.records]
    if row.method.role == "baseline":
        chance[GAP] = 0.0
        found = [{name: it for name, it in cell.items() if name != GAP} for cell in found]
    values = [[cell[name].value if name in cell else chance[name] for name in _MEASURED] for cell in found]
    sides = [[_sides(cell.get(name)) for name in _MEASURED] for cell in found]
    errors = np.array(sides, dtype=np.float64).mean(axis=0).T
    corrected = [cell[CORRECTED_AUC] for cell in found if CORRECTED_AUC in cell]
    return Measured(
        np.array(values, dtype=np.float64),
        errors,
        np.array([[it.low, it.value, it.high] for it in corrected]) if len(corrected) == len(found) else None,
        np.array(
            [
                training_spread(row.records, name, error)
                for name, error in zip(_MEASURED, errors.mean(axis=0), strict=True)
            ]
        ),
    )


def _sides(measurement: Measurement | None) -> tuple[float, float]:
    """Return the standard errors that a 95 % interval implies, downwards and upwards; 0 where nothing was measured."""
    if measurement is None:
        return 0.0, 0.0
    return (measurement.value - measurement.low) / Z_95, (measurement.high - measurement.value) / Z_95


def training_spread(records: Sequence[CellRecord], metric: str, error: float) -> float:
    """Return how far one training lies from the mean of its recipe's in a metric, as a standard deviation.

    It is the spread over the shadow models, each attacked in turn by the worst attack, or by whichever differs most,
    less the `error` of the examples, which shadow models have as well. Few of them tell it roughly, for which Student's
    quantile allows. 0 where no attack was turned on its shadow models.
    """
    name = BETWEEN_TRAININGS.get(metric, "")
    worst = {it.attack for record in records for it in record.measurements if it.metric == metric}
    found = [it for record in records for it in record.measurements if it.metric == name and usable(it)]
    found = [it for it in found if it.attack in worst] or found
    return max((spread_beside(it.value, it.examples, error) for it in found), default=0.0)


def spread_beside(deviation: float, shadows: int, error: float) -> float:
    """Return what of a standard deviation over so many shadow models is not the `error` of the examples.

    Student's quantile for the shadow models takes the place of the normal one.

    >>> round(spread_beside(0.05, 16, 0.03), 4), spread_beside(0.01, 16, 0.03)  # 0.05 counts as 0.0544
    (0.0453, 0.0)
    """
    from scipy.special import stdtrit

    wider = deviation * float(stdtrit(max(1, shadows - 1), 0.975)) / Z_95
    return math.sqrt(max(0.0, wider**2 - error**2))


def over_trainings(row: Row) -> Row:
    """Return a row whose intervals hold what another training would have given, where its shadow models tell that."""
    told = [name for name in BETWEEN_TRAININGS if training_spread(row.records, name, 0.0)]
    told += [AOP] if WORST_AUC in told else []
    if row.status != "ok" or not told:
        return row
    means = means_of("any", (measured_of(row, None),))  # the same draws for all: what is alike has the same interval
    wider = {
        (name, ""): replace(row.estimates[name, ""], low=low, high=high, method=OVER_TRAININGS)
        for name, quantity in ((WORST_AUC, "auc"), (WORST_TPR, "tpr"), (AOP, "aop"))
        if name in told and (name, "") in row.estimates
        for _, low, high in (means.interval(quantity),)
    }
    return replace(row, estimates={**row.estimates, **wider})


def usable_measurements(record: CellRecord) -> dict[tuple[str, str], Measurement]:
    """Return a cell's measurements by metric and attack; of the worst attack, whichever it is, by metric alone."""
    return {(it.metric, "" if it.metric in OF_WORST else it.attack): it for it in record.measurements if usable(it)}
