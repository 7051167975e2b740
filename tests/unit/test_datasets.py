import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from tckr_bench.datasets import (
    data_root,
    decode_images,
    fingerprint_files,
    read_image_folder,
    resize_to_rgb,
    scan_image_folder,
    stratified_split,
)
from tckr_bench.errors import DatasetError


def write_image(path, colour=(10, 20, 30), *, mode="RGB", size=(6, 4)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).convert(mode).save(path)


@pytest.fixture
def root(tmp_path):
    """Two classes, three training images and two test images."""
    folder = tmp_path / "mine"
    write_image(folder / "train" / "big_cat" / "b.png", (1, 1, 1))
    write_image(folder / "train" / "big_cat" / "a.JPG", (2, 2, 2))
    write_image(folder / "train" / "Ant" / "z.png", (3, 3, 3))
    write_image(folder / "test" / "big_cat" / "a.png", (4, 4, 4))
    write_image(folder / "test" / "Ant" / "a.png", (5, 5, 5))
    return folder


def scan(root):
    return scan_image_folder(root, name="mine", remedy="or use another dataset")


def read(root, split="train", size=4):
    return read_image_folder(scan(root), split, size=size, name="mine")


def test_the_order_is_by_class_folder_then_file(root):
    folder = scan(root)
    assert folder.class_names == ("Ant", "big cat")
    assert [path.as_posix() for path in folder.files["train"]] == [
        "train/Ant/z.png",
        "train/big_cat/a.JPG",
        "train/big_cat/b.png",
    ]
    assert folder.counts == {"train": 3, "test": 2}
    data = read(root)
    assert data.labels.tolist() == [0, 1, 1]
    assert data.images[:, 0, 0, 0].tolist() == [3, 2, 1]
    assert data.images.shape == (3, 4, 4, 3)


def test_labels_follow_the_classes_of_train(root):
    write_image(root / "train" / "Bee" / "a.png")
    assert read(root, "test").labels.tolist() == [0, 2]


def test_a_validation_folder_is_used_when_it_is_there(root):
    write_image(root / "validation" / "Ant" / "a.png", (9, 9, 9))
    assert scan(root).counts == {"train": 3, "validation": 1, "test": 2}
    assert read(root, "validation").images[0, 0, 0, 0] == 9


def test_a_split_that_is_not_there_is_one_sentence(root):
    with pytest.raises(DatasetError, match="no split 'validation'; found: train, test"):
        read(root, "validation")


def test_other_files_are_passed_over(root):
    (root / "train" / "Ant" / "notes.txt").write_text("x")
    (root / "train" / "Ant" / ".hidden.png").write_text("x")
    (root / "train" / "README.md").write_text("x")
    (root / "train" / ".cache").mkdir()
    assert scan(root).counts["train"] == 3


def test_a_dataset_that_is_not_there_says_what_to_do(tmp_path):
    with pytest.raises(DatasetError, match=r"'mine' is not at .*train/<class>/\*.*or use another dataset"):
        scan(tmp_path / "nowhere")


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_missing_split_is_named(root, split):
    (root / split).rename(root / "elsewhere")
    with pytest.raises(DatasetError, match=f"no folder '{split}'"):
        scan(root)


def test_an_empty_class_folder_is_named(root):
    (root / "train" / "Cow").mkdir()
    with pytest.raises(DatasetError, match="'train/Cow' of the dataset 'mine' holds no images"):
        scan(root)


def test_no_class_folder_means_no_images(root, tmp_path):
    (tmp_path / "empty" / "train").mkdir(parents=True)
    with pytest.raises(DatasetError, match="has no images"):
        scan(tmp_path / "empty")


@pytest.mark.parametrize("split", ["test", "validation"])
def test_a_class_that_train_lacks_is_named(root, split):
    write_image(root / split / "Cow" / "a.png")
    with pytest.raises(DatasetError, match=f"class 'Cow' in {split} but not in train"):
        scan(root)


def test_two_folders_with_one_class_name_are_refused(root):
    write_image(root / "train" / "big cat" / "a.png")
    with pytest.raises(DatasetError, match="both called 'big cat'"):
        scan(root)


def test_a_link_that_leaves_the_dataset_is_refused(root, tmp_path):
    write_image(tmp_path / "outside" / "a.png")
    (root / "train" / "Ant" / "link.png").symlink_to(tmp_path / "outside" / "a.png")
    with pytest.raises(DatasetError, match="a link that leaves"):
        scan(root)


def test_a_linked_class_folder_outside_is_refused(root, tmp_path):
    write_image(tmp_path / "outside" / "a.png")
    (root / "train" / "Cow").symlink_to(tmp_path / "outside")
    with pytest.raises(DatasetError, match="a link that leaves"):
        scan(root)


def test_a_link_within_the_dataset_is_followed(root):
    (root / "train" / "Ant" / "again.png").symlink_to(root / "train" / "Ant" / "z.png")
    assert scan(root).counts["train"] == 4


