"""The contract of every registered component, installed plugins included."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from tckr_bench.errors import DatasetError, TckrError
from tckr_bench.plugin.components import FAMILIES, MetricComponent
from tckr_bench.plugin.registry import default_registry
from tckr_bench.testing import (
    check_adapter,
    check_attack,
    check_captioner,
    check_classifier,
    check_component,
    check_dataset,
    check_generator,
    check_metric,
    check_observer,
    check_release_attack,
    fake_class_names,
    fake_images,
    fake_prompts,
)

REGISTRY = default_registry()

TRAINED_ADAPTERS = ("lora", "lora-paper", "dora", "dp-lora", "full", "textual-inversion")
# Options that make a component small, or that let it run without a network.
SMALL = {
    "stable-diffusion": {"steps": 2},
    **{name: {"steps": 2} for name in TRAINED_ADAPTERS},
    "timm": {"model": "resnet10t", "pretrained": False, "image_size": 32},
}
# Weights or files that no package carries; tests/unit/plugins runs the same checks on small ones of the same format.
NEED_WEIGHTS = {"blip2", "blip", "image-to-text", "class-description", "file"}
# Needs an older pillow than everything else, so `make test` runs its tests in an environment of their own.
NEED_LIBRARIES = {"trackio"}
# Which adapter's weights a generator needs; the others take none.
ADAPTER_OF = {"memorizer": "memorize"}
GENERATOR_OF = {"memorize": "memorizer", **dict.fromkeys(TRAINED_ADAPTERS, "stable-diffusion")}


def registered(family):
    return [pytest.param(entry.component, id=entry.component.name) for entry in REGISTRY.family(family)]


def load(family, name, **options):
    component = REGISTRY.get(family, name).component
    return component.load(component.parse_options(SMALL.get(name, {}) | options))


def as_folders(data, root):
    names = fake_class_names()
    for index, (pixels, label) in enumerate(zip(data.images, data.labels, strict=True)):
        (root / names[label]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / names[label] / f"{index}.png")
    return root


def test_no_built_in_plugin_is_broken():
    assert REGISTRY.broken == []


def test_every_family_has_components():
    for family in FAMILIES:
        assert REGISTRY.family(family), family


@pytest.mark.parametrize("component", [case for family in FAMILIES for case in registered(family)])
def test_component_is_named_and_documented(component):
    check_component(component)


@pytest.mark.parametrize("component", registered("dataset"))
def test_dataset_keeps_its_contract(component):
    dataset = component.load(component.parse_options({}))
    try:
        dataset.describe()
    except DatasetError as error:
        pytest.skip(str(error))
    check_dataset(dataset)


@pytest.mark.parametrize("component", registered("captioner"))
def test_captioner_keeps_its_contract(component):
    try:
        check_captioner(load("captioner", component.name))
    except TckrError as error:
        if component.name not in NEED_WEIGHTS:
            raise
        pytest.skip(str(error))


@pytest.mark.parametrize("component", registered("generator"))
def test_generator_keeps_its_contract(component, tmp_path):
    data = fake_images(6)
    given = {"path": as_folders(data, tmp_path / "synthetic")} if component.name == "folder" else {}
    generator = load("generator", component.name, **given)
    adapter = load("adapter", ADAPTER_OF.get(component.name, "none"))
    weights = tmp_path / "weights"
    weights.mkdir()
    adapter.adapt(generator, data.images, fake_prompts(data), weights=weights, seed=0, context=context())
    check_generator(generator, weights)


@pytest.mark.parametrize("component", registered("adapter"))
def test_adapter_keeps_its_contract(component, tmp_path):
    generator = load("generator", GENERATOR_OF.get(component.name, "noise"))
    try:
        adapter = load("adapter", component.name)
    except TckrError as error:
        if component.name not in NEED_WEIGHTS:
            raise
        pytest.skip(str(error))
    check_adapter(adapter, generator, tmp_path)


@pytest.mark.parametrize("component", registered("classifier"))
def test_classifier_keeps_its_contract(component, tmp_path):
    check_classifier(component, SMALL.get(component.name, {}), tmp_path)


@pytest.mark.parametrize("component", registered("attack"))
def test_attack_keeps_its_contract(component):
    attack = load("attack", component.name)
    if component.surface == "classifier":
        check_attack(attack)
    else:
        assert attack.threat_model.surface == component.surface
        check_release_attack(attack)


@pytest.mark.parametrize("component", registered("metric"))
def test_metric_keeps_its_contract(component):
    check_metric(component)


def test_a_check_catches_measurements_that_are_not_declared():
    metric = REGISTRY.component(MetricComponent, "accuracy")
    (declared,) = metric.quantities
    with pytest.raises(AssertionError, match="'accuracy' measures 'accuracy', which it does not declare"):
        check_metric(dataclasses.replace(metric, quantities=(dataclasses.replace(declared, name="other"),)))
    with pytest.raises(AssertionError, match=r"no interval reaches above 0\.1"):
        check_metric(dataclasses.replace(metric, quantities=(dataclasses.replace(declared, high=0.1),)))


def test_every_built_in_metric_measures_what_it_is_called():
    assert {quantity.name for quantity in REGISTRY.quantities()} == {
        e.component.name for e in REGISTRY.family("metric")
    }


@pytest.mark.parametrize("component", registered("observer"))
def test_observer_keeps_its_contract(component, tmp_path):
    try:
        load("observer", component.name)
    except TckrError as error:
        if component.name not in NEED_LIBRARIES:
            raise
        pytest.skip(str(error))
    check_observer(lambda: load("observer", component.name), tmp_path)


def test_a_check_catches_an_observer_that_changes_what_it_is_told(tmp_path):
    class Meddler:
        def run_started(self, start):
            start.cells[0].method.classifier.options["epochs"] = 0

        stage_finished = stage_failed = cell_measured = run_ended = lambda self, told: None

    with pytest.raises(AssertionError, match="changes nothing"):
        check_observer(Meddler, tmp_path)


def test_a_check_catches_an_attack_that_looks_at_positions():
    class Positional:
        threat_model = REGISTRY.load(REGISTRY.use("attack", "loss", label="loss", options={})).threat_model

        def score(self, evidence):
            return np.arange(len(evidence.labels), dtype=float)

    with pytest.raises(AssertionError, match="does not depend on its place"):
        check_attack(Positional())


def context():
    from tckr_bench.plugin.protocols import Context

    return Context()
