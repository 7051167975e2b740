"""Laws of the leaderboard's order."""

from __future__ import annotations

import dataclasses
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tckr_bench.judging import metric_names
from tckr_bench.judging.measured import measured_of
from tckr_bench.judging.ranking import dominates
from tckr_bench.judging.remarks import remarks_of
from tckr_bench.show.lines import epsilons

SHARE = st.floats(0, 1)


def board_of(made, records):
    boards = made.leaderboard_of(records).boards
    assert len(boards) == 1
    return boards[0]


def test_rows_come_by_rank_then_by_aop_and_controls_last_in_their_own_order(made):
    records = list(made.stated_cells().values())
    random.Random(3).shuffle(records)
    board = board_of(made, records)
    assert [row.method.role for row in board.rows] == ["method"] * 3 + ["baseline"] + ["control"] * 5
    ranked = [(row.rank, -row.get(metric_names.AOP).value) for row in board.candidates]
    assert ranked == sorted(ranked)
    assert [row.rank for row in board.controls] == [None] * 5
    assert [row.method.name for row in board.controls] == ["memorizer", "noise", "overfit", "untrained", "outsider"]


def test_real_data_and_defences_are_ranked_with_synthetic_rows_and_controls_are_not(made):
    cells = made.stated_cells(overfit=made.measurements_for(0.99, 0.5, canary=1.0))
    cells["dp-sgd"] = made.stated_record(made.plain_method("dp-sgd", "defended"), made.measurements_for(0.80, 0.50))
    ranks = {row.method.name: row.rank for row in board_of(made, cells.values()).rows}
    # AOP: dp-sgd 0.80, lora-soft 0.73, none-soft 0.67, lora-hard 0.64, teacher 0.55; overfit would have 0.99
    assert all(ranks[name] is not None for name in ("teacher", "dp-sgd", made.synthetic("lora", "soft").name))
    assert ranks["dp-sgd"] == 1
    assert ranks["teacher"] == max(filter(None, ranks.values()))
    assert ranks["overfit"] is None


def test_rows_that_chance_may_have_put_in_order_share_a_rank_and_others_do_not(made):
    def ranks_with(half):
        cells = made.stated_cells()
        for adapter, accuracy in (("lora", 0.82), ("none", 0.81)):
            method = made.synthetic(adapter, "soft")
            cells[method.name] = made.stated_record(method, made.measurements_for(accuracy, 0.53, half=half))
        rows = {row.method.name: row for row in board_of(made, cells.values()).rows}
        return [rows[made.synthetic(adapter, "soft").name] for adapter in ("lora", "none")]

    first, second = ranks_with(0.02)
    assert (first.rank, second.rank) == (1, 1)
    assert second.rank_low == 1
    assert second.rank_high > 1
    first, second = ranks_with(0.0005)
    assert (first.rank, second.rank) == (1, 2)
    assert (first.rank_low, first.rank_high, second.rank_low, second.rank_high) == (1, 1, 2, 2)


def test_the_rank_is_by_the_worst_attack_and_not_by_the_declared_one(made):
    cells = made.stated_cells()
    name = made.synthetic("lora", "soft").name
    assert board_of(made, cells.values()).best.method.name == name
    cells[name] = made.under_worst(cells[name], "other", 0.9)  # under the declared attack it is the best still
    board = board_of(made, cells.values())
    assert board.best.method.name != name
    assert next(row for row in board.rows if row.method.name == name).rank == max(row.rank for row in board.candidates)


def test_order_does_not_depend_on_the_order_of_records(made):
    records = list(made.stated_cells().values())
    names = [row.method.name for row in board_of(made, records).rows]
    assert names == [row.method.name for row in board_of(made, records[::-1]).rows]


@pytest.mark.parametrize("metric", ["accuracy", "worst-auc"])
def test_a_method_without_accuracy_or_worst_attack_has_no_place(made, metric):
    cells = made.stated_cells()
    name = made.synthetic("lora", "soft").name
    broken = [
        dataclasses.replace(measurement, value=math.nan) if measurement.metric == metric else measurement
        for measurement in cells[name].measurements
    ]
    cells[name] = dataclasses.replace(cells[name], measurements=tuple(broken))
    row = board_of(made, cells.values()).candidates[-1]
    assert (row.method.name, row.rank, row.pareto) == (name, None, False)


def test_pareto_marks_what_nothing_dominates_and_never_a_control(made):
    board = board_of(made, made.stated_cells(overfit=made.measurements_for(0.99, 0.5, canary=1.0)).values())
    front = {row.method.name for row in board.rows if row.pareto}
    # accuracy, AUC: teacher .84 .62; lora-soft .82 .53; lora-hard .77 .55 (dominated by lora-soft); none-soft .70 .51
    assert front == {"teacher", made.synthetic("lora", "soft").name, made.synthetic("none", "soft").name}


