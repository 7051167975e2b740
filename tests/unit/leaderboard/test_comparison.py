"""Laws of comparing standings: nothing changes against itself, and every change is told."""

from __future__ import annotations

import dataclasses

from made_standings import made_records, made_standings, made_track

from tckr_bench.leaderboard.comparison import compare_standings
from tckr_bench.leaderboard.standings import Standings, standings_of
from tckr_bench.records import Estimate


def without(standings, slug):
    return Standings(standings.track, tuple(entry for entry in standings.entries if entry.slug != slug))


def changed(standings, slug, **changes):
    entries = [dataclasses.replace(it, **changes) if it.slug == slug else it for it in standings.entries]
    return dataclasses.replace(standings, entries=tuple(entries))


def kinds(before, after):
    return {change.entry.slug: change.kind for change in compare_standings(before, after)}


def test_a_board_against_itself_is_all_the_same_in_its_own_order():
    standings = made_standings()
    changes = compare_standings(standings, standings)
    assert {change.kind for change in changes} == {"same"}
    assert [change.entry for change in changes] == list(standings.entries)


def test_who_is_new_in_one_direction_is_gone_in_the_other_and_last():
    standings = made_standings()
    slug = standings.entries[2].slug
    assert kinds(without(standings, slug), standings)[slug] == "new"
    backwards = compare_standings(standings, without(standings, slug))
    assert (backwards[-1].kind, backwards[-1].entry.slug, backwards[-1].after) == ("gone", slug, None)
    assert [change.kind for change in backwards].count("gone") == 1


def test_a_change_of_anything_a_place_rests_on_is_a_move():
    standings = made_standings()
    entry = standings.entries[0]
    other = Estimate(0.123, 0.1, 0.2, "made up")
    for name in entry.estimates:
        moved = changed(standings, entry.slug, estimates={**entry.estimates, name: other})
        assert kinds(standings, moved)[entry.slug] == "moved", name
    for name, value in (("rank", 9), ("rank_low", 9), ("rank_high", 99), ("standing", "untrusted")):
        assert kinds(standings, changed(standings, entry.slug, **{name: value}))[entry.slug] == "moved", name
    moved = kinds(standings, changed(standings, entry.slug, pareto=not entry.pareto))
    assert moved.pop(entry.slug) == "moved"
    assert set(moved.values()) == {"same"}


def test_a_submission_that_is_taken_off_and_put_back_changes_nothing():
    track = made_track()
    records = made_records(track)
    name = records[0].method.name
    fewer = [record for record in records if record.method.name != name]
    before, after = standings_of(fewer, track), standings_of(records, track)
    assert [change.kind for change in compare_standings(before, after)].count("new") == 1
    assert {change.kind for change in compare_standings(after, standings_of([*records], track))} == {"same"}
