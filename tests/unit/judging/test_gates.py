"""A control passes when it behaves as it must, and fails when it does not, each way once."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.stats import norm, t

from tckr_bench.controls.memorizer import released_share, spread_allowed
from tckr_bench.controls.noise import chance_limit
from tckr_bench.judging.gates import judge_gates
from tckr_bench.judging.rows import build_leaderboard
from tckr_bench.records import Prompts, ThreatModel
from tckr_bench.stages.generate import plan_samples


def judged(records, *, limits=None):
    return {gate.name: gate for gate in judge_gates(list(records), "lira", limits=limits or {})}


def board_of(made, cells):
    return build_leaderboard(made.results_of(cells), control_limits={}).boards[0]


def gates_of(made, limits=None, **changes):
    return judged(made.stated_cells(**changes).values(), limits=limits)


def test_a_sound_run_passes_every_control(made):
    assert all(gate.passed for gate in gates_of(made).values())
    assert board_of(made, made.stated_cells().values()).trusted


def test_each_control_fails_when_broken(made):
    broken = {
        "memorizer": made.measurements_for(0.83, 0.52),  # looks safe although it releases the training images
        "noise": made.measurements_for(0.11, 0.60),  # an attack finds members of a model that saw none
        "overfit": made.measurements_for(0.80, 0.70, canary=0.80),  # the attack misses what was memorised
        "untrained": made.measurements_for(0.10, 0.45),
        "outsider": made.measurements_for(0.61, 0.56),  # members are told from others by a model that never saw them
    }
    for control, measurements in broken.items():
        found = gates_of(made, **{control: measurements})
        assert [name for name, gate in found.items() if not gate.passed] == [control]
        board = board_of(made, made.stated_cells(**{control: measurements}).values())
        assert not board.trusted
        assert any(reason.startswith(f"control {control}: ") for reason in board.reasons)


@pytest.mark.parametrize("control", ["memorizer", "noise", "overfit", "untrained", "outsider"])
def test_a_missing_control_fails(made, control):
    gate = gates_of(made, **{control: None})[control]
    assert (gate.passed, gate.reason) == (False, "was not run")


@pytest.mark.parametrize("control", ["memorizer", "noise", "overfit", "untrained", "outsider"])
def test_a_control_without_measurements_fails(made, control):
    assert not gates_of(made, **{control: ()})[control].passed


def test_a_failed_cell_fails_its_control(made):
    cells = made.stated_cells()
    cells["noise"] = made.stated_record(cells["noise"].method, failure="train: killed")
    found = judged(cells.values())
    assert found["noise"].reason == "its cell failed (train: killed)"


def test_one_bad_seed_fails_a_control(made):
    cells = made.stated_cells()
    second = dataclasses.replace(cells["untrained"], seed=1, measurements=made.measurements_for(0.1, 0.7))
    found = judged([*cells.values(), second])
    assert not found["untrained"].passed
    assert found["untrained"].reason.startswith("seed 1: ")


def test_a_memorizer_that_leaks_more_than_the_teacher_is_no_failure(made):
    assert gates_of(made, memorizer=made.measurements_for(0.83, 0.80))["memorizer"].passed


def test_checks_allow_more_than_the_95_percent_interval(made):
    # half width 0.02 at 95 %: standard error 0.0102, and 3.3 of them are 0.0337
    assert gates_of(made, untrained=made.measurements_for(0.1, 0.533))["untrained"].passed
    assert not gates_of(made, untrained=made.measurements_for(0.1, 0.534))["untrained"].passed


def test_sound_aucs_raise_a_false_alarm_about_once_in_a_thousand(made):
    drawn = np.random.default_rng(0).normal(0.5, 0.02 / 1.959964, 4000)
    alarms = np.mean(np.abs(drawn - 0.5) > 3.3 * 0.02 / 1.959964)
    assert alarms < 0.003
    some = [gates_of(made, untrained=made.measurements_for(0.1, auc))["untrained"].passed for auc in drawn[:200]]
    assert np.mean(some) > 0.98


def test_noise_fails_when_it_knows_more_than_chance(made):
    limits = {("fashion-mnist", "noise", 0): 0.2}
    assert gates_of(made, limits, noise=made.measurements_for(0.19, 0.5))["noise"].passed
    gate = gates_of(made, limits, noise=made.measurements_for(0.21, 0.5))["noise"]
    assert not gate.passed
    assert "accuracy 21.0 % is not chance" in gate.reason


def test_without_evidence_noise_is_held_to_the_widest_bound(made):
    assert gates_of(made, noise=made.measurements_for(0.5, 0.5))["noise"].passed
    assert not gates_of(made, noise=made.measurements_for(0.8, 0.5))["noise"].passed


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


WITH_COPIES = {"nearest-copy": ThreatModel("the images", "nothing", surface="images")}
WITH_BLIND = {"blind": ThreatModel("nothing", "who is a member", surface="data")}


def with_measurements(record, *measurements, models=None):
    models = {**record.threat_models, **(models or {})}
    return dataclasses.replace(record, measurements=(*record.measurements, *measurements), threat_models=models)


def test_with_epochs_chosen_on_the_test_set_no_outsider_is_asked_for(made):
    cells = made.stated_cells(outsider=None).values()
    assert "outsider" not in judged(dataclasses.replace(record, protocol="paper") for record in cells)


@pytest.mark.parametrize(("auc", "passes"), [(1.0, True), (0.99, True), (0.989, False), (None, False)])
def test_copies_that_a_memorizer_releases_must_be_found(made, auc, passes):
    cells = made.stated_cells()
    measurements = () if auc is None else (made.measurement("auc-mia", auc, 0.0, "nearest-copy"),)
    cells["memorizer"] = with_measurements(cells["memorizer"], *measurements, models=WITH_COPIES)
    gate = judged(cells.values())["memorizer"]
    assert gate.passed is passes
    assert ("copies found" if passes else "copies missed" if auc else "has no AUC of the attack") in gate.reason


@pytest.mark.parametrize("counts", [(40, 40, 40), (10, 30, 80), (1, 2, 57)])
@pytest.mark.parametrize("cardinality", [0.5, 1, 3])
def test_the_share_a_memorizer_releases_is_that_of_the_sequence_it_follows(counts, cardinality):
    labels = np.repeat(np.arange(len(counts)), counts)
    prompts = Prompts(("",) * len(labels), labels, np.arange(len(labels)))
    sequence = plan_samples(prompts, start=0, stop=round(cardinality * len(labels)), seed=0)
    released = len(set(sequence.prompts.sources.tolist())) / len(labels)
    assert released_share(labels, cardinality) == pytest.approx(released, abs=len(counts) / len(labels))


@pytest.mark.parametrize(("auc", "passes"), [(0.93, True), (0.8, False)])
def test_a_memorizer_that_cannot_release_all_is_asked_for_what_it_releases(made, auc, passes):
    cells = made.stated_cells()
    measurement = made.measurement("auc-mia", auc, 0.01, "nearest-copy")
    cells["memorizer"] = with_measurements(cells["memorizer"], measurement, models=WITH_COPIES)
    key = (cells["memorizer"].dataset, "memorizer", cells["memorizer"].seed)
    assert judged(cells.values(), limits={key: 0.9})["memorizer"].passed is passes
    assert not judged(cells.values())["memorizer"].passed


def with_augmented(made, *measurements):
    record = made.stated_record(made.plain_method("memorizer-augmented", "control"), made.measurements_for(0.1, 0.5))
    return [*made.stated_cells().values(), with_measurements(record, *measurements, models=WITH_COPIES)]


@pytest.mark.parametrize(("auc", "passes"), [(1.0, True), (0.98, True), (0.979, False), (None, False)])
def test_altered_copies_that_are_released_must_be_found(made, auc, passes):
    measurements = () if auc is None else (made.measurement("auc-mia", auc, 0.0, "nearest-copy"),)
    cells = with_augmented(made, *measurements)
    found = judged(cells)
    assert [name for name, gate in found.items() if not gate.passed and name != "memorizer"] == (
        [] if passes else ["memorizer-augmented"]
    )
    said = "copies found" if passes else "copies missed" if auc else "has no AUC of the attack"
    assert said in found["memorizer-augmented"].reason


def test_altered_copies_that_are_released_in_part_are_asked_for_in_part(made):
    cells = with_augmented(made, made.measurement("auc-mia", 0.93, 0.01, "nearest-copy"))
    key = (cells[-1].dataset, "memorizer-augmented", cells[-1].seed)
    assert judged(cells, limits={key: 0.9})["memorizer-augmented"].passed
    assert not judged(cells)["memorizer-augmented"].passed


def test_where_nothing_looks_for_copies_altered_ones_are_not_missed(made):
    record = made.stated_record(made.plain_method("memorizer-augmented", "control"), made.measurements_for(0.1, 0.5))
    gate = judged([*made.stated_cells().values(), record])["memorizer-augmented"]
    assert (gate.passed, gate.reason) == (True, "no attack here looks for copies among images")


def test_a_control_that_need_not_be_there_has_no_gate_without_it(made):
    assert "memorizer-augmented" not in gates_of(made)
    assert board_of(made, made.stated_cells().values()).trusted


@pytest.mark.parametrize(("auc", "passes"), [(0.5, True), (0.55, True), (0.551, False), (0.449, False)])
def test_a_challenge_that_gives_its_members_away_fails_every_row(made, auc, passes):
    # half width 0.02 at 95 %, 3.3 standard errors, and half as far again for being learnt: 0.0505
    cells = made.stated_cells()
    cells["teacher"] = with_measurements(
        cells["teacher"], made.measurement("auc-mia", auc, 0.02, "blind"), models=WITH_BLIND
    )
    gate = judged(cells.values())["blind"]
    assert gate.passed is passes
    board = board_of(made, cells.values())
    assert board.trusted is passes
    assert [row.rank for row in board.rows if row.method.role == "method"] == ([1, 1, 2] if passes else [None] * 3)


def test_a_test_of_the_challenge_without_a_measurement_fails(made):
    cells = made.stated_cells()
    cells["teacher"] = with_measurements(cells["teacher"], models=WITH_BLIND)
    assert not judged(cells.values())["blind"].passed


def spread_of(made, value, trainings=16):
    return dataclasses.replace(made.measurement("auc-between-trainings", value, 0, "lira"), examples=trainings)


def test_a_memorizer_may_differ_from_its_teacher_by_what_trainings_differ(made):
    cells = made.stated_cells(teacher=made.measurements_for(0.84, 0.878), memorizer=made.measurements_for(0.83, 0.813))
    # sampling alone: 3.3 * sqrt(2) * 0.02 / 1.96 = 0.048 < 0.065
    assert not judged(cells.values())["memorizer"].passed
    cells["teacher"] = with_measurements(cells["teacher"], spread_of(made, 0.011))
    # with it: sqrt(2) * hypot(3.3 * 0.0102, 4.09 * 0.011) = 0.0795
    gate = judged(cells.values())["memorizer"]
    assert gate.passed
    assert "chance allows 0.079 less, as trainings differ" in gate.reason


def test_the_larger_spread_between_trainings_counts(made):
    cells = made.stated_cells()
    for name, value in (("teacher", 0.001), ("memorizer", 0.011)):
        cells[name] = with_measurements(cells[name], spread_of(made, value))
    assert "allows 0.079 less" in judged(cells.values())["memorizer"].reason


@pytest.mark.parametrize("trainings", [4, 16, 256])
def test_few_trainings_tell_their_spread_roughly(made, trainings):
    expected = t.ppf(norm.cdf(3.3), trainings - 1)
    assert spread_allowed(spread_of(made, 0.01, trainings)) == pytest.approx(0.01 * expected, rel=1e-3)


@pytest.mark.parametrize("sampling", [0.0, 0.005, 0.02])
def test_two_trainings_that_differ_by_chance_fail_a_memorizer_less_than_once_in_a_thousand(made, sampling):
    generator, runs, between = np.random.default_rng(3), 400_000, 0.015
    total = np.hypot(between, sampling)  # teacher, memorizer and sixteen shadow models are draws of one law
    spread = generator.normal(0, total, (runs, 16)).std(axis=1, ddof=1)
    difference = generator.normal(0, total, (runs, 2)) @ [1, -1]
    allowed = np.sqrt(2) * np.hypot(3.3 * sampling, spread_allowed(spread_of(made, 1.0)) * spread)
    assert np.mean(difference < -allowed) < 0.001
    judged_so, told = [], slice(40)
    for gap, value in zip(3 * difference[told], spread[told], strict=True):  # wide apart, so that some fail
        cells = made.stated_cells(
            teacher=made.measurements_for(0.84, 0.7, half=1.959964 * sampling),
            memorizer=made.measurements_for(0.83, 0.7 + gap, half=1.959964 * sampling),
        )
        cells["teacher"] = with_measurements(cells["teacher"], spread_of(made, value))
        judged_so.append(judged(cells.values())["memorizer"].passed)
    np.testing.assert_array_equal(judged_so, 3 * difference[told] >= -allowed[told])
    assert not all(judged_so)
