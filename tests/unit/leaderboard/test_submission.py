"""Laws of submitting: a submission is a copy of a run, nothing that is forged passes, and a write is whole or not."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
from submitted_runs import (
    Board,
    contents,
    finished_run,
    prepared,
    remembered_measurements,
    small_cells,
    small_run,
    small_track,
    submission_files,
    submitted,
)

from tckr_bench.errors import LeaderboardError, RunError, StoreError
from tckr_bench.judging.gates import with_gates
from tckr_bench.leaderboard.submission import is_there, prepare_submission, write_submission
from tckr_bench.records import Copies
from tckr_bench.results import examination, files, pictures, scores
from tckr_bench.results.files import (
    pictures_path,
    read_records,
    read_run,
    record_path,
    write_run,
    write_saved_run,
)
from tckr_bench.results.identity import identity_of
from tckr_bench.results.pictures import read_pictures, write_pictures

CLOTHES = ("clothes",)
LORA = "attributes-miniature-lora"
TRACK = small_track(datasets=CLOTHES)
REFUSED = "nothing was submitted, for no board takes this run: "


@pytest.fixture(autouse=True)
def computed_once(monkeypatch):
    monkeypatch.setattr(examination, "compute_measurements", remembered_measurements)


@dataclasses.dataclass(frozen=True)
class Run(Board):
    """A finished run that is free to break."""

    @property
    def folder(self):
        return self.root

    def change_run(self, **changes):
        write_run(dataclasses.replace(self.run.information, **changes), self.folder)


@pytest.fixture
def run(tmp_path):
    shutil.copytree(finished_run(CLOTHES), tmp_path / "run")
    return Run(tmp_path / "run")


def seal(run):
    """Give a run the gates and the name that follow from its scores."""
    saved = with_gates(run.run)
    information = dataclasses.replace(saved.information, submission=identity_of(saved.records))
    write_saved_run(dataclasses.replace(saved, information=information))


def submit(run, root):
    return write_submission(prepare_submission(run.folder, TRACK), root, TRACK)


def test_a_submission_is_a_copy_of_the_run_but_for_what_may_not_be_shown():
    for folder, datasets in ((submitted(), None), (submitted(CLOTHES), CLOTHES)):
        run = finished_run(datasets) if datasets else finished_run()
        (board,) = folder.glob("small/*")
        assert submission_files(board) == submission_files(run)
        theirs = {name: it for name, it in contents(run).items() if name.startswith("pictures/clothes/")}
        assert theirs
        assert {name: it for name, it in contents(board).items() if name.startswith("pictures/")} == theirs


def test_a_run_has_pictures_of_every_dataset_and_a_board_of_those_that_may_be_shown():
    datasets = {path.parent.name for path in finished_run().glob("pictures/*/*")}
    shown = {path.parent.name for path in submitted().glob("*/*/pictures/*/*")}
    assert (datasets, shown) == ({"clothes", "digits"}, {"clothes"})


def test_what_is_made_of_a_run_is_not_submitted(run, tmp_path):
    for name in ("report/index.html", "events.jsonl", "logs/stage.txt", "records/clothes/teacher.partial"):
        (run.folder / name).parent.mkdir(exist_ok=True)
        (run.folder / name).write_text("made of the records, or left beside them")
    assert contents(submit(run, tmp_path / "results")) == contents(next(submitted(CLOTHES).glob("small/*")))


def test_a_submission_lies_at_its_track_and_its_name(run, tmp_path):
    folder = submit(run, tmp_path / "results")
    assert folder == tmp_path / "results" / "small" / run.run.information.submission
    assert {record.submission for record in read_records(tmp_path / "results")} == {folder.name}


def test_a_run_is_submitted_to_another_track_by_its_name_alone(run, tmp_path):
    other = dataclasses.replace(TRACK, name="other")
    folder = write_submission(prepare_submission(run.folder, other), tmp_path / "results", other)
    assert folder.parent.name == read_run(folder).information.track == "other"
    theirs, ours = submission_files(folder), submission_files(run.folder)
    assert theirs.pop("run.json") != ours.pop("run.json")
    assert theirs == ours


def test_a_submission_is_named_by_its_scores_alone(run, tmp_path):
    other = small_run(tmp_path / "other", datasets=CLOTHES, salt=1)
    assert read_run(other).information.submission != prepared(CLOTHES).information.submission
    again = small_run(tmp_path / "again", datasets=CLOTHES)
    assert read_run(again).information.submission == prepared(CLOTHES).information.submission


@pytest.mark.parametrize(("metric", "part"), [("accuracy", "value"), ("worst-auc", "high"), ("aop", "low")])
def test_a_forged_measurement_is_refused_with_its_name(metric, part, run, tmp_path):
    run.change_measurement("dp-sgd", metric, **{part: 0.123})
    with pytest.raises(LeaderboardError, match=rf"{REFUSED}records/clothes/dp-sgd.json: seed 0: {metric}.*{part} is"):
        submit(run, tmp_path / "results")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_run_of_another_version_of_a_metric_is_not_taken(run, tmp_path):
    metrics = run.run.information.metrics
    run.change_run(metrics=(dataclasses.replace(metrics[0], version="0"), *metrics[1:]))
    with pytest.raises(LeaderboardError, match=REFUSED + "run.json: the metric accuracy is installed in version"):
        submit(run, tmp_path / "results")


def test_forged_threat_models_are_refused(run, tmp_path):
    models = run.record("dp-sgd").threat_models
    run.change("dp-sgd", threat_models={k: dataclasses.replace(it, adaptive=True) for k, it in models.items()})
    with pytest.raises(LeaderboardError, match=r"dp-sgd.json: its threat models are not those of the saved scores"):
        submit(run, tmp_path / "results")


def test_forged_gates_and_a_forged_name_are_refused(run, tmp_path):
    run.change("dp-sgd", gates=run.record("dp-sgd").gates[1:])
    with pytest.raises(LeaderboardError, match="its gates are not those that the controls of its run give"):
        submit(run, tmp_path / "results")
    seal(run)
    run.change_run(submission="0" * 16)
    with pytest.raises(LeaderboardError, match=REFUSED + "run.json: submission 0{16} is not made of these records"):
        submit(run, tmp_path / "results")


def test_other_images_or_numbers_of_images_than_the_tracks_are_refused(run):
    dataset = TRACK.datasets["clothes"]
    other = dataclasses.replace(TRACK, datasets={"clothes": dataclasses.replace(dataset, fingerprint="0" * 64)})
    with pytest.raises(LeaderboardError, match=r"has other images of 'clothes'.*run --matrix mini"):
        prepare_submission(run.folder, other)
    fewer = dataclasses.replace(dataset, splits={**dataset.splits, "train": 50})
    with pytest.raises(LeaderboardError, match=r"has 100 train .* asks for 50 train"):
        prepare_submission(run.folder, dataclasses.replace(TRACK, datasets={"clothes": fewer}))
    with pytest.raises(LeaderboardError, match="has the dataset 'clothes', track small has not"):
        prepare_submission(run.folder, small_track(datasets=("digits",)))


def test_a_run_without_records_is_refused(run):
    write_saved_run(dataclasses.replace(run.run, records=()))
    with pytest.raises(LeaderboardError, match="there is nothing to submit"):
        prepare_submission(run.folder, TRACK)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"holds no run\.json"):
        prepare_submission(tmp_path, TRACK)


def test_a_record_that_cannot_be_read_is_refused_before_anything_is_written(run):
    run.path("dp-sgd").write_text("{}")
    with pytest.raises(LeaderboardError, match=r"a record of the run cannot be read: records/clothes/dp-sgd\.json"):
        prepare_submission(run.folder, TRACK)


@pytest.mark.parametrize("name", ["../../../elsewhere", "a..b", "", "a/b", ".hidden", "x" * 200, "naïve"])
def test_a_method_no_file_can_be_named_after_is_refused_before_anything_is_written(name, run):
    path = run.path("dp-sgd")
    record = run.record("dp-sgd")
    path.write_bytes(
        files.dump_record(dataclasses.replace(record, method=dataclasses.replace(record.method, name=name)))
    )
    with pytest.raises(LeaderboardError, match="the method is not a name of letters"):
        prepare_submission(run.folder, TRACK)


def test_a_failed_seed_keeps_its_reason_and_has_no_measurements(tmp_path):
    cells = [dataclasses.replace(c, failure="out of memory") if c.samples else c for c in small_cells()]
    run = Run(small_run(tmp_path / "run", datasets=CLOTHES, seeds=(0,), cells=cells))
    submit(run, tmp_path / "results")
    for record in read_records(tmp_path / "results"):
        (result,) = record.seeds
        lost = record.method.role == "method"
        assert (result.status, result.failure) == (("failed", "out of memory") if lost else ("ok", ""))
        assert bool(result.measurements) != lost
        assert record.trusted


def test_without_a_teacher_or_a_control_nothing_of_the_run_is_trusted(tmp_path):
    cells = [planned for planned in small_cells() if planned.method.name != "overfit"]
    run = read_run(small_run(tmp_path / "run", datasets=CLOTHES, seeds=(0,), cells=cells))
    assert not any(record.trusted for record in run.records)
    assert any(gate.name == "overfit" and not gate.passed for gate in run.records[0].gates)


def test_a_submission_is_there_only_as_it_is_to_the_byte(run, tmp_path):
    root = tmp_path / "results"
    made = prepare_submission(run.folder, TRACK)
    assert not is_there(made, root)
    folder = submit(run, root)
    assert is_there(made, root)
    changes = (
        lambda: record_path(folder, made.records[0]).unlink(),
        lambda: (folder / "records" / "clothes" / "stray").write_text("x"),
        lambda: (folder / "run.json").write_bytes((folder / "run.json").read_bytes() + b" "),
        lambda: pictures_path(folder, run.record(LORA)).unlink(),
    )
    for change in changes:
        change()
        assert not is_there(made, root)
        submit(run, root)
        assert is_there(made, root)


def test_writing_twice_gives_the_same_bytes(run, tmp_path):
    for folder in (tmp_path / "one", tmp_path / "one", tmp_path / "two"):
        submit(run, folder)
    assert contents(tmp_path / "one") == contents(tmp_path / "two") == contents(submitted(CLOTHES))


def test_an_interrupted_write_leaves_nothing_and_what_was_there(run, tmp_path, monkeypatch):
    copied = []
    copy = files.shutil.copyfile

    def interrupted(source, target):
        if len(copied) == 5:
            raise OSError(28, "No space left on device")
        copied.append(target)
        return copy(source, target)

    monkeypatch.setattr(files.shutil, "copyfile", interrupted)
    with pytest.raises(StoreError, match="writing the submission"):
        submit(run, tmp_path / "results")
    assert not (tmp_path / "results").exists()
    monkeypatch.undo()
    monkeypatch.setattr(examination, "compute_measurements", remembered_measurements)
    submit(run, tmp_path / "results")
    before = contents(tmp_path / "results")
    copied.clear()
    monkeypatch.setattr(files.shutil, "copyfile", interrupted)
    with pytest.raises(StoreError):
        submit(run, tmp_path / "results")
    assert contents(tmp_path / "results") == before


def test_a_run_that_was_finished_is_not_changed_by_submitting(run, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}
    submit(run, tmp_path / "results")
    assert before == {path: path.stat().st_mtime_ns for path in run.folder.rglob("*")}


@pytest.mark.parametrize(
    ("module", "limit", "most", "words"),
    [
        (scores, "MOST_VALUES", 100, "it declares no values, or more than 100"),
        (scores, "MOST_COLUMNS", 3, "more than 3 columns"),
        (scores, "MOST_ATTACKS", 1, "more than 1 attacks"),
        (examination, "MOST_BYTES", 1000, "has more than 0 MiB"),
        (examination, "MOST_CLASSES", 9, "more than 9 classes"),
        (examination, "MOST_SHADOWS", 1, "more than 1 shadow models"),
        (files, "MOST_RECORD_BYTES", 1000, "the record .* has more than"),
        (files, "MOST_OF_A_KIND", 1, "it has more than 1 "),
        (pictures, "MOST_BYTES", 1000, "the file of pictures .* has more than"),
        (pictures, "MOST_PAIRS", 1, "more than 1"),
    ],
)
def test_a_limit_of_those_who_check_is_one_of_those_who_submit(module, limit, most, words, tmp_path, monkeypatch):
    monkeypatch.setenv("TCKR_BENCH_STORE", str(tmp_path / "store"))
    made = prepared(CLOTHES)
    monkeypatch.setattr(module, limit, most)
    with pytest.raises((LeaderboardError, RunError), match=words):
        write_submission(made, tmp_path / "results", TRACK)
    assert not (tmp_path / "results").exists()


def test_what_is_refused_leaves_a_board_that_is_there_as_it_was(run, tmp_path):
    submit(run, tmp_path / "results")
    before = contents(tmp_path / "results")
    run.change_measurement("dp-sgd", "accuracy", value=0.9)
    with pytest.raises(LeaderboardError, match=REFUSED):
        submit(run, tmp_path / "results")
    assert contents(tmp_path / "results") == before


def test_evidence_that_is_too_large_is_refused_and_nothing_is_left(run, tmp_path):
    """Distances of 1.5 million images: 23 MiB of noise, which does not compress to 16."""
    noise = Copies(*np.random.default_rng(0).random((2, 1_500_000)))

    def grow(evidence):
        grown = dataclasses.replace(evidence.attacks["nearest-copy"], copies=noise)
        return dataclasses.replace(evidence, attacks={**evidence.attacks, "nearest-copy": grown})

    run.change_evidence(LORA, grow)
    with pytest.raises(RunError, match="has more than 16 MiB"):
        submit(run, tmp_path / "results")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_picture_of_a_class_that_is_not_there_is_refused(run, tmp_path):
    path = run.pictures(LORA)
    write_pictures([dataclasses.replace(pair, label=10) for pair in read_pictures(path)], path)
    with pytest.raises(
        LeaderboardError, match=f"{REFUSED}records/clothes/attributes.*a class that the dataset does not"
    ):
        submit(run, tmp_path / "results")


def test_a_link_in_a_run_is_not_followed(run, tmp_path):
    path = run.scores("dp-sgd")
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="is not there, or is a link"):
        submit(run, tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_a_submission_takes_the_place_of_one_with_its_name_whole(run, tmp_path):
    folder = submit(run, tmp_path / "results")
    (folder / "records" / "clothes" / "stray.json").write_text("{}")
    write_run(dataclasses.replace(run.run.information, command="another"), folder)
    submit(run, tmp_path / "results")
    assert contents(tmp_path / "results") == contents(submitted(CLOTHES))
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["small"]
