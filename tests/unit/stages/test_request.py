"""Laws of what a stage is given: roles are named once, by the stage that reads them."""

import importlib
from pathlib import Path

import pytest

from tckr_bench.engine.graph import KINDS, function_of
from tckr_bench.stages import attack, caption, measure, prepare, train
from tckr_bench.stages.request import inputs_from, parents_of, stage_request

STAGES = sorted({function_of(kind) for kind in KINDS})


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_has_inputs_parameters_and_a_way_to_run(name):
    module = importlib.import_module(f"tckr_bench.stages.{name}")
    assert callable(module.run)
    assert module.Inputs.__dataclass_params__.frozen
    assert module.Parameters.__dataclass_params__.frozen


@pytest.mark.parametrize(
    "inputs",
    [
        prepare.Inputs(),
        caption.Inputs("data"),
        train.Inputs("data", images=("a", "b"), tuned="options"),
        attack.Inputs("data", target="target", shadows=("one",)),
        measure.Inputs("data", "target", "teacher", attacks=("a", "b")),
    ],
)
def test_inputs_come_back_from_the_parents_they_were_taken_apart_to(inputs):
    assert inputs_from(type(inputs), parents_of(inputs)) == inputs


def test_a_role_that_is_not_filled_is_no_part_of_a_key():
    assert parents_of(train.Inputs("data")) == {"data": ("data",)}
    assert parents_of(train.Inputs("data", images=("one",))) == {"data": ("data",), "images": ("one",)}


def test_a_role_that_the_stage_does_not_have_or_that_is_missing_is_refused():
    with pytest.raises(TypeError, match="pupil"):
        inputs_from(train.Inputs, {"data": ("data",), "pupil": ("p",)})
    with pytest.raises(TypeError, match="data"):
        inputs_from(train.Inputs, {"images": ("a",)})


def test_a_role_of_one_parent_takes_no_second():
    with pytest.raises(ValueError, match="too many"):
        inputs_from(train.Inputs, {"data": ("one", "two")})


def test_a_stage_gets_its_own_types():
    parents = {"data": (Path("d"),), "images": (Path("a"), Path("b"))}
    request = stage_request(
        train, kind="train", components={}, parents=parents, parameters={"synthetic_count": 3}, seed=1
    )
    assert request.inputs == train.Inputs(Path("d"), images=(Path("a"), Path("b")))
    assert request.parameters == train.Parameters(synthetic_count=3)
