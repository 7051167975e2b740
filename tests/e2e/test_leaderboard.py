"""The leaderboard through the installed command: a finished run submitted, checked, ranked, tampered with and found."""

import csv
import io
import json
import shutil

import pytest
from submitted_runs import track_text
from tckr_bench.results.run_files import read_results

from tckr_bench.leaderboard.tracks import RequiredAttack, Track, TrackDataset
from tckr_bench.results.files import record_files

pytestmark = pytest.mark.slow

PLACE = ("--results", "board", "--track-file", "smoke.toml")


def track_of(run):
    """A track of its own that asks for what the smoke run has."""
    record = read_results(run).records[0]
    description = record.description
    dataset = TrackDataset(record.splits, len(description.class_names), description.fingerprint)
    attacks = (RequiredAttack("lira", shadows=4), RequiredAttack("lira", adaptive=True, shadows=4))
    return Track("smoke", "A small run", "Its measurements mean nothing.", "smoke", {"digits": dataset}, 1, attacks)


@pytest.fixture(scope="module")
def board(finished):
    """The command beside a folder with the records of the smoke run, and what was said; not to be changed."""
    (finished.folder / "smoke.toml").write_text(track_text(track_of(finished.folder / "runs/smoke")))
    out, err = finished("leaderboard", "submit", "runs/smoke", *PLACE)
    return finished, out, err


def said_by(answer):
    """Return what a command said, on one line."""
    return " ".join("".join(answer).split())


def measurements_of(results):
    """Return every measurement of a run by dataset, method and seed."""
    return {
        (cell["dataset"], cell["method"]["name"], cell["seed"]): cell["measurements"]
        for cell in json.loads(results)["records"]
    }


def test_submitting_says_what_was_written_and_submitting_again_writes_nothing(board):
    command, out, err = board
    records = list(record_files(command.folder / "board"))
    assert f"to track smoke: {len(records)} records," in said_by((out, err))
    assert len(records) == len(measurements_of((command.folder / "runs/smoke/results.json").read_text()))
    before = {path: path.stat().st_mtime_ns for path in (command.folder / "board").rglob("*")}
    assert "Nothing to do" in said_by(command("leaderboard", "submit", "runs/smoke", *PLACE))
    assert before == {path: path.stat().st_mtime_ns for path in (command.folder / "board").rglob("*")}


def test_what_was_submitted_holds_and_a_forged_measurement_is_exit_code_1_and_a_sentence(board):
    command, _, _ = board
    out, _ = command("leaderboard", "verify", *PLACE, "--json")
    found = json.loads(out)
    assert found["faults"] == []
    assert found["records"] == found["seeds"] == len(list(record_files(command.folder / "board")))
    shutil.copytree(command.folder / "board", command.folder / "broken")
    path = next((command.folder / "broken").glob("smoke/digits/teacher-*.json"))
    record = json.loads(path.read_text())
    measurement = next(
        measurement for measurement in record["seeds"][0]["measurements"] if measurement["metric"] == "accuracy"
    )
    measurement["value"] = 0.999
    path.write_text(json.dumps(record))
    answer = command("leaderboard", "verify", "--results", "broken", "--track-file", "smoke.toml", code=1)
    assert f"smoke/digits/{path.name}: seed 0: accuracy: value is 0.999 in the results" in said_by(answer)
    assert "1 fault." in said_by(answer)
    assert "Traceback" not in said_by(answer)


def test_a_run_whose_results_were_forged_is_not_submitted(board, tmp_path):
    command, _, _ = board
    run = tmp_path / "forged"
    shutil.copytree(command.folder / "runs/smoke", run)
    path = run / "results.json"
    results = json.loads(path.read_text())
    teacher = next(record for record in results["records"] if record["method"]["name"] == "teacher")
    next(measurement for measurement in teacher["measurements"] if measurement["metric"] == "accuracy")["value"] = 0.999
    path.write_text(json.dumps(results))
    answer = command("leaderboard", "submit", str(run), "--results", "other", *PLACE[2:], code=2)
    assert "digits/teacher/seed-0: accuracy value is 0.999" in said_by(answer)
    assert not (command.folder / "other").exists()


