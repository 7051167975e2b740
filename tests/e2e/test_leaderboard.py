"""The leaderboard through the installed command: a finished run submitted, checked, ranked, tampered with and found."""

import csv
import io
import json
import shutil

import pytest
from submitted_runs import contents, submission_files, track_text

from tckr_bench.leaderboard.tracks import RequiredAttack, Track, TrackDataset
from tckr_bench.results.files import read_run

pytestmark = pytest.mark.slow

PLACE = ("--results", "board", "--track-file", "smoke.toml")


def track_of(run):
    """A track of its own that asks for what the smoke run has."""
    record = read_run(run).records[0]
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


def records_of(folder):
    """Return the record files of a board."""
    return sorted((folder / "board").glob("*/*/records/*/*.json"))


def submission_of(folder):
    """Return the folder of the only submission of a board."""
    (path,) = (folder / "board").glob("*/*")
    return path


def test_submitting_says_what_was_written_and_submitting_again_writes_nothing(board):
    command, out, err = board
    records = records_of(command.folder)
    assert f"to track smoke: {len(records)} records," in said_by((out, err))
    assert submission_files(submission_of(command.folder)) == submission_files(command.folder / "runs/smoke")
    before = {path: path.stat().st_mtime_ns for path in (command.folder / "board").rglob("*")}
    assert "Nothing to do" in said_by(command("leaderboard", "submit", "runs/smoke", *PLACE))
    assert before == {path: path.stat().st_mtime_ns for path in (command.folder / "board").rglob("*")}


def test_what_was_submitted_holds_and_a_forged_measurement_is_exit_code_1_and_a_sentence(board):
    command, _, _ = board
    out, _ = command("leaderboard", "verify", *PLACE, "--json")
    found = json.loads(out)
    assert found["faults"] == []
    assert found["records"] == found["seeds"] == len(records_of(command.folder))
    shutil.copytree(command.folder / "board", command.folder / "broken")
    path = next((command.folder / "broken").glob("smoke/*/records/digits/teacher.json"))
    record = json.loads(path.read_text())
    measurement = next(
        measurement for measurement in record["seeds"][0]["measurements"] if measurement["metric"] == "accuracy"
    )
    measurement["value"] = 0.999
    path.write_text(json.dumps(record))
    answer = command("leaderboard", "verify", "--results", "broken", "--track-file", "smoke.toml", code=1)
    assert "records/digits/teacher.json: seed 0: accuracy: value is 0.999 in the results" in said_by(answer)
    assert "1 fault." in said_by(answer)
    assert "Traceback" not in said_by(answer)


def test_a_run_whose_results_were_forged_is_not_submitted(board, tmp_path):
    command, _, _ = board
    run = tmp_path / "forged"
    shutil.copytree(command.folder / "runs/smoke", run)
    path = run / "records/digits/teacher.json"
    record = json.loads(path.read_text())
    next(it for it in record["seeds"][0]["measurements"] if it["metric"] == "accuracy")["value"] = 0.999
    path.write_text(json.dumps(record))
    answer = command("leaderboard", "submit", str(run), "--results", "other", *PLACE[2:], code=2)
    assert "records/digits/teacher.json: seed 0: accuracy: value is 0.999" in said_by(answer)
    assert not (command.folder / "other").exists()


def test_against_a_board_without_it_a_run_and_a_submission_are_new(board):
    command, _, _ = board
    records = records_of(command.folder)
    words = f"{len(records)} new, 0 moved, 0 gone, 0 as before."
    assert words in said_by(command("leaderboard", "diff", "runs/smoke", "--results", "empty", *PLACE[2:]))
    submission = submission_of(command.folder).name
    assert words in said_by(command("leaderboard", "diff", submission[:8], *PLACE))
    assert not (command.folder / "empty").exists()


def test_a_restored_run_is_the_submission_is_reported_and_submitted_as_before(board):
    command, _, _ = board
    submission = submission_of(command.folder)
    command("leaderboard", "restore", submission.name[:8], "--to", "runs/theirs", *PLACE)
    assert contents(command.folder / "runs/theirs") == contents(submission)
    command("report", "runs/theirs")
    assert (command.folder / "runs/theirs/report/index.html").stat().st_size > 0
    assert "Nothing to do" in said_by(command("leaderboard", "submit", "runs/theirs", *PLACE))


def test_the_site_has_a_page_for_each_method_and_dataset(board):
    command, _, _ = board
    command("leaderboard", "build", *PLACE, "--out", "site")
    pages = [path.relative_to(command.folder / "site") for path in (command.folder / "site").rglob("*.html")]
    assert len(pages) == 2 + len(records_of(command.folder))
    assert "teacher" in (command.folder / "site/index.html").read_text()


def test_every_format_shows_every_entry(board):
    command, _, _ = board
    digits = submission_of(command.folder).name[:8]
    slugs = {f"{path.stem}-{digits}" for path in records_of(command.folder)}
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
    for part in ((), ("record",), ("run",)):
        out, _ = command("leaderboard", "schema", *part)
        assert json.loads(out)["properties"]["schema_version"]["const"] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("submit", "absent"), "holds no run.json"),
        (("submit", "runs/smoke", "--track", "minni"), "did you mean 'mini'"),
        (("submit", "runs/smoke", "--track-file", "absent.toml"), "the track file absent.toml cannot be read"),
        (("verify", "--results", "absent"), "is not a folder of results"),
        (("verify", "runs/smoke/run.json", *PLACE), "is of no run below board"),
        (("diff", "absent"), "neither a run folder nor the first digits of a submission"),
        (("restore", "00000000", "--to", "runs/none", *PLACE), "names 0 submissions below board"),
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
