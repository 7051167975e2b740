"""Laws of restoring: a run folder made of a submission is a copy of it, and can be submitted again."""

from __future__ import annotations

import pytest
from submitted_runs import board, contents, finished_run, prepared, small_track, submission_files, submitted

from tckr_bench.errors import LeaderboardError, RunError, StoreError
from tckr_bench.leaderboard.restoration import restore_run
from tckr_bench.leaderboard.submission import prepare_submission, write_submission
from tckr_bench.results.files import read_run, scan_runs
from tckr_bench.results.verify import verified

CLOTHES = ("clothes",)
LORA = "attributes-miniature-lora"


def on_board(datasets=CLOTHES):
    (run,), _ = scan_runs(submitted(datasets))
    return run


@pytest.fixture(scope="module")
def restored(tmp_path_factory):
    """A run folder restored from the records of two datasets; not to be changed."""
    out = tmp_path_factory.mktemp("restored") / "deep" / "run"
    restore_run(on_board(("clothes", "digits")), out)
    return out


def test_a_restored_run_is_the_submission_to_the_byte(restored):
    assert contents(restored) == contents(on_board(("clothes", "digits")).folder)


def test_a_restored_run_is_the_run_that_was_submitted(restored):
    assert submission_files(restored) == submission_files(finished_run())
    found, made = read_run(restored), read_run(finished_run())
    assert (found.information, found.records) == (made.information, made.records)


def test_all_of_a_restored_run_follows_from_its_scores(restored):
    assert verified(restored).mismatches == ()


def test_a_run_that_is_submitted_restored_and_submitted_has_one_name_and_the_same_bytes(restored, tmp_path):
    track = small_track()
    again = prepare_submission(restored, track)
    assert again.information.submission == prepared().information.submission
    write_submission(again, tmp_path / "results", track)
    assert contents(tmp_path / "results") == contents(submitted())


def test_a_failed_seed_is_restored_as_failed_and_has_no_scores(tmp_path):
    found = board(tmp_path, CLOTHES)
    found.scores("dp-sgd").unlink()
    found.change_seed("dp-sgd", 0, status="failed", measurements=(), scores=None, failure="out of memory")
    run = restore_run(found.run, tmp_path / "run")
    record = next(record for record in run.records if record.method.name == "dp-sgd")
    assert (record.seeds[0].status, record.seeds[0].failure) == ("failed", "out of memory")
    assert not list((tmp_path / "run").rglob("dp-sgd.seed-0.parquet"))


def test_nothing_but_what_the_records_name_is_restored(tmp_path):
    found = board(tmp_path, CLOTHES)
    for name in ("records/clothes/evil.pth", "report/index.html", "pictures/clothes/nobody.parquet"):
        (found.folder / name).parent.mkdir(exist_ok=True)
        (found.folder / name).write_text("x")
    restore_run(found.run, tmp_path / "run")
    assert contents(tmp_path / "run") == contents(on_board().folder)


def test_an_empty_folder_is_taken_and_one_that_holds_something_is_left_as_it_is(tmp_path):
    (tmp_path / "empty").mkdir()
    restore_run(on_board(), tmp_path / "empty")
    assert len(read_run(tmp_path / "empty").records) == 9
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("full", "file"):
        with pytest.raises(LeaderboardError, match=f"{name} holds something already; name a new folder"):
            restore_run(on_board(), tmp_path / name)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["notes.txt"]
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("what", ["scores", "pictures"])
def test_a_link_is_a_sentence_and_no_run_is_left(what, tmp_path):
    found = board(tmp_path, CLOTHES)
    run, path = found.run, getattr(found, what)(LORA)
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(RunError, match="is not there, or is a link"):
        restore_run(run, tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_lost_scores_are_a_sentence_and_no_run_is_left(tmp_path):
    found = board(tmp_path, CLOTHES)
    found.scores("teacher", 1).unlink()
    with pytest.raises(RunError, match=r"teacher\.seed-1\.parquet .* is not there"):
        restore_run(found.run, tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_a_record_that_cannot_be_read_is_a_sentence_and_no_run_is_left(tmp_path):
    found = board(tmp_path, CLOTHES)
    found.path("dp-sgd").write_text("{}")
    with pytest.raises(LeaderboardError, match=r"a record cannot be read: records/clothes/dp-sgd\.json"):
        restore_run(found.run, tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_damaged_scores_are_restored_as_they_are_and_found_by_who_looks(tmp_path):
    found = board(tmp_path, CLOTHES)
    found.scores("teacher", 1).write_bytes(b"PAR1 nothing PAR1")
    restore_run(found.run, tmp_path / "run")
    (mismatch,) = verified(tmp_path / "run").mismatches
    assert "is not the file the record names" in mismatch.what


def test_a_run_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StoreError, match="restoring a run to"):
        restore_run(on_board(), tmp_path / "file" / "run")
