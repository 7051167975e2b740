"""The answers at the top of the index: claims follow from the measurements, and chance is not called a result."""

import dataclasses

import pytest
from made_standings import made_standings

from tckr_bench.leaderboard.site.answers import answers_of
from tckr_bench.records import Estimate


@pytest.fixture(scope="module")
def board():
    return made_standings(2, 12)


def changed(board, estimates):
    """Return the board with other means of its best synthetic entry."""
    best = next(entry for entry in board.entries if entry.family == "synthetic")
    changed_entry = dataclasses.replace(best, estimates={**best.estimates, **estimates})
    entries = tuple(changed_entry if entry is best else entry for entry in board.entries)
    return dataclasses.replace(board, entries=entries)


def estimate(value, half):
    return Estimate(value, value - half, value + half, "made")


def test_three_questions_are_answered_for_any_board(board):
    for shown in (board, dataclasses.replace(board, entries=())):
        found = answers_of(shown)
        assert len(found) == 3
        assert all(answer.verdict and answer.sentences for answer in found)


def test_nobody_is_praised_where_nobody_is_ranked(board):
    controls = tuple(entry for entry in board.entries if entry.standing != "ranked")
    privacy, replacement, cost = answers_of(dataclasses.replace(board, entries=controls))
    assert privacy.verdict == "Nobody is ranked yet"
    assert replacement.verdict == cost.verdict == "Not known yet"


def test_a_leader_that_shares_its_rank_does_not_lead_alone(board):
    first = [entry for entry in board.entries if entry.rank == 1 and entry.family != "real data"]
    privacy = answers_of(board)[0]
    assert len(first) > 1
    assert privacy.verdict.endswith("leads, but not alone")
    assert f"{len(first) - 1} other methods are not worse beyond what chance explains" in privacy.sentences[1]
    alone = dataclasses.replace(
        board,
        entries=tuple(e if e is first[0] or not e.rank else dataclasses.replace(e, rank=2) for e in board.entries),
    )
    assert answers_of(alone)[0].verdict == first[0].name


def test_real_data_that_ranks_above_is_not_kept_quiet(board):
    words = "Real data itself, teacher, ranks above it."
    places = {"real data": 1, "defence": 4, "synthetic": 3}
    entries = tuple(
        dataclasses.replace(entry, rank=places[entry.family]) if entry.rank else entry for entry in board.entries
    )
    assert words in answers_of(dataclasses.replace(board, entries=entries))[0].sentences
    assert words not in answers_of(board)[0].sentences


@pytest.mark.parametrize(
    ("gap", "verdict"),
    [
        (estimate(0.045, 0.01), "Less accurate, by 4.5 points"),
        (estimate(0.004, 0.01), "As accurate, as far as can be told"),
        (estimate(-0.03, 0.01), "More accurate"),
    ],
)
def test_the_verdict_on_accuracy_is_that_of_the_interval(board, gap, verdict):
    replacement = answers_of(changed(board, {"accuracy-gap": gap}))[1]
    assert replacement.verdict == verdict
    assert ("cannot be told apart" in replacement.sentences[0]) == (gap.low <= 0 <= gap.high)


def test_the_most_accurate_of_many_is_said_to_be_flattered(board):
    entries = [entry for entry in board.entries if entry.standing == "ranked" and entry.family == "synthetic"]
    nearest = min(entries, key=lambda entry: entry.get("accuracy-gap").value)
    words = " ".join(answers_of(board)[1].sentences)
    assert nearest is not entries[0]
    assert f"The most accurate of {len(entries)}, {nearest.name}" in words
    assert "flatters" in words


def test_a_difference_in_auc_that_chance_explains_is_called_so(board):
    teacher = next(entry for entry in board.entries if entry.family == "real data")
    same = answers_of(changed(board, {"worst-auc": teacher.get("worst-auc")}))[1].sentences[0]
    assert "which may be chance" in same
    assert "which may be chance" not in answers_of(board)[1].sentences[0]


def test_the_cost_is_that_of_the_leader_and_the_cheapest_of_its_rank_is_named(board):
    cost = answers_of(board)[2]
    first = [entry for entry in board.entries if entry.rank == 1 and entry.family != "real data"]
    cheapest = min(first, key=lambda entry: entry.pipeline_seconds)
    assert f"{first[0].images:,} synthetic images" in cost.sentences[0]
    assert cheapest.name in cost.sentences[1]
    assert "no interval" in cost.sentences[-1]


def test_hostile_names_are_made_harmless_and_short():
    for answer in answers_of(made_standings(2, 12, hostile=True)):
        for text in (answer.verdict, *answer.sentences):
            assert text.isprintable()
            assert len(text) < 600