def test_an_unreadable_image_is_named(root):
    (root / "train" / "Ant" / "broken.png").write_bytes(b"not an image")
    with pytest.raises(DatasetError, match=r"Ant/broken\.png' cannot be decoded"):
        read(root)


def test_a_truncated_image_is_named(root):
    path = root / "train" / "Ant" / "z.png"
    write_image(path, size=(200, 200))
    path.write_bytes(path.read_bytes()[:120])
    with pytest.raises(DatasetError, match=r"z\.png"):
        read(root)


def test_a_decompression_bomb_is_refused_and_the_limit_left_alone(root, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    with pytest.raises(DatasetError, match="more pixels than is safe"):
        read(root)
    assert Image.MAX_IMAGE_PIXELS == 20


def test_the_fingerprint_is_of_names_and_contents(root, tmp_path):
    first, second = root / "train/Ant/z.png", root / "test/Ant/a.png"
    files = [path.relative_to(root) for path in (first, second)]
    whole = hashlib.sha256()
    for name, path in (("test/Ant/a.png", second), ("train/Ant/z.png", first)):
        whole.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    assert fingerprint_files(root, files) == whole.hexdigest()
    assert fingerprint_files(root, reversed(files)) == whole.hexdigest()
    root.rename(tmp_path / "moved")
    assert fingerprint_files(tmp_path / "moved", files) == whole.hexdigest()
    write_image(tmp_path / "moved" / "train/Ant/z.png", (3, 3, 4))
    assert fingerprint_files(tmp_path / "moved", files) != whole.hexdigest()


def test_a_file_that_cannot_be_hashed_is_one_sentence(root):
    with pytest.raises(DatasetError, match="cannot be read"):
        fingerprint_files(root, [root / "gone.png"])


def test_the_data_root_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("TCKR_BENCH_DATA", str(tmp_path))
    assert data_root() == tmp_path
    monkeypatch.setenv("TCKR_BENCH_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DatasetError, match="is not a folder"):
        data_root()
    monkeypatch.delenv("TCKR_BENCH_DATA")
    with pytest.raises(DatasetError, match="TCKR_BENCH_DATA is not set"):
        data_root()


def test_resizing_is_pillows_bilinear():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8))
    expected = np.asarray(image.resize((5, 5), Image.Resampling.BILINEAR))
    assert np.array_equal(resize_to_rgb(image, 5), expected)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "RGBA", "LA", "I;16"])
def test_every_mode_becomes_rgb(mode):
    grey = Image.new("L", (4, 4), 255)
    image = Image.fromarray(np.full((4, 4), 65535, np.uint16)) if mode == "I;16" else grey.convert("RGB").convert(mode)
    assert image.mode == mode
    assert resize_to_rgb(image, 2).tolist() == [[[255] * 3] * 2] * 2


def test_sixteen_bit_greys_keep_their_high_byte():
    image = Image.fromarray(np.full((2, 2), 0x4080, dtype=np.uint16))
    assert resize_to_rgb(image, 1)[0, 0].tolist() == [0x40] * 3


def test_what_is_transparent_shows_white():
    image = Image.new("RGBA", (2, 2), (0, 0, 0, 0))
    assert resize_to_rgb(image, 1)[0, 0].tolist() == [255] * 3
    half = Image.new("RGBA", (2, 2), (0, 0, 0, 255))
    assert resize_to_rgb(half, 1)[0, 0].tolist() == [0] * 3


def test_a_photograph_is_turned_upright():
    pixels = np.zeros((2, 2, 3), dtype=np.uint8)
    pixels[0, 0] = 255  # upper left; orientation 6 turns the stored image clockwise, to the upper right
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(buffer, "PNG", exif=exif)
    images = decode_images([lambda: io.BytesIO(buffer.getvalue())], names=["photo"], size=2)
    assert images[0, :, :, 0].tolist() == [[0, 255], [0, 0]]


def test_no_images_decode_to_an_empty_array():
    assert decode_images([], names=[], size=3).shape == (0, 3, 3, 3)


def test_stratified_parts_are_disjoint_proportional_and_seeded():
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    parts = stratified_split(labels, [80, 40, 40], seed=3)
    assert [part.size for part in parts] == [80, 40, 40]
    assert len(set(np.concatenate(parts).tolist())) == 160
    for part, share in zip(parts, (0.5, 0.25, 0.25), strict=True):
        assert np.abs(np.bincount(labels[part], minlength=3) - share * np.array([100, 50, 10])).max() <= 1.5
        assert np.all(np.diff(part) > 0)
    again = stratified_split(labels, [80, 40, 40], seed=3)
    assert all(np.array_equal(one, other) for one, other in zip(parts, again, strict=True))
    assert not np.array_equal(parts[0], stratified_split(labels, [80, 40, 40], seed=4)[0])
