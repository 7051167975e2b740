"""Laws of counting beforehand: images once, arithmetic by work, bytes by shape."""

import dataclasses

import pytest

from tckr_bench.engine.builder import build_graph
from tckr_bench.engine.estimate import STAGE_OVERHEAD, Rates
from tckr_bench.engine.matrix import load_matrix
from tckr_bench.engine.resources import THROUGHPUT, count_resources, seconds_by_arithmetic, stage_operations
from tckr_bench.plugin.components import WorkingComponent
from tckr_bench.plugin.registry import Registry, default_registry
from tckr_bench.records import DatasetDescription

DESCRIPTION = DatasetDescription("digits", ("a", "b"), {"train": 1000, "validation": 100, "test": 500}, "f", "", "", "")


def stages_of(*settings):
    matrix = load_matrix("smoke", default_registry(), settings=[*settings, "generation_chunk=100"])
    return list(build_graph(matrix, {use.label: DESCRIPTION for use in matrix.datasets}).stages.values())


@pytest.fixture(scope="module")
def registry():
    """The registry, with 2 GFLOP an image for every generator and 3 for every classifier."""
    stated = {"generator": 2e9, "classifier": 3e9}
    found = Registry()
    for entry in default_registry().registrations.values():
        component: WorkingComponent = entry.component
        if entry.family in stated:
            component = dataclasses.replace(component, operations=lambda _, cost=stated[entry.family]: cost)
        found.add(dataclasses.replace(entry, component=component))
    return found


def test_a_larger_cardinality_costs_its_own_images_and_not_the_smaller_ones_again():
    images = {given: count_resources(stages_of(f"cardinalities={given}"), {}).images for given in ("[2]", "[1,2]")}
    assert images["[1,2]"] == images["[2]"]


def test_images_are_counted_with_their_arithmetic_and_bytes(registry):
    generate = [stage for stage in stages_of() if stage.kind == "generate"]
    counted = count_resources(generate, stage_operations(generate, registry))
    assert counted.images == sum(stage.work for stage in generate)
    assert counted.operations == pytest.approx(2e9 * counted.images)
    assert counted.size == counted.images * 3 * 32 * 32


def test_a_soft_student_pays_a_forward_pass_of_its_teacher(registry):
    trained = {stage.label.split(" · ")[1]: stage for stage in stages_of() if stage.kind == "train"}
    teacher, student = trained["teacher"], trained["attributes-miniature-lora-small-cnn-soft-0.2x"]
    operations = stage_operations([teacher, student], registry)
    assert operations[teacher.key] == pytest.approx(3e9 * teacher.work)
    assert operations[student.key] == pytest.approx(3e9 * student.work * 4 / 3)


def test_what_states_nothing_is_said_to_be_missing(registry):
    adapt = [stage for stage in stages_of() if stage.kind == "adapt"]
    counted = count_resources(adapt, stage_operations(adapt, registry))
    assert counted.operations == 0
    assert counted.unstated == len(adapt)


def test_arithmetic_makes_the_forecast_until_a_stage_like_it_was_timed(registry, tmp_path):
    stage = next(stage for stage in stages_of() if stage.kind == "generate")
    floor = seconds_by_arithmetic(stage_operations([stage], registry), device="cuda:1")
    rates = Rates(tmp_path / "rates.json", by_arithmetic=floor)
    assert rates.seconds(stage) == pytest.approx(STAGE_OVERHEAD + 2e9 * stage.work / THROUGHPUT["cuda"])
    rates.learn(stage, 7 * stage.work)
    assert rates.seconds(stage) == pytest.approx(STAGE_OVERHEAD + 7 * stage.work)
