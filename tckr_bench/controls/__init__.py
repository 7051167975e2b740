"""Controls: methods whose answer is known before the run, each with all that is its own in one module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tckr_bench.controls import challenge, shadows
from tckr_bench.controls.api import Control, ControlOptions, ControlOutcome, Parts, Regime, Trial
from tckr_bench.controls.memorizer import MEMORIZER
from tckr_bench.controls.memorizer_augmented import MEMORIZER_AUGMENTED
from tckr_bench.controls.noise import NOISE
from tckr_bench.controls.outsider import OUTSIDER
from tckr_bench.controls.overfit import OVERFIT
from tckr_bench.controls.untrained import UNTRAINED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tckr_bench.records import CellEvidence, CellRecord, Method, TrainingProtocol

__all__ = [
    "CONTROLS",
    "Control",
    "ControlOptions",
    "ControlOutcome",
    "Parts",
    "Regime",
    "Trial",
    "asked_under",
    "control_of",
    "limit_rule",
    "place_of",
    "words_of_gate",
]

CONTROLS: tuple[Control[Any], ...] = (MEMORIZER, MEMORIZER_AUGMENTED, NOISE, OVERFIT, UNTRAINED, OUTSIDER)
"""Every control, in the order of the board."""


def control_of(method: Method) -> Control[Any] | None:
    """Return the control that a method belongs to; None of a method that is no control, or of one not known here."""
    return _named(method.name) if method.role == "control" else None


def asked_under(protocols: Iterable[TrainingProtocol]) -> tuple[Control[Any], ...]:
    """Return the controls that a run under any of the protocols must have."""
    found = set(protocols)
    return tuple(control for control in CONTROLS if found.intersection(control.protocols))


def place_of(method: Method) -> int:
    """Return a control's place on the board; those not known here come last."""
    control = control_of(method)
    return CONTROLS.index(control) if control else len(CONTROLS)


def limit_rule(record: CellRecord) -> Callable[[CellRecord, CellEvidence], float] | None:
    """Return what tells, from a cell's own evidence, how far its control may go; None where the evidence does not."""
    control = control_of(record.method)
    return control.limit if control and record.status == "ok" else None


def words_of_gate(name: str) -> str:
    """Say what stands behind a gate and what must come of it: a control, or a test of the challenge or the shadows.

    >>> words_of_gate("untrained"), words_of_gate("blind")
    ('was never trained, so attacks must find nothing', 'looks at no model, so members and non-members must look alike')
    """
    control = _named(name)
    if control is None:
        return shadows.WORDS if name == shadows.GATE else challenge.WORDS
    return control.words


def _named(name: str) -> Control[Any] | None:
    owners = [control for control in CONTROLS if control.owns(name)]
    return max(owners, key=lambda control: len(control.name), default=None)  # one's name may begin with another's
