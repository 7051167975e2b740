"""What is exported are the images of the method that is named, whatever a results file says."""

import dataclasses
import json
import time

import numpy as np
import pytest

from tckr_bench.engine.builder import build_graph
from tckr_bench.engine.matrix import load_matrix
from tckr_bench.engine.store import Provenance, Store
from tckr_bench.errors import RunError
from tckr_bench.export.released import command_again, find_released, prompts_of, remedy, teacher_of
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import CellRecord, Cost, DatasetDescription
from tckr_bench.stages.arrays import write_arrays
from tckr_bench.stages.caption import PROMPTS_FILE
from tckr_bench.stages.generate import IMAGES_FILE

CLASSES = tuple("abcdefghij")
SPLITS = {"train": 500, "validation": 200, "test": 597}
DESCRIPTION = DatasetDescription("digits", CLASSES, SPLITS, "f" * 64, "8x8", "here", "MIT")
NOTHING = Cost(0.0, 0.0, 0)


def graph_of(*settings):
    matrix = load_matrix("smoke", default_registry(), settings=settings)
    return build_graph(matrix, {"digits": DESCRIPTION})


def record_of(graph, ending="soft-0.2x", seed=0):
    slug = next(slug for slug in graph.cells if slug.endswith(f"{ending}/seed-{seed}"))
    cell = graph.cells[slug]
    keys = {}
    for stage in graph.ancestry(graph.leaves[slug]):
        keys[stage.kind] = (*keys.get(stage.kind, ()), stage.key)
    return CellRecord(
        "digits", cell.method, cell.seed, "smoke", "ok", description=DESCRIPTION, splits=SPLITS, keys=keys
    )


def with_keys(record, **keys):
    return dataclasses.replace(record, keys={**record.keys, **keys})


def put(store, stage, write):
    with store.lock(stage.key):
        staged = store.begin(stage.key)
        write(staged)
        store.commit(
            stage.key, staged, kind=stage.kind, provenance=Provenance("", "", NOTHING, "cpu", 1.0, time.time())
        )


def put_images(store, graph):
    """Make every chunk of the graph: the image at place i of the sequence is filled with i."""
    for stage in graph.stages.values():
        if stage.kind == "generate":
            places = np.arange(stage.parameters["start"], stage.parameters["stop"])
            pixels = (places % 251).astype(np.uint8)[:, None, None, None]
            arrays = {"images": np.tile(pixels, (1, 4, 4, 3)), "labels": places % 10, "sources": places % 7}
            put(store, stage, lambda folder, arrays=arrays: write_arrays(folder / IMAGES_FILE, arrays))


@pytest.fixture(scope="module")
def graph():
    return graph_of()


@pytest.fixture
def record(graph):
    return record_of(graph)


@pytest.fixture
def store(tmp_path, graph):
    store = Store(tmp_path / "store")
    store.open_for_writing()
    put_images(store, graph)
    return store


def test_the_images_come_in_order_and_as_many_as_the_method_has(record, store):
    released = find_released(record, store, again="")
    assert len(released.images) == record.method.generated_images(record.splits["train"]) == 100
    assert released.images.images[:][:, 0, 0, 0].tolist() == np.arange(100).tolist()
    assert released.images.labels.tolist() == (np.arange(100) % 10).tolist()


def test_a_smaller_cardinality_is_the_beginning(store, tmp_path):
    small = record_of(graph_of("cardinalities=[0.15]"), "0.15x")
    released = find_released(small, store, again="")
    assert released.images.images[:][:, 0, 0, 0].tolist() == list(range(75))


def test_every_seed_has_images_of_its_own(store):
    both = graph_of("seeds=[0,1]")
    put_images(store, both)
    first, second = (find_released(record_of(both, seed=seed), store, again="") for seed in (0, 1))
    assert not set(first.generated) & set(second.generated)
    with pytest.raises(RunError, match="do not follow"):
        find_released(dataclasses.replace(record_of(both, seed=0), seed=1), store, again="")


