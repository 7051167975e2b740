"""What `export` refuses, and how it writes: complete, or not at all."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from tckr_bench.commands.export import ExportOptions, check_gates, choose_cell, refuse_method
from tckr_bench.errors import RunError
from tckr_bench.export import folder as writing
from tckr_bench.export.folder import check_target
from tckr_bench.export.shards import Table, shard_names, write_shards
from tckr_bench.records import CellRecord, ComponentUse, DatasetDescription, LabelledImages, Method


def use(family, name):
    return ComponentUse(family, name, "1", name, {})


def synthetic(name="made", role="method", generator="miniature", labels="hard"):
    return Method(
        name,
        role,
        use("classifier", "small-cnn"),
        labels=labels,
        captioner=use("captioner", "attributes"),
        generator=use("generator", generator),
        adapter=use("adapter", "lora"),
    )


TEACHER = Method("teacher", "baseline", use("classifier", "small-cnn"))


DESCRIBED = DatasetDescription("made", ("cat", "dog"), {}, "ab" * 32, "8x8", "here", "MIT")


@pytest.fixture
def run_of(made):
    """A run of some cells, told by dataset, method and seed."""

    def run(*cells, status="ok", failure=""):
        return made.results_of(
            CellRecord(dataset, method, seed, "mini", status, description=DESCRIBED, failure=failure)
            for dataset, method, seed in cells
        )

    return run


def options(tmp_path, method="made", **changes):
    return ExportOptions(tmp_path, method, tmp_path / "out", **changes)


def test_a_method_is_found_by_its_full_and_its_short_name(tmp_path, run_of):
    found = run_of(
        ("a", synthetic("x-hard"), 0),
        ("a", dataclasses.replace(synthetic("x-soft"), labels="soft"), 0),
        ("a", TEACHER, 0),
    )
    assert choose_cell(found, options(tmp_path, "x-soft")).method.labels == "soft"
    assert choose_cell(found, options(tmp_path, "soft")).method.name == "x-soft"
    with pytest.raises(RunError, match="no synthetic method 'x-sofd'; did you mean 'x-soft'"):
        choose_cell(found, options(tmp_path, "x-sofd"))


def test_of_several_datasets_one_must_be_named(tmp_path, run_of):
    found = run_of(("a", synthetic(), 0), ("b", synthetic(), 0))
    with pytest.raises(RunError, match=r"several datasets, a and b; .*--dataset"):
        choose_cell(found, options(tmp_path))
    assert choose_cell(found, options(tmp_path, dataset="b")).dataset == "b"
    with pytest.raises(RunError, match="no dataset 'c'"):
        choose_cell(found, options(tmp_path, dataset="c"))


def test_the_first_seed_is_taken_if_none_is_named(tmp_path, run_of):
    found = run_of(("a", synthetic(), 4), ("a", synthetic(), 2))
    assert choose_cell(found, options(tmp_path)).seed == 2
    assert choose_cell(found, options(tmp_path, seed=4)).seed == 4
    with pytest.raises(RunError, match="no seed 0 of this method; it has 2 and 4"):
        choose_cell(found, options(tmp_path, seed=0))


def test_a_failed_cell_has_nothing_to_export(tmp_path, run_of):
    found = run_of(("a", synthetic(), 0), status="failed", failure="adapt: out of memory")
    with pytest.raises(RunError, match="nothing to export: adapt: out of memory"):
        choose_cell(found, options(tmp_path))


@pytest.mark.parametrize("despite", [False, True])
@pytest.mark.parametrize(
    "method",
    [
        synthetic("memorizer", role="control", generator="memorizer"),
        synthetic("noise", role="control", generator="noise"),
        synthetic("innocent", role="method", generator="memorizer"),
    ],
    ids=lambda method: method.name,
)
def test_a_control_is_never_exported_whatever_it_calls_itself(tmp_path, run_of, method, despite):
    found = run_of(("a", method, 0))
    with pytest.raises(RunError, match="is a control and is never exported"):
        choose_cell(found, options(tmp_path, method.name, despite_failed_gates=despite))


@pytest.mark.parametrize("role", ["baseline", "defended"])
def test_what_learns_from_real_images_has_none_to_export(role):
    with pytest.raises(RunError, match="has no synthetic ones"):
        refuse_method(dataclasses.replace(TEACHER, role=role))


def test_a_failed_gate_keeps_the_images_in_unless_told_otherwise():
    board = SimpleNamespace(reasons=("control noise: AUC 0.7",))
    subject = SimpleNamespace(board=board, record=SimpleNamespace(dataset="pets"))
    with pytest.raises(RunError, match=r"pets cannot be trusted.*control noise: AUC 0.7; add --despite-failed-gates"):
        check_gates(subject, despite=False)
    check_gates(subject, despite=True)
    check_gates(SimpleNamespace(board=SimpleNamespace(reasons=())), despite=False)


def table(count=7, size=6, **more):
    generator = np.random.default_rng(count)
    images = generator.integers(0, 256, (count, size, size, 3)).astype(np.uint8)
    return Table(LabelledImages(images, np.arange(count) % 3), ("one", "two", "three"), **more)


@pytest.mark.parametrize(("count", "per_shard"), [(4, 2), (5, 2), (7, 3), (1, 9), (4, 3), (10, 1)])
def test_shards_hold_every_row_once_and_none_is_empty_or_too_large(count, per_shard):
    shards = shard_names(count, 100, limit=100 * per_shard)
    assert [row for _, rows in shards for row in rows] == list(range(count))
    assert all(0 < len(rows) <= per_shard for _, rows in shards)
    assert {name[-13:] for name, _ in shards} == {f"{len(shards):05d}.parquet"}


def test_images_come_back_bit_for_bit_with_labels_prompts_and_probabilities(tmp_path, monkeypatch):
    from datasets import load_dataset

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    asked = []

    def teacher(images):
        asked.append(len(images))
        return np.repeat(images[:, 0, 0, :1] / np.float32(255), 3, axis=1)

    made = table(prompts=tuple(f"prompt {index}" for index in range(7)), teacher=teacher)
    told = []
    paths = write_shards(made, tmp_path, progress=told.append, limit=6 * 6 * 3 * 3)
    assert len(paths) == 3
    assert told == [3, 6, 7]
    found = load_dataset("parquet", data_files=[str(path) for path in paths], split="train", cache_dir=tmp_path / "c")
    assert np.array_equal(np.stack([np.asarray(image) for image in found["image"]]), made.images.images)
    assert found.features["label"].names == ["one", "two", "three"]
    assert found["label"][:] == made.images.labels.tolist()
    assert found["prompt"][:] == list(made.prompts)
    assert np.allclose(found["teacher_probabilities"][:], teacher(made.images.images))
    assert asked[:-1] == [3, 3, 1], "the teacher is asked shard by shard"


def test_only_an_empty_or_a_new_folder_is_written_to(tmp_path):
    check_target(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    check_target(tmp_path / "empty")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(RunError, match="not empty and holds no export"):
        check_target(tmp_path / "full")
    with pytest.raises(RunError, match="is no folder"):
        check_target(tmp_path / "full" / "thesis.tex")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_is_interrupted_leaves_nothing_behind(tmp_path, monkeypatch, error):
    def fail(*_arguments, **_options):
        raise error

    monkeypatch.setattr(writing, "data_card", fail)
    documents = writing.Documents(None, None, None)
    expected = RunError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        writing.write_export(tmp_path / "here" / "out", table(), documents, progress=lambda _written: None)
    assert list((tmp_path / "here").iterdir()) == []
