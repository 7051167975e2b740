"""Laws of submitting: records say what the scores give, nothing that is forged passes, and a write is whole or not."""

from __future__ import annotations

import dataclasses
import functools
import shutil

import pytest
from submitted_runs import (
    EXAMPLES,
    SEEDS,
    compute_serially,
    finished_run,
    needed_metrics,
    prepared,
    remembered_measurements,
    small_cells,
    small_run,
    small_track,
    submitted,
)
from tckr_bench.results.run_files import cell_folder, read_results, write_results

from tckr_bench.errors import LeaderboardError, StoreError
from tckr_bench.judging.rows import EVALUATION_STAGES
from tckr_bench.leaderboard import submission
from tckr_bench.leaderboard.submission import (
    digest_of,
    digest_of_failure,
    identity_of,
    prepare_submission,
    write_submission,
)
from tckr_bench.results.evidence import EVIDENCE_FILE, read_evidence, write_evidence
from tckr_bench.results.files import read_records, record_folder
from tckr_bench.results.pictures import read_pictures
from tckr_bench.results.records import cells_of
from tckr_bench.results.scores import read_scores

CLOTHES = ("clothes",)
prepare = functools.partial(prepare_submission, compute=compute_serially)


@pytest.fixture
def run(tmp_path):
    """A copy of a finished run of one dataset, free to break."""
    shutil.copytree(finished_run(CLOTHES), tmp_path / "run")
    return tmp_path / "run"


def change_cell(run, name, seed=0, **changes):
    results = read_results(run)
    records = [
        dataclasses.replace(r, **changes) if (r.method.name, r.seed) == (name, seed) else r for r in results.records
    ]
    write_results(dataclasses.replace(results, records=tuple(records)), run)


def cell(run, name, seed=0):
    return next(r for r in read_results(run).records if (r.method.name, r.seed) == (name, seed))


def test_records_carry_the_measurements_that_the_scores_give():
    for record in read_records(submitted()):
        assert [result.seed for result in record.seeds] == list(SEEDS)
        for result in record.seeds:
            evidence = read_scores(record_folder(submitted(), record) / result.scores.name)
            assert result.measurements == remembered_measurements(evidence, record.metrics)


def test_saved_scores_are_the_evidence_of_the_run():
    run = finished_run()
    for record in read_records(submitted()):
        for result, made in zip(record.seeds, cells_of(record), strict=True):
            evidence = read_evidence(cell_folder(run, made) / EVIDENCE_FILE)
            saved = read_scores(record_folder(submitted(), record) / result.scores.name)
            assert digest_of(saved) == digest_of(evidence)


def test_there_is_a_record_for_each_method_on_each_dataset_and_all_have_one_submission():
    records = prepared().records
    methods = [planned.method.name for planned in small_cells()]
    assert sorted((r.dataset, r.method.name) for r in records) == sorted(
        (dataset, name) for dataset in ("clothes", "digits") for name in methods
    )
    assert {record.submission for record in records} == {prepared().identity}
    assert all(record.trusted for record in records)


def test_a_submission_is_named_by_its_scores_alone(run, tmp_path):
    assert prepare([run], small_track()).identity == prepared(CLOTHES).identity
    results = read_results(run)
    write_results(dataclasses.replace(results, records=results.records[::-1], wall_seconds=9.0), run)
    assert prepare([run], small_track()).identity == prepared(CLOTHES).identity
    other = small_run(tmp_path / "other", datasets=CLOTHES, salt=1)
    assert prepare([other], small_track()).identity != prepared(CLOTHES).identity


def test_any_cell_or_digest_or_failure_changes_the_name():
    cells = [(("clothes", "a", 0), "1"), (("clothes", "a", 1), "2")]
    name = identity_of(cells)
    assert name == identity_of(cells[::-1])
    others = [
        cells[:1],
        [*cells, (("clothes", "b", 0), "1")],
        [(("digits", "a", 0), "1"), cells[1]],
        [(("clothes", "a", 0), "3"), cells[1]],
        [(("clothes", "a", 0), "2"), (("clothes", "a", 1), "1")],
    ]
    assert len({name, *map(identity_of, others)}) == len(others) + 1
    assert digest_of_failure("one") != digest_of_failure("another")


