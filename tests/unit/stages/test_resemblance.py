"""Laws of resemblance: what shows a real image is known, mirrored, resized or brightened, and other images are not."""

import numpy as np
import pytest
from PIL import Image

from tckr_bench.records import LabelledImages, Sample
from tckr_bench.results.pictures import PicturePair, read_pictures, write_pictures
from tckr_bench.stages.arrays import write_arrays
from tckr_bench.stages.generate import IMAGES_FILE
from tckr_bench.stages.measure import ALONE_FILE, PICTURES_FILE, _write_pictures
from tckr_bench.stages.measure import Inputs as MeasureInputs
from tckr_bench.stages.prepare import read_prepared
from tckr_bench.stages.release import PAIRS_FILE
from tckr_bench.stages.resemblance import CLOSE, DRAWN, FLAT, SIDE, resembles

BOX = Image.Resampling.BOX


def pictures(count, side=32, *, seed=0):
    """Return unlike pictures with coarse shapes, as photographs have."""
    grids = np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    return np.stack([resized(grid, side, Image.Resampling.BICUBIC) for grid in grids])


def resized(image, side, how=BOX):
    return np.asarray(Image.fromarray(image).resize((side, side), how))


REAL = pictures(50)
ALTERED = {
    "as it is": REAL,
    "mirrored": REAL[:, :, ::-1],
    "larger": np.stack([resized(image, 64) for image in REAL]),
    "smaller": np.stack([resized(image, 20) for image in REAL]),
    "a little brighter": np.clip(REAL.astype(int) + 10, 0, 255).astype(np.uint8),
    "far darker": (REAL // 3).astype(np.uint8),
    "of less contrast": (0.5 * REAL + 60).astype(np.uint8),
    "cropped": np.stack([resized(image[2:28, 4:30], 32, Image.Resampling.BILINEAR) for image in REAL]),
    "cropped, mirrored and brighter": np.stack(
        [
            np.clip(1.3 * resized(image[1:29, 1:29, :][:, ::-1], 32, Image.Resampling.BILINEAR), 0, 255)
            for image in REAL // 2 + 20
        ]
    ).astype(np.uint8),
    "with noise": np.clip(REAL + np.random.default_rng(1).normal(0, 20, REAL.shape), 0, 255).astype(np.uint8),
}


@pytest.mark.parametrize("copies", ALTERED.values(), ids=ALTERED)
def test_a_copy_is_known_and_another_image_is_not(copies):
    assert resembles(copies, [pictures(3, seed=9), REAL]).all()
    assert not resembles(copies, [pictures(200, seed=5)]).any()


def test_it_agrees_with_a_comparison_of_every_pair():
    made = np.clip(REAL + np.random.default_rng(2).normal(0, np.arange(50)[:, None, None, None] * 8), 0, 255)
    made = made.astype(np.uint8)

    def toneless(image):
        small = np.asarray(resized(image, SIDE), dtype=float)
        return (small - small.mean()) / max(small.std(), FLAT)

    def views(real):
        for size, places in ((DRAWN, [0]), (29, [0, 3]), (26, [0, 3, 6])):
            yield from (toneless(real[top : top + size, left : left + size]) for top in places for left in places)

    others = [view for real in REAL for view in views(real)]
    expected = []
    for image in made:
        small = toneless(image)
        nearest = min(np.sqrt(np.mean((small[:, ::way] - other) ** 2)) for other in others for way in (1, -1))
        expected.append(None if abs(nearest - CLOSE) < 0.03 else bool(nearest < CLOSE))
    found = [None if want is None else have for want, have in zip(expected, resembles(made, [REAL]), strict=True)]
    assert found == expected
    assert {True, False} <= set(expected)


def test_nothing_resembles_no_images():
    assert resembles(REAL[:2], []).tolist() == [False, False]
    assert resembles(REAL[:2], [REAL[:0]]).tolist() == [False, False]
    assert resembles(REAL[:0], [REAL]).size == 0


class Captions:
    def caption(self, images, labels, *, class_names, context):
        return [f"what image {index} shows" for index in range(len(labels))]


def test_of_a_cell_the_synthetic_images_that_show_nothing_real_stand_alone(world):
    """Three of six samples may be seen: not the copy of a training image, of a test image, nor what an attack found."""
    from stage_worlds import FakeDataset

    labels = np.arange(24, dtype=np.int64) % 3
    train, test = pictures(24, 8), pictures(12, 8, seed=1)
    splits = {
        "train": LabelledImages(train, labels),
        "validation": LabelledImages(pictures(6, 8, seed=2), labels[:6]),
        "test": LabelledImages(test, labels[:12]),
    }
    data = world.prepared(FakeDataset(splits=splits))
    prompts = world.captioned(Captions(), "captions", data=data, sample=Sample())
    made = np.concatenate([train[3:4, :, ::-1], test[4:5], pictures(4, 8, seed=3)])
    chunk, attack, folder = world.new("chunk"), world.new("copies"), world.new("cell")
    arrays = {"images": made, "labels": np.zeros(6, dtype=np.int64), "sources": np.arange(6, dtype=np.int64)}
    write_arrays(chunk / IMAGES_FILE, arrays)
    write_pictures([PicturePair("copy", 0, "member", train[0], made[5])], attack / PAIRS_FILE)
    inputs = MeasureInputs(data, folder, folder, attacks=(attack,), prompts=prompts, images=chunk)
    _write_pictures(inputs, read_prepared(data), folder)
    assert len(read_pictures(folder / PICTURES_FILE)) == 7
    shown = read_pictures(folder / ALONE_FILE)
    assert [(pair.kind, pair.caption, pair.real) for pair in shown] == [("sample", "", None)] * 3
    assert np.array_equal(np.stack([pair.synthetic for pair in shown]), made[2:5])
    content = (folder / ALONE_FILE).read_bytes()
    assert b"what image" not in content
