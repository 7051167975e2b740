"""A finished run's synthetic images as a dataset, through the installed command."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import yaml

from tckr_bench.results.files import read_run, write_saved_run
from tckr_bench.results.records import cells_of
from tckr_bench.stages.arrays import read_arrays
from tckr_bench.stages.generate import IMAGES_FILE

pytestmark = pytest.mark.slow

METHOD = "attributes-miniature-lora-small-cnn-soft-0.2x"
LIMITS = ("--max-accuracy-drop", "90", "--max-tpr", "50@1", "--max-auc", "0.9")


def cell_of(finished, name=METHOD):
    records = read_run(finished.folder / "runs/smoke").records
    return next(cell for record in records if record.method.name == name for cell in cells_of(record))


def chunks_of(finished, name=METHOD):
    """The folders of the artifacts that hold a method's images."""
    return [finished.store / "artifacts" / key[:2] / key for key in cell_of(finished, name).keys["generate"]]


@pytest.fixture(scope="module")
def exported(finished):
    """The export of the one synthetic method, and what was said."""
    out, err = finished("export", "runs/smoke", METHOD, "--to", "synthetic", *LIMITS)
    return finished.folder / "synthetic", out, err


@pytest.fixture
def loaded(exported, tmp_path, monkeypatch):
    from datasets import load_dataset

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return load_dataset(str(exported[0]), cache_dir=str(tmp_path))


def test_the_export_says_where_it_is_and_how_to_load_it(exported):
    _folder, out, err = exported
    assert "Recomputing the measurements of 9 cells" in err
    assert "Wrote 100 images with their card to synthetic" in out
    assert 'datasets.load_dataset("synthetic")' in out
    assert "Verdict under your limits: " in out


def test_it_loads_as_it_is_with_the_images_of_the_store_bit_for_bit(finished, loaded):
    stored = [read_arrays(folder / IMAGES_FILE) for folder in chunks_of(finished)]
    images, labels = (np.concatenate([chunk[name] for chunk in stored])[:200] for name in ("images", "labels"))
    assert list(loaded) == ["train"]
    found = loaded["train"]
    assert np.array_equal(np.stack([np.asarray(image) for image in found["image"]]), images)
    assert found["label"][:] == labels.tolist()
    assert found.features["label"].names == list(cell_of(finished).description.class_names)


def test_soft_labels_are_the_teacher_s_and_prompts_stay_out(loaded):
    found = loaded["train"]
    assert found.column_names == ["image", "label", "teacher_probabilities"]
    probabilities = np.array(found["teacher_probabilities"][:])
    assert probabilities.shape == (100, 10)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert probabilities.std(axis=0).max() > 0.01, "they differ from image to image"


def test_the_card_and_the_provenance_say_where_it_comes_from(finished, exported):
    folder = exported[0]
    card = (folder / "README.md").read_text(encoding="utf-8")
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert yaml.safe_load(card.split("---\n", 2)[1])["size_categories"] == ["n<1K"]
    assert "tckr-bench run --matrix smoke\n" in card
    assert (
        "| memorizer | releases the training images themselves, so attacks must find as much as on real data |" in card
    )
    record = cell_of(finished)
    assert provenance["description"]["fingerprint"] == record.description.fingerprint
    assert provenance["artifacts"]["generated"] == [path.name for path in chunks_of(finished)]
    assert {measurement["metric"] for measurement in provenance["measurements"]} == {
        measurement.metric for measurement in record.measurements
    }
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == [
        "README.md",
        "provenance.json",
        "train-00000-of-00001.parquet",
    ]


def test_a_second_time_there_is_nothing_to_do(finished, exported):
    before = {path: path.stat().st_mtime_ns for path in exported[0].rglob("*")}
    out, _ = finished("export", "runs/smoke", METHOD, "--to", "./synthetic", *LIMITS)
    assert "Nothing to do" in out
    assert {path: path.stat().st_mtime_ns for path in exported[0].rglob("*")} == before


def test_another_export_is_not_written_over_it(finished, exported):
    _, err = finished("export", "runs/smoke", METHOD, "--to", "synthetic", "--with-prompts", code=2)
    assert "holds another export" in err
    copy = finished.folder / "changed"
    shutil.copytree(exported[0], copy)
    with next(copy.glob("data/*")).open("ab") as file:
        file.write(b"more")
    _, err = finished("export", "runs/smoke", METHOD, "--to", "changed", *LIMITS, code=2)
    assert "were changed" in err


def test_prompts_come_when_asked_for(finished, tmp_path, monkeypatch):
    from datasets import load_dataset

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    finished("export", "runs/smoke", METHOD, "--to", "prompted", "--with-prompts", "--labels", "hard")
    found = load_dataset(str(finished.folder / "prompted"), split="train", cache_dir=str(tmp_path))
    names = found.features["label"].names
    assert found.column_names == ["image", "label", "prompt"]
    assert all(names[label] in prompt for label, prompt in zip(found["label"], found["prompt"], strict=True))


def test_a_deleted_artifact_is_named_with_the_command_that_makes_it_again(finished):
    folder = chunks_of(finished)[0]
    aside = finished.folder / "aside"
    folder.rename(aside)
    try:
        _, err = finished("export", "runs/smoke", METHOD, "--to", "gone", code=2)
    finally:
        aside.rename(folder)
    assert "1 of the 2 artifacts" in err
    assert "`tckr-bench run --matrix smoke` makes them again" in err
    assert not (finished.folder / "gone").exists()


@pytest.mark.parametrize("name", ["memorizer", "noise"])
def test_a_control_is_refused_whatever_is_told(finished, name):
    _, err = finished("export", "runs/smoke", name, "--to", name, "--despite-failed-gates", code=2)
    assert "is a control and is never exported" in err
    assert not (finished.folder / name).exists()


def flattered(record):
    """Return a record that claims another accuracy than its scores give, if it is the method's."""
    (result,) = record.seeds
    claimed = tuple(
        dataclasses.replace(it, value=0.99, high=0.995) if it.metric == "accuracy" else it for it in result.measurements
    )
    changed = dataclasses.replace(result, measurements=claimed)
    return dataclasses.replace(record, seeds=(changed,)) if record.method.name == METHOD else record


def test_measurements_that_do_not_follow_from_the_scores_keep_the_images_in(finished):
    run = finished.folder / "tampered"
    shutil.copytree(finished.folder / "runs/smoke", run)
    saved = read_run(run)
    write_saved_run(dataclasses.replace(saved, records=tuple(map(flattered, saved.records))))
    _, err = finished("export", "tampered", METHOD, "--to", "doubted", code=2)
    assert "cannot be trusted" in err
    assert not (finished.folder / "doubted").exists()
    finished("export", "tampered", METHOD, "--to", "doubted", "--despite-failed-gates")
    card = (finished.folder / "doubted/README.md").read_text(encoding="utf-8")
    body = card.split("---\n", 2)[2]
    assert "checks of this measurement failed" in body[:400]
    assert "99.0 (" not in card, "the card has the measurement of the evidence"
