"""Contrasts of rows against real data, on the same examples."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tckr_bench.judging import metric_names
from tckr_bench.judging.paired import attack_differences, paired_differences
from tckr_bench.judging.rows import verified_leaderboard
from tckr_bench.records import Estimate
from tckr_bench.results.verify import verified
from tckr_bench.show.contrasts import contrasts, paired, side_of
from tckr_bench.show.tables import method_label
from tckr_bench.text import short_names


@pytest.fixture(scope="module")
def found(audited):
    return verified(audited)


@pytest.fixture(scope="module")
def leaderboard(found):
    return verified_leaderboard(found)


@pytest.fixture(scope="module")
def board(leaderboard):
    return leaderboard.boards[0]


@pytest.fixture(scope="module")
def names(leaderboard):
    return short_names(leaderboard.methods)[0]


def row_called(board, name):
    return next(row for row in board.rows if row.method.name == name)


def auc_of(found, name, attack):
    scores = found.evidence["fashion-mnist", name, 0].attacks[attack]
    return roc_auc_score(scores.members, scores.scores)


def test_two_attacks_of_one_cell_are_compared_on_the_same_examples(found, board, made):
    name = made.synthetic("lora", "soft").name
    row = row_called(board, name)
    change = paired(found.evidence, (row, "adaptive"), (row, "lira"))[metric_names.AUC]
    assert change.value == pytest.approx(auc_of(found, name, "adaptive") - auc_of(found, name, "lira"))
    assert change.low < change.value < change.high


def test_an_attack_differs_from_itself_by_nothing(found, board):
    row = row_called(board, "teacher")
    for change in paired(found.evidence, (row, "lira"), (row, "lira")).values():
        assert (change.value, change.low, change.high) == (0, 0, 0)


def test_other_members_or_other_examples_are_not_compared(found):
    attack = found.evidence["fashion-mnist", "teacher", 0].attacks["lira"]
    assert attack_differences(attack, attack)
    assert not attack_differences(attack, dataclasses.replace(attack, members=~attack.members))
    assert not attack_differences(attack, dataclasses.replace(attack, labels=np.roll(attack.labels, 1)))
    assert attack_differences(attack, dataclasses.replace(attack, labels=None))
    assert not attack_differences(attack, None)


def test_each_row_is_contrasted_under_its_own_worst_attack(found, board, names, made):
    name = made.synthetic("none", "soft").name
    row, teacher = row_called(board, name), row_called(board, "teacher")
    worst = [entry.risk(metric_names.AUC).attacks[0] for entry in (row, teacher)]
    sides = [side_of(found.evidence, entry.records[0]) for entry in (row, teacher)]
    change = paired_differences(*sides)[metric_names.WORST_AUC]
    assert change.value == pytest.approx(auc_of(found, name, worst[0]) - auc_of(found, "teacher", worst[1]))
    shown = {entry.name: entry for entry in contrasts(found.evidence, board, names)}
    assert shown[names[name]].worst.value == f"{change.value:.3f}".replace("-", "\N{MINUS SIGN}")


def test_defended_and_synthetic_rows_are_contrasted_in_order_and_controls_are_not(found, board, names):
    assert [entry.name for entry in contrasts(found.evidence, board, names)] == [
        method_label(row, names) for row in board.rows if row.method.role in ("defended", "method")
    ]


def test_the_verdict_follows_the_interval(found, board, names, monkeypatch):
    for low, high, words in ((-0.2, -0.1, "safer than"), (-0.1, 0.1, "cannot be told"), (0.1, 0.2, "less safe than")):
        changes = {metric_names.AUC: Estimate(0.0, low, high, "stated")}
        monkeypatch.setattr("tckr_bench.show.contrasts.attack_differences", lambda *_, **__: changes)  # noqa: B023
        assert all(words in entry.verdict for entry in contrasts(found.evidence, board, names))
