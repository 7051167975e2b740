"""Laws of the search for copies: exact ones by digest, near ones by hash and thumbnail."""

import io
import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from tckr_bench.datasets import duplicates, shrink
from tckr_bench.datasets.duplicates import ImageKey, difference_hashes, find_duplicates, find_near_pairs


def picture(seed, size=(120, 90)):
    """A picture of soft blots, unlike any other seed's."""
    grid = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC)


def jpeg(image, quality=75):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def thumbnails(*images):
    return np.stack([shrink(image) for image in images])


def key(name, *, split="train", label=0, file=None, pixels=None):
    return ImageKey(split, name, label, (file or name).encode(), (pixels or file or name).encode())


def test_the_hash_is_that_of_a_plain_loop():
    images = np.random.default_rng(0).integers(0, 256, (20, 16, 18, 3), dtype=np.uint8)
    for image, found in zip(images, difference_hashes(images), strict=True):
        grey = image.astype(float) @ [0.299, 0.587, 0.114]
        bits = ""
        for row in range(8):
            cells = [grey[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].mean() for column in range(9)]
            bits += "".join("1" if right > left else "0" for left, right in itertools.pairwise(cells))
        expected = np.frombuffer(int(bits, 2).to_bytes(8, "big"), dtype=np.uint64)[0]
        assert found == expected


@pytest.mark.parametrize(
    "distort",
    [
        jpeg,
        lambda image: image.resize((96, 72), Image.Resampling.BICUBIC),
        lambda image: ImageEnhance.Brightness(image).enhance(1.1),
        lambda image: jpeg(image.resize((108, 81)), 60),
        lambda image: image.convert("P", palette=Image.Palette.ADAPTIVE).convert("RGB"),
    ],
    ids=["jpeg", "smaller", "brighter", "smaller jpeg", "palette"],
)
def test_a_distorted_copy_is_found_among_others(distort):
    images = [picture(seed) for seed in range(40)]
    copies = [distort(image) for image in images[:10]]
    found = find_near_pairs(thumbnails(*images, *copies)).pairs.tolist()
    assert sorted(found) == [[index, 40 + index] for index in range(10)]


def red_and_blue():
    """The same soft shape in red and in blue, faint enough to be of like brightness."""
    shape, nothing = picture(0).getchannel(0).point(lambda level: level // 4), Image.new("L", (120, 90), 0)
    return Image.merge("RGB", [shape, nothing, nothing]), Image.merge("RGB", [nothing, nothing, shape])


def day_and_night():
    """The same scene twice, once with a fifth of the light."""
    return picture(0), ImageEnhance.Brightness(picture(0)).enhance(0.2)


@pytest.mark.parametrize("pair", [red_and_blue, day_and_night])
def test_a_like_hash_is_not_enough(pair):
    both = thumbnails(*pair())
    first, second = difference_hashes(both)
    assert np.bitwise_count(first ^ second) <= duplicates.HASH_DISTANCE
    search = find_near_pairs(both)
    assert (len(search.pairs), search.pairs_verified) == (0, 1)


def test_flat_images_are_copies_where_their_colour_is_the_same():
    flat = [Image.new("RGB", (9, 9), colour) for colour in ((200, 0, 0), (0, 0, 0), (201, 1, 0), (255, 255, 255))]
    assert find_near_pairs(thumbnails(*flat)).pairs.tolist() == [[0, 2]]


def test_tiles_find_what_a_comparison_of_all_pairs_finds(monkeypatch):
    generator = np.random.default_rng(3)
    images = generator.integers(0, 256, (60, 16, 18, 3), dtype=np.uint8)
    images = np.concatenate([images, images[::2], images[::3]])[generator.permutation(110)]
    expected = [[i, j] for i in range(110) for j in range(i + 1, 110) if np.array_equal(images[i], images[j])]
    whole = find_near_pairs(images)
    monkeypatch.setattr(duplicates, "_ROWS", 7)
    monkeypatch.setattr(duplicates, "_COLUMNS", 13)
    monkeypatch.setattr(duplicates, "_PAIRS", 5)
    tiled = find_near_pairs(images)
    assert sorted(whole.pairs.tolist()) == sorted(tiled.pairs.tolist()) == expected
    assert tiled.hashes_compared == 110 * 109 // 2
    assert tiled.pairs_verified == whole.pairs_verified


def test_sets_of_look_alikes_take_bounded_work():
    flat = np.zeros((300, 16, 18, 3), dtype=np.uint8)
    assert find_near_pairs(flat).pairs_verified <= 300 * duplicates.CANDIDATES


def test_no_image_and_one_image_have_no_copies():
    for count in (0, 1):
        found, search = find_duplicates([key("a")] * count, np.zeros((count, 16, 18, 3), dtype=np.uint8))
        assert found == ()
        assert search.hashes_compared == 0


def test_copies_are_counted_by_kind_and_splits_the_worst_first():
    images = [
        key("a"),
        key("b"),
        key("c"),
        key("a again", file="a"),
        key("a tested", split="test", file="a", label=1),
        key("b stripped", split="test", pixels="b"),
        key("c smaller", split="test"),
        key("d", split="test"),
    ]
    a, b, c, d = (picture(seed) for seed in range(4))
    found, _search = find_duplicates(images, thumbnails(a, b, c, a, a, b, c.resize((100, 75)), d))
    assert [(each.kind, each.splits, each.images, each.disagreeing) for each in found] == [
        ("file", ("train", "test"), 1, 1),
        ("pixels", ("train", "test"), 1, 0),
        ("near", ("train", "test"), 1, 0),
        ("file", ("train", "train"), 1, 0),
    ]
    assert found[0].examples == (("a", "a tested"),)
    assert found[2].examples == (("c", "c smaller"),)


def test_a_near_copy_of_another_class_is_told():
    images = [key("a"), key("b", label=1)]
    (found,), _search = find_duplicates(images, thumbnails(picture(0), jpeg(picture(0))))
    assert (found.kind, found.images, found.disagreeing) == ("near", 1, 1)


def test_images_whose_bytes_are_unknown_are_compared_by_pixels():
    images = [ImageKey("train", "0", 0, b"", b"p"), ImageKey("test", "1", 0, b"", b"p")]
    (found,), _search = find_duplicates(images, np.zeros((2, 16, 18, 3), dtype=np.uint8))
    assert (found.kind, found.splits) == ("pixels", ("train", "test"))


def test_real_images_give_no_false_alarm_and_their_copies_are_found():
    root = Path(os.environ.get("TCKR_BENCH_DATA", "no-such-folder")) / "cifar10" / "train"
    if not root.is_dir():
        pytest.skip("the real subsets are not here: TCKR_BENCH_DATA names no folder with cifar10")
    images = [Image.open(path).convert("RGB") for path in sorted(root.glob("*/*.png"))[::5]]
    copies = [jpeg(image, 90) for image in images[:200]]
    pairs = find_near_pairs(thumbnails(*images, *copies)).pairs.tolist()
    right = {(index, len(images) + index) for index in range(200)}
    found = {tuple(pair) for pair in pairs}
    assert len(found & right) >= 190
    assert not found - right
