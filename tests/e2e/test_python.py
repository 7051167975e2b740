"""The same as the commands do, called from Python: the data that comes back agrees, and nothing is printed."""

import json

import pytest

import tckr_bench
from tckr_bench.errors import RunError
from tckr_bench.judging.criteria import Criteria, TprLimit
from tckr_bench.judging.metric_names import WORST_AUC
from tckr_bench.results.verify import Verified

CRITERIA = Criteria(max_accuracy_drop=0.3, max_tprs=(TprLimit(0.5, 0.01),))


@pytest.fixture(scope="module")
def results(finished):
    """A finished run, run again from Python."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TCKR_BENCH_STORE", str(finished.store))
        patch.chdir(finished.folder)
        yield tckr_bench.run("smoke")


@pytest.fixture(autouse=True)
def _beside_the_store(finished, monkeypatch):
    monkeypatch.setenv("TCKR_BENCH_STORE", str(finished.store))
    monkeypatch.chdir(finished.folder)


def test_a_finished_run_is_not_run_again_and_gives_the_measurements_of_its_files(results, finished):
    assert isinstance(results.verified, Verified)
    assert results.outcome.ran == {}
    assert results.verified.mismatches == ()
    frame = results.to_frame(measurements=True)
    said = finished.measurements("runs/smoke")
    expected = sorted((*key[:1], *key[2:], found["value"]) for key, found in said.items())
    cells = zip(frame.dataset, frame.metric, frame.attack.fillna(""), frame.value, strict=True)
    assert sorted(cells) == expected


def test_a_frame_of_a_run_has_a_row_per_method_and_dataset_with_its_worst_attack_s_auc(results):
    frame = results.to_frame()
    expected = [row.get(WORST_AUC).value for board in results.board.boards for row in board.rows]
    assert sorted(frame.worst_auc) == pytest.approx(sorted(expected))


def test_a_loaded_run_is_the_run(results):
    loaded = tckr_bench.load_run("runs/smoke")
    assert loaded.board == results.board
    assert loaded.outcome is None
    with pytest.raises(RunError):
        tckr_bench.load_run("runs/other")


def test_a_plan_has_a_row_per_stage_and_a_finished_run_leaves_nothing_to_do():
    planned = tckr_bench.plan("smoke")
    frame = planned.to_frame()
    assert list(frame.key) == list(planned.plan.graph.stages)
    assert frame.done.all()
    assert (frame.seconds == 0).all()
    other = tckr_bench.plan("smoke", settings=["seeds=[7]"]).to_frame()
    assert (other.seconds[~other.done] > 0).all()
    assert not other.done.all()


def test_the_answer_is_that_of_the_command(results, finished):
    answer = tckr_bench.verdict(results, CRITERIA)
    code = {"yes": 0, "no": 1, "not enough evidence": 3}[answer.answer]
    limits = ("--max-accuracy-drop", "30", "--max-tpr", "50@1")
    out, _ = finished("verdict", "runs/smoke", *limits, "--json", code=code)
    assert json.loads(out)["answer"] == answer.answer
    frame = answer.to_frame()
    assert set(frame.dataset) == {board.dataset for board in results.board.boards}
    assert frame.groupby("dataset").judged.any().all()
    assert tckr_bench.verdict("runs/smoke", CRITERIA) == answer


def test_a_comparison_has_a_row_per_method_and_metric():
    found = tckr_bench.compare("runs/smoke")
    frame = found.to_frame()
    assert len(frame) == sum(len(row.estimates) for dataset in found.datasets for row in dataset.rows)
    assert ((frame.low <= frame.value) & (frame.value <= frame.high)).all()
    assert frame[frame.reference == ""].difference_value.isna().all()


def test_nothing_is_printed(capsys):
    tckr_bench.plan("smoke")
    run = tckr_bench.run("smoke")
    tckr_bench.verdict(run, CRITERIA)
    tckr_bench.compare("runs/smoke")
    assert capsys.readouterr() == ("", "")
