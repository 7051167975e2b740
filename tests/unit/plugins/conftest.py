"""A Stable Diffusion small enough for unit tests, whose parts know nothing; and a hub that is a folder."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_stable_diffusion import build_tiny_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class HubCache:
    """The Hugging Face cache, laid out as huggingface_hub does: blobs, and snapshots that link to them."""

    root: Path
    monkeypatch: pytest.MonkeyPatch
    commit: str = COMMIT

    def switch(self, *, offline):
        """Switch the network off or on, for us and for the hub's own library."""
        self.monkeypatch.setenv("HF_HUB_OFFLINE", "1" if offline else "0")
        self.monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", offline)

    def add(self, repository, files, *, revision="main", commit=COMMIT, kind="dataset"):
        """Put files, by path in the repository, into a snapshot; return the repository's folder."""
        folder = self.root / f"{kind}s--{repository.replace('/', '--')}"
        for name, data in files.items():
            blob = folder / "blobs" / f"{commit}_{name.replace('/', '_')}"
            blob.parent.mkdir(parents=True, exist_ok=True)
            blob.write_bytes(data)
            link = folder / "snapshots" / commit / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(blob)
        reference = folder / "refs" / revision
        reference.parent.mkdir(parents=True, exist_ok=True)
        reference.write_text(commit)
        return folder

    def add_model(self, name, source, *, commit=COMMIT):
        """Put a saved model into a snapshot; return the snapshot."""
        files = {path.relative_to(source).as_posix(): path.read_bytes() for path in source.rglob("*") if path.is_file()}
        return self.add(name, files, commit=commit, kind="model") / "snapshots" / commit


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    """Return an empty cache, with no network and nothing remembered."""
    from tckr_plugins import hub

    cache = HubCache(tmp_path / "hub", monkeypatch)
    for name in ("HF_HOME", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(cache.root))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache.root))
    cache.switch(offline=True)
    hub._ask_once.cache_clear()
    yield cache
    hub._ask_once.cache_clear()


@pytest.fixture
def silent_hub(hub_cache, monkeypatch):
    """Switch the network on, but let the hub not answer; return the addresses that were asked."""
    import urllib.error

    calls = []

    def refuse(request, timeout):
        calls.append(request.full_url)
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    hub_cache.switch(offline=False)
    return calls


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """Path of a saved tiny model that predicts the velocity."""
    return build_tiny_model(tmp_path_factory.mktemp("tiny") / "velocity")


@pytest.fixture(scope="session")
def tiny_noise_model(tmp_path_factory):
    """Path of a saved tiny model that predicts the noise."""
    return build_tiny_model(tmp_path_factory.mktemp("tiny") / "noise", prediction="epsilon")
