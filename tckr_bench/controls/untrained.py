"""The control `untrained`: a classifier with its first weights. What an attack finds in it is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.controls.api import Control, ControlOptions, Regime
from tckr_bench.controls.checks import finds_nothing
from tckr_bench.records import Method

if TYPE_CHECKING:
    from tckr_bench.controls.api import Parts


def methods(parts: Parts, _: ControlOptions) -> tuple[Method, ...]:
    """Return the matrix's classifier, never trained."""
    return (Method("untrained", "control", parts.untrained()),)


UNTRAINED = Control(
    name="untrained",
    summary="was never trained",
    expectation="attacks must find nothing",
    methods=methods,
    checks=lambda trial: [finds_nothing(trial.cell, trial.primary)],
    options=ControlOptions,
    regime=lambda _: Regime(sees_members=False),
)
