import os
import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from pyarrow import parquet
from tckr_plugins.datasets import elsewhere, paper
from tckr_plugins.datasets.catalogue import CATALOGUE
from tckr_plugins.datasets.hub import RemoteFile
from tckr_plugins.datasets.paper import PaperDataset

from tckr_bench.cli import cli
from tckr_bench.errors import DatasetError

CIFAR10 = CATALOGUE[0]
SMALL = replace(CIFAR10, counts={"train": 40, "test": 20})


class FolderRemote:
    """A hub in a folder: what is read or fetched is counted, and it may fail."""

    def __init__(self, root, cache):
        self.root, self.cache = root, cache
        self.opened, self.downloaded = [], []
        self.broken = set()

    label = "hub:uoft-cs/cifar10 (main)"

    def files(self):
        return tuple(
            RemoteFile(path.relative_to(self.root).as_posix(), path.stat().st_size)
            for path in sorted(self.root.rglob("*.parquet"))
        )

    @contextmanager
    def open(self, path):
        self.opened.append(path)
        if path in self.broken:
            raise KeyboardInterrupt
        with (self.root / path).open("rb") as stream:
            yield stream

    def download(self, paths):
        self.downloaded.extend(paths)
        self.cache.add("uoft-cs/cifar10", {path: (self.root / path).read_bytes() for path in paths})


@pytest.fixture
def remote(tmp_path, hub_cache, write_table):
    """Return a copy of CIFAR-10 in small, sorted by class as some hub datasets are, with a split nobody asks for."""
    root = tmp_path / "remote"
    for split, each in (("train", 4), ("test", 2), ("extra", 1)):
        labels = [label for label in range(10) for _ in range(each)]
        path = root / "plain_text" / f"{split}-00000-of-00001.parquet"
        write_table(path, labels, names=CIFAR10.class_names, image="img", group=4)
    return FolderRemote(root, hub_cache)


@pytest.fixture
def command(monkeypatch, remote):
    """Return what runs the command line against the small copy."""
    monkeypatch.setattr(paper, "HubRemote", lambda *_: remote)
    monkeypatch.setattr(elsewhere, "HubRemote", lambda *_: remote)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return lambda *arguments, **more: CliRunner().invoke(cli, ["datasets", *arguments], **more)


def test_a_plan_counts_the_files_of_the_wanted_splits_and_fetches_nothing(remote):
    plan = PaperDataset(SMALL, remote=remote).plan_fetch(limit_per_class=None)
    names = {f"plain_text/{split}-00000-of-00001.parquet" for split in ("train", "test")}
    assert set(plan.files) == names
    assert plan.size == sum((remote.root / name).stat().st_size for name in names)
    assert not remote.opened
    assert not remote.downloaded


def test_a_whole_dataset_goes_to_the_cache_and_is_found_there(remote):
    dataset = PaperDataset(SMALL, remote=remote)
    assert dataset.whereabouts() is None
    dataset.fetch(dataset.plan_fetch(limit_per_class=None), progress=lambda _: None)
    assert dict(dataset.whereabouts().counts) == {"train": 40, "test": 20}
    assert dataset.describe().class_names == CIFAR10.class_names


def test_a_limited_copy_holds_the_first_images_of_every_class(remote, nothing_here):
    heard = []
    dataset = PaperDataset(SMALL, remote=remote)
    dataset.fetch(dataset.plan_fetch(limit_per_class=3), progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    assert sorted(path.name for path in (nothing_here / "cifar10").iterdir()) == ["test.parquet", "train.parquet"]
    found = dataset.describe()
    assert dict(found.counts) == {"train": 30, "test": 20}
    data = dataset.read("train", size=4)
    assert np.bincount(data.labels).tolist() == [3] * 10
    assert data.images[:, 0, 0, 0].tolist() == [4 * label + i for label in range(10) for i in range(3)]


def test_a_limited_copy_opens_with_the_datasets_library_features(remote, nothing_here):
    dataset = PaperDataset(SMALL, remote=remote)
    dataset.fetch(dataset.plan_fetch(limit_per_class=1), progress=lambda _: None)
    schema = parquet.read_schema(nothing_here / "cifar10" / "train.parquet")
    assert schema.names == ["image", "label"]
    assert b'"_type": "ClassLabel"' in schema.metadata[b"huggingface"]


def test_an_interrupted_copy_goes_on_where_it_stopped(remote, nothing_here):
    train = "plain_text/train-00000-of-00001.parquet"
    dataset = PaperDataset(SMALL, remote=remote)
    plan = dataset.plan_fetch(limit_per_class=2)
    remote.broken.add(train)
    with pytest.raises(KeyboardInterrupt):
        dataset.fetch(plan, progress=lambda _: None)
    assert [path.name for path in (nothing_here / "cifar10").iterdir()] == ["test.parquet"]
    remote.broken.clear()
    remote.opened.clear()
    again = PaperDataset(SMALL, remote=remote)
    again.fetch(again.plan_fetch(limit_per_class=2), progress=lambda _: None)
    assert remote.opened == [train]
    assert dict(again.describe().counts) == {"train": 20, "test": 20}


def test_a_limited_copy_is_not_mixed_with_what_is_there(remote, nothing_here):
    (nothing_here / "cifar10" / "train" / "cat").mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"already holds 'train'; move it away"):
        PaperDataset(SMALL, remote=remote).plan_fetch(limit_per_class=2)


def test_a_limited_copy_needs_a_data_root(remote):
    with pytest.raises(DatasetError, match=r"TCKR_BENCH_DATA is not set; set it to"):
        PaperDataset(SMALL, remote=remote).plan_fetch(limit_per_class=2)


