import hashlib
import io
import os
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from PIL import Image, features

from tckr_bench.datasets import (
    ImageFacts,
    data_root,
    decode_images,
    encoded_folder_images,
    fingerprint_files,
    fingerprint_once,
    inspect_images,
    read_image_folder,
    resize_to_rgb,
    scan_image_folder,
    stratified_split,
)
from tckr_bench.datasets.splits import set_aside
from tckr_bench.errors import DatasetError
from tckr_bench.records import EncodedImage


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


def test_a_file_is_hashed_once_until_it_changes(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(b"one")
    hashed = []
    original = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *given: hashed.append(1) or original(*given))
    first = [fingerprint_once(tmp_path, [Path("a.bin")]) for _ in range(3)]
    assert len(hashed) == 1
    assert set(first) == {fingerprint_files(tmp_path, [Path("a.bin")])}
    path.write_bytes(b"two")
    os.utime(path, ns=(1, 1))
    assert fingerprint_once(tmp_path, [Path("a.bin")]) not in first


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


def encode(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def decode(data, *, size=2):
    return decode_images([lambda: io.BytesIO(data)], names=["photo"], size=size)[0]


def inspect(data, name="photo"):
    ((_image, facts),) = inspect_images([EncodedImage(name, 0, lambda: io.BytesIO(data))])
    return facts


def noise(size=(40, 30), seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


# Plain folders: class folders without splits.


@pytest.fixture
def plain(tmp_path):
    """Ten images of one class, three of another, one of a third."""
    for name, count in (("big_cat", 10), ("Ant", 3), ("newt", 1)):
        for index in range(count):
            write_image(tmp_path / "plain" / name / f"{index}.png", (index, 1, 1))
    return tmp_path / "plain"


def scan_plain(root, fraction=0.2):
    return scan_image_folder(root, name="mine", remedy="or use another dataset", test_fraction=fraction)


def test_a_plain_folder_is_split_by_class_and_every_class_keeps_a_training_image(plain):
    folder = scan_plain(plain)
    assert folder.split_here
    assert folder.class_names == ("Ant", "big cat", "newt")
    assert [folder.labels["train"].count(label) for label in range(3)] == [2, 8, 1]
    assert [folder.labels["test"].count(label) for label in range(3)] == [1, 2, 0]
    files = {split: {path.as_posix() for path in paths} for split, paths in folder.files.items()}
    assert not files["train"] & files["test"]
    assert len(files["train"] | files["test"]) == 14
    assert list(folder.files["train"]) == sorted(folder.files["train"], key=lambda path: path.parts)


def test_a_plain_folder_is_refused_where_splits_are_asked_for(plain):
    with pytest.raises(DatasetError, match="no folder 'train'"):
        scan(plain)


def test_the_split_of_a_class_hardly_changes_when_images_are_added(plain):
    before = scan_plain(plain)
    for index in range(10, 15):
        write_image(plain / "big_cat" / f"{index}.png", (index, 1, 1))
    write_image(plain / "Zebra" / "0.png")
    after = scan_plain(plain)
    old = {split: set(before.files[split]) for split in ("train", "test")}
    assert sum(path in old["train"] for path in after.files["test"]) <= 1
    assert sum(path in old["test"] for path in after.files["train"]) <= 2
    assert [path for path in before.files["test"] if "Ant" in path.parts] == [
        path for path in after.files["test"] if "Ant" in path.parts
    ]


@pytest.mark.parametrize(
    ("images", "fraction", "aside"),
    [(1, 0.9, 0), (2, 0.1, 1), (2, 0.9, 1), (10, 0.2, 2), (10, 0.25, 3), (10, 0.999, 9), (100, 0.5, 50)],
)
def test_the_share_set_aside_is_rounded_and_leaves_one(images, fraction, aside):
    files = [PurePosixPath(f"cat/{index}.png") for index in range(images)]
    chosen = set_aside(files, fraction=fraction)
    assert len(chosen) == aside
    assert chosen == set_aside(files[::-1], fraction=fraction)


def test_what_is_set_aside_is_spread_over_the_names():
    files = [PurePosixPath(f"cat/{index:04}.png") for index in range(1000)]
    positions = sorted(files.index(path) for path in set_aside(files, fraction=0.2))
    assert abs(np.mean(positions) - 499.5) < 60  # four standard errors of 200 drawn at random


def test_splits_win_over_a_plain_reading(root):
    folder = scan_plain(root)
    assert not folder.split_here
    assert folder.counts == {"train": 3, "test": 2}


def test_a_class_may_be_called_train(plain):
    write_image(plain / "train" / "locomotive.png")
    assert scan_plain(plain).class_names == ("Ant", "big cat", "newt", "train")


@pytest.mark.parametrize("name", ["Train", "val", "Testing"])
def test_a_folder_that_looks_like_a_split_is_no_class(plain, name):
    write_image(plain / name / "Ant" / "0.png")
    with pytest.raises(DatasetError, match=f"'{name}' that looks like a split; call the splits 'train', 'test'"):
        scan_plain(plain)


def test_train_without_test_is_no_plain_folder(root):
    (root / "test").rename(root.parent / "elsewhere")
    with pytest.raises(DatasetError, match="no folder 'test'"):
        scan_plain(root)


def test_folders_within_a_class_belong_to_it(plain):
    write_image(plain / "Ant" / "2024" / "May" / "a.png")
    write_image(plain / "Ant" / "@eaDir" / "thumbnail.png")
    write_image(plain / "Ant" / ".thumbnails" / "a.png")
    write_image(plain / "__MACOSX" / "a.png")
    folder = scan_plain(plain)
    assert folder.class_names == ("Ant", "big cat", "newt")
    assert folder.labels["train"].count(0) + folder.labels["test"].count(0) == 4


def test_a_ring_of_links_ends(plain):
    (plain / "Ant" / "ring").symlink_to(plain / "Ant")
    assert sum(scan_plain(plain).counts.values()) == 14


def test_files_that_are_no_images_are_told(plain):
    for name in ("Thumbs.db", ".DS_Store", "notes.txt", "inner/IMG.HEIC"):
        path = plain / "Ant" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    ignored = {path.as_posix() for path in scan_plain(plain).ignored}
    assert ignored == {"Ant/Thumbs.db", "Ant/.DS_Store", "Ant/notes.txt", "Ant/inner/IMG.HEIC"}


def test_names_may_be_of_any_script_and_suffixes_of_either_case(tmp_path):
    for name in ("\u043a\u043e\u0442/\u043e\u0434\u0438\u043d.PNG", "\u72d7/\u4e00.JPeG", "\u72d7/a b#%.jfif"):
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(noise(), "JPEG"))
    folder = scan_plain(tmp_path / "mine")
    assert folder.class_names == ("\u043a\u043e\u0442", "\u72d7")
    assert sum(folder.counts.values()) == 3
    assert len(read_image_folder(folder, "train", size=4, name="mine")) == 2


def test_stored_images_come_in_the_order_of_read(root):
    folder = scan(root)
    stored = list(encoded_folder_images(folder, "train", name="mine"))
    assert [image.name for image in stored] == ["train/Ant/z.png", "train/big_cat/a.JPG", "train/big_cat/b.png"]
    assert [image.label for image in stored] == [0, 1, 1]
    for image, path in zip(stored, folder.files["train"], strict=True):
        with image.open() as stream:
            assert stream.read() == (root / path).read_bytes()
    with pytest.raises(DatasetError, match="no split 'validation'"):
        list(encoded_folder_images(folder, "validation", name="mine"))


# What people have.


def test_a_suffix_may_lie_about_the_format():
    image = Image.new("RGB", (3, 3), (9, 8, 7))
    assert all((decode(encode(image, kind)) == [9, 8, 7]).all() for kind in ("PNG", "BMP", "TIFF", "PPM"))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_of_an_animation_is_used(kind):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    assert decode(data)[0, 0].tolist() == [255, 0, 0]
    assert inspect(data).animated


def test_a_palette_with_a_transparent_colour_shows_white():
    image = Image.new("P", (2, 2), 0)
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 1), 1)
    data = encode(image, transparency=1)
    assert decode(data)[0, 0].tolist() == [10, 20, 30]
    assert decode(data)[1, 1].tolist() == [255, 255, 255]
    assert inspect(data).transparent


