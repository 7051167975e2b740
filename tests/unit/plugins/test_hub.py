"""Laws of the hub: the cache is read as its own library reads it, a silent hub is noticed at once and asked once."""

import io
import json
import os
import subprocess
import sys
import urllib.error
from pathlib import Path

import pytest
from tckr_plugins import hub
from tckr_plugins.hub import NoAnswerError, Repository

OTHER = "fedcba9876543210fedcba9876543210fedcba98"
TINY = Repository("somebody/tiny")


@pytest.fixture
def answers(hub_cache, monkeypatch):
    """Switch the network on; return a list of what the hub answers next and one of what it was asked."""
    said, asked = [], []

    def answer(request, timeout):
        asked.append(request)
        found = said.pop(0)
        if isinstance(found, Exception):
            raise found
        return io.BytesIO(json.dumps(found).encode())

    monkeypatch.setattr("urllib.request.urlopen", answer)
    hub_cache.switch(offline=False)
    return said, asked


def refusal(code):
    return urllib.error.HTTPError("https://hub", code, "no", {}, io.BytesIO())


@pytest.mark.parametrize("kind", ["model", "dataset"])
@pytest.mark.parametrize("revision", ["main", "refs/convert/parquet", OTHER])
def test_the_cache_is_read_as_its_own_library_reads_it(hub_cache, kind, revision):
    from huggingface_hub import try_to_load_from_cache

    repository = Repository(TINY.name, revision, kind)
    assert hub.cached_snapshot(repository) is None
    commit = OTHER if revision == OTHER else hub_cache.commit
    hub_cache.add(TINY.name, {"config.json": b"{}"}, revision="main", commit=OTHER, kind=kind)
    if revision != OTHER:
        hub_cache.add(TINY.name, {"config.json": b"{ }"}, revision=revision, commit=commit, kind=kind)
    theirs = try_to_load_from_cache(TINY.name, "config.json", revision=revision, repo_type=kind)
    assert str(hub.cached_file(repository, "config.json")) == theirs
    assert hub.cached_snapshot(repository).name == commit
    assert hub.cached_file(repository, "weights.safetensors") is None
    assert hub.cached_snapshot(Repository(TINY.name, "elsewhere", kind)) is None


@pytest.mark.parametrize("revision", ["../main", "/etc", "a/../../../b"])
def test_a_revision_never_leads_out_of_the_cache(hub_cache, revision):
    folder = hub_cache.add(TINY.name, {"config.json": b"{}"}, kind="model")
    (folder / "main").write_text(hub_cache.commit)
    assert hub.cached_snapshot(Repository(TINY.name, revision)) is None


@pytest.mark.parametrize("commit", ["..", "../..", "/", ""])
def test_a_reference_never_leads_out_of_the_snapshots(hub_cache, commit):
    folder = hub_cache.add(TINY.name, {"config.json": b"{}"}, kind="model")
    (folder / "refs" / "main").write_text(commit)
    assert hub.cached_snapshot(TINY) is None


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"HF_HUB_CACHE": "~/here", "HF_HOME": "/home", "HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"},
        {"HUGGINGFACE_HUB_CACHE": "/cache", "TRANSFORMERS_OFFLINE": "yes"},
        {"HF_HOME": "$PLACE/x", "PLACE": "/srv", "HF_HUB_OFFLINE": "true"},
        {"XDG_CACHE_HOME": "/var/cache"},
    ],
)
def test_the_environment_means_what_it_means_to_the_library(environment, monkeypatch):
    names = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "HF_HUB_OFFLINE")
    for name in (*names, "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    script = "from huggingface_hub import constants as c; print(c.HF_HUB_CACHE, c.HF_HUB_OFFLINE, sep=chr(10))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ)
    place, offline = told.stdout.splitlines()
    assert (hub.cache_folder(), str(hub.offline())) == (Path(place), offline)


def test_a_commit_is_itself_and_a_cached_one_is_not_asked_for(silent_hub, tmp_path):
    assert hub.commit_of(Repository("somebody/else", OTHER), cached=None) == OTHER
    assert hub.commit_of(TINY, cached=tmp_path / OTHER) == OTHER
    assert silent_hub == []


def test_a_hub_that_does_not_answer_is_asked_once(silent_hub):
    assert hub.commit_of(TINY, cached=None) == ""
    with pytest.raises(NoAnswerError, match=r"does not answer \(no route to host\)"):
        hub.ask_commit(TINY)
    assert silent_hub == ["https://huggingface.co/api/models/somebody/tiny/revision/main"]


def test_offline_nothing_is_asked(silent_hub, hub_cache):
    hub_cache.switch(offline=True)
    with pytest.raises(NoAnswerError, match="HF_HUB_OFFLINE forbids"):
        hub.ask_commit(TINY)
    assert silent_hub == []


def test_the_hub_names_the_commit_once(answers, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    said, asked = answers
    said.append({"sha": OTHER})
    converted = Repository("somebody/tiny", "refs/convert/parquet", "dataset")
    assert [hub.ask_commit(converted), hub.ask_commit(converted)] == [OTHER, OTHER]
    (request,) = asked
    assert request.full_url.endswith("/api/datasets/somebody/tiny/revision/refs%2Fconvert%2Fparquet")
    assert request.get_header("Authorization") == "Bearer secret"


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (refusal(404), r"has no such model or revision \(it answered 404\)"),
        (refusal(403), r"needs its terms accepted and a login \(it answered 403\)"),
        ({"sha": "main"}, "names no commit"),
        ([], "does not answer"),
    ],
)
def test_why_there_is_no_commit_is_said(answers, answer, meaning):
    said, _ = answers
    said.append(answer)
    with pytest.raises(NoAnswerError, match=meaning):
        hub.ask_commit(TINY)


def test_what_is_downloaded_by_its_commit_is_found_by_its_revision(answers, hub_cache):
    said, _ = answers
    said.append({"sha": OTHER})
    assert hub.settle(TINY) == OTHER
    snapshot = hub_cache.root / "models--somebody--tiny" / "snapshots" / OTHER
    snapshot.mkdir(parents=True)
    assert hub.cached_snapshot(TINY) == snapshot
