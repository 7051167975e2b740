"""The control `overfit`: a classifier that learns mislabelled canaries by heart. An attack must find them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tckr_bench.controls.api import Control, ControlOptions, ControlOutcome, Regime
from tckr_bench.controls.checks import find
from tckr_bench.records import ChallengeParameters, Method, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tckr_bench.controls.api import Parts, Trial

CANARY_FLOOR = 0.9


class OverfitOptions(ControlOptions):
    """How many examples a side, how many canaries among them, and for how long it learns them."""

    per_side: int = Field(default=400, ge=20)
    canaries: int = Field(default=60, ge=10)
    epochs: int = Field(default=30, ge=1)


def methods(parts: Parts, options: OverfitOptions) -> tuple[Method, ...]:
    """Return the matrix's classifier, made to memorise."""
    return (Method("overfit", "control", parts.memorising(options.epochs)),)


def regime(options: OverfitOptions) -> Regime:
    """Return a small challenge of its own whose members, canaries and all, are its training set."""
    challenge = ChallengeParameters(per_side=options.per_side, canaries=options.canaries)
    return Regime(Sample("members", challenge), challenge, epoch="last")


def checks(trial: Trial) -> Iterator[ControlOutcome]:
    """Yield whether the declared attack finds the canaries."""
    measurement = find(trial.cell, "canary-auc", trial.primary)
    if measurement is None:
        yield ControlOutcome(passed=False, reason=f"has no canary AUC of the attack {trial.primary}")
        return
    passed = measurement.value >= CANARY_FLOOR
    verb, bound = ("found", "at least") if passed else ("missed", "less than")
    yield ControlOutcome(passed, f"canaries {verb}: AUC {measurement.value:.3f}, {bound} {CANARY_FLOOR}")


OVERFIT = Control(
    name="overfit",
    summary="learns mislabelled images by heart",
    expectation="attacks must find them",
    methods=methods,
    checks=checks,
    options=OverfitOptions,
    regime=regime,
)
