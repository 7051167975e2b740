"""The control `outsider`: a classifier trained as the teacher is, on images that are not in the challenge.

Unlike an untrained one it knows the task, so an attack that finds members in it tells easy images from hard ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.controls.api import Control, ControlOptions, Regime
from tckr_bench.controls.checks import finds_nothing
from tckr_bench.records import Method, Sample

if TYPE_CHECKING:
    from tckr_bench.controls.api import Parts


def methods(parts: Parts, _: ControlOptions) -> tuple[Method, ...]:
    """Return the matrix's classifier as it is."""
    return (Method("outsider", "control", parts.classifier),)


OUTSIDER = Control(
    name="outsider",
    summary="learns from images outside the challenge",
    expectation="attacks must find nothing",
    methods=methods,
    checks=lambda trial: [finds_nothing(trial.cell, trial.primary)],
    options=ControlOptions,
    # its training images are those that would have validated, so the last epoch is kept
    regime=lambda _: Regime(sample=Sample("outside"), epoch="last", sees_members=False),
    protocols=("sound",),  # with epochs chosen on the test set nothing is held out for it
)