def test_against_a_board_without_it_a_run_and_a_submission_are_new(board):
    command, _, _ = board
    records = list(record_files(command.folder / "board"))
    words = f"{len(records)} new, 0 moved, 0 gone, 0 as before."
    assert words in said_by(command("leaderboard", "diff", "runs/smoke", "--results", "empty", *PLACE[2:]))
    submission = json.loads(records[0].read_text())["submission"]
    assert words in said_by(command("leaderboard", "diff", submission[:8], *PLACE))
    assert not (command.folder / "empty").exists()


def test_a_restored_run_is_reported_with_the_same_measurements_and_submitted_as_before(board):
    command, _, _ = board
    submission = json.loads(next(record_files(command.folder / "board")).read_text())["submission"]
    command("leaderboard", "restore", submission[:8], "--to", "runs/theirs", *PLACE)
    out, _ = command("report", "runs/theirs", "--json")
    assert measurements_of(out) == measurements_of((command.folder / "runs/smoke/results.json").read_text())
    assert (command.folder / "runs/theirs/report/index.html").stat().st_size > 0
    assert "Nothing to do" in said_by(command("leaderboard", "submit", "runs/theirs", *PLACE))


def test_the_site_has_a_page_for_each_method_and_dataset(board):
    command, _, _ = board
    command("leaderboard", "build", *PLACE, "--out", "site")
    pages = [path.relative_to(command.folder / "site") for path in (command.folder / "site").rglob("*.html")]
    assert len(pages) == 2 + len(list(record_files(command.folder / "board")))
    assert "teacher" in (command.folder / "site/index.html").read_text()


def test_every_format_shows_every_entry(board):
    command, _, _ = board
    slugs = {path.stem for path in record_files(command.folder / "board")}
    shown, _ = command("leaderboard", "show", *PLACE)
    assert "teacher" in shown
    text, _ = command("leaderboard", "show", *PLACE, "--format", "csv")
    assert len(list(csv.DictReader(io.StringIO(text)))) == len(slugs)
    text, _ = command("leaderboard", "show", *PLACE, "--format", "json")
    assert all(slug in text for slug in slugs)
    json.loads(text)
    for name in ("markdown", "latex"):
        text, _ = command("leaderboard", "show", *PLACE, "--format", name)
        assert "teacher" in text
    command("leaderboard", "show", *PLACE, "--format", "parquet", "--out", "table.parquet")
    assert (command.folder / "table.parquet").read_bytes()[:4] == b"PAR1"


def test_tracks_and_schema_are_printed(board):
    command, _, _ = board
    out, _ = command("leaderboard", "tracks", "--track-file", "smoke.toml")
    for name in ("smoke", "mini", "ten", "paper"):
        assert name in out
    out, _ = command("leaderboard", "schema")
    assert json.loads(out)["properties"]["schema_version"]["const"] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("submit", "absent"), "holds no results.json"),
        (("submit", "runs/smoke", "--track", "minni"), "did you mean 'mini'"),
        (("submit", "runs/smoke", "--track-file", "absent.toml"), "the track file absent.toml cannot be read"),
        (("verify", "--results", "absent"), "is not a folder of results"),
        (("verify", "runs/smoke/results.json", *PLACE), "is no record below board"),
        (("diff", "absent"), "neither a run folder nor the first digits of a submission"),
        (("restore", "00000000", "--to", "runs/none", *PLACE), "no record is of that submission"),
        (("show", "--results", "absent"), "is not a folder of results"),
        (("show", *PLACE, "--format", "gif"), "is not one of 'table'"),
        (("build", "--results", "absent"), "is not a folder of results"),
    ],
)
def test_bad_usage_is_one_sentence_and_exit_code_2(board, arguments, words):
    command, _, _ = board
    out, err = command("leaderboard", *arguments, code=2)
    assert out == ""
    assert "Traceback" not in err
    assert words in said_by(err.splitlines()[-2:])
    assert len([line for line in err.splitlines() if line.startswith("Error: ")]) == 1
