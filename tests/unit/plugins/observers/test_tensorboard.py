"""Laws of the observer `tensorboard`, read back by TensorBoard's own reader."""

import pytest
from tckr_plugins.observers.tensorboard import TensorboardObserver, TensorboardOptions
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tckr_bench.plugin.rehearsal import rehearsed


def read(folder):
    found = EventAccumulator(str(folder))
    found.Reload()
    return found


@pytest.fixture
def folder(tmp_path):
    rehearsed(tmp_path).tell(TensorboardObserver(TensorboardOptions()))
    return tmp_path / "tensorboard"


def test_measurements_are_scalars_under_dataset_method_and_seed(folder):
    found = read(folder)
    assert [event.value for event in found.Scalars("digits/teacher/seed-0/accuracy")] == [0.75]
    assert [event.value for event in found.Scalars("digits/teacher/seed-0/auc-mia/lira")] == [0.625]


def test_seconds_add_up_by_kind_at_the_number_of_stages_done(folder):
    found = read(folder)
    assert [(event.step, event.value) for event in found.Scalars("seconds/train")] == [(3, 2.5)]
    assert [(event.step, event.value) for event in found.Scalars("seconds/measure")] == [(4, 2.5)]
    assert found.Scalars("cpu-seconds/train")[0].value == 2.25


def test_parameters_and_failures_are_texts(folder):
    found = read(folder)
    texts = {tag: found.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in found.Tags()["tensors"]}
    assert '"matrix": "rehearsal"' in texts["run"]
    assert '"version/python": "3.11.0"' in texts["run"]
    assert "digits/student: out of" in texts["failed/train"]
    assert all(line.startswith("    ") for text in texts.values() for line in text.splitlines()), "shown as code"


def test_a_continued_run_goes_on_in_the_same_folder(folder):
    rehearsed(folder.parent).again().tell(TensorboardObserver(TensorboardOptions()))
    found = read(folder)
    assert len(list(folder.iterdir())) == 2
    assert [event.step for event in found.Scalars("run/stages-done")] == [2, 3, 4, 5]


def test_the_folder_is_an_option(tmp_path):
    rehearsed(tmp_path / "run").tell(TensorboardObserver(TensorboardOptions(folder=str(tmp_path / "elsewhere"))))
    assert read(tmp_path / "elsewhere").Tags()["scalars"]
    assert not (tmp_path / "run").exists()
