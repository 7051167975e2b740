"""Laws of the store: complete or absent, checked when read, never half-written."""

import json
import os
import time

import pytest

from tckr_bench.engine import store as module
from tckr_bench.engine.fingerprint import hash_file
from tckr_bench.engine.store import MANIFEST, PROVENANCE, Provenance, Store, default_store_path
from tckr_bench.errors import StoreError
from tckr_bench.records import Cost
from tckr_bench.stages.isolation import FAILURES_FILE

SIZE = 1000
KEY = "ab" + "0" * 62
OTHER = "cd" + "1" * 62


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store")
    store.open_for_writing()
    return store


def put(store, key=KEY, content=b"some bytes"):
    with store.lock(key):
        staged = store.begin(key)
        (staged / "model").mkdir()
        (staged / "model" / "weights").write_bytes(content)
        provenance = Provenance("label", "component", Cost(1.0, 2.0, 3), "cpu", 4.0, time.time())
        store.commit(key, staged, kind="train", provenance=provenance)


def test_what_was_committed_is_found(store):
    put(store)
    manifest = store.find(KEY)
    assert manifest.kind == "train"
    assert list(manifest.files) == ["model/weights"]
    assert store.provenance(KEY).cost == Cost(1.0, 2.0, 3)


def test_an_artifact_marked_with_a_failure_serves_its_run_and_is_made_again_by_the_next(store):
    with store.lock(KEY):
        staged = store.begin(KEY)
        (staged / FAILURES_FILE).write_text("[]")
        provenance = Provenance("label", "component", Cost(1.0, 2.0, 3), "cpu", 4.0, time.time())
        store.commit(KEY, staged, kind="attack", provenance=provenance)
    assert store.find(KEY) is None
    assert store.find(KEY, marked=True) is not None
    assert store.damaged() == []
    assert store.collect(unused_for=1000.0) == []
    put(store)
    assert store.find(KEY) is not None


def test_the_same_content_has_the_same_manifest(store, tmp_path):
    other = Store(tmp_path / "other")
    other.open_for_writing()
    put(store)
    put(other)
    assert (store.path(KEY) / MANIFEST).read_bytes() == (other.path(KEY) / MANIFEST).read_bytes()


def test_nothing_is_found_before_the_commit(store):
    with store.lock(KEY):
        staged = store.begin(KEY)
        (staged / "weights").write_bytes(b"half")
        assert store.find(KEY) is None
        assert not store.path(KEY).exists()


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "manifest", "no manifest", "provenance", "wrong key"])
def test_a_damaged_artifact_is_not_found(store, damage):
    put(store)
    weights, manifest = store.path(KEY) / "model" / "weights", store.path(KEY) / MANIFEST
    if damage == "flip":
        weights.write_bytes(b"some bytEs")
    elif damage == "truncate":
        weights.write_bytes(b"some")
    elif damage == "remove":
        weights.unlink()
    elif damage == "manifest":
        manifest.write_text(manifest.read_text()[:-20])
    elif damage == "no manifest":
        manifest.unlink()
    elif damage == "provenance":
        (store.path(KEY) / PROVENANCE).write_text("{")
    else:
        manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "key": OTHER}))
    assert store.find(KEY) is None
    assert store.damaged() == [KEY]


def test_a_new_commit_replaces_a_damaged_artifact(store):
    put(store)
    (store.path(KEY) / "model" / "weights").write_bytes(b"bad")
    put(store)
    assert store.find(KEY)


def test_leftovers_of_a_killed_writer_are_removed_by_the_next(store):
    store.begin(KEY)
    store.begin(KEY)
    assert len(list((store.root / "staging").iterdir())) == 1


def test_garbage_collection_keeps_what_was_used_lately(store):
    put(store, KEY)
    put(store, OTHER)
    assert store.collect(unused_for=3600) == []
    (store.path(OTHER) / "model" / "weights").unlink()
    assert [name for name, _size in store.collect(unused_for=3600)] == [OTHER]
    assert store.keys() == [KEY]
    assert [name for name, _size in store.collect(unused_for=0, dry_run=True)] == [KEY]
    assert store.keys() == [KEY]
    store.collect(unused_for=0)
    assert store.keys() == []


def test_garbage_collection_leaves_alone_what_is_being_written(store):
    with store.lock(KEY):
        store.begin(KEY)
        other_process = Store(store.root)
        assert other_process.collect(unused_for=3600) == []
    assert len(other_process.collect(unused_for=3600)) == 1


def test_usage_adds_up(store):
    put(store, KEY, b"x" * 100)
    (usage,) = store.usage()
    assert (usage.kind, usage.artifacts) == ("train", 1)
    assert usage.size == store.size(KEY) > 100


def test_a_store_that_cannot_be_made_is_one_clear_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot write to the store"):
        Store(tmp_path / "file" / "store").open_for_writing()


def test_the_environment_moves_the_store(monkeypatch, tmp_path):
    monkeypatch.setenv("TCKR_BENCH_STORE", str(tmp_path / "elsewhere"))
    assert default_store_path() == tmp_path / "elsewhere"


class TestChecksums:
    """A file is hashed once, and again as soon as its size or time says that it may have changed."""

    @pytest.fixture
    def weights(self, store):
        put(store, content=bytes(SIZE))
        path = store.path(KEY) / "model" / "weights"
        os.utime(path, (1_000_000, 1_000_000))
        return path

    @pytest.fixture
    def hashed(self, monkeypatch):
        hashed = []
        monkeypatch.setattr(module, "hash_file", lambda path: hashed.append(path.name) or hash_file(path))
        return hashed

    def test_it_is_hashed_once(self, store, weights, hashed):
        assert store.find(KEY)
        assert store.find(KEY)
        assert hashed == [weights.name]

    def test_it_is_hashed_again_after_a_change_of_the_same_size(self, store, weights):
        assert store.find(KEY)
        weights.write_bytes(bytes(SIZE - 1) + b"x")
        assert store.find(KEY) is None

    def test_a_fresh_file_is_not_taken_on_trust(self, store, weights, hashed):
        os.utime(weights)
        assert store.find(KEY)
        assert store.find(KEY)
        assert hashed == [weights.name] * 2

    def test_verification_hashes_whatever_the_times_say(self, store, weights):
        assert store.find(KEY)
        weights.write_bytes(bytes(SIZE - 1) + b"x")
        os.utime(weights, (1_000_000, 1_000_000))
        assert store.damaged() == [KEY]
