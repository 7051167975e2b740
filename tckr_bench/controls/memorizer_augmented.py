"""The control `memorizer-augmented`: releases the training images mirrored, cropped and brightened. A copy is a copy.

Its images alone are judged, so no student learns from them and no shadow models are trained for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.controls.api import Control, ControlOptions, ControlOutcome, Regime
from tckr_bench.controls.memorizer import GENERATOR, copies_found, limit
from tckr_bench.records import Method

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tckr_bench.controls.api import Parts, Trial

NAME = "memorizer-augmented"
ALTERED_FLOOR = 0.98


def methods(parts: Parts, _: ControlOptions) -> tuple[Method, ...]:
    """Return a classifier that learns nothing beside the altered training images."""
    generator = parts.use("generator", GENERATOR, label=NAME, options={"altered": True})
    adapter = parts.use("adapter", "memorize", label="memorize", options={})
    return (
        Method(NAME, "control", parts.untrained(), captioner=parts.captioner, generator=generator, adapter=adapter),
    )


def checks(trial: Trial) -> Iterator[ControlOutcome]:
    """Yield whether every attack that looks for copies among images finds the members, or that none is there."""
    found = list(copies_found(trial, floor=ALTERED_FLOOR))
    yield from found or [ControlOutcome(passed=True, reason="no attack here looks for copies among images")]


MEMORIZER_AUGMENTED = Control(
    name=NAME,
    summary="releases the training images mirrored, cropped and brightened",
    expectation="attacks that look for copies must find them",
    methods=methods,
    checks=checks,
    options=ControlOptions,
    regime=lambda _: Regime(sees_members=False),
    limit=limit,
    required=False,
)
