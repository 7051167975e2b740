"""What the commands of the leaderboard say and write; the measurements are computed in this process."""

from __future__ import annotations

import dataclasses
import json

import pytest
from submitted_runs import (
    board,
    contents,
    finished_run,
    prepared,
    remembered_measurements,
    serially,
    small_track,
    submission_files,
    submitted,
    track_text,
)

from tckr_bench.commands import leaderboard
from tckr_bench.commands.leaderboard import ResultsPlace
from tckr_bench.errors import CheckFailed, LeaderboardError
from tckr_bench.leaderboard.tracks import RequiredAttack
from tckr_bench.results import examination
from tckr_bench.results.files import read_records, record_files, run_files
from tckr_bench.results.records import json_schema

CLOTHES = ("clothes",)


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    """Compute the measurements of each evidence once."""
    monkeypatch.setattr(examination, "in_processes", serially)
    monkeypatch.setattr(examination, "compute_measurements", remembered_measurements)


@pytest.fixture
def place(tmp_path):
    """An empty board, with the track that the runs are for."""
    return place_of(tmp_path, small_track(datasets=CLOTHES))


def place_of(folder, track, name="results"):
    path = folder / f"{track.name}.toml"
    path.write_text(track_text(track))
    return ResultsPlace(folder / name, (path,), 1)


@pytest.fixture
def said(capsys):
    """What was said since this was last asked, on one line."""

    def tell():
        captured = capsys.readouterr()
        return " ".join((captured.out + captured.err).split())

    return tell


def submit(place, **asked):
    leaderboard.submit(finished_run(CLOTHES), place, **{"track": None, **asked})


def identity():
    return prepared(CLOTHES).information.submission


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_run_is_submitted_to_the_track_it_is_for_and_once(place, said):
    submit(place)
    assert f"Submission {identity()} to track small: 9 records, 32 files" in said()
    assert {record.submission for record in read_records(place.results)} == {identity()}
    before = times(place.results)
    submit(place)
    assert f"Nothing to do: submission {identity()} is among the records" in said()
    assert times(place.results) == before


def test_what_is_missing_of_a_submission_is_written_when_it_is_submitted_again(place, said):
    submit(place)
    path = next(record_files(next(run_files(place.results)).parent))
    whole = path.read_bytes()
    path.unlink()
    said()
    submit(place)
    assert "9 records" in said()
    assert path.read_bytes() == whole


@pytest.mark.parametrize("part", ["measurements", "metrics", "gates"])
def test_a_submission_that_was_changed_is_written_anew(part, tmp_path, said):
    place = place_of(tmp_path, small_track(datasets=CLOTHES))
    found = board(tmp_path, CLOTHES)
    if part == "measurements":
        found.change_measurement("dp-sgd", "accuracy", value=0.5)
    elif part == "metrics":
        metrics = [dataclasses.replace(use, version="0") for use in found.run.information.metrics]
        found.change_run(metrics=tuple(metrics))
    else:
        found.change("dp-sgd", gates=found.record("dp-sgd").gates[1:])
    with pytest.raises(CheckFailed):
        leaderboard.verify([], place, as_json=False)
    submit(place)
    assert "9 records" in said()
    leaderboard.verify([], place, as_json=False)
    assert "everything follows from the saved scores" in said()


def test_a_second_check_looks_into_no_score_file(tmp_path, said, monkeypatch):
    place = place_of(tmp_path, small_track(datasets=CLOTHES), name="results")
    board(tmp_path, CLOTHES)
    leaderboard.verify([], place, as_json=False)
    first = said()
    monkeypatch.setattr(examination, "in_processes", lambda *_, **__: pytest.fail("a score file was looked into"))
    leaderboard.verify([], place, as_json=False)
    assert said() == first


def test_what_a_track_asks_for_and_a_run_lacks_is_told(tmp_path, said):
    attacks = (*small_track().attacks, RequiredAttack("rmia", shadows=16))
    submit(place_of(tmp_path, small_track(datasets=CLOTHES, seeds=3, attacks=attacks)))
    told = said()
    assert "not ranked, 2 of 3 seeds on clothes" in told
    assert "not ranked, not attacked by rmia with 16 shadow models on clothes" in told


def test_a_track_that_is_not_there_is_a_sentence_and_writes_nothing(place):
    with pytest.raises(LeaderboardError, match="no track is called 'smal'; did you mean 'small'"):
        submit(place, track="smal")
    assert not place.results.exists()


def test_faults_are_printed_with_their_files_and_as_json(tmp_path, said, capsys):
    place = place_of(tmp_path, small_track(datasets=CLOTHES))
    found = board(tmp_path, CLOTHES)
    found.change_measurement("dp-sgd", "accuracy", value=0.999)
    with pytest.raises(CheckFailed):
        leaderboard.verify([], place, as_json=False)
    name = found.path("dp-sgd").relative_to(found.root).as_posix()
    told = said()
    assert f"{name}: seed 0: accuracy: value is 0.999 in the results" in told
    assert "9 records, 18 score files" in told
    assert "1 fault." in told
    with pytest.raises(CheckFailed):
        leaderboard.verify([found.path("teacher")], place, as_json=True)
    faults = json.loads(capsys.readouterr().out)["faults"]
    assert [fault["file"] for fault in faults] == [name]


def test_no_more_faults_are_printed_than_anybody_reads(tmp_path, said, monkeypatch):
    monkeypatch.setattr(leaderboard, "MOST_FAULTS", 2)
    for index in range(5):
        (tmp_path / "results" / "small" / "clothes").mkdir(parents=True, exist_ok=True)
        (tmp_path / "results" / "small" / "clothes" / f"{index}.txt").write_text("")
    with pytest.raises(CheckFailed):
        leaderboard.verify([], place_of(tmp_path, small_track()), as_json=False)
    told = said()
    assert told.count("no record names this file") == 2
    assert "and 3 more" in told
    assert "5 faults." in told


def test_a_run_is_compared_with_the_board_it_is_not_on(place, said):
    leaderboard.diff(finished_run(CLOTHES), place, track=None)
    assert "9 new, 0 moved, 0 gone, 0 as before." in said()
    assert not place.results.exists()
    submit(place)
    leaderboard.diff(identity()[:8], place, track=None)
    assert "9 new, 0 moved, 0 gone, 0 as before." in said()
    for what in ("ffffffff", identity()[:3]):
        with pytest.raises(LeaderboardError, match="is neither a run folder nor the first digits of a submission"):
            leaderboard.diff(what, place, track=None)


def test_a_submission_is_restored_by_its_first_digits(tmp_path, said):
    place = ResultsPlace(submitted(CLOTHES))
    leaderboard.restore(identity()[:6], place, tmp_path / "run")
    assert f"Run: {tmp_path / 'run'}, 9 records." in said()
    assert submission_files(tmp_path / "run") == submission_files(finished_run(CLOTHES))
    for digits, words in (("", "names too few digits"), ("f" * 8, "names 0 submissions below")):
        with pytest.raises(LeaderboardError, match=words):
            leaderboard.restore(digits, place, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_restored_and_submitted_again_there_is_nothing_to_do(place, tmp_path, said):
    submit(place)
    before = contents(place.results)
    leaderboard.restore(identity()[:8], place, tmp_path / "run")
    leaderboard.submit(tmp_path / "run", place, track=None)
    assert "Nothing to do" in said()
    assert contents(place.results) == before


@pytest.mark.parametrize("part", ["record", "run"])
def test_a_schema_is_printed_as_the_program_reads_it(part, capsys):
    leaderboard.print_schema(part)
    assert json.loads(capsys.readouterr().out) == json_schema(part)
