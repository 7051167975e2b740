"""Laws of the leaderboard in a notebook: types, missing values, and where records are looked for."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pandas as pd
import pytest
from made_standings import made_records, made_track, write_made_records

import tckr_bench
from tckr_bench.errors import LeaderboardError, RunError
from tckr_bench.leaderboard import frame as frames
from tckr_bench.leaderboard import tracks
from tckr_bench.leaderboard.frame import frame_of
from tckr_bench.leaderboard.standings import standings_of

TRACK = made_track(name="made")
OTHER = dataclasses.replace(made_track(1, name="other"), title="Another")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A folder of results of two tracks; not to be changed."""
    root = tmp_path_factory.mktemp("clone") / "leaderboard" / "results"
    for track, methods in ((TRACK, 6), (OTHER, 5)):
        write_made_records(made_records(track, methods=methods), root)
    return root


@pytest.fixture(autouse=True)
def _known_tracks(monkeypatch):
    monkeypatch.setattr(tracks, "shipped_tracks", lambda: (TRACK, OTHER))


def test_the_frame_is_that_of_the_standings_of_every_track(results):
    boards = tuple(
        standings_of(made_records(track, methods=methods), track) for track, methods in ((TRACK, 6), (OTHER, 5))
    )
    for measurements in (False, True):
        found = tckr_bench.load_leaderboard(results).to_frame(measurements=measurements)
        pd.testing.assert_frame_equal(found, frame_of(boards, measurements=measurements))
        assert list(found.track.unique()) == ["made", "other"]
    one = tckr_bench.load_leaderboard(str(results), track="other").to_frame()
    assert set(one.track) == {"other"}
    assert len(one) == len(boards[1].entries)


def test_numbers_are_floats_categories_are_text_and_what_is_missing_is_nan(results):
    frame = tckr_bench.load_leaderboard(results, track="made").to_frame()
    assert {str(frame[name].dtype) for name in ("rank", "accuracy", "accuracy_gap_low", "cardinality")} == {"float64"}
    assert {str(frame[name].dtype) for name in ("images", "seeds", "gates_failed")} == {"int64"}
    assert frame.pareto.dtype == bool
    assert all(pd.api.types.is_string_dtype(frame[name]) for name in ("family", "standing", "generator", "notes"))
    teacher = frame[frame.family == "real data"].iloc[0]
    assert pd.isna(teacher.generator)
    assert frame["missing"].notna().sum() == 1
    assert frame.loc[frame["missing"].notna(), ["accuracy", "worst_auc_high"]].isna().all(axis=None)
    assert frame.loc[frame.standing == "control", "rank"].isna().all()
    ranked = frame[frame.standing == "ranked"]
    assert ranked["rank"].notna().all()
    assert ((ranked.aop_low <= ranked.aop) & (ranked.aop <= ranked.aop_high)).all()


def test_measurements_can_be_grouped_by_what_the_attacker_knows(results):
    frame = tckr_bench.load_leaderboard(results, track="made").to_frame(measurements=True)
    aucs = frame[(frame.metric == "auc-mia") & (frame.family == "synthetic")]
    assert set(aucs.groupby("adaptive").value.mean().index) == {True, False}
    assert (aucs.better == "lower").all()
    assert aucs.sees.notna().all()
    assert frame[frame.metric == "accuracy"].sees.isna().all()
    assert str(frame.seed.dtype) == "int64"


def test_without_a_path_the_folder_is_looked_for_below_the_current_one(results, tmp_path, monkeypatch):
    monkeypatch.chdir(results.parent.parent)
    pd.testing.assert_frame_equal(
        tckr_bench.load_leaderboard(track="other").to_frame(),
        tckr_bench.load_leaderboard("leaderboard/results", track="other").to_frame(),
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LeaderboardError, match=r"there is no leaderboard/results under .*; give the path"):
        tckr_bench.load_leaderboard()


def test_where_there_is_no_folder_the_records_that_came_with_the_program_are_shown(results, tmp_path, monkeypatch):
    expected = tckr_bench.load_leaderboard(results, track="other")
    monkeypatch.setattr(frames, "shipped_results", lambda: results)
    monkeypatch.chdir(tmp_path)
    with pytest.warns(UserWarning, match="these records came with the program") as caught:
        shown = tckr_bench.load_leaderboard(track="other")
    assert caught[0].filename == __file__
    pd.testing.assert_frame_equal(shown.to_frame(), expected.to_frame())
    with pytest.raises(RunError, match="is not a folder of results"):
        tckr_bench.load_leaderboard(tmp_path / "nowhere")


def test_a_folder_or_track_that_is_not_there_is_one_sentence(results, tmp_path):
    with pytest.raises(RunError, match="is not a folder of results"):
        tckr_bench.load_leaderboard(tmp_path / "nowhere")
    with pytest.raises(LeaderboardError, match="no track is called 'mode'; did you mean 'made'"):
        tckr_bench.load_leaderboard(results, track="mode")
    (tmp_path / "empty").mkdir()
    with pytest.raises(LeaderboardError, match="no record of the tracks made or other; it has no records at all"):
        tckr_bench.load_leaderboard(tmp_path / "empty")


def test_records_of_unknown_tracks_are_left_out_with_a_warning(results, monkeypatch):
    monkeypatch.setattr(tracks, "shipped_tracks", lambda: (OTHER,))
    with pytest.warns(UserWarning, match="unknown tracks are left out: made") as caught:
        frame = tckr_bench.load_leaderboard(results).to_frame()
    assert set(frame.track) == {"other"}
    assert caught[0].filename == __file__
    monkeypatch.setattr(tracks, "shipped_tracks", lambda: (dataclasses.replace(TRACK, name="new"),))
    with pytest.raises(LeaderboardError, match="no record of the track new; its records are of made and other"):
        tckr_bench.load_leaderboard(results)
    with pytest.raises(LeaderboardError, match="no record of the track new"):
        tckr_bench.load_leaderboard(results, track="new")


def test_importing_the_package_loads_nothing_else():
    code = "import sys, tckr_bench; print(sorted(name for name in sys.modules if '.' not in name))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert not {"pandas", "numpy", "pyarrow", "pydantic", "rich", "torch"} & set(loaded.replace("'", "").split(", "))
    assert "tckr_bench" in loaded
