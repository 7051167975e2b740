"""What adapting gains: which attacks are one another's counterparts, and what their difference is called."""

from __future__ import annotations

import dataclasses

import pytest
from sklearn.metrics import roc_auc_score

from tckr_bench.judging.rows import verified_leaderboard
from tckr_bench.records import Estimate, ThreatModel
from tckr_bench.results.verify import verified
from tckr_bench.show.adaptive import adaptive_gains, counterparts
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


def with_models(row, models):
    return dataclasses.replace(row, records=(dataclasses.replace(row.records[0], threat_models=models),))


def baseline_scoring(found, **scores_of):
    """The evidence of a run in which some attacks score the teacher as other attacks do."""
    evidence = dict(found.evidence)
    teacher = evidence["fashion-mnist", "teacher", 0]
    alike = {label: dataclasses.replace(teacher.attacks[other], attack=label) for label, other in scores_of.items()}
    evidence["fashion-mnist", "teacher", 0] = dataclasses.replace(teacher, attacks={**teacher.attacks, **alike})
    return evidence


def test_attacks_that_score_the_baseline_alike_are_counterparts(found, board, made):
    row = row_called(board, made.synthetic("lora", "soft").name)
    assert counterparts(baseline_scoring(found, adaptive="rmia"), board, row) == (("rmia", "adaptive"),)
    assert counterparts(baseline_scoring(found, adaptive="lira"), board, row) == (("lira", "adaptive"),)


def test_an_adaptive_attack_has_one_counterpart_the_first_of_equals(found, board, made):
    row = row_called(board, made.synthetic("lora", "soft").name)
    alike = baseline_scoring(found, adaptive="lira", rmia="lira")
    ((other, label),) = counterparts(alike, board, row)
    assert label == "adaptive"
    assert other == next(name for name in row.records[0].threat_models if name in ("rmia", "lira"))


def test_without_a_pair_told_by_scores_the_primary_attack_is_set_against_what_sees_and_owns_the_same(
    found, board, made
):
    row = row_called(board, made.synthetic("lora", "soft").name)
    assert counterparts(found.evidence, board, row) == (("lira", "adaptive"),)
    other = {"earlier": ThreatModel("much", "more", adaptive=True), **row.records[0].threat_models}
    assert counterparts(found.evidence, board, with_models(row, other)) == (("lira", "adaptive"),)
    del other["adaptive"]
    assert counterparts(found.evidence, board, with_models(row, other)) == (("lira", "earlier"),)


def test_an_attack_that_is_adaptive_itself_has_no_counterpart(found, board):
    assert counterparts(found.evidence, board, row_called(board, "teacher")) == ()


def test_every_synthetic_row_is_told_what_adapting_gains(found, board, names, made):
    gains = adaptive_gains(found.evidence, board, names)
    assert [gain.row for gain in gains] == [names[row.method.name] for row in board.rows if row.method.role == "method"]
    assert {(gain.attack, gain.adaptive) for gain in gains} == {("lira", "adaptive")}
    name = made.synthetic("lora", "soft").name
    attacks = found.evidence["fashion-mnist", name, 0].attacks
    aucs = [roc_auc_score(attacks[label].members, attacks[label].scores) for label in ("lira", "adaptive")]
    gain = next(gain for gain in gains if gain.row == names[name])
    assert [gain.before.value, gain.after.value] == [f"{auc:.3f}" for auc in aucs]
    assert gain.change.value == f"{aucs[1] - aucs[0]:.3f}".replace("-", "\N{MINUS SIGN}")


def test_the_verdict_follows_the_interval(found, board, names, monkeypatch):
    for low, high, words in ((-0.2, -0.1, "finds less"), (-0.1, 0.1, "cannot be told"), (0.1, 0.2, "finds more")):
        change = {"auc-mia": Estimate(0.0, low, high, "stated")}
        monkeypatch.setattr("tckr_bench.show.adaptive.paired", lambda *_, **__: change)  # noqa: B023
        assert all(words in gain.verdict for gain in adaptive_gains(found.evidence, board, names))


def test_without_an_adaptive_attack_nothing_is_said(whole_run):
    found = verified(whole_run)
    board = verified_leaderboard(found).boards[0]
    assert adaptive_gains(found.evidence, board, {row.method.name: row.method.name for row in board.rows}) == ()
