"""Laws of the folders of an audit: what lies there is found and counted, mistakes are one sentence."""

from __future__ import annotations

import numpy as np
import pytest
from image_folders import digits, write_folder

from tckr_bench.errors import DatasetError
from tckr_bench.image_audit.folders import SIDE, distinct, list_folders, read_folder
from tckr_bench.image_audit.pairing import FEWEST_PAIRS, count_pairs, pair_up

IMAGES = digits()


def quiet(_fraction):
    pass


def folders(root):
    return list_folders(root / "synthetic", train=root / "train", holdout=root / "holdout")


@pytest.fixture
def root(tmp_path):
    write_folder(tmp_path / "synthetic", IMAGES[:5])
    write_folder(tmp_path / "train", IMAGES[5:15], classes=3)
    write_folder(tmp_path / "holdout", IMAGES[15:22])
    return tmp_path


def read_real(root):
    found = folders(root)
    return distinct(read_folder(found.train, progress=quiet), read_folder(found.holdout, progress=quiet))


def test_flat_folders_and_folders_of_classes_are_read_alike(root):
    (root / "train" / "notes.txt").write_text("no image")
    found = folders(root)
    assert [len(part.files) for part in (found.synthetic, found.train, found.holdout)] == [5, 10, 7]
    assert (found.train.ignored, found.holdout.ignored) == (1, 0)
    read = read_folder(found.train, progress=quiet)
    assert read.images.shape == (10, SIDE, SIDE, 3)
    assert read.files[:, :2].tolist() == [[8.0, 8.0]] * 10
    assert read.files[0, 2] == (found.train.root / found.train.files[0]).stat().st_size


def test_pictures_of_both_folders_are_in_neither_and_further_copies_are_left_out(root):
    write_folder(root / "holdout" / "again", IMAGES[[5, 6, 16, 16]])
    real = read_real(root)
    assert (len(real.train), len(real.holdout), real.shared, real.repeated) == (8, 7, 2, 2)
    kept = {image.tobytes() for image in real.train.images}
    assert kept.isdisjoint({image.tobytes() for image in real.holdout.images})
    assert len(kept) == 8


def test_folders_apart_lose_nothing(root):
    real = read_real(root)
    assert (len(real.train), len(real.holdout), real.shared, real.repeated) == (10, 7, 0, 0)
    assert real.train.places.tolist() == list(range(10))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"train": "nowhere"}, "the training images are not at '.*nowhere', which is no folder; give the folder"),
        ({"train": "holdout"}, "the folder of the training images '.*' is that of the hold-out images; give three"),
        ({"holdout": "train/class-1"}, "hold-out images '.*' lies within that of the training images"),
        ({"synthetic": "empty"}, "synthetic images '.*empty' holds no images, but 1 other files; give a folder of"),
    ],
)
def test_a_folder_that_cannot_be_meant_is_one_sentence(root, given, words):
    (root / "empty").mkdir()
    (root / "empty" / "list.csv").write_text("")
    named = {name: root / given.get(name, name) for name in ("synthetic", "train", "holdout")}
    with pytest.raises(DatasetError, match=words):
        list_folders(named["synthetic"], train=named["train"], holdout=named["holdout"])


def test_an_image_that_cannot_be_read_is_named(root):
    (root / "train" / "class-0" / "0000.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"0000\.png' cannot be decoded.*convert or remove"):
        read_real(root)


def test_a_link_that_leaves_the_folder_is_refused(root):
    (root / "train" / "more.png").symlink_to(root / "holdout" / "0000.png")
    with pytest.raises(DatasetError, match="is a link that leaves"):
        folders(root)


def test_too_few_images_are_told_what_they_could_show_at_the_most():
    with pytest.raises(DatasetError, match=r"half of their 6 pairs is judged, which allows no p-value below 0\.12"):
        count_pairs(100, 8, delta=0.0)
    with pytest.raises(DatasetError, match=f"give at least {FEWEST_PAIRS} training and 27 hold-out images"):
        count_pairs(FEWEST_PAIRS - 1, 100, delta=0.0)
    with pytest.raises(DatasetError, match="no p-value at all"):
        count_pairs(0, 1, delta=0.0)
    assert count_pairs(FEWEST_PAIRS, 27, delta=0.0).pairs == FEWEST_PAIRS


@pytest.mark.parametrize(("train", "holdout"), [(100, 40), (40, 100), (50, 50)])
def test_nobody_is_in_two_pairs_nor_a_reference_in_any(train, holdout):
    counts = count_pairs(train, holdout, delta=0.0)
    pairing = pair_up(train, holdout, counts=counts, seed=1)
    assert len(set(pairing.members.tolist())) == len(set(pairing.others.tolist())) == counts.pairs
    assert set(pairing.others.tolist()).isdisjoint(pairing.references.tolist())
    assert counts.pairs + counts.references <= holdout
    assert counts.pairs <= train
    assert counts.references >= holdout / 4
    assert pairing.members.tolist() != pair_up(train, holdout, counts=counts, seed=2).members.tolist()


def test_more_pairs_can_show_more():
    few, many = (count_pairs(size, 2 * size, delta=1e-5) for size in (20, 200))
    assert few.smallest_p > many.smallest_p
    assert 0 < few.largest_epsilon < many.largest_epsilon
    assert np.isclose(few.smallest_p, 2.0**-10)
