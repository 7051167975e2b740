"""What several controls are asked.

Every check allows for chance at a level of about one false alarm in a thousand, with the standard error implied by the
saved 95 % interval: at the 95 % level a sound run would be called untrustworthy once in a dozen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tckr_bench.controls.api import ControlOutcome

if TYPE_CHECKING:
    from tckr_bench.records import CellRecord, Measurement

AUC = "auc-mia"
Z_CHECK = 3.3
"""Standard errors allowed for: beyond them to either side lies one in a thousand of a normal distribution."""


def find(record: CellRecord | None, metric: str, attack: str = "") -> Measurement | None:
    """Return a record's measurement, if it has it and all of it is finite."""
    for measurement in record.measurements if record is not None else ():
        if (measurement.metric, measurement.attack) == (metric, attack):
            whole = all(map(math.isfinite, (measurement.low, measurement.value, measurement.high)))
            return measurement if whole else None
    return None


def finds_nothing(cell: CellRecord, attack: str, *, stray: float = 1.0) -> ControlOutcome:
    """Fail a cell on which an attack does other than guess.

    Args:
        cell: the record that is judged.
        attack: label of the attack.
        stray: how much further than its standard error says the AUC may stray.
    """
    measurement = find(cell, AUC, attack)
    if measurement is None:
        return ControlOutcome(passed=False, reason=f"has no AUC of the attack {attack}")
    allowed = stray * Z_CHECK * measurement.error
    passed = abs(measurement.value - 0.5) <= allowed
    verb = "is" if passed else "is not"
    return ControlOutcome(passed, f"AUC {measurement.value:.3f} {verb} within {allowed:.3f} of guessing (0.5)")