@settings(deadline=None)  # the first example pays for imports
@given(SHARE, SHARE, SHARE, SHARE)
def test_dominance_is_never_mutual_and_never_of_oneself(accuracy, auc, other_accuracy, other_auc):
    one, other = (accuracy, auc), (other_accuracy, other_auc)
    assert not (dominates(one, other) and dominates(other, one))
    assert not dominates(one, one)


def test_an_auc_below_one_half_is_no_safer_than_guessing():
    assert not dominates((0.8, 0.4), (0.8, 0.5))


def test_seeds_are_averaged_and_their_spread_kept_apart(made):
    method = made.synthetic("lora", "soft")
    cells = made.stated_cells()
    del cells[method.name]
    seeds = [
        made.stated_record(method, made.measurements_for(accuracy, 0.53), seed=seed)
        for seed, accuracy in enumerate((0.80, 0.84))
    ]
    board = board_of(made, [*cells.values(), *seeds])
    estimate = next(row for row in board.rows if row.method.name == method.name).get(metric_names.ACCURACY)
    assert estimate.value == pytest.approx(0.82)
    assert (estimate.low, estimate.high) == pytest.approx((0.80, 0.84))  # bounds averaged, not narrowed
    assert estimate.spread == pytest.approx(0.04 / math.sqrt(2))
    assert "mean of the seeds' 95 % intervals" in estimate.method


def test_one_seed_keeps_its_own_interval(made):
    row = student_of(board_of(made, made.stated_cells().values()), made)
    assert row.get(metric_names.ACCURACY).method == "made up"
    assert row.get(metric_names.ACCURACY).spread is None


def test_a_failed_cell_is_shown_with_its_reason(made):
    cells = made.stated_cells()
    name = made.synthetic("lora", "hard").name
    cells[name] = made.stated_record(cells[name].method, failure="generate: the disk is full")
    row = next(row for row in board_of(made, cells.values()).rows if row.method.name == name)
    assert (row.status, row.rank, row.pareto) == ("failed", None, False)
    assert row.failures == ("seed 0: generate: the disk is full",)


def test_a_method_with_one_failed_seed_is_partial(made):
    method = made.synthetic("lora", "hard")
    records = [
        *made.stated_cells().values(),
        made.stated_record(method, seed=1, failure="train: killed"),
    ]
    row = next(row for row in board_of(made, records).rows if row.method.name == method.name)
    assert (row.status, row.seeds, row.failures) == ("partial", (0,), ("seed 1: train: killed",))


def test_costs_separate_the_pipeline_from_its_evaluation(made):
    row = student_of(board_of(made, made.stated_cells().values()), made)
    assert row.pipeline_seconds == pytest.approx(3 + 9 + 181 + 140 + 212)
    assert row.evaluation_seconds == pytest.approx(1630 + 2.5 + 4)


def test_datasets_are_judged_apart(made):
    sound = list(made.stated_cells().values())
    broken = [dataclasses.replace(record, dataset="digits") for record in made.stated_cells(noise=None).values()]
    boards = {board.dataset: board for board in made.leaderboard_of([*sound, *broken]).boards}
    assert boards["fashion-mnist"].trusted
    assert not boards["digits"].trusted


def test_without_a_baseline_nothing_is_trusted(made):
    board = board_of(made, made.stated_cells(teacher=None).values())
    assert "there is no real-data baseline to compare with" in board.reasons


def test_doubts_from_outside_make_a_dataset_untrusted(made):
    cells = made.stated_cells().values()
    assert made.leaderboard_of(cells).boards[0].trusted
    doubted = made.leaderboard_of(cells, doubts={"fashion-mnist": ["a measurement does not match"]}).boards[0]
    assert doubted.reasons == ("a measurement does not match",)


def test_a_baseline_is_found_by_classifier(made):
    other = dataclasses.replace(
        made.plain_method("teacher-wide", "baseline"), classifier=made.use("classifier", "wide")
    )
    records = [*made.stated_cells().values(), made.stated_record(other, made.measurements_for(0.9, 0.7))]
    board = board_of(made, records)
    assert board.baseline_of(board.best).method.name == "teacher"


def student_of(board, made):
    return next(row for row in board.rows if row.method.name == made.synthetic("lora", "soft").name)


def test_the_privacy_of_a_row_is_that_of_its_worst_attack_with_its_name(made):
    cells = made.stated_cells()
    name = made.synthetic("lora", "soft").name
    risk = student_of(board_of(made, cells.values()), made).risk(metric_names.AUC)
    assert (risk.estimate.value, risk.attacks) == (0.53, ("lira",))
    cells[name] = made.under_worst(cells[name], "other", 0.58)
    row = student_of(board_of(made, cells.values()), made)
    assert (row.risk(metric_names.AUC).estimate.value, row.risk(metric_names.AUC).attacks) == (0.58, ("other",))
    assert row.get(metric_names.AUC, "lira").value == 0.53


