"""Laws of admission: what `verify` would refuse is refused before it is on the board, and leaves nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from submitted_runs import (
    compute_serially,
    finished_run,
    prepared,
    small_cells,
    small_run,
    small_track,
    submitted,
)
from tckr_bench.leaderboard.admission import admit
from tckr_bench.results.run_files import cell_folder, read_results, write_results

from tckr_bench.errors import LeaderboardError
from tckr_bench.leaderboard import examination, files, pictures, scores
from tckr_bench.leaderboard.submission import prepare_submission, write_submission
from tckr_bench.records import Copies
from tckr_bench.results.evidence import (
    EVIDENCE_FILE,
    SAMPLES_FILE,
    read_evidence,
    read_samples,
    write_evidence,
    write_samples,
)
from tckr_bench.results.files import read_records

CLOTHES = ("clothes",)
REFUSED = "nothing was submitted, for no board takes clothes/"


@pytest.fixture
def run(tmp_path):
    """A run of a teacher and a student with one seed, free to break."""
    cells = [planned for planned in small_cells() if planned.method.role in ("baseline", "method")]
    return small_run(tmp_path / "run", datasets=CLOTHES, seeds=(0,), cells=cells)


def submit(run, root):
    return write_submission(prepare_submission([run], small_track(), compute=compute_serially), root)


def student(run):
    return next(record for record in read_results(run).records if record.method.synthetic)


def change_student(run, **changes):
    results = read_results(run)
    old = student(run)
    new = dataclasses.replace(old, **changes)
    write_results(dataclasses.replace(results, records=tuple(new if it == old else it for it in results.records)), run)


@pytest.mark.parametrize(
    ("module", "limit", "most", "words"),
    [
        (scores, "MOST_BYTES", 1000, "the score file .* has more than"),
        (scores, "MOST_VALUES", 100, "it declares no values, or more than 100"),
        (scores, "MOST_COLUMNS", 3, "more than 3 columns"),
        (scores, "MOST_ATTACKS", 1, "more than 1 attacks"),
        (examination, "MOST_CLASSES", 9, "more than 9 classes"),
        (examination, "MOST_SHADOWS", 1, "more than 1 shadow models"),
        (files, "MOST_RECORD_BYTES", 1000, "the record .* has more than"),
        (files, "MOST_OF_A_KIND", 1, "it has more than 1 "),
        (pictures, "MOST_BYTES", 1000, "the file of pictures .* has more than"),
        (pictures, "MOST_PAIRS", 1, "more than 1"),
    ],
)
def test_a_limit_of_those_who_check_is_one_of_those_who_submit(module, limit, most, words, tmp_path, monkeypatch):
    submission = prepared(CLOTHES)
    monkeypatch.setattr(module, limit, most)
    with pytest.raises(LeaderboardError, match=f"{REFUSED}.*{words}"):
        write_submission(submission, tmp_path / "results")
    assert list(tmp_path.iterdir()) == []


def test_what_is_refused_leaves_a_board_that_is_there_as_it_was(run, tmp_path, monkeypatch):
    submit(run, tmp_path / "results")
    before = {path: path.is_dir() or path.read_bytes() for path in (tmp_path / "results").rglob("*")}
    monkeypatch.setattr(scores, "MOST_BYTES", 1000)
    with pytest.raises(LeaderboardError, match=REFUSED):
        write_submission(prepared(CLOTHES), tmp_path / "results")
    assert before == {path: path.is_dir() or path.read_bytes() for path in (tmp_path / "results").rglob("*")}


def test_everything_that_was_submitted_is_admitted():
    for record in read_records(submitted(CLOTHES)):
        admit(record, submitted(CLOTHES))


def test_evidence_that_is_too_large_is_refused_and_nothing_is_left(run, tmp_path):
    """Distances of 1.5 million images: 23 MiB of noise, which does not compress to 16."""
    path = cell_folder(run, student(run)) / EVIDENCE_FILE
    evidence = read_evidence(path)
    copies = dataclasses.replace(
        evidence.attacks["nearest-copy"], copies=Copies(*np.random.default_rng(0).random((2, 1_500_000)))
    )
    write_evidence(dataclasses.replace(evidence, attacks={**evidence.attacks, "nearest-copy": copies}), path)
    change_student(run, measurements=())
    with pytest.raises(LeaderboardError, match=rf"{REFUSED}attributes.*: the score file .* has more than 16 MiB"):
        submit(run, tmp_path / "results")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("failure", ["x" * 30_000, "\x1b[31mred", "left \u202e right"])
def test_a_reason_that_cannot_be_shown_is_refused(failure, run, tmp_path):
    change_student(run, status="failed", measurements=(), threat_models={}, contamination=None, failure=failure)
    with pytest.raises(LeaderboardError, match=REFUSED + "attributes.*a text h"):
        submit(run, tmp_path / "results")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_failure_without_a_reason_has_the_name_that_is_checked(run, tmp_path):
    change_student(run, status="failed", measurements=(), threat_models={}, contamination=None, failure="")
    submit(run, tmp_path / "results")
    (record,) = (it for it in read_records(tmp_path / "results") if it.method == student(run).method)
    assert record.seeds[0].failure == "no reason given"
    change_student(run, failure="no reason given")
    assert prepare_submission([run], small_track(), compute=compute_serially).identity == record.submission


def test_a_picture_of_a_class_that_is_not_there_is_refused(run, tmp_path):
    path = cell_folder(run, student(run)) / SAMPLES_FILE
    samples = read_samples(path)
    write_samples(dataclasses.replace(samples, labels=samples.labels + 10), path)
    with pytest.raises(LeaderboardError, match=f"{REFUSED}attributes.*a class that the dataset does not have"):
        submit(run, tmp_path / "results")


@pytest.mark.parametrize("name", ["../../../elsewhere", "a..b", "", "a/b", ".hidden", "x" * 200, "naïve"])
def test_a_method_no_file_can_be_named_after_is_refused_before_anything_is_read(name, run, tmp_path):
    change_student(run, method=dataclasses.replace(student(run).method, name=name))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LeaderboardError, match="cannot be submitted: its name is not one of letters"):
        submit(run, tmp_path / "results")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_run_that_was_finished_is_not_changed_by_submitting(tmp_path):
    before = {path: path.stat().st_mtime_ns for path in finished_run(CLOTHES).rglob("*")}
    write_submission(prepared(CLOTHES), tmp_path / "results")
    assert before == {path: path.stat().st_mtime_ns for path in finished_run(CLOTHES).rglob("*")}
