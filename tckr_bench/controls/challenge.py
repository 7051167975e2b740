"""The test of the challenge: no method, but a gate all the same. Attacks that see no model must find nothing.

Where they succeed, members differ from non-members beforehand, and no other attack's measurement means anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.controls.api import ControlOutcome
from tckr_bench.controls.checks import finds_nothing

if TYPE_CHECKING:
    from tckr_bench.records import CellRecord

WORDS = "looks at no model, so members and non-members must look alike"
CROSS_VALIDATED = 1.5
"""How much further than DeLong's error the AUC of scores learnt by cross-validation may stray: the examples share the
models that score them. On 360 challenges whose members were drawn at random it strayed 1.20 to 1.41 times as far."""


def is_fair(cell: CellRecord, attack: str) -> ControlOutcome:
    """Fail a challenge whose members can be told from its non-members without looking at any model."""
    found = finds_nothing(cell, attack, stray=CROSS_VALIDATED)
    if found.passed:
        return ControlOutcome(passed=True, reason=f"without any model, members look like non-members: {found.reason}")
    told = "members can be told from non-members without any model, so no attack's measurement counts"
    return ControlOutcome(passed=False, reason=f"{told}: {found.reason}")
