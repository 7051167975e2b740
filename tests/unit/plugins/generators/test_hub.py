"""Laws of hub ids: the cache comes first, a silent hub is noticed at once, and the commit is the identity."""

import shutil
import urllib.error

import pytest
from tckr_plugins.generators import hub

from tckr_bench.errors import TckrError
from tckr_bench.plugins import default_registry

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def _forget():
    hub._ask_commit.cache_clear()


@pytest.fixture
def cache(tmp_path, monkeypatch, tiny_model):
    """A cache that holds the tiny model as somebody/tiny at `main`."""
    root = tmp_path / "hub"
    repository = root / "models--somebody--tiny"
    shutil.copytree(tiny_model, repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(root))
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(root))
    return repository / "snapshots" / COMMIT


@pytest.fixture
def no_hub(monkeypatch):
    calls = []

    def refuse(request, timeout):
        calls.append(request.full_url)
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    return calls


def use(**options):
    return default_registry().use("generator", "stable-diffusion", label="sd", options=options)


def test_a_cached_model_is_used_without_asking_the_hub(cache, no_hub):
    assert use(model="somebody/tiny").identity == COMMIT
    assert default_registry().load(use(model="somebody/tiny")).image_size == 32
    assert no_hub == []


def test_a_commit_is_its_own_identity(no_hub):
    assert use(model="somebody/else", revision=COMMIT).identity == COMMIT
    assert no_hub == []


def test_a_hub_that_does_not_answer_is_asked_once_and_told_in_one_sentence(no_hub):
    assert use(model="nobody/nothing").identity == ""
    with pytest.raises(TckrError, match=r"'nobody/nothing' cannot be loaded: .*\(no route to host\)") as told:
        hub.locate("nobody/nothing", revision=None)
    assert "\n" not in str(told.value)
    assert len(no_hub) == 2  # once for the identity and once here: failures are not remembered


def test_offline_nothing_is_asked(monkeypatch, no_hub):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(TckrError, match="HF_HUB_OFFLINE forbids"):
        hub.locate("nobody/nothing", revision=None)
    assert no_hub == []


def test_a_partly_cached_model_is_told(cache, no_hub):
    (cache / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(TckrError, match="only partly in the local cache"):
        hub.locate("somebody/tiny", revision=None)
    assert len(no_hub) == 1


def test_another_variant_of_the_weights_is_not_the_plain_one(cache, no_hub):
    for path in cache.glob("*/*.safetensors"):
        path.rename(path.with_suffix("").with_suffix(".fp16.safetensors"))
    assert hub.locate("somebody/tiny", revision=None, variant="fp16").path == str(cache)
    with pytest.raises(TckrError, match="partly"):
        hub.locate("somebody/tiny", revision=None)
