import pytest
from tckr_plugins.datasets.layout import Wanted, choose_files

from tckr_bench.errors import DatasetError


def chosen(*paths, **wanted):
    return choose_files(paths, Wanted(**wanted), what="it")


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"),
        ("plain_text/train-00000-of-00001.parquet", "plain_text/test-00000-of-00001.parquet"),
        ("data/train-00000-of-00001-1359597a978bc4fa.parquet", "data/valid-00000-of-00001-70d52db3c749a935.parquet"),
        ("default/train/0000.parquet", "default/validation/0000.parquet"),
        ("train.parquet", "val.parquet"),
        ("train/0000.parquet", "test/0000.parquet"),
        ("train.arrow", "test.arrow"),
        ("data/train-00000-of-00001.arrow", "data/test-00000-of-00001.arrow"),
        ("train/data-00000-of-00001.arrow", "test/data-00000-of-00001.arrow"),
    ],
)
def test_the_layouts_of_the_hub_are_understood(train, test):
    assert chosen("README.md", train, test) == {"train": (train,), "test": (test,)}


def test_shards_are_in_order():
    for pattern in ("data/train-{:05d}-of-00003.parquet", "train/data-{:05d}-of-00003.arrow"):
        paths = [pattern.format(i) for i in (2, 0, 1)]
        assert chosen(*paths)["train"] == tuple(sorted(paths))


def test_a_configuration_is_chosen_and_others_are_left_alone():
    paths = [f"{name}/{split}/0000.parquet" for name in ("160px", "full_size") for split in ("train", "validation")]
    found = chosen(*paths, configuration="full_size", test_split="validation")
    assert found == {"train": ("full_size/train/0000.parquet",), "test": ("full_size/validation/0000.parquet",)}
    with pytest.raises(DatasetError, match=r"has several configurations; found: 160px, full_size; name one"):
        chosen(*paths)
    with pytest.raises(DatasetError, match=r"no configuration 'huge'; found: 160px, full_size"):
        chosen(*paths, configuration="huge")


def test_validation_stays_validation_where_there_is_a_test_split():
    assert set(chosen("train.parquet", "test.parquet", "validation.parquet")) == {"train", "test", "validation"}
    assert set(chosen("train.parquet", "validation.parquet")) == {"train", "test"}


def test_splits_can_be_named():
    found = chosen("fit.parquet", "hold.parquet", train_split="fit", test_split="hold")
    assert found == {"train": ("fit.parquet",), "test": ("hold.parquet",)}
    with pytest.raises(DatasetError, match=r"no split 'train'; found: fit, hold; name one with train_split"):
        chosen("fit.parquet", "hold.parquet")
    with pytest.raises(DatasetError, match=r"no split 'tset'; found: train; name one with test_split"):
        chosen("train.parquet", test_split="tset")


def test_a_missing_shard_is_noticed():
    with pytest.raises(DatasetError, match=r"1 of the 2 files of a split"):
        chosen("data/train-00000-of-00002.parquet")


def test_two_versions_of_a_split_are_not_mixed():
    with pytest.raises(DatasetError, match=r"several versions of one split"):
        chosen("data/train-00000-of-00001.parquet", "data/train-00000-of-00002.parquet")
    with pytest.raises(DatasetError, match=r"several versions of one split \(train.arrow, train.parquet\)"):
        chosen("train.parquet", "train.arrow")


def test_what_the_datasets_library_keeps_beside_a_split_is_no_split():
    paths = ("train/data-00000-of-00001.arrow", "train/cache-0123456789abcdef.arrow", "train/dataset_info.json")
    assert chosen(*paths) == {"train": (paths[0],)}


def test_the_beginning_of_a_large_dataset_is_not_taken_for_the_whole():
    with pytest.raises(DatasetError, match=r"holds no parquet files named after splits"):
        chosen("default/partial-train/0000.parquet")
