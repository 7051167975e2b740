"""Laws of weights from the hub: the cache before the network, the commit as identity, a sentence where both fail."""

from __future__ import annotations

import json

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save
from tckr_plugins import classifiers
from tckr_plugins.classifiers import timm_models

from tckr_bench.errors import OptionError, TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.records import LabelledImages, TrainingData

CONTEXT = Context()
REPOSITORY = "someone/tiny"
FIRST = "conv1.0.weight"


def component():
    found = {}
    classifiers.register_classifiers(lambda entry: found.update({entry.name: entry}))
    return found["timm"]


def options(model, **given):
    return component().parse_options({"model": model, "pretrained": True, "image_size": 32, "epochs": 0} | given)


def task():
    images = np.random.default_rng(0).integers(0, 256, size=(4, 32, 32, 3), dtype=np.uint8)
    return TrainingData(LabelledImages(images, np.arange(4) % 3), ("a", "b", "c"))


@pytest.fixture(autouse=True)
def offline(hub_cache):
    """An empty cache, and a network that is switched off."""
    return hub_cache


def fill(cache, repository, commit=None):
    with torch.random.fork_rng():
        torch.manual_seed(11)
        model = timm.create_model("test_resnet", num_classes=10)
    config = {"architecture": "test_resnet", "num_classes": 10, "pretrained_cfg": model.pretrained_cfg}
    files = {"model.safetensors": save(model.state_dict()), "config.json": json.dumps(config).encode()}
    cache.add(repository, files, commit=commit or cache.commit, kind="model")
    return model.state_dict()


@pytest.mark.parametrize("model", [f"hf-hub:{REPOSITORY}", "test_resnet"])
def test_cached_weights_are_used_without_a_network(model, offline):
    repository = timm.get_pretrained_cfg("test_resnet").hf_hub_id if model == "test_resnet" else REPOSITORY
    weights = fill(offline, repository)
    assert component().identity(options(model)) == offline.commit
    classifier = component().load(options(model))
    classifier.fit(task(), seed=0, context=CONTEXT)
    found = classifier._network.state_dict()
    assert torch.equal(found[f"body.{FIRST}"], weights[FIRST])
    assert found["body.fc.weight"].shape == (3, weights["fc.weight"].shape[1])


def test_another_commit_is_another_identity(offline):
    fill(offline, REPOSITORY)
    assert component().identity(options(f"hf-hub:{REPOSITORY}@{'f' * 40}", pretrained=False)) == ""
    fill(offline, REPOSITORY, commit="f" * 40)
    assert component().identity(options(f"hf-hub:{REPOSITORY}")) == "f" * 40
    assert component().identity(options(f"hf-hub:{REPOSITORY}@{offline.commit}")) == offline.commit


def test_weights_that_can_neither_be_found_nor_fetched_are_named_before_the_run(monkeypatch):
    with pytest.raises(OptionError, match="not in the cache of the hub and the network is switched off"):
        component().identity(options(f"hf-hub:{REPOSITORY}"))
    with pytest.raises(OptionError, match="timm does not know the weights"):
        component().identity(options("resnet18.nowhere"))
    monkeypatch.setattr(timm, "get_pretrained_cfg", lambda *_args, **_settings: None)
    with pytest.raises(OptionError, match="the hub holds no weights for the timm model 'resnet18'"):
        component().identity(options("resnet18"))


def test_weights_still_to_be_fetched_have_no_identity_yet(offline):
    offline.switch(offline=False)
    assert component().identity(options(f"hf-hub:{REPOSITORY}")) == ""


@pytest.mark.parametrize(("model", "pretrained"), [("test_resnet", True), (f"hf-hub:{REPOSITORY}", False)])
def test_a_model_that_cannot_be_fetched_fails_with_a_sentence(model, pretrained):
    classifier = timm_models.load(options(model, pretrained=pretrained))
    with pytest.raises(TckrError, match="cannot be had from the hub"):
        classifier.fit(task(), seed=0, context=CONTEXT)


def test_a_folder_that_timm_saved_is_a_file_of_weights(offline):
    weights = fill(offline, REPOSITORY)
    folder = offline.root / "models--someone--tiny" / "snapshots" / offline.commit
    given = options("test_resnet", pretrained=False, weights=str(folder))
    assert len(component().identity(given)) == 64
    classifier = component().load(given)
    classifier.fit(task(), seed=0, context=CONTEXT)
    assert torch.equal(classifier._network.state_dict()[f"body.{FIRST}"], weights[FIRST])


@pytest.mark.parametrize(
    ("model", "size", "expected"),
    [
        ("mobilenetv3_large_100", 224, 1.29e9),
        ("resnet18.a1_in1k", 112, 2.7e9),
        ("test_resnet", 224, None),
    ],
)
def test_the_work_of_well_known_models_is_known(model, size, expected):
    found = component().operations(options(model, pretrained=False, image_size=size))
    assert found == (expected if expected is None else pytest.approx(expected))
