"""Laws of `tckr-bench leaderboard show`: what each format writes, and where."""

from __future__ import annotations

import json

import pytest
from made_standings import made_records, made_track, write_made_records
from pyarrow import parquet

from tckr_bench.commands.leaderboard_show import show
from tckr_bench.errors import LeaderboardError, StoreError
from tckr_bench.leaderboard import tracks
from tckr_bench.leaderboard.sheets import sheet_of
from tckr_bench.leaderboard.standings import standings_of
from tckr_bench.leaderboard.tables import standings_latex, standings_markdown
from tckr_bench.show.formats import csv_text, json_text

TRACK = made_track(name="made")
OTHER = made_track(1, name="other")
ASKED = {"track": "made", "dataset": None, "measurements": False, "out": None}
TEXTS = {
    "csv": lambda standings: csv_text(sheet_of((standings,))),
    "json": lambda standings: json_text(sheet_of((standings,))),
    "markdown": standings_markdown,
    "latex": standings_latex,
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    root = tmp_path_factory.mktemp("results")
    write_made_records((*made_records(TRACK, methods=6), *made_records(OTHER, methods=5)), root)
    return root


@pytest.fixture(scope="module")
def standings():
    return standings_of(made_records(TRACK, methods=6), TRACK)


@pytest.fixture(autouse=True)
def _known_tracks(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)  # a pipe has no width of its own
    monkeypatch.setattr(tracks, "shipped_tracks", lambda: (TRACK, OTHER))


@pytest.mark.parametrize("output_format", sorted(TEXTS))
def test_a_format_is_all_that_standard_output_holds_and_the_same_in_a_file(
    output_format, results, standings, capsys, tmp_path
):
    written = TEXTS[output_format](standings)
    show(results, **ASKED, output_format=output_format)
    assert capsys.readouterr().out == written
    show(results, **ASKED | {"out": tmp_path / "it"}, output_format=output_format)
    assert (tmp_path / "it").read_text(encoding="utf-8") == written
    assert str(tmp_path / "it") in capsys.readouterr().out.replace("\n", "")
    assert [path.name for path in tmp_path.iterdir()] == ["it"]


def test_the_table_is_within_100_columns_of_every_track_with_records(results, capsys, tmp_path):
    show(results, **ASKED | {"track": None}, output_format="table")
    shown = capsys.readouterr().out
    assert shown.count("(track made)") == shown.count("(track other)") == 1
    assert max(map(len, shown.splitlines())) <= 100
    show(results, **ASKED | {"track": None, "out": tmp_path / "it.txt"}, output_format="table")
    assert (tmp_path / "it.txt").read_text(encoding="utf-8").split() == shown.split()


def test_several_tracks_are_one_table_for_programs(results, capsys):
    show(results, **ASKED | {"track": None, "measurements": True}, output_format="json")
    assert {row["track"] for row in json.loads(capsys.readouterr().out)} == {"made", "other"}


def test_a_dataset_is_shown_of_the_tracks_that_have_it(results, capsys):
    show(results, **ASKED | {"track": None, "dataset": "digits"}, output_format="json")
    rows = json.loads(capsys.readouterr().out)
    assert {(row["track"], row["dataset"]) for row in rows} == {("made", "digits")}
    assert rows == json.loads(
        json_text(sheet_of((standings_of(made_records(TRACK, methods=6), TRACK, dataset="digits"),)))
    )
    with pytest.raises(LeaderboardError, match="has no dataset 'digit'; did you mean 'digits'"):
        show(results, **ASKED | {"track": None, "dataset": "digit"}, output_format="table")


def test_parquet_goes_to_a_file_and_never_to_the_terminal(results, standings, tmp_path, capsys):
    with pytest.raises(LeaderboardError, match="name a file to write with --out FILE"):
        show(results, **ASKED, output_format="parquet")
    assert capsys.readouterr().out == ""
    show(results, **ASKED | {"out": tmp_path / "it.parquet"}, output_format="parquet")
    assert parquet.read_table(tmp_path / "it.parquet").to_pylist() == json.loads(TEXTS["json"](standings))


@pytest.mark.parametrize("output_format", ["table", "markdown", "latex"])
def test_single_measurements_are_for_programs_only(output_format, results):
    with pytest.raises(LeaderboardError, match="choose csv, json or parquet"):
        show(results, **ASKED | {"measurements": True}, output_format=output_format)


def test_a_file_that_cannot_be_written_is_one_sentence(results, tmp_path):
    with pytest.raises(StoreError, match=r"writing it\.csv"):
        show(results, **ASKED | {"out": tmp_path / "nowhere" / "it.csv"}, output_format="csv")


def test_a_track_of_ones_own_is_shown(results, monkeypatch, capsys):
    monkeypatch.setattr(tracks, "shipped_tracks", tuple)
    show(results, **ASKED, output_format="csv", tracks=(TRACK,))
    assert "made,," in capsys.readouterr().out


def test_records_of_unknown_tracks_are_told_on_standard_error(results, monkeypatch, capsys):
    monkeypatch.setattr(tracks, "shipped_tracks", lambda: (OTHER,))
    show(results, **ASKED | {"track": None}, output_format="csv")
    assert "unknown tracks are left out: made" in " ".join(capsys.readouterr().err.split())