def test_an_artifact_that_is_gone_is_asked_for_with_the_command_that_makes_it(record, store):
    key = record.keys["generate"][0]
    store.discard(key)
    with pytest.raises(RunError, match=r"1 of the 2 artifacts .* are gone .*; run that again"):
        find_released(record, store, again="run that again")


def test_images_of_a_control_do_not_pass_as_those_of_a_method(record, graph, store):
    memorizer = next(slug for slug in graph.cells if "/memorizer/" in slug)
    real = [stage for stage in graph.ancestry(graph.leaves[memorizer]) if stage.kind == "generate"]
    forged = with_keys(record, generate=tuple(stage.key for stage in real))
    with pytest.raises(RunError, match="not those of this run"):
        find_released(forged, store, again="")


def test_other_options_than_the_images_were_made_with_are_found_out(record, store):
    generator = record.method.generator
    generator = dataclasses.replace(generator, options={**generator.options, "steps": 50})
    forged = dataclasses.replace(record, method=dataclasses.replace(record.method, generator=generator))
    with pytest.raises(RunError, match="do not follow"):
        find_released(forged, store, again="")


def test_chunks_in_another_order_are_found_out(record, store):
    forged = with_keys(record, generate=record.keys["generate"][::-1])
    with pytest.raises(RunError, match="do not follow"):
        find_released(forged, store, again="")


def test_more_images_than_the_chunks_hold_are_not_made_up(record, store):
    forged = dataclasses.replace(record, method=dataclasses.replace(record.method, cardinality=5.0))
    with pytest.raises(RunError, match="hold 100 images, and the method has 2,500"):
        find_released(forged, store, again="")


def test_no_key_leads_out_of_the_store(record, store):
    away = with_keys(record, generate=(*record.keys["generate"], "../../elsewhere"))
    with pytest.raises(RunError, match="no sha256"):
        find_released(away, store, again="")


def test_each_image_has_the_prompt_it_was_made_from(record, graph, store):
    released = find_released(record, store, again="")
    with pytest.raises(RunError, match="prompts are gone"):
        prompts_of(released, store, again="")
    content = {"texts": [f"p{index}" for index in range(7)], "labels": [0] * 7, "class_names": ["a"], "basis": "image"}
    text = json.dumps(content)
    put(store, graph.stages[released.captioned], lambda folder: (folder / PROMPTS_FILE).write_text(text))
    prompts = prompts_of(find_released(record, store, again=""), store, again="")
    assert prompts == tuple(f"p{place % 7}" for place in range(100))


def test_the_teacher_is_the_one_of_the_method_or_a_reason(record, store):
    assert teacher_of(record, store, device="cpu") == "the teacher is gone from the store"
    classifier = record.method.classifier
    other = dataclasses.replace(classifier, options={**classifier.options, "epochs": 99})
    forged = dataclasses.replace(record, method=dataclasses.replace(record.method, classifier=other))
    assert "no teacher whose key follows" in teacher_of(forged, store, device="cpu")


def test_the_command_is_that_whose_stages_are_the_run_s(graph, made):
    def results_of(cells, **changes):
        return made.results_of(cells, **{"matrix": "smoke", "command": "", **changes})

    records = [record_of(graph, slug.split("/")[1]) for slug in graph.cells]
    assert command_again(results_of(records)) == "tckr-bench run --matrix smoke"
    changed = graph_of("generator.steps=3")
    others = [record_of(changed, slug.split("/")[1]) for slug in changed.cells]
    assert command_again(results_of(others)) == ""
    assert "settings of this run" in remedy(results_of(others))
    assert "`tckr-bench run --matrix mine`" in remedy(results_of(others, command="tckr-bench run --matrix mine"))
    assert command_again(results_of(records, matrix="../smoke")) == ""
