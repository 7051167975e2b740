"""Laws of diffusers models on the hub: the cache comes first, whole or not at all, and the commit is the identity."""

import pytest
from tckr_plugins.generators import hub

from tckr_bench.errors import TckrError
from tckr_bench.plugin.registry import default_registry


@pytest.fixture
def cache(hub_cache, tiny_model):
    """The snapshot of a cache that holds the tiny model as somebody/tiny at `main`."""
    return hub_cache.add_model("somebody/tiny", tiny_model)


def use(**options):
    return default_registry().use("generator", "stable-diffusion", label="sd", options=options)


def test_a_cached_model_is_used_without_asking_the_hub(cache, silent_hub):
    assert use(model="somebody/tiny").identity == cache.name
    assert default_registry().load(use(model="somebody/tiny")).image_size == 32
    assert silent_hub == []


def test_a_hub_that_does_not_answer_is_asked_once_and_told_in_one_sentence(silent_hub):
    assert use(model="nobody/nothing").identity == ""
    with pytest.raises(TckrError, match=r"'nobody/nothing' cannot be loaded: .*\(no route to host\)") as told:
        hub.locate("nobody/nothing", revision=None)
    assert "\n" not in str(told.value)
    assert len(silent_hub) == 1


def test_a_partly_cached_model_is_told(cache, silent_hub):
    (cache / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    with pytest.raises(TckrError, match="only partly in the local cache"):
        hub.locate("somebody/tiny", revision=None)
    assert len(silent_hub) == 1


def test_another_variant_of_the_weights_is_not_the_plain_one(cache, silent_hub):
    for path in cache.glob("*/*.safetensors"):
        path.rename(path.with_suffix("").with_suffix(".fp16.safetensors"))
    assert hub.locate("somebody/tiny", revision=None, variant="fp16").path == str(cache)
    with pytest.raises(TckrError, match="partly"):
        hub.locate("somebody/tiny", revision=None)
