"""Laws of restoring: a run folder made of records has what the submitted run had, and can be submitted again."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from submitted_runs import SEEDS, board, compute_serially, finished_run, prepared, small_track, submitted
from tckr_bench.leaderboard.identity import digest_of
from tckr_bench.results.run_files import cell_folder, read_results

from tckr_bench.errors import LeaderboardError, StoreError
from tckr_bench.leaderboard.restoration import matrix_of, restore_run
from tckr_bench.leaderboard.submission import prepare_submission
from tckr_bench.results.files import read_records, record_folder
from tckr_bench.results.pictures import read_pictures
from tckr_bench.results.verify import copies_of, evidence_of, samples_of

CLOTHES = ("clothes",)
JUDGED = (
    "measurements",
    "threat_models",
    "description",
    "splits",
    "protocol",
    "contamination",
    "status",
    "failure",
    "track",
)


@pytest.fixture(scope="module")
def restored(tmp_path_factory):
    """A run folder restored from the records of two datasets; not to be changed."""
    out = tmp_path_factory.mktemp("restored") / "deep" / "run"
    restore_run(read_records(submitted()), submitted(), out)
    return out


def by_key(run):
    return {(cell.dataset, cell.method.name, cell.seed): cell for cell in read_results(run).records}


def test_a_restored_run_says_of_every_cell_what_the_submitted_one_says(restored):
    found, made = by_key(restored), by_key(finished_run())
    assert found.keys() == made.keys()
    for key, cell in found.items():
        assert cell.method == made[key].method
        for name in JUDGED:
            assert getattr(cell, name) == getattr(made[key], name), (key, name)


def test_a_restored_run_says_of_itself_what_the_submitted_one_says(restored):
    found, made = read_results(restored), read_results(finished_run())
    for name in ("track", "primary_attack", "attacks", "metrics", "command", "recipe", "provenance", "seconds"):
        assert getattr(found, name) == getattr(made, name), name


def test_evidence_is_the_same_to_the_last_bit(restored):
    for key, cell in by_key(finished_run()).items():
        assert digest_of(evidence_of(restored, cell)) == digest_of(evidence_of(finished_run(), cell)), key


def test_pictures_are_those_of_the_record_and_of_its_first_seed(restored):
    for record in read_records(submitted()):
        cells = [by_key(restored)[record.dataset, record.method.name, seed] for seed in SEEDS]
        assert samples_of(restored, cells[1]) is copies_of(restored, cells[1]) is None
        parts = {"sample": samples_of(restored, cells[0]), "copy": copies_of(restored, cells[0])}
        if record.pictures is None:
            assert parts == {"sample": None, "copy": None}
            continue
        pairs = read_pictures(record_folder(submitted(), record) / record.pictures.name)
        for kind, part in parts.items():
            own = [pair for pair in pairs if pair.kind == kind]
            assert part.prompts == tuple(pair.caption for pair in own)
            assert part.labels.tolist() == [pair.label for pair in own]
            for name in ("real", "synthetic"):
                np.testing.assert_array_equal(getattr(part, name), [getattr(pair, name) for pair in own])


def test_a_restored_run_is_submitted_under_the_name_it_had_and_with_the_same_measurements(restored):
    again = prepare_submission([restored], small_track(), compute=compute_serially)
    assert again.identity == prepared().identity
    seeds = {record.slug + record.dataset: record.seeds for record in prepared().records}
    for record in again.records:
        assert [s.measurements for s in record.seeds] == [s.measurements for s in seeds[record.slug + record.dataset]]
        assert [s.cost for s in record.seeds] == [s.cost for s in seeds[record.slug + record.dataset]]


def test_a_failed_seed_is_restored_as_failed_and_has_no_evidence(tmp_path):
    found = board(tmp_path, CLOTHES)
    found.change_seed("dp-sgd", 0, status="failed", measurements=(), scores=None, failure="out of memory")
    restore_run(read_records(found.root), found.root, tmp_path / "run")
    cell = by_key(tmp_path / "run")["clothes", "dp-sgd", 0]
    assert (cell.status, cell.failure, cell.measurements, dict(cell.threat_models)) == (
        "failed",
        "out of memory",
        (),
        {},
    )
    assert not cell_folder(tmp_path / "run", cell).exists()


def test_an_empty_folder_is_taken_and_one_that_holds_something_is_left_as_it_is(tmp_path):
    records = read_records(submitted(CLOTHES))[:1]
    (tmp_path / "empty").mkdir()
    restore_run(records, submitted(CLOTHES), tmp_path / "empty")
    assert len(read_results(tmp_path / "empty").records) == len(SEEDS)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("full", "file"):
        with pytest.raises(LeaderboardError, match=f"{name} holds something already; name a new folder"):
            restore_run(records, submitted(CLOTHES), tmp_path / name)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["notes.txt"]
    assert (tmp_path / "file").read_text() == "mine"


def test_a_damaged_score_file_is_a_sentence_and_no_run_is_left(tmp_path):
    found = board(tmp_path, CLOTHES)
    found.scores("teacher", 1).write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(LeaderboardError, match=r"the score file teacher-.*\.seed-1\.parquet is not one"):
        restore_run(read_records(found.root), found.root, tmp_path / "run")
    found.scores("teacher", 1).unlink()
    with pytest.raises(LeaderboardError, match=r"the score file teacher-.*\.seed-1\.parquet cannot be read"):
        restore_run(read_records(found.root), found.root, tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_a_run_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StoreError, match="restoring a run to"):
        restore_run(read_records(submitted(CLOTHES)), submitted(CLOTHES), tmp_path / "file" / "run")


def test_no_records_are_no_run(tmp_path):
    with pytest.raises(LeaderboardError, match="there is nothing to restore"):
        restore_run([], submitted(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("command", "matrix"),
    [
        ("tckr-bench run --matrix ten", "ten"),
        ("tckr-bench run -m ten --jobs 2", "ten"),
        ("tckr-bench run --matrix", "small"),
        ("tckr-bench run --matrix '../ten'", "small"),
        ("tckr-bench run 'ten", "small"),
        ("", "small"),
    ],
)
def test_the_matrix_is_the_one_the_command_names_and_else_the_track(command, matrix):
    record = dataclasses.replace(prepared(CLOTHES).records[0], command=command)
    assert matrix_of(record) == matrix
