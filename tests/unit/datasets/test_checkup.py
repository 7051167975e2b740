"""Laws of the check-up: every image is looked at once, and each finding says what is wrong and what to do."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tckr_bench.api import checkups
from tckr_bench.api.watching import unwatched
from tckr_bench.datasets.checkup import check_dataset
from tckr_bench.datasets.findings import judge
from tckr_bench.errors import DatasetError
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import DatasetDescription, EncodedImage, LabelledImages


def picture(seed, size=(64, 48)):
    grid = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC)


def encode(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


class Stored:
    """A dataset of encoded images: split -> [(name, label, bytes)]."""

    def __init__(self, classes=2, ignored=(), **splits):
        self.splits, self.classes, self.ignored_files = splits, classes, tuple(ignored)
        self.opened = []

    def describe(self):
        counts = {split: len(images) for split, images in self.splits.items()}
        names = tuple(f"kind {label}" for label in range(self.classes))
        return DatasetDescription("stored", names, counts, "0" * 64, "any", "tests", "none")

    def read(self, split, *, size):
        raise AssertionError("a check-up of stored images does not read the dataset")

    def encoded_images(self, split):
        for name, label, data in self.splits[split]:
            yield EncodedImage(name, label, lambda name=name, data=data: self.opened.append(name) or io.BytesIO(data))


def sound(*, train=20, test=10, classes=2, first=0):
    """Return splits of unlike pictures, evenly over the classes."""
    images = [(f"{index}.png", index % classes, encode(picture(first + index))) for index in range(train + test)]
    return {"train": images[:train], "test": images[train:]}


def sentences(dataset, severity=None, *, image_size=32):
    findings = judge(check_dataset(dataset, image_size=image_size))
    return [found.sentence for found in findings if severity in (None, found.severity)]


def test_a_sound_dataset_has_one_note_on_its_size():
    dataset = Stored(**sound())
    found = check_dataset(dataset, image_size=32)
    assert found.classes == {"train": (10, 10), "test": (5, 5)}
    assert (found.damaged, found.duplicates, found.modes) == ((), (), {"RGB": 30})
    assert (found.shapes.smallest, found.shapes.median, found.shapes.largest) == ((64, 48),) * 3
    (note,) = sentences(dataset)
    assert note.startswith("10 test images: the 95 % interval of an accuracy may be 31 points")  # 98 / sqrt(10)


def test_every_image_is_opened_once():
    dataset = Stored(**sound())
    work = check_dataset(dataset, image_size=32).work
    assert sorted(dataset.opened) == sorted(f"{index}.png" for index in range(30))
    assert (work.images, work.hashes_compared) == (30, 30 * 29 // 2)


def test_progress_ends_at_one():
    told = []
    check_dataset(Stored(**sound()), image_size=32, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_damaged_images_are_named_and_counted_as_an_error():
    splits = sound()
    splits["train"] += [("broken.png", 0, b"no image"), ("empty.jpg", 1, b"")]
    dataset = Stored(**splits)
    found = check_dataset(dataset, image_size=32)
    assert [(image.split, image.name) for image in found.damaged] == [("train", "broken.png"), ("train", "empty.jpg")]
    assert found.images == 30
    (error,) = sentences(dataset, "error")
    assert "'broken.png' cannot be decoded" in error
    assert error.endswith("(and 1 more like it)")


def test_one_class_or_an_empty_split_is_an_error():
    dataset = Stored(classes=1, train=[("a.png", 0, encode(picture(0)))], test=[])
    first, second = sentences(dataset, "error")
    assert "two or more classes, found 1" in first
    assert "the test split has no images" in second


def test_a_test_image_that_was_trained_on_is_the_first_warning():
    splits = sound(test=20)
    leaked = [("same.png", 0, splits["train"][0][2]), ("near.jpg", 1, encode(picture(1), "JPEG", quality=70))]
    splits["test"] = [*splits["test"][:8], *leaked]
    splits["train"] += [("again.png", 0, splits["train"][2][2])]
    warnings = sentences(Stored(**splits), "warning")
    assert warnings[0].startswith(
        "2 test images (20.0%) are in train too (1 the same file, 1 nearly the same picture), such as 'same.png' and "
        "'0.png': attacks take test images for ones that no model was trained on, so every privacy measurement is wrong"
    )
    assert any(warning.startswith("1 train image repeats another, the same file") for warning in warnings)


def test_a_picture_with_two_labels_is_a_warning():
    splits = sound()
    splits["train"] += [("other.png", 1, splits["train"][0][2])]
    assert any(
        "1 picture is in two classes, such as 'other.png'" in text for text in sentences(Stored(**splits), "warning")
    )


def test_tiny_and_missing_classes_are_warnings():
    splits = sound()
    splits["train"] += [(f"c{index}.png", 2, encode(picture(100 + index))) for index in range(3)]
    warnings = sentences(Stored(classes=3, **splits), "warning")
    assert any("1 class has fewer than 10 training images: kind 2 (3)" in text for text in warnings)
    assert any("no test image shows kind 2" in text for text in warnings)


@pytest.mark.parametrize(("count", "severity"), [(1, "note"), (5, "warning")])
def test_small_and_long_images_are_a_warning_where_they_are_many(count, severity):
    splits = sound(train=20 - count)
    splits["train"] += [(f"s{index}.png", 0, encode(picture(50 + index, (100, 30)))) for index in range(count)]
    found = sentences(Stored(**splits), severity)
    assert any("smaller than the 32 pixels" in text and text.startswith(f"{count} image") for text in found)
    assert any("more than 3 times as long as wide" in text for text in found)
    assert not any("smaller than" in text for text in sentences(Stored(**splits), image_size=30))


def test_how_images_are_stored_is_a_note():
    splits = sound(train=16)
    exif = Image.Exif()
    exif[0x0112] = 8
    splits["train"] += [
        ("grey.png", 0, encode(picture(60).convert("L"))),
        ("ink.jpg", 0, encode(picture(61).convert("CMYK"), "JPEG")),
        ("alpha.png", 1, encode(picture(62).convert("RGBA"))),
        ("turned.jpg", 1, encode(picture(63), "JPEG", exif=exif)),
        ("moving.gif", 1, encode(picture(64), "GIF", save_all=True, append_images=[picture(65)])),
    ]
    (note,) = [text for text in sentences(Stored(**splits), "note") if text.startswith("stored as")]
    for part in ("1 L", "1 CMYK", "1 RGBA", "1 P", "1 transparent", "1 turned", "1 with several frames"):
        assert part in note


def test_files_passed_over_are_told_and_photographs_among_them_are_a_warning():
    dataset = Stored(ignored=["a/.DS_Store", "a/notes.txt", "a/IMG_1.HEIC"], **sound())
    assert "1 file such as 'a/IMG_1.HEIC' is of a format that is not read" in sentences(dataset, "warning")[0]
    assert any("2 files such as 'a/notes.txt' are no image" in text for text in sentences(dataset, "note"))


class Readable:
    """A dataset that can only be read whole."""

    def __init__(self, images, *, fault=""):
        self.images, self.fault = images, fault

    def describe(self):
        return DatasetDescription("plain", ("a", "b"), {"train": 10, "test": 10}, "0" * 64, "any", "tests", "none")

    def read(self, split, *, size):
        if self.fault:
            raise DatasetError(self.fault)
        images = self.images[:10] if split == "train" else self.images[10:]
        return LabelledImages(np.stack([np.asarray(image.resize((size, size))) for image in images]), np.arange(10) % 2)


def test_a_dataset_that_can_only_be_read_is_checked_by_its_pixels():
    images = [picture(seed) for seed in [*range(10), 3, *range(11, 20)]]
    found = check_dataset(Readable(images), image_size=32)
    (leak,) = found.duplicates
    assert (leak.kind, leak.splits, leak.examples) == ("pixels", ("train", "test"), (("train 3", "test 0"),))
    assert (found.shapes, found.modes) == (None, {})


def test_a_dataset_that_cannot_be_read_is_an_error():
    assert "it is broken" in sentences(Readable([], fault="it is broken"), "error")[0]


# The check-up that a run does.


@pytest.fixture
def folder(tmp_path):
    for index in range(40):
        path = tmp_path / "photos" / f"kind_{index % 2}" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(index).save(path)
    return tmp_path / "photos"


def before_run(folder, store, *, image_size=32, name="imagefolder"):
    registry = default_registry()
    use = registry.parse_use(f"{name}:{folder}" if folder else name)
    descriptions = {use.label: registry.load(use).describe()}
    return checkups.check_up_before_run(
        [use], registry, image_size, descriptions=descriptions, store=store, watch=unwatched
    )


def count_checks(monkeypatch):
    calls = []

    def counted(*arguments, **keywords):
        calls.append(arguments)
        return check_dataset(*arguments, **keywords)

    monkeypatch.setattr(checkups, "check_dataset", counted)
    return calls


def test_the_same_images_are_checked_once(folder, tmp_path, monkeypatch):
    calls = count_checks(monkeypatch)
    (folder / "kind_0" / "again.png").write_bytes((folder / "kind_0" / "0.png").read_bytes())
    first = before_run(folder, tmp_path / "store")
    assert len(first) == 1
    assert first[0].startswith("imagefolder-photos: 1 ")
    assert before_run(folder, tmp_path / "store") == first
    assert len(calls) == 1
    before_run(folder, tmp_path / "store", image_size=64)
    (folder / "kind_0" / "again.png").unlink()
    assert before_run(folder, tmp_path / "store") == []
    assert len(calls) == 3


def test_a_damaged_memory_is_made_again(folder, tmp_path, monkeypatch):
    calls = count_checks(monkeypatch)
    before_run(folder, tmp_path / "store")
    (memory,) = (tmp_path / "store" / "checkups").iterdir()
    for damage in (b"", b"{}", b'[{"severity": "fatal", "sentence": "x"}]', b"\xff\xfe"):
        memory.write_bytes(damage)
        assert before_run(folder, tmp_path / "store") == []
    assert len(calls) == 5
    assert [path.name for path in (tmp_path / "store" / "checkups").iterdir()] == [memory.name]


def test_a_store_that_cannot_be_written_is_left_to_the_run(folder, tmp_path):
    (tmp_path / "store").write_text("in the way")
    assert before_run(folder, tmp_path / "store") == []


def test_errors_end_a_run_with_the_command_that_shows_them_and_are_not_remembered(folder, tmp_path):
    (folder / "kind_0" / "0.png").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"'imagefolder-photos' cannot be used: .*0\.png.*see all with `tckr-bench"):
        before_run(folder, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_datasets_that_are_not_ones_own_are_not_checked(tmp_path, monkeypatch):
    calls = count_checks(monkeypatch)
    assert before_run(None, tmp_path / "store", name="digits") == []
    assert calls == []


def test_a_given_description_is_not_asked_for_again():
    dataset = Stored(**sound())
    given = replace(dataset.describe(), name="given")
    assert check_dataset(dataset, image_size=32, description=given).description is given