@pytest.mark.parametrize(("metric", "part"), [("accuracy", "value"), ("worst-auc", "high"), ("aop", "low")])
def test_a_forged_measurement_is_refused_with_its_name(metric, part, run):
    measurements = [
        dataclasses.replace(f, **{part: 0.123}) if f.metric == metric else f for f in cell(run, "dp-sgd").measurements
    ]
    change_cell(run, "dp-sgd", measurements=tuple(measurements))
    with pytest.raises(LeaderboardError, match=f"clothes/dp-sgd/seed-0: {metric} {part} is 0.123"):
        prepare([run], small_track())


def test_measurements_of_a_metric_that_was_revised_since_are_computed_anew_and_not_called_forged(run):
    results = read_results(run)
    metrics = [dataclasses.replace(m, version="0") if m.name == "accuracy" else m for m in results.metrics]
    write_results(dataclasses.replace(results, metrics=tuple(metrics)), run)
    measurements = [
        dataclasses.replace(f, value=0.123) if f.metric == "accuracy" else f for f in cell(run, "dp-sgd").measurements
    ]
    change_cell(run, "dp-sgd", measurements=tuple(measurements))
    found = prepare([run], small_track())
    assert [record.seeds for record in found.records] == [record.seeds for record in prepared(CLOTHES).records]
    assert all(record.metrics == needed_metrics() for record in found.records)


def test_forged_threat_models_are_refused(run):
    models = {
        label: dataclasses.replace(model, adaptive=True) for label, model in cell(run, "dp-sgd").threat_models.items()
    }
    change_cell(run, "dp-sgd", threat_models=models)
    with pytest.raises(LeaderboardError, match="clothes/dp-sgd/0: its threat models are not those of its scores"):
        prepare([run], small_track())


def test_other_images_or_numbers_of_images_than_the_tracks_are_refused(run):
    track = small_track()
    dataset = track.datasets["clothes"]
    other = dataclasses.replace(track, datasets={"clothes": dataclasses.replace(dataset, fingerprint="0" * 64)})
    with pytest.raises(LeaderboardError, match=r"has other images of 'clothes'.*run --matrix mini"):
        prepare([run], other)
    fewer = dataclasses.replace(dataset, splits={**dataset.splits, "train": 50})
    with pytest.raises(LeaderboardError, match=r"has 100 train .* asks for 50 train"):
        prepare([run], dataclasses.replace(track, datasets={"clothes": fewer}))
    with pytest.raises(LeaderboardError, match="has the dataset 'clothes', track small has not"):
        prepare([run], small_track(datasets=("digits",)))


def test_runs_of_different_datasets_make_one_submission():
    runs = [finished_run(("clothes",)), finished_run(("digits",))]
    together = prepare(runs, small_track())
    assert together.identity == prepared().identity
    assert {record.slug for record in together.records} == {record.slug for record in prepared().records}


def test_runs_of_the_same_dataset_are_refused(run):
    with pytest.raises(LeaderboardError, match="both have the dataset 'clothes'"):
        prepare([finished_run(CLOTHES), run], small_track())


def test_a_run_without_cells_is_refused(run):
    write_results(dataclasses.replace(read_results(run), records=()), run)
    with pytest.raises(LeaderboardError, match="there is nothing to submit"):
        prepare([run], small_track())


def test_costs_add_up_to_those_of_the_stages():
    stages = {(r.dataset, r.method.name, r.seed): r.stages for r in read_results(finished_run()).records}
    for record in read_records(submitted()):
        for result, made in zip(record.seeds, cells_of(record), strict=True):
            own = stages[record.dataset, record.method.name, result.seed]
            assert sum(step.stages for step in result.cost) == len(own)
            for judging in (False, True):
                told = sum(s.cost.cpu_seconds for s in own if (s.kind in EVALUATION_STAGES) == judging)
                found = sum(s.cost.cpu_seconds for s in made.stages if (s.kind in EVALUATION_STAGES) == judging)
                assert found == pytest.approx(told)
            assert max(s.peak_memory_bytes for s in result.cost) == max(s.cost.peak_memory_bytes for s in own)


