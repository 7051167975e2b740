"""A control passes when it behaves as it must, and fails when it does not, each way once."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tckr_bench.board.controls import judge_controls
from tckr_bench.board.rank import build_leaderboard
from tckr_bench.board.verify import chance_limit


def verdicts_of(made, chance_limits=None, **changes):
    records = list(made.stated_cells(**changes).values())
    found = judge_controls(records, "lira", chance_limits=chance_limits or {})
    return {verdict.control: verdict for verdict in found}


def test_a_sound_run_passes_every_control(made):
    assert all(verdict.passed for verdict in verdicts_of(made).values())
    assert build_leaderboard(made.results_of(made.stated_cells().values())).boards[0].trusted


def test_each_control_fails_when_broken(made):
    broken = {
        "memorizer": made.figures_for(0.83, 0.52),  # looks safe although it releases the training images
        "noise": made.figures_for(0.11, 0.60),  # an attack finds members of a model that saw none
        "overfit": made.figures_for(0.80, 0.70, canary=0.80),  # the attack misses what was memorised
        "untrained": made.figures_for(0.10, 0.45),
    }
    for control, figures in broken.items():
        found = verdicts_of(made, **{control: figures})
        assert [name for name, verdict in found.items() if not verdict.passed] == [control]
        board = build_leaderboard(made.results_of(made.stated_cells(**{control: figures}).values())).boards[0]
        assert not board.trusted
        assert any(reason.startswith(f"control {control}: ") for reason in board.reasons)


@pytest.mark.parametrize("control", ["memorizer", "noise", "overfit", "untrained"])
def test_a_missing_control_fails(made, control):
    verdict = verdicts_of(made, **{control: None})[control]
    assert (verdict.passed, verdict.reason) == (False, "was not run")


@pytest.mark.parametrize("control", ["memorizer", "noise", "overfit", "untrained"])
def test_a_control_without_figures_fails(made, control):
    assert not verdicts_of(made, **{control: ()})[control].passed


def test_a_failed_cell_fails_its_control(made):
    cells = made.stated_cells()
    cells["noise"] = made.stated_record(cells["noise"].method, failure="train: killed")
    found = {verdict.control: verdict for verdict in judge_controls(list(cells.values()), "lira", chance_limits={})}
    assert found["noise"].reason == "its cell failed (train: killed)"


def test_one_bad_seed_fails_a_control(made):
    cells = made.stated_cells()
    second = dataclasses.replace(cells["untrained"], seed=1, figures=made.figures_for(0.1, 0.7))
    found = {
        verdict.control: verdict for verdict in judge_controls([*cells.values(), second], "lira", chance_limits={})
    }
    assert not found["untrained"].passed
    assert found["untrained"].reason.startswith("seed 1: ")


def test_a_memorizer_that_leaks_more_than_the_teacher_is_no_failure(made):
    assert verdicts_of(made, memorizer=made.figures_for(0.83, 0.80))["memorizer"].passed


def test_checks_allow_more_than_the_95_percent_interval(made):
    # half width 0.02 at 95 %: standard error 0.0102, and 3.3 of them are 0.0337
    assert verdicts_of(made, untrained=made.figures_for(0.1, 0.533))["untrained"].passed
    assert not verdicts_of(made, untrained=made.figures_for(0.1, 0.534))["untrained"].passed


def test_sound_aucs_raise_a_false_alarm_about_once_in_a_thousand(made):
    drawn = np.random.default_rng(0).normal(0.5, 0.02 / 1.959964, 4000)
    alarms = np.mean(np.abs(drawn - 0.5) > 3.3 * 0.02 / 1.959964)
    assert alarms < 0.003
    some = [verdicts_of(made, untrained=made.figures_for(0.1, auc))["untrained"].passed for auc in drawn[:200]]
    assert np.mean(some) > 0.98


def test_noise_fails_when_it_knows_more_than_chance(made):
    limits = {("fashion-mnist", "noise", 0): 0.2}
    assert verdicts_of(made, limits, noise=made.figures_for(0.19, 0.5))["noise"].passed
    verdict = verdicts_of(made, limits, noise=made.figures_for(0.21, 0.5))["noise"]
    assert not verdict.passed
    assert "accuracy 21.0 % is not chance" in verdict.reason


def test_without_evidence_noise_is_held_to_the_widest_bound(made):
    assert verdicts_of(made, noise=made.figures_for(0.5, 0.5))["noise"].passed
    assert not verdicts_of(made, noise=made.figures_for(0.8, 0.5))["noise"].passed


def test_chance_limit_of_coin_flips_is_near_the_binomial_one():
    generator = np.random.default_rng(1)
    labels = np.arange(5000) % 10
    limit = chance_limit(generator.normal(size=(5000, 10)), labels)
    assert 0.1 + 2.5 * np.sqrt(0.09 / 5000) < limit < 0.1 + 4.5 * np.sqrt(0.09 / 5000)


def test_chance_limit_allows_for_classes_named_right_by_luck():
    labels = np.arange(1000) % 10
    shifted = np.eye(10)[(labels + 1) % 10]  # every class consistently named, all wrong: as lucky as six right
    assert chance_limit(shifted, labels) == pytest.approx(0.6, abs=0.1)


def test_chance_limit_catches_knowledge():
    generator = np.random.default_rng(2)
    labels = np.arange(2000) % 10
    known = np.where(generator.random(2000) < 0.8, labels, generator.integers(10, size=2000))
    assert np.mean(known == labels) > chance_limit(np.eye(10)[known], labels)
