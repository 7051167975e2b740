"""The gate of the shadow models: a target that is made otherwise than they are is seen."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import t

from tckr_bench import stats
from tckr_bench.controls.shadows import METRIC, deviations_allowed, lie_among
from tckr_bench.judging.gates import judge_gates
from tckr_bench.records import Measurement


def lying(cell, *deviations, shadows=16):
    measurements = tuple(
        Measurement(METRIC, value, value - 2, value + 2, "Student", examples=shadows, attack=f"attack-{place}")
        for place, value in enumerate(deviations)
    )
    return dataclasses.replace(cell, measurements=(*cell.measurements, *measurements))


@pytest.fixture
def cell(made):
    return made.stated_cells()["teacher"]


def test_a_target_four_deviations_from_its_shadows_is_not_one_of_them(cell):
    assert lie_among([lying(cell, 0.5, -3.9)]).passed
    outside = lie_among([lying(cell, 0.5, -4.9)])
    assert not outside.passed
    assert "attack-1" in outside.reason
    assert "attack-0" not in outside.reason
    assert "-4.9 standard deviations away (4.0 allowed)" in outside.reason


def test_few_shadows_tell_their_deviation_less_well_and_are_exceeded_no_more_often():
    level = [2 * t.sf(deviations_allowed(n) / np.sqrt(1 + 1 / n), n - 1) for n in (4, 8, 12, 16)]
    assert level == pytest.approx([level[-1]] * 4, rel=1e-6)
    assert level[-1] < 0.002
    assert deviations_allowed(8) > deviations_allowed(16) == deviations_allowed(256)


def test_without_an_audit_there_is_no_gate(cell):
    assert lie_among([cell]) is None
    names = {gate.name for gate in judge_gates([cell], "lira", limits={})}
    assert "shadows" not in names
    gates = {gate.name: gate for gate in judge_gates([lying(cell, 9.0)], "lira", limits={})}
    assert not gates["shadows"].passed


def test_a_target_drawn_like_its_shadows_passes_and_one_that_learned_otherwise_does_not():
    generator = np.random.default_rng(0)
    drawn = generator.normal(0.57, 0.015, size=(400, 17))
    far = [abs(stats.deviations_from(row[0], row[1:]).value) for row in drawn]
    assert np.mean(np.array(far) > deviations_allowed(16)) < 0.01
    others = generator.normal(0.574, 0.015, 16)
    assert abs(stats.deviations_from(0.500, others).value) > deviations_allowed(16)  # shadows that learned canaries
