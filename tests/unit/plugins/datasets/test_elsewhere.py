import numpy as np
import pytest

from tckr_bench.errors import DatasetError
from tckr_bench.plugin.registry import default_registry
from tckr_bench.testing import check_dataset


def test_one_parquet_file_is_split_by_class_and_says_so(tmp_path, load, write_table):
    path = write_table(tmp_path / "mine.parquet", ["red_fox"] * 10 + ["owl"] * 20)
    dataset = load("parquet", path=str(path), test_fraction=0.1)
    found = dataset.describe()
    assert found.class_names == ("owl", "red fox")
    assert dict(found.counts) == {"train": 27, "test": 3}
    assert found.source == "local parquet files; 0.1 of the images set aside for testing, stratified, seed 0"
    assert str(tmp_path) not in f"{found}"
    train, test = dataset.read("train", size=4), dataset.read("test", size=4)
    assert np.bincount(test.labels).tolist() == [2, 1]
    grey = sorted([*train.images[:, 0, 0, 0].tolist(), *test.images[:, 0, 0, 0].tolist()])
    assert grey == list(range(30))
    for grey, label in zip(train.images[:, 0, 0, 0].tolist(), train.labels.tolist(), strict=True):
        assert label == (1 if grey < 10 else 0)


def test_a_folder_of_parquet_files_keeps_the_contract(tmp_path, load, write_table):
    for split in ("train", "test", "validation"):
        write_table(tmp_path / f"{split}.parquet", [0, 1, 0, 1], names=["no", "yes"])
    check_dataset(load("parquet", path=str(tmp_path)))


def test_arrow_files_hold_the_same_dataset(tmp_path, load, write_table):
    found = []
    for kind, places in (
        ("parquet", ("train.parquet", "test.parquet")),
        ("plain", ("train.arrow", "test.arrow")),
        ("saved", ("train/data-00000-of-00001.arrow", "test/data-00000-of-00001.arrow")),
    ):
        for place, labels in zip(places, ([0, 1, 1], [1, 0]), strict=True):
            write_table(tmp_path / kind / place, labels, names=["no", "yes"])
        dataset = load("parquet", path=str(tmp_path / kind))
        check_dataset(dataset)
        data = dataset.read("train", size=4)
        found.append((dataset.describe().class_names, data.images.tolist(), data.labels.tolist()))
    assert found[1:] == found[:1] * 2


def test_one_arrow_file_is_split_by_class(tmp_path, load, write_table):
    path = write_table(tmp_path / "mine.arrow", ["fox"] * 10 + ["owl"] * 10)
    assert dict(load("parquet", path=str(path)).describe().counts) == {"train": 16, "test": 4}


def test_classes_nobody_shows_are_left_out(tmp_path, load, write_table):
    path = write_table(tmp_path / "mine.parquet", [2, 0] * 5, names=["a", "unlabelled", "c"])
    assert load("parquet", path=str(path)).describe().class_names == ("a", "c")


def test_columns_and_splits_can_be_named(tmp_path, load, write_table):
    for name in ("fit", "hold"):
        write_table(tmp_path / f"{name}.parquet", [0, 1], names=["a", "b"], image="photo", label="kind")
    options = {"path": str(tmp_path), "train_split": "fit", "test_split": "hold"}
    found = load("parquet", **options, image_column="photo", label_column="kind").describe()
    assert dict(found.counts) == {"train": 2, "test": 2}
    with pytest.raises(DatasetError, match=r"has no column 'image'; found: photo, kind"):
        load("parquet", **options).describe()


def test_names_that_are_the_same_are_refused(tmp_path, load, write_table):
    path = write_table(tmp_path / "mine.parquet", ["red fox"] * 5 + ["red_fox"] * 5)
    with pytest.raises(DatasetError, match=r"two classes are both called 'red fox'"):
        load("parquet", path=str(path)).describe()


def test_a_class_of_one_image_cannot_be_split(tmp_path, load, write_table):
    path = write_table(tmp_path / "mine.parquet", ["a", "b"])
    with pytest.raises(DatasetError, match=r"too few images to set some aside"):
        load("parquet", path=str(path)).describe()


def test_a_path_with_nothing_is_named(tmp_path, load):
    with pytest.raises(DatasetError, match=r"there is no file or folder .*nowhere"):
        load("parquet", path=str(tmp_path / "nowhere")).describe()
    with pytest.raises(DatasetError, match=r"holds no parquet files named after splits"):
        load("parquet", path=str(tmp_path)).describe()


def test_any_dataset_of_the_hub_is_used_from_the_cache(hub_cache, tmp_path, load, write_table):
    table = write_table(tmp_path / "a.parquet", [0, 1], names=["cat", "dog"]).read_bytes()
    files = {f"data/{split}-00000-of-00001.parquet": table for split in ("train", "test")}
    hub_cache.add("someone/pets", files)
    registry = default_registry()
    use = registry.parse_use("hub:someone/pets", "dataset")
    found = registry.load(use).describe()
    assert (found.name, found.source, found.class_names) == ("pets", "hub:someone/pets", ("cat", "dog"))


def test_a_revision_is_found_by_branch_or_commit(hub_cache, tmp_path, load, write_table):
    for commit, names in (("aaa", ["cat", "dog"]), ("bbb", ["fox", "owl"])):
        table = write_table(tmp_path / "a.parquet", [0, 1], names=names).read_bytes()
        hub_cache.add("someone/pets", {"train.parquet": table, "test.parquet": table}, commit=commit)
    assert load("hub", id="someone/pets").describe().class_names == ("fox", "owl")
    assert load("hub", id="someone/pets", revision="bbb").describe().class_names == ("fox", "owl")


def test_a_cached_link_that_leaves_the_repository_is_refused(hub_cache, tmp_path, load, write_table):
    outside = write_table(tmp_path / "outside.parquet", [0], names=["cat"])
    folder = hub_cache.add("someone/pets", {"README.md": b""})
    (folder / "snapshots" / hub_cache.commit / "train.parquet").symlink_to(outside)
    with pytest.raises(DatasetError, match=r"is a link that leaves"):
        load("hub", id="someone/pets").describe()


def test_a_dataset_that_is_not_cached_says_what_fetches_it(hub_cache, load):
    with pytest.raises(
        DatasetError, match=r"not on this computer; fetch it with `tckr-bench datasets prepare hub:a/b`"
    ):
        load("hub", id="a/b").describe()
    with pytest.raises(DatasetError, match=r"write hub:OWNER/NAME"):
        load("hub").describe()
