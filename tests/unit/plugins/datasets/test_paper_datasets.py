import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tckr_plugins.datasets.catalogue import CATALOGUE, CONVERTED
from tckr_plugins.datasets.naming import spelling_key
from tckr_plugins.datasets.paper import PaperDataset

from tckr_bench.errors import DatasetError, OptionError

SPECS = {spec.name: spec for spec in CATALOGUE}


@pytest.fixture(scope="module")
def manifest():
    root = Path(os.environ.get("TCKR_BENCH_DATA", "no-such-folder"))
    if not (root / "MANIFEST.json").is_file():
        pytest.skip("the real subsets are not here: TCKR_BENCH_DATA names no folder with a MANIFEST.json")
    return root.resolve(), json.loads((root / "MANIFEST.json").read_text())["datasets"]


@pytest.fixture
def scratch(tmp_path):
    """Return where files are made before they are put into a cache."""
    return tmp_path / "scratch"


def class_folders(root, classes, *, splits=("train", "test")):
    for split in splits:
        for position, name in enumerate(classes):
            folder = root / split / name
            folder.mkdir(parents=True)
            Image.new("L", (3, 3), 10 * position).save(folder / "a.png")


@pytest.mark.parametrize("name", SPECS)
def test_a_real_subset_is_described_as_its_manifest_says(name, manifest, monkeypatch, load):
    root, known = manifest
    monkeypatch.setenv("TCKR_BENCH_DATA", str(root))
    dataset = load(name)
    found = dataset.describe()
    assert dict(found.counts) == known[name]["images"] == dict(dataset.whereabouts().counts)
    expected = sorted(spelling_key(spelt) for spelt in known[name]["class_names"].values())
    assert sorted(map(spelling_key, found.class_names)) == expected
    positions = [SPECS[name].class_names.index(class_name) for class_name in found.class_names]
    assert positions == sorted(positions)
    assert len(found.fingerprint) == 64
    assert str(root) not in f"{found}"


@pytest.mark.parametrize("name", ["stl10", "oxford_pets"])
def test_a_real_subset_is_read(name, manifest, monkeypatch, load):
    root, known = manifest
    monkeypatch.setenv("TCKR_BENCH_DATA", str(root))
    dataset = load(name)
    data = dataset.read("test", size=32)
    assert data.images.shape == (known[name]["images"]["test"], 32, 32, 3)
    assert data.images.std() > 20
    counts = np.bincount(data.labels)
    assert counts.min() == known[name]["per_class"]["test"]["min"]
    assert counts.max() == known[name]["per_class"]["test"]["max"]
    stored = list(dataset.encoded_images("test"))
    assert [image.label for image in stored] == data.labels.tolist()
    names = [spelling_key(Path(image.name).parent.name) for image in stored]
    described = dataset.describe().class_names
    assert names == [spelling_key(described[image.label]) for image in stored]


def test_classes_of_a_subset_keep_the_label_order_of_the_catalogue(nothing_here, load):
    class_folders(nothing_here / "imagewoof", ["n02105641", "Samoyed", "border_terrier"])
    dataset = load("imagewoof")
    assert dataset.describe().class_names == ("Border terrier", "Samoyed", "Old English sheepdog")
    data = dataset.read("train", size=3)
    assert data.labels.tolist() == [0, 1, 2]
    assert data.images[:, 0, 0, 0].tolist() == [20, 10, 0]


def test_an_unknown_class_folder_is_named(nothing_here, load):
    class_folders(nothing_here / "cifar10", ["cat", "doge"])
    with pytest.raises(DatasetError, match=r"'doge' is no class of the dataset 'cifar10'; did you mean 'dog'"):
        load("cifar10").describe()


def test_a_link_that_leaves_the_folder_is_refused(nothing_here, tmp_path, load, write_table):
    outside = write_table(tmp_path / "outside.parquet", [0], names=["cat"])
    folder = nothing_here / "cifar10"
    folder.mkdir()
    (folder / "train.parquet").symlink_to(outside)
    with pytest.raises(DatasetError, match=r"is a link that leaves the dataset's folder"):
        load("cifar10").describe()