def test_stages_of_shadow_models_count_as_judging():
    for kind in ("shadow", "shadow-generate", "shadow-adapt", "attack", "measure"):
        assert kind in EVALUATION_STAGES, kind
    for kind in ("prepare", "caption", "adapt", "generate", "train"):
        assert kind not in EVALUATION_STAGES, kind


def test_pictures_are_there_only_where_the_licence_lets_them_be_shown():
    for record in read_records(submitted()):
        pictures = submitted().rglob(f"{record.slug}.images.parquet")
        shown = {path.parent.name for path in pictures}
        assert "digits" not in shown
        assert (record.pictures is not None) == (record.dataset == "clothes" and record.method.synthetic)
        if record.pictures is not None:
            pairs = read_pictures(record_folder(submitted(), record) / record.pictures.name)
            assert {pair.kind for pair in pairs} == {"sample", "copy"}


def test_images_generated_follow_from_the_cardinality():
    for record in prepared().records:
        wanted = round(record.method.cardinality * (EXAMPLES - 100)) if record.method.synthetic else 0
        assert record.images_generated == wanted


def test_a_failed_cell_keeps_its_reason_and_has_no_measurements(tmp_path):
    cells = [dataclasses.replace(c, failure="out of memory") if c.samples else c for c in small_cells()]
    found = prepare([small_run(tmp_path / "run", datasets=CLOTHES, seeds=(0,), cells=cells)], small_track())
    for record in found.records:
        (result,) = record.seeds
        lost = record.method.role == "method"
        assert (result.status, result.failure) == (("failed", "out of memory") if lost else ("ok", ""))
        assert bool(result.measurements) != lost
        assert record.trusted
    write_submission(found, tmp_path / "results")
    assert len(read_records(tmp_path / "results")) == len(found.records)


def test_without_a_teacher_or_a_control_nothing_of_the_run_is_trusted(tmp_path):
    for name in ("teacher", "overfit"):
        cells = [planned for planned in small_cells() if planned.method.name != name]
        if name == "teacher":
            cells = [dataclasses.replace(small_cells()[0], failure="out of memory"), *cells]
        found = prepare([small_run(tmp_path / name, datasets=CLOTHES, seeds=(0,), cells=cells)], small_track())
        assert not any(record.trusted for record in found.records)
        assert any(gate.name == name and not gate.passed for gate in found.records[0].gates)


def test_writing_twice_gives_the_same_bytes(tmp_path):
    for folder in (tmp_path / "one", tmp_path / "one", tmp_path / "two"):
        write_submission(prepared(CLOTHES), folder)
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("one", "two")
    )
    assert one == two
    assert len(one) == len(list(submitted(CLOTHES).rglob("*.*")))


def test_an_interrupted_write_leaves_no_record(tmp_path, monkeypatch):
    moved = []
    move = submission._move

    def interrupted(path, staging, root):
        if len(moved) == 5:
            raise OSError(28, "No space left on device")
        moved.append(path)
        return move(path, staging, root)

    monkeypatch.setattr(submission, "_move", interrupted)
    with pytest.raises(StoreError, match="writing the submission"):
        write_submission(prepared(CLOTHES), tmp_path / "results")
    assert len(moved) == 5
    left = list((tmp_path / "results").rglob("*"))
    assert not [path for path in left if path.suffix == ".json"]
    assert not [path for path in left if path.name.startswith(".submission-")]
    monkeypatch.undo()
    write_submission(prepared(CLOTHES), tmp_path / "results")
    assert len(read_records(tmp_path / "results")) == 9


def test_an_unreadable_score_is_refused_before_anything_is_written(run):
    path = cell_folder(run, cell(run, "dp-sgd")) / EVIDENCE_FILE
    evidence = read_evidence(path)
    write_evidence(dataclasses.replace(evidence, test_labels=evidence.test_labels[:10]), path)
    with pytest.raises(Exception, match="is not a file of evidence"):
        prepare([run], small_track())
