"""`tckr-bench datasets check` and the check-up of a run, on photographs of all kinds."""

import html
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from real_images import pictures_in, real_images_in
from safetensors.numpy import load_file

MORE_SHADOWS = [word for name in ("lira", "adaptive") for word in ("--set", f"attack.{name}.shadows=6")]
"""In so small a challenge each side of an example has two or more only then."""


def picture(seed, size=(64, 48)):
    grid = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture
def photos(tmp_path):
    """A plain folder of two classes with 15 pictures each."""
    for index in range(30):
        path = tmp_path / "my photos" / ("cats", "dogs")[index % 2] / f"{index}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(index).save(path)
    return tmp_path / "my photos"


def test_a_sound_folder_can_be_used(command, photos):
    out, _err = command("datasets", "check", "imagefolder:my photos")
    assert "2 classes · 30 images · a local folder; 20 % of every class" in out
    assert "It can be used: tckr-bench run --dataset 'imagefolder:my photos'" in out
    assert "warning" not in out


def test_what_stops_a_run_is_exit_code_2_and_one_sentence(command, photos):
    (photos / "cats" / "0.jpg").write_bytes(b"")
    out, err = command("datasets", "check", "imagefolder:my photos", code=2)
    assert "It cannot be used as it is." in out
    assert "cats/0.jpg" in err
    assert "Traceback" not in err


def test_json_is_all_of_standard_output(command, photos):
    shutil.copy(photos / "cats" / "0.jpg", photos / "dogs" / "cat.jpg")
    out, _err = command("datasets", "check", "imagefolder:my photos", "digits", "--json")
    own, digits = json.loads(out)
    assert own["dataset"] == "imagefolder:my photos"
    assert own["checkup"]["duplicates"][0]["kind"] == "file"
    assert {"error", "warning", "note"} >= {found["severity"] for found in own["findings"]}
    assert digits["checkup"]["work"]["images"] == 1797


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("imagefolder:nowhere", "is not at"),
        ("imagefoldr:x", "did you mean 'imagefolder'?"),
        ("digits:x", "takes nothing after a colon"),
        ("imagefolder:", "nothing follows the colon"),
    ],
)
def test_a_mistake_is_one_sentence(command, name, sentence):
    _out, err = command("datasets", "check", name, code=2)
    assert sentence in err
    assert "Traceback" not in err


def test_real_photographs_of_all_kinds_are_checked(command, tmp_path):
    root = Path(os.environ.get("TCKR_BENCH_DATA", "no-such-folder"))
    if not (root / "oxford_pets").is_dir() or not (root / "caltech101").is_dir():
        pytest.skip("the real subsets are not here: TCKR_BENCH_DATA names no folder with oxford_pets and caltech101")
    mine = tmp_path / "mine"
    for source, name in (("oxford_pets/train/samoyed", "dogs"), ("caltech101/train/grand_piano", "pianos")):
        (mine / name).mkdir(parents=True)
        for path in sorted((root / source).iterdir())[:20]:
            shutil.copy(path, mine / name / path.name)
    first = min((mine / "dogs").iterdir())
    with Image.open(first) as image:
        image.convert("L").save(mine / "dogs" / "grey.PNG")
        image.convert("CMYK").save(mine / "dogs" / "ink.JPEG", quality=80)
    out, _err = command("datasets", "check", "imagefolder:mine", "--json")
    (report,) = json.loads(out)
    assert set(report["checkup"]["modes"]) >= {"RGB", "L", "CMYK"}
    named = {name for found in report["checkup"]["duplicates"] for pair in found["examples"] for name in pair}
    assert {"dogs/ink.JPEG", f"dogs/{first.name}"} <= named


@pytest.mark.slow
def test_a_run_warns_of_a_leak_and_remembers_the_check_up(command, photos):
    for split, names in (("train", range(20)), ("test", range(10, 30))):
        for index in names:
            name = ("cats", "dogs")[index % 2]
            (photos / split / name).mkdir(parents=True, exist_ok=True)
            shutil.copy(photos / name / f"{index}.jpg", photos / split / name)
    for name in ("cats", "dogs"):
        shutil.rmtree(photos / name)
    run = (
        "run",
        "--matrix",
        "smoke",
        "--dataset",
        "imagefolder",
        "--set",
        'dataset.imagefolder.path="my photos"',
        *MORE_SHADOWS,
    )
    _out, err = command(*run, "--jobs", "2")
    assert "10 test images (50.0%) are in train too" in err
    (memory,) = (command.store / "checkups").iterdir()
    before = memory.stat().st_mtime_ns
    _out, err = command(*run, "--jobs", "2")
    assert "10 test images (50.0%) are in train too" in err
    assert memory.stat().st_mtime_ns == before
    assert_nothing_real_is_shown_unless_asked_for(command, run)


def assert_nothing_real_is_shown_unless_asked_for(command, run):
    """The folder of a run of one's own images is looked through as it is, then as it was asked to be, and back."""
    (data,) = command.store.glob("artifacts/*/*/data.safetensors")
    real = np.concatenate([array for name, array in load_file(data).items() if name.endswith("_images")])
    captions = [json.loads(path.read_text())["texts"] for path in command.store.glob("artifacts/*/*/prompts.json")]
    said = {text for texts in captions for text in texts if len(text) > 20}
    (folder,) = (command.folder / "runs").iterdir()
    for flags, shown in ((), False), (("--show-real-images",), True), ((), False):
        out, err = command(*run, *flags, "--jobs", "2")
        assert "Nothing to do" in out + err
        assert bool(real_images_in(folder, real)) is shown
        assert bool(list(pictures_in(folder)))  # synthetic images alone may be seen
        texts = "".join(path.read_text("utf-8", "ignore") for path in folder.rglob("*") if path.is_file())
        assert any(html.escape(text) in texts for text in said) is shown
        assert ("real images of imagefolder" in texts) is shown
        assert ("no real image of imagefolder; " in texts) is not shown
        assert not re.search(r"[0-9]+\.jpg", texts)
