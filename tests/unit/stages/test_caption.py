"""Laws of captions: each belongs to its image through every split and sample, and what nobody wrote is no failure."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
from stage_worlds import CLASSES, FakeDataset

from tckr_bench.errors import DatasetError, TckrError
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import ChallengeParameters, FoundCaptions, LabelledImages, Sample
from tckr_bench.stages.caption import read_prompts, read_remarks
from tckr_bench.stages.challenge import take_sample
from tckr_bench.stages.inapplicable import inherited_reason, read_reason
from tckr_bench.stages.prepare import read_catalogue, read_prepared

TRAIN, TEST = 60, 18


@dataclass
class Photographs(FakeDataset):
    """Images without a validation split of their own, each with its number in its first pixel, that are files."""

    def describe(self):
        self.counts = {"train": TRAIN, "test": TEST}
        return super().describe()

    def read(self, split, *, size):
        start, count = {"train": (0, TRAIN), "test": (TRAIN, TEST)}[split]
        images = np.zeros((count, size, size, 3), dtype=np.uint8)
        images[:, 0, 0, 0] = np.arange(start, start + count)
        return LabelledImages(images, np.arange(count, dtype=np.int64) % len(CLASSES))

    def image_names(self, split):
        start, count = {"train": (0, TRAIN), "test": (TRAIN, TEST)}[split]
        return tuple(f"{split}/{index}.png" for index in range(start, start + count))


@dataclass
class Book:
    """A caption for every image that is not left blank: its number in words."""

    blank: tuple = ()
    remarks: tuple = ()

    def look_up(self, identities, labels, *, catalogue, class_names, context):
        assert catalogue.counts == (TRAIN, 0, TEST)
        texts = (None if index in self.blank else f"number {index}" for index in identities.tolist())
        return FoundCaptions(tuple(texts), self.remarks)


def captioned(world, data, captioner, *, sample, name="book"):
    return world.captioned(captioner, name, data=data, sample=sample, basis="file")


def numbers(data):
    return data.images[:, 0, 0, 0].tolist()


SAMPLES = {
    "the training split": Sample(),
    "a shadow's part": Sample("part", index=3),
    "held out": Sample("outside"),
    "canaries": Sample("members", ChallengeParameters(canaries=5, canary_kind="mislabelled")),
    "a part of the challenge": Sample("everything", ChallengeParameters(per_side=7)),
    "the test split": Sample("test-split", index=1),
}


@pytest.fixture
def data(world):
    return world.prepared(Photographs())


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
@pytest.mark.parametrize("kept", [None, 31])
def test_every_image_keeps_its_identity_through_splits_and_samples(world, sample, kept):
    prepared = read_prepared(world.prepared(Photographs(), training_images=kept))
    taken = take_sample(prepared, sample)
    assert len(taken.train)
    for split in (taken.train, taken.validation, taken.test):
        assert split.identities.tolist() == numbers(split)


def test_the_catalogue_knows_all_images_before_any_is_left_out(world):
    catalogue = read_catalogue(world.prepared(Photographs(), training_images=20))
    assert catalogue.counts == (TRAIN, 0, TEST)
    assert catalogue.labels.tolist() == [index % 3 for index in (*range(TRAIN), *range(TEST))]
    assert catalogue.names[TRAIN - 1 : TRAIN + 1] == ("train/59.png", "test/60.png")


def test_a_dataset_that_names_its_images_wrongly_is_blamed(world):
    class Twice(Photographs):
        def image_names(self, split):
            return ("one.png", *super().image_names(split)[:-2], "one.png")

    class Few(Photographs):
        def image_names(self, split):
            return super().image_names(split)[1:]

    for dataset, fault in ((Twice(), "two images one name"), (Few(), "names 59 images and says it has 60")):
        with pytest.raises(DatasetError, match=fault):
            world.prepared(dataset, name=type(dataset).__name__)


@pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)
def test_every_image_gets_its_own_written_caption(world, data, sample):
    """Captions were once dealt to the images that were left: one in 74 got its own, one in 280 in a shadow's part."""
    folder = captioned(world, data, Book(), sample=sample)
    taken = take_sample(read_prepared(data), sample)
    assert read_prompts(folder).texts == tuple(f"number {index}" for index in numbers(taken.train))
    assert read_prompts(folder).basis == "file"


def file_captioner(path):
    registry = default_registry()
    return registry.load(registry.use("captioner", "file", label="file", options={"path": str(path)}))


WHOLE = {"train": range(TRAIN), "test": range(TRAIN, TRAIN + TEST)}
FILES = {
    "by name": {f"{split}/{index}.png": f"number {index}" for split, places in WHOLE.items() for index in places},
    "in order": {split: [f"number {index}" for index in places] for split, places in WHOLE.items()},
    "by class": {
        split: {
            name: [f"number {index}" for index in places if index % 3 == label] for label, name in enumerate(CLASSES)
        }
        for split, places in WHOLE.items()
    },
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
@pytest.mark.parametrize("sample", [SAMPLES["the training split"], SAMPLES["a shadow's part"]])
def test_a_file_of_captions_serves_the_default_protocol_and_its_shadows(world, data, content, sample, tmp_path):
    path = tmp_path / "captions.json"
    path.write_text(json.dumps(content))
    folder = captioned(world, data, file_captioner(path), sample=sample)
    expected = [f"number {index}" for index in numbers(take_sample(read_prepared(data), sample).train)]
    assert [text.split(": ")[1] for text in read_prompts(folder).texts] == expected
    assert read_remarks(folder) == ()


def test_a_training_image_without_a_caption_is_an_error_that_counts(world, data):
    prepared = read_prepared(data)
    (one, other), held_out = numbers(prepared.train)[:2], numbers(prepared.validation)[0]
    with pytest.raises(TckrError, match="'book' has no caption for 2 of 48 training images; write one for each"):
        captioned(world, data, Book(blank=(one, other, held_out, TRAIN)), sample=Sample())


def test_test_images_that_nobody_captioned_leave_shadows_out_and_say_why(world, data):
    sample = SAMPLES["a shadow's part"]
    folder = captioned(world, data, Book(blank=tuple(range(TRAIN, TRAIN + TEST))), sample=sample)
    learned = numbers(take_sample(read_prepared(data), sample).train)
    missing = sum(index >= TRAIN for index in learned)
    assert missing
    assert f"no caption for {missing} of {len(learned)} images" in read_reason(folder)
    assert "write captions for its images as well" in inherited_reason("adapt", [data, folder])
    assert inherited_reason("measure", [data, folder]) == ""
    assert inherited_reason("adapt", [data]) == ""


def test_what_a_file_left_over_is_kept_to_be_said(world, data):
    assert read_remarks(captioned(world, data, Book(remarks=("one too many",)), sample=Sample())) == ("one too many",)


@pytest.mark.parametrize("texts", [["a"] * 3, [None] * 48, [1] * 48])
def test_a_captioner_of_images_owes_each_a_text(world, data, texts):
    class Poor:
        def caption(self, images, labels, *, class_names, context):
            return texts

    with pytest.raises(TypeError, match=f"returned {len(texts)} texts for 48 images"):
        world.captioned(Poor(), "poor", data=data, sample=Sample())