def test_a_source_without_the_columns_leaves_no_file(remote, nothing_here, write_table):
    write_table(remote.root / "plain_text" / "test-00000-of-00001.parquet", [0], image="photo")
    dataset = PaperDataset(SMALL, remote=remote)
    with pytest.raises(DatasetError, match=r"no column 'img'; found: photo, label"):
        dataset.fetch(dataset.plan_fetch(limit_per_class=2), progress=lambda _: None)
    assert not list((nothing_here / "cifar10").iterdir())


def test_the_command_announces_asks_fetches_and_checks(command, remote):
    refused = command("prepare", "cifar10", input="n\n")
    assert refused.exit_code == 0, refused.output
    assert "cifar10: " in refused.output
    assert "in 2 files from hub:uoft-cs/cifar10 (main) to" in refused.output
    assert not remote.downloaded
    fetched = command("prepare", "cifar10", "--yes")
    assert fetched.exit_code == 0, fetched.output
    assert "cifar10: 40 train, 20 test, 10 classes, at" in fetched.output
    assert "cifar10 has 40 train images, 50,000 are published" in fetched.output


def test_the_command_makes_a_limited_copy_once(command, remote, nothing_here):
    first = command("prepare", "cifar10", "--limit-per-class", "1", "--yes")
    assert first.exit_code == 0, first.output
    assert "up to " in first.output
    assert f"cifar10: 10 train, 10 test, 10 classes, at {nothing_here / 'cifar10'}" in first.output
    remote.opened.clear()
    second = command("prepare", "cifar10", "--limit-per-class", "1", "--yes")
    assert "cifar10: here already" in second.output
    whole = command("prepare", "cifar10", "--yes")
    assert "there is a part of it (10 train, 10 test), which comes before what would be fetched" in whole.output
    assert not remote.opened
    assert not remote.downloaded


def test_a_copy_that_lacks_classes_is_not_taken_for_the_dataset(command, remote, write_table):
    for split in ("train", "test"):
        write_table(
            remote.root / "plain_text" / f"{split}-00000-of-00001.parquet",
            [0, 1],
            names=CIFAR10.class_names,
            image="img",
        )
    result = command("prepare", "cifar10", "--yes")
    assert isinstance(result.exception, DatasetError)
    assert "lacks 8 of its 10 classes, 'bird' among them" in str(result.exception)


def test_what_does_not_fit_on_the_disk_is_not_begun(command, remote, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, 10))
    result = command("prepare", "cifar10", "--yes")
    assert isinstance(result.exception, DatasetError)
    assert "has 10 B free" in str(result.exception)
    assert not remote.downloaded


def test_packaged_datasets_need_no_fetching(command):
    assert "digits: nothing to fetch" in command("prepare", "digits").output


def test_a_dataset_of_the_hub_is_prepared_with_its_options(command, remote):
    result = command("prepare", "hub:uoft-cs/cifar10", "--set", "image_column=img", "--yes")
    assert result.exit_code == 0, result.output
    assert "hub:uoft-cs/cifar10: 40 train, 20 test, 10 classes" in result.output


def test_without_a_network_one_sentence_says_so(hub_cache, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "")  # set by the option, and put back after the test
    result = CliRunner().invoke(cli, ["datasets", "prepare", "stl10", "--yes", "--offline"])
    assert isinstance(result.exception, DatasetError)
    assert "'tanganke/stl10' cannot be fetched: the network is switched off by --offline" in str(result.exception)
    assert os.environ["HF_HUB_OFFLINE"] == "1"


def test_the_list_says_what_is_here_and_how_to_get_the_rest(command, remote, nothing_here):
    command("prepare", "cifar10", "--limit-per-class", "2", "--yes")
    lines = command("list").output.splitlines()
    rows = {line.split()[0]: " ".join(line.split()) for line in lines if line.strip()}
    assert rows["cifar10"] == "cifar10 10 20 of 50,000 from train 20 of 10,000 not stated data root"
    assert rows["food101"].endswith("not here, 5.0 GB to fetch")
    assert rows["data"] == f"data root {nothing_here}"
    assert "tckr-bench datasets prepare NAME" in rows["not"]
    assert rows["your"] == "your own hub:ID, imagefolder:PATH, parquet:PATH"


@pytest.fixture
def opened(nothing_here, monkeypatch):
    """Return the files of a dataset in the data root that were opened, so far none."""
    folder = nothing_here / "stl10"
    for split in ("train", "test"):
        path = folder / split / "cat" / "a.png"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"no image")
    found = []
    original = Path.open

    def watched(self, *rest, **more):
        if self.is_relative_to(nothing_here):
            found.append(self)
        return original(self, *rest, **more)

    monkeypatch.setattr(Path, "open", watched)
    return found


def test_listing_reads_no_contents(command, opened):
    assert "1 of 5,000" in command("list").output
    assert opened == []


def test_the_doctor_reads_no_contents(opened):
    from tckr_bench.commands import doctor

    found, missing = doctor._datasets()
    assert {"stl10", "digits", "fashion-mnist"} == set(found)
    assert "cifar10" in missing
    assert not {"hub", "imagefolder", "parquet"} & {*found, *missing}
    assert opened == []


@pytest.mark.parametrize("subcommand", [("list",), ("check", "digits")])
def test_every_command_on_datasets_can_forbid_the_network(monkeypatch, hub_cache, subcommand):
    monkeypatch.setenv("HF_HUB_OFFLINE", "")
    result = CliRunner().invoke(cli, ["datasets", *subcommand, "--offline"])
    assert result.exit_code == 0, result.output
    assert os.environ["HF_HUB_OFFLINE"] == "1"