def test_an_empty_file_is_one_sentence():
    with pytest.raises(DatasetError, match=r"'photo' cannot be decoded: it is empty or in no format that is read"):
        decode(b"")
    assert "it is empty" in inspect(b"")


def test_formats_that_start_other_programs_are_not_read():
    data = encode(Image.new("RGB", (4, 4)), "EPS")
    with Image.open(io.BytesIO(data)) as image:  # Pillow by itself would read it
        assert image.format == "EPS"
    with pytest.raises(DatasetError, match="no format that is read"):
        decode(data)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_truncated_photograph_is_found_at_a_fraction_of_its_size(progressive):
    data = encode(noise((800, 600)), "JPEG", progressive=progressive)
    assert inspect(data[: len(data) * 3 // 4]).startswith("the image 'photo' cannot be decoded")
    assert not isinstance(inspect(data), str)


def test_a_bomb_is_told_and_the_others_are_inspected(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    images = [
        EncodedImage(f"{side}", 0, lambda side=side: io.BytesIO(encode(noise((side, side))))) for side in (4, 5, 9)
    ]
    first, *others = [facts for _image, facts in inspect_images(images)]
    assert (first.width, first.height) == (4, 4)
    assert all("more pixels than is safe" in facts for facts in others)


def test_an_inspection_tells_how_an_image_is_stored():
    exif = Image.Exif()
    exif[0x0112] = 6
    facts = inspect(encode(noise((40, 30)), "JPEG", exif=exif))
    assert (facts.width, facts.height, facts.mode, facts.turned) == (30, 40, "RGB", True)
    assert (facts.transparent, facts.animated) == (False, False)
    assert inspect(encode(noise().convert("CMYK"), "JPEG")).mode == "CMYK"
    assert inspect(encode(noise().convert("L"))).mode == "L"
    assert inspect(encode(noise().convert("RGBA"))).transparent


def test_a_thumbnail_is_the_mean_of_its_cells():
    pixels = np.random.default_rng(0).integers(0, 256, (32, 36, 3), dtype=np.uint8)
    expected = pixels.reshape(16, 2, 18, 2, 3).mean(axis=(1, 3))
    assert (
        np.abs(inspect(encode(Image.fromarray(pixels))).thumbnail - expected).max() <= 1.0
    )  # rows and columns are rounded each


def test_digests_tell_bytes_from_pixels():
    image = noise((300, 200))
    data = encode(image, "JPEG")
    remarked = data[:2] + b"\xff\xfe\x00\x06mine" + data[2:]  # a comment behind the first marker
    first, second, other = inspect(data), inspect(remarked), inspect(encode(noise((300, 200), seed=1), "JPEG"))
    assert first.file_digest == hashlib.sha256(data).digest() != second.file_digest
    assert first.pixel_digest == second.pixel_digest != other.pixel_digest


def test_images_are_inspected_in_order_and_few_at_a_time():
    opened = []

    def image(index):
        def source():
            opened.append(index)
            return io.BytesIO(encode(Image.new("RGB", (2, 2), (index % 256, 0, 0))))

        return EncodedImage(str(index), index, source)

    found = inspect_images(image(index) for index in range(1000))
    first, facts = next(found)
    assert (first.name, facts.thumbnail[0, 0, 0]) == ("0", 0)
    assert len(opened) < 1000
    assert [encoded.label for encoded, _facts in found] == list(range(1, 1000))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF"])
def test_damage_of_any_kind_is_one_sentence(kind):
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    whole = encode(noise(), kind)
    generator = np.random.default_rng(0)
    for _ in range(60):
        data = bytearray(whole[: generator.integers(1, len(whole))] if generator.random() < 0.3 else whole)
        for place in generator.integers(0, min(len(data), 200), size=4):
            data[place] = generator.integers(0, 256)
        assert isinstance(inspect(bytes(data)), ImageFacts | str)  # whatever else is raised would be a bug
