"""Laws of `imagefolder:PATH`: with splits or plain, and nothing of the path in what is published."""

import numpy as np
import pytest
from PIL import Image

from tckr_bench.errors import DatasetError, OptionError
from tckr_bench.plugin.protocols import InspectableDataset
from tckr_bench.plugin.registry import default_registry
from tckr_bench.testing import check_dataset


def fill(folder, count, *, grey=0, suffix=".png"):
    folder.mkdir(parents=True)
    for index in range(count):
        Image.new("L", (6, 4), grey + index).save(folder / f"{index}{suffix}")


@pytest.fixture
def plain(tmp_path):
    root = tmp_path / "secret_place"
    fill(root / "red_fox", 10)
    fill(root / "Hare", 5, grey=100)
    return root


def load(root, **options):
    registry = default_registry()
    return registry.load(registry.parse_use(f"imagefolder:{root}", options=options))


def test_a_plain_folder_keeps_the_contract_of_a_dataset(plain):
    dataset = load(plain)
    check_dataset(dataset)
    assert isinstance(dataset, InspectableDataset)
    found = dataset.describe()
    assert found.class_names == ("Hare", "red fox")
    assert dict(found.counts) == {"train": 12, "test": 3}


def test_the_split_is_told_and_the_path_is_not(plain):
    found = load(plain, test_fraction=0.25).describe()
    assert found.source == "a local folder; 25 % of every class set aside at random as test images"
    assert "secret" not in f"{found}"


def test_a_folder_with_splits_is_read_as_it_is(tmp_path):
    fill(tmp_path / "train" / "a", 2)
    fill(tmp_path / "test" / "a", 1, grey=50)
    fill(tmp_path / "validation" / "a", 1, grey=60)
    found = load(tmp_path, test_fraction=0.9).describe()
    assert dict(found.counts) == {"train": 2, "validation": 1, "test": 1}
    assert found.source == "a local folder"


def test_every_image_is_in_one_split(plain):
    dataset = load(plain, test_fraction=0.5)
    greys = [dataset.read(split, size=2).images[:, 0, 0, 0] for split in ("train", "test")]
    assert sorted(np.concatenate(greys).tolist()) == [*range(10), *range(100, 105)]


def test_stored_images_are_those_that_are_read(plain):
    dataset = load(plain)
    stored = list(dataset.encoded_images("test"))
    data = dataset.read("test", size=2)
    assert [image.label for image in stored] == data.labels.tolist()
    for image, pixels in zip(stored, data.images, strict=True):
        with image.open() as stream, Image.open(stream) as opened:
            assert opened.getpixel((0, 0)) == pixels[0, 0, 0]


def test_files_that_are_no_images_are_named(plain):
    (plain / "Hare" / "notes.txt").write_text("x")
    assert load(plain).ignored_files == ("Hare/notes.txt",)


def test_what_is_not_there_says_what_to_do(tmp_path):
    with pytest.raises(DatasetError, match=r"or as <class>/\*, or give another folder as imagefolder:PATH"):
        load(tmp_path / "nowhere").describe()


@pytest.mark.parametrize("fraction", [0, 1, -1])
def test_a_share_leaves_something_on_both_sides(plain, fraction):
    with pytest.raises(OptionError, match="test_fraction"):
        load(plain, test_fraction=fraction)


def test_images_are_named_by_their_paths_in_the_order_they_are_read(plain):
    dataset = load(plain)
    names, data = dataset.image_names("train"), dataset.read("train", size=8)
    assert [name.split("/")[0] for name in names] == ["Hare"] * 4 + ["red_fox"] * 8
    levels = [int(name.split("/")[1].removesuffix(".png")) + 100 * name.startswith("Hare") for name in names]
    assert data.images[:, 0, 0, 0].tolist() == levels