def test_parquet_files_of_the_hub_do_in_the_data_root(nothing_here, load, png, write_table):
    names = list(SPECS["cifar100"].class_names)
    names[names.index("crab")] = "cra"
    folder = nothing_here / "cifar100" / "cifar100"
    for split in ("train", "test"):
        write_table(
            folder / f"{split}-00000-of-00001.parquet", [26, 0, 1], names=names, image="img", label="fine_label"
        )
    dataset = load("cifar100")
    found = dataset.describe()
    assert found.class_names == ("apple", "aquarium fish", "crab")
    assert dict(found.counts) == dict(dataset.whereabouts().counts) == {"train": 3, "test": 3}
    data = dataset.read("test", size=2)
    assert data.labels.tolist() == [2, 0, 1]
    assert data.images[:, 0, 0, 0].tolist() == [0, 1, 2]
    stored = [(image.label, image.open().read()) for image in dataset.encoded_images("test")]
    assert stored == [(2, png(0)), (0, png(1)), (1, png(2))]


@pytest.mark.parametrize("pattern", ["{}.arrow", "{}-00000-of-00001.arrow", "{}/data-00000-of-00001.arrow"])
def test_arrow_files_do_in_the_data_root(pattern, nothing_here, load, png, write_table):
    names = SPECS["cifar10"].class_names
    for split in ("train", "test"):
        write_table(nothing_here / "cifar10" / pattern.format(split), [5, 0, 5], names=names, image="img")
    dataset = load("cifar10")
    assert dataset.describe().class_names == ("airplane", "dog")
    assert dict(dataset.describe().counts) == dict(dataset.whereabouts().counts) == {"train": 3, "test": 3}
    assert dataset.read("test", size=2).labels.tolist() == [1, 0, 1]
    assert [image.open().read() for image in dataset.encoded_images("train")] == [png(0), png(1), png(2)]


def test_the_fingerprint_follows_the_contents(nothing_here, load, png, write_table):
    folder = nothing_here / "cifar10"
    for split in ("train", "test"):
        write_table(folder / f"{split}.parquet", [0, 1], names=SPECS["cifar10"].class_names)
    first = load("cifar10").describe().fingerprint
    assert load("cifar10").describe().fingerprint == first
    write_table(folder / "test.parquet", [0, 1], names=SPECS["cifar10"].class_names, images=[png(5), png(6)])
    assert load("cifar10").describe().fingerprint != first


def test_the_data_root_comes_before_the_cache(hub_cache, nothing_here, scratch, load, write_table):
    names = SPECS["cifar10"].class_names
    table = write_table(scratch / "a.parquet", [0, 1, 2], names=names, image="img").read_bytes()
    files = {f"plain_text/{split}-00000-of-00001.parquet": table for split in ("train", "test")}
    hub_cache.add("uoft-cs/cifar10", files)
    cached = load("cifar10")
    assert dict(cached.describe().counts) == {"train": 3, "test": 3}
    assert cached.describe().source == "CIFAR-10 (Krizhevsky 2009), hub:uoft-cs/cifar10"
    assert cached.read("train", size=2).images[:, 0, 0, 0].tolist() == [0, 1, 2]
    class_folders(nothing_here / "cifar10", ["cat"])
    assert dict(load("cifar10").describe().counts) == {"train": 1, "test": 1}
    assert dict(load("cifar10", source="uoft-cs/cifar10").describe().counts) == {"train": 3, "test": 3}


def test_wordnet_labels_of_the_hub_become_names(hub_cache, scratch, load, write_table):
    ids = [others[-1] for others in SPECS["tiny_imagenet"].spellings.values()]
    files = {}
    for split in ("train", "valid"):
        table = write_table(scratch / "a.parquet", [0, ids.index("n13652335")], names=ids)
        files[f"data/{split}-00000-of-00001-70d52db3c749a935.parquet"] = table.read_bytes()
    hub_cache.add("zh-plus/tiny-imagenet", files)
    assert load("tiny_imagenet").describe().class_names == ("goldfish", "nail")


def test_a_half_fetched_copy_is_not_used(hub_cache, scratch, load, write_table):
    table = write_table(scratch / "a.parquet", list(range(10)), names=SPECS["imagenette"].class_names).read_bytes()
    files = {f"full_size/{split}/0000.parquet": table for split in ("train", "validation")}
    hub_cache.add("frgfm/imagenette", files, revision=CONVERTED)
    with pytest.raises(DatasetError, match=r"10 of 9,469 train images; complete it with `tckr-bench datasets prepare"):
        load("imagenette").describe()
    spec = replace(SPECS["imagenette"], counts={"train": 10, "test": 10})
    assert PaperDataset(spec).describe().class_names == spec.class_names