def test_nothing_stands_in_for_a_worst_attack_that_was_not_measured(made):
    cells = made.stated_cells()
    name = made.synthetic("lora", "soft").name
    kept = [it for it in cells[name].measurements if it.metric != "worst-auc"]
    cells[name] = dataclasses.replace(cells[name], measurements=tuple(kept))
    row = student_of(board_of(made, cells.values()), made)
    assert row.risk(metric_names.AUC) is None
    assert row.get(metric_names.AUC) is None, "an AUC is of an attack that is named"


def test_seeds_may_have_worst_attacks_of_their_own(made):
    method = made.synthetic("lora", "soft")
    cells = made.stated_cells()
    del cells[method.name]
    seeds = [
        made.stated_record(method, made.measurements_for(0.8, 0.53, worst=worst), seed=seed)
        for seed, worst in enumerate([("lira", 0.56), ("loss", 0.60)])
    ]
    row = student_of(board_of(made, [*cells.values(), *seeds]), made)
    assert row.risk(metric_names.AUC).estimate.value == pytest.approx(0.58)
    assert row.risk(metric_names.AUC).estimate.seeds == 2
    assert row.risk(metric_names.AUC).attacks == ("lira", "loss")
    assert row.get(metric_names.AOP).value == pytest.approx((0.8 / 1.12**2 + 0.8 / 1.2**2) / 2)


def test_the_front_is_of_accuracy_and_the_worst_attack(made):
    cells = made.stated_cells()
    name = made.synthetic("lora", "soft").name
    cells[name] = made.under_worst(cells[name], "other", 0.70)
    front = {row.method.name for row in board_of(made, cells.values()).rows if row.pareto}
    # teacher .84 .62; lora-soft .82 .70 (the teacher dominates it); lora-hard .77 .55; none-soft .70 .51
    assert front == {"teacher", made.synthetic("lora", "hard").name, made.synthetic("none", "soft").name}


def test_a_defended_row_says_what_it_proves_and_what_its_worst_attack_found(made):
    defended = made.plain_method("dp-sgd", "defended")
    measurements = (
        *made.measurements_for(0.80, 0.52),
        made.measurement("epsilon-accounted", 8.0, 0.0),
        dataclasses.replace(made.measurement("epsilon-lower", 0.3, 0.0, "lira"), high=0.9),
    )
    board = board_of(made, [*made.stated_cells().values(), made.stated_record(defended, measurements)])
    row = next(row for row in board.candidates if row.method.role == "defended")
    assert row.pareto
    assert (row.get(metric_names.PROVED).value, row.found_epsilon.low, row.found_epsilon.high) == (8.0, 0.3, 0.9)


@pytest.mark.parametrize(("short", "said"), [(None, "match not recorded"), (0.004, ""), (0.02, "accuracy not matched")])
def test_a_matched_row_says_whether_it_reached_the_accuracy_it_was_to_reach(made, short, said):
    """An epsilon of 807 at the end of a search is no price of that accuracy."""
    method = dataclasses.replace(made.plain_method("dp-sgd-matched", "defended"), matched=True)
    measurements = [*made.measurements_for(0.80, 0.52), made.measurement("epsilon-accounted", 807.0, 0.0)]
    if short is not None:
        told = made.measurement(metric_names.SHORTFALL, short, 0.0)
        measurements.append(dataclasses.replace(told, interval="80.0 % of 82.0 % wanted"))
    board = board_of(made, [*made.stated_cells().values(), made.stated_record(method, measurements)])
    row = next(row for row in board.candidates if row.method.role == "defended")
    assert row.unmatched == said
    assert epsilons(row)[0] == "proved ε ≤ 807.00"
    assert (said in epsilons(row)) == bool(said)
    remarks = " ".join(remarks_of(row))
    assert "this one training, not about validation images" in remarks
    assert ("student's accuracy" in remarks) == bool(said)
    assert ("80.0 % of 82.0 % wanted" in remarks) == (said == "accuracy not matched")


def test_a_defence_that_is_not_matched_has_no_match_to_speak_of(made):
    measurements = (*made.measurements_for(0.80, 0.52), made.measurement("epsilon-accounted", 8.0, 0.0))
    cells = [*made.stated_cells().values(), made.stated_record(made.plain_method("dp-sgd", "defended"), measurements)]
    row = next(row for row in board_of(made, cells).candidates if row.method.role == "defended")
    assert row.unmatched == ""


def test_a_failed_seed_counts_as_chance_in_the_ranking(made):
    method = made.synthetic("lora", "soft")
    cells = made.stated_cells()
    partial = [cells.pop(method.name), made.stated_record(method, seed=1, failure="train: killed")]
    measured = measured_of(student_of(board_of(made, [*cells.values(), *partial]), made), None)
    assert measured.values[0, :3] == pytest.approx([0.82, 0.53, 0.53 / 20])
    assert measured.values[1, :3] == pytest.approx([0.1, 0.5, 0.01])


def test_rows_that_cannot_be_trusted_are_not_ranked(made):
    board = board_of(made, made.stated_cells(noise=None).values())
    assert not board.trusted
    assert board.best is None
    assert not any(row.rank or row.pareto for row in board.rows)
