"""Where image-to-text models are found, and what they are known by."""

import os
import shutil

import numpy as np
import pytest
from tckr_plugins.captioners import models
from tckr_plugins.captioners.models import Blip2Options, BlipOptions, ImageToTextOptions
from tckr_plugins.hub import Repository

from tckr_bench.plugin.protocols import Context
from tckr_bench.plugin.registry import default_registry

OTHER = "fedcba9876543210fedcba9876543210fedcba98"
CAPTIONS = Repository("me/captions")


def identity(**options):
    return default_registry().use("captioner", "blip2", label="x", options=options).identity


def test_hub_model_is_known_by_the_commit_of_its_snapshot(hub_cache, blip2_model):
    hub_cache.add_model("me/captions", blip2_model)
    assert identity(model="me/captions") == hub_cache.commit
    hub_cache.add_model("me/captions", blip2_model, commit=OTHER)
    assert identity(model="me/captions") == OTHER


def test_an_unfinished_download_does_not_count(hub_cache, blip2_model):
    snapshot = hub_cache.add_model("me/captions", blip2_model)
    (snapshot / "model.safetensors").unlink()
    assert models._cached(CAPTIONS) is None
    (snapshot / "model.safetensors.index.json").write_text('{"weight_map": {"a": "one.safetensors", "b": "two"}}')
    (snapshot / "one.safetensors").touch()
    assert models._cached(CAPTIONS) is None
    (snapshot / "two").touch()
    assert models._cached(CAPTIONS) == snapshot


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_cached_model_captions_without_a_network(hub_cache, blip2_model):
    hub_cache.add_model("me/captions", blip2_model)
    registry = default_registry()
    captioner = registry.load(registry.use("captioner", "blip2", label="x", options={"model": "me/captions"}))
    images = np.zeros((1, 8, 8, 3), np.uint8)
    assert len(captioner.caption(images, np.zeros(1, np.int64), class_names=("cat",), context=Context())) == 1


def test_a_folder_is_known_by_its_files_and_not_by_its_place(blip2_model, tmp_path):
    first = identity(model=str(blip2_model))
    copy = tmp_path / "copy"
    shutil.copytree(blip2_model, copy)
    assert identity(model=str(copy)) == first
    settings = copy / "generation_config.json"
    settings.write_text(settings.read_text() + " ")
    os.utime(settings, ns=(1, 1))
    assert identity(model=str(copy)) != first
    (copy / "README.md").write_text("not read")
    assert identity(model=str(copy)) == identity(model=str(copy))


def test_arithmetic_of_the_known_models():
    assert models.operations_per_image(Blip2Options()) == 2 * 1.0e9 * 257 + 2 * 2.7e9 * (32 + 20)
    longer = models.operations_per_image(Blip2Options(max_new_tokens=40))
    assert longer == 2 * 1.0e9 * 257 + 2 * 2.7e9 * (32 + 40)
    assert models.operations_per_image(BlipOptions()) < models.operations_per_image(Blip2Options())
    assert models.operations_per_image(ImageToTextOptions(model="some/thing")) is None