def test_a_copy_without_a_test_split_is_split_and_says_so(hub_cache, scratch, load, write_table):
    labels = [label for label in range(37) for _ in range(20)]
    table = write_table(scratch / "a.parquet", labels, names=SPECS["oxford_pets"].class_names).read_bytes()
    hub_cache.add("Isamu136/oxford_pets_with_l14_emb", {"data/train-00000-of-00001.parquet": table})
    dataset = load("oxford_pets", source="Isamu136/oxford_pets_with_l14_emb")
    found = dataset.describe()
    assert dict(found.counts) == {"train": 629, "test": 111} == dict(dataset.whereabouts().counts)
    assert found.source.endswith("0.15 of the images set aside for testing, stratified, seed 0")
    train, test = dataset.read("train", size=2), dataset.read("test", size=2)
    assert np.bincount(train.labels).tolist() == [17] * 37
    assert np.bincount(test.labels).tolist() == [3] * 37


def test_labels_that_are_plain_numbers_count_in_published_order(nothing_here, load, write_table):
    for split in ("train", "test"):
        write_table(nothing_here / "cifar10" / f"{split}.parquet", [9, 2])
    assert load("cifar10").describe().class_names == ("bird", "truck")
    write_table(nothing_here / "cifar10" / "train.parquet", [10])
    with pytest.raises(DatasetError, match=r"has 10 classes, but a label is 10"):
        load("cifar10").describe()


def test_a_class_without_training_images_is_refused(nothing_here, load, write_table):
    names = SPECS["cifar10"].class_names
    write_table(nothing_here / "cifar10" / "train.parquet", [0, 1], names=names)
    write_table(nothing_here / "cifar10" / "test.parquet", [0, 2], names=names)
    with pytest.raises(DatasetError, match=r"the class 'bird' in test but not in train"):
        load("cifar10").describe()


def test_a_decompression_bomb_is_refused(nothing_here, monkeypatch, load, png, write_table):
    for split in ("train", "test"):
        table = nothing_here / "cifar10" / f"{split}.parquet"
        write_table(table, [0, 0], names=SPECS["cifar10"].class_names, images=[png(0), png(1, side=64)])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(DatasetError, match=r"'train.parquet row 1' has more pixels than is safe"):
        load("cifar10").read("train", size=2)


@pytest.mark.parametrize("name", SPECS)
def test_a_dataset_that_is_not_there_says_what_fetches_it_and_how_large_it_is(name, nothing_here, monkeypatch, load):
    said = rf"'{name}' is not on this computer; fetch it \(about .* [MG]B\) with `tckr-bench datasets prepare {name}`"
    with pytest.raises(DatasetError, match=said):
        load(name).describe()
    monkeypatch.delenv("TCKR_BENCH_DATA")
    with pytest.raises(DatasetError, match=said):
        load(name).describe()
    assert load(name).whereabouts() is None


def test_a_data_root_that_is_no_folder_is_named(hub_cache, monkeypatch, tmp_path, load):
    monkeypatch.setenv("TCKR_BENCH_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DatasetError, match=r"nowhere', which is not a folder"):
        load("cifar10").describe()


@pytest.mark.parametrize("option", [{"source": "../../etc"}, {"source": "a/../b"}, {"revision": "../x"}])
def test_options_cannot_lead_out_of_the_cache(option, load):
    with pytest.raises(OptionError, match=r"cannot be"):
        load("cifar10", **option)


def test_describing_a_dataset_imports_neither_torch_nor_the_hub(nothing_here, load, write_table):
    class_folders(nothing_here / "cifar10", ["cat"])
    write_table(nothing_here / "stl10" / "train.parquet", [0], names=["cat"])
    shutil.copy(nothing_here / "stl10" / "train.parquet", nothing_here / "stl10" / "test.parquet")
    code = (
        "import sys\n"
        "from tckr_bench.plugin.registry import default_registry\n"
        "registry = default_registry()\n"
        "for name in ('cifar10', 'stl10'):\n"
        "    registry.load(registry.use('dataset', name, label=name, options={})).describe()\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'datasets', 'huggingface_hub', 'PIL'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
