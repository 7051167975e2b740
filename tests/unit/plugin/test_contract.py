"""Laws of what components declare: it is read from the declaration alone, and a bad one is blamed on its plugin."""

import re
import types
from pathlib import Path

import numpy as np
import pytest
from pydantic import Field

import tckr_bench
from tckr_bench.engine.builder import build_graph
from tckr_bench.engine.matrix import load_matrix
from tckr_bench.engine.matrix_file import shipped_matrices
from tckr_bench.errors import ContractError
from tckr_bench.plugin.components import (
    AdapterComponent,
    AttackComponent,
    CaptionerComponent,
    ClassifierComponent,
    GeneratorComponent,
    MetricComponent,
)
from tckr_bench.plugin.contract import check_contract
from tckr_bench.plugin.hookspecs import hookimpl
from tckr_bench.plugin.options import NoOptions, Options
from tckr_bench.plugin.registry import build_registry, default_registry
from tckr_bench.records import DatasetDescription, Quantity, Shadows

HARNESS = Path(tckr_bench.__file__).parent
SMOKE = shipped_matrices()["smoke"]
QUANTITY = Quantity("thing", "a heading", "a meaning")


def made(kind, name="thing", options=NoOptions, **declared):
    return kind(name, "1", options, lambda _options: object(), "a thing", **declared)


def plugin(*components, name="mine"):
    """Return the entry point of an installed distribution that registers components."""
    module = types.ModuleType(name)
    for family in {component.family for component in components}:
        own = [component for component in components if component.family == family]

        hook = f"register_{family}s"
        setattr(module, hook, hookimpl(hook_that_registers(own)))
    dist = types.SimpleNamespace(name=f"{name}-dist", version="1")
    return types.SimpleNamespace(name=name, value=name, dist=dist, load=lambda: module)


def hook_that_registers(own):
    def hook(register):
        for component in own:
            register(component)

    return hook


def registry_with(*components):
    """Return the registry of everything installed here, and one distribution more."""
    found = build_registry([plugin(*components)])
    assert not found.broken
    found.registrations.update(default_registry().registrations)
    return found


def matrix_with_classifier(name, registry, folder):
    """Return the matrix `smoke` with another classifier under the same label, and no options of it."""
    text = re.sub(r"\[classifier\.small-cnn\]\n(\w+ = .*\n)*", f'[classifier.small-cnn]\ncomponent = "{name}"\n', SMOKE)
    (folder / "matrix.toml").write_text(text)
    return load_matrix(str(folder / "matrix.toml"), registry)


def graph_with(registry, *settings):
    matrix = load_matrix("smoke", registry, settings=settings)
    descriptions = {
        use.label: DatasetDescription(use.label, ("a", "b"), {"train": 40, "test": 40}, "0" * 64, "8x8", "", "")
        for use in matrix.datasets
    }
    return build_graph(matrix, descriptions)


class ModelsOptions(Options):
    models: int = Field(default=3, description="shadow models, under a name of its own")


def test_an_attack_whose_option_is_called_models_gets_its_shadow_models():
    counting = made(AttackComponent, "counting", ModelsOptions, shadows=lambda options: Shadows(options.models))
    registry = registry_with(counting)
    settings = ("attack.loss.component=counting", "attack.loss.models=5")
    graph = graph_with(registry, *settings)
    attacks = [stage for stage in graph.stages.values() if stage.component == "counting"]
    assert attacks
    assert {len(stage.parents["shadows"]) for stage in attacks} == {5}
    assert registry.use("attack", "counting", label="counting", options={}).shadows == Shadows(3)


class AdaptiveOptions(Options):
    adaptive: bool = Field(default=True, description="adapts its own threshold, and no shadow model")
    shadows: int = Field(default=8, description="of grey that it looks at")


def test_an_attack_with_an_adaptive_of_its_own_grows_no_shadow_pipelines():
    own = made(AttackComponent, "own-words", AdaptiveOptions)
    graph = graph_with(registry_with(own), "attack.loss.component=own-words")
    attacks = [stage for stage in graph.stages.values() if stage.component == "own-words"]
    assert attacks
    assert all("shadows" not in stage.parents for stage in attacks)
    of_others = graph_with(default_registry())
    assert pipelines(graph) == pipelines(of_others)


def pipelines(graph):
    return {key for key, stage in graph.stages.items() if stage.kind.startswith("shadow")}


class PassesOptions(Options):
    passes: int = Field(default=4, description="over the images, under a name of its own")


def test_a_classifier_without_augment_is_the_base_of_controls_if_it_declares_how(tmp_path):
    able = made(
        ClassifierComponent,
        "able",
        PassesOptions,
        epochs=lambda options: options.passes,
        untrained=lambda _options: PassesOptions(passes=0),
        memorising=lambda _options, epochs: PassesOptions(passes=epochs),
    )
    registry = registry_with(able)
    matrix = matrix_with_classifier("able", registry, tmp_path)
    uses = {method.name: method.classifier for method in matrix.methods}
    assert uses["untrained"].options == {"passes": 0}
    assert uses["overfit"].options == {"passes": 30}  # as the file asks
    assert (uses["teacher"].work, uses["untrained"].work) == (4.0, 1.0)


def test_a_classifier_that_cannot_be_the_base_of_controls_is_one_sentence_about_itself(tmp_path):
    registry = registry_with(made(ClassifierComponent, "unable", PassesOptions))
    with pytest.raises(ContractError, match=r"classifier 'unable' cannot be made one that learns nothing.*mine-dist 1"):
        matrix_with_classifier("unable", registry, tmp_path)


@pytest.mark.parametrize(
    ("undo", "fault"),
    [
        (lambda _options, logits: -logits, "of another class"),
        (lambda _options, logits: logits * np.float32("nan"), "not finite"),
        (lambda _options, logits: logits[:, :1], "of shape"),
        (lambda _options, logits: logits.astype(np.float64), "float32"),
        (lambda options, _logits: options.absent, "fails with AttributeError"),
    ],
)
def test_outputs_undone_to_what_cannot_have_been_outputs_are_blamed_on_the_plugin(undo, fault):
    registry = registry_with(made(ClassifierComponent, "hiding", undo=undo))
    use = registry.use("classifier", "hiding", label="hiding", options={})
    logits = np.array([[1.0, 0.5], [0.0, 2.0]], dtype=np.float32)
    with pytest.raises(ContractError, match=rf"classifier 'hiding'.*{fault}.*mine-dist 1"):
        registry.undone(use, logits)


def test_what_is_declared_follows_the_options_given():
    registry = registry_with(
        made(AdapterComponent, "half", PassesOptions, share=lambda options: 1 / options.passes),
        made(GeneratorComponent, "sized", PassesOptions, image_size=lambda options: 8 * options.passes),
    )
    assert registry.use("adapter", "half", label="half", options={"passes": 2}).work == 0.5
    assert registry.use("generator", "sized", label="sized", options={"passes": 2}).image_size == 16


def test_a_declaration_that_fails_for_some_options_is_blamed_on_its_distribution():
    registry = registry_with(made(AdapterComponent, "half", PassesOptions, share=lambda options: 1 / options.passes))
    with pytest.raises(
        ContractError, match=r"adapter 'half': asked for its share, it fails with ZeroDivisionError.*mine-dist 1"
    ):
        registry.use("adapter", "half", label="half", options={"passes": 0})


class UndescribedOptions(Options):
    strength: int = 1


class RequiredOptions(Options):
    strength: int = Field(description="of something")


BAD = {
    "a component of another family": (made(CaptionerComponent), "given a CaptionerComponent, not an AttackComponent"),
    "a name of words": (made(AttackComponent, "My Attack"), "name is not lower case"),
    "no summary": (AttackComponent("thing", "1", NoOptions, object, ""), "summary is not one line"),
    "options that are none": (made(AttackComponent, options=dict), "no Options model"),
    "an option without description": (made(AttackComponent, options=UndescribedOptions), "'strength' has no desc"),
    "an option without default": (made(AttackComponent, options=RequiredOptions), "'strength' has no default"),
    "an unknown surface": (made(AttackComponent, surface="clasifier"), "surface cannot be 'clasifier'"),
    "fewer shadows than none": (made(AttackComponent, shadows=lambda _: Shadows(-1)), "whole number from 0, found -1"),
    "a number for shadows": (made(AttackComponent, shadows=lambda _: 16), "shadows are Shadows, found 16"),
    "unknown shadow data": (made(AttackComponent, shadows=lambda _: Shadows(2, "train")), "trained on 'train'"),
    "shadows on a release": (
        made(AttackComponent, surface="images", shadows=lambda _: Shadows(2)),
        "looks at images, so no shadow models",
    ),
    "shadows that fail": (
        made(AttackComponent, shadows=lambda options: options.count),
        "asked for its shadows, it fails with Attri",
    ),
    "a share of nothing": (made(AdapterComponent, share=lambda _: 0.0), "share is above 0 to 1, found 0.0"),
    "negative epochs": (made(ClassifierComponent, epochs=lambda _: -1), "epochs are a whole number from 0, found -1"),
    "a dict for options": (
        made(ClassifierComponent, untrained=lambda _: {"epochs": 0}),
        "one that learns nothing has NoOptions, found",
    ),
    "no size": (made(GeneratorComponent, image_size=lambda _: 0), "whole number from 1 or None, found 0"),
    "no quantities": (made(MetricComponent), "declares no quantities"),
    "a quantity twice": (made(MetricComponent, quantities=(QUANTITY, QUANTITY)), "declares a quantity twice"),
    "a quantity without words": (made(MetricComponent, quantities=(Quantity("x", "", "m"),)), "no heading or no mean"),
    "an unknown unit": (made(MetricComponent, quantities=(Quantity("x", "h", "m", unit="kg"),)), "unit 'kg'"),
    "an unknown direction": (made(MetricComponent, quantities=(Quantity("x", "h", "m", better="up"),)), "better 'up'"),
    "a board that is no flag": (
        made(MetricComponent, quantities=(Quantity("x", "h", "m", board="y"),)),
        "boards or not",
    ),
    "an empty range": (made(MetricComponent, quantities=(Quantity("x", "h", "m", low=1, high=0),)), "from 1 to 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_contract_keeps_its_plugin_aside_with_the_reason(case):
    bad, reason = BAD[case]
    family = "attack" if isinstance(bad, CaptionerComponent) else bad.family
    with pytest.raises(ContractError, match=re.escape(reason)):
        check_contract(bad, family)
    if family == bad.family:
        registry = build_registry(
            [plugin(made(AttackComponent, "sound"), bad), plugin(made(AttackComponent, "other"), name="yours")]
        )
        assert [broken.distribution for broken in registry.broken] == ["mine-dist 1"]
        assert reason in registry.broken[0].reason
        assert [entry.component.name for entry in registry.family("attack")] == ["other"]  # nothing of a broken plugin


def test_two_metrics_of_a_quantity_are_told_apart_by_their_distributions():
    one = made(MetricComponent, "one", quantities=(QUANTITY,))
    two = made(MetricComponent, "two", quantities=(QUANTITY,))
    registry = build_registry([plugin(one), plugin(two, name="yours")])
    assert registry.quantities() == (QUANTITY,)
    (broken,) = registry.broken
    assert "the metric 'two': the metric 'one' of mine-dist 1 measures 'thing' already" in broken.reason


def test_a_plugin_that_exits_is_kept_aside():
    def leave():
        raise SystemExit(3)

    point = types.SimpleNamespace(name="mine", value="mine", dist=None, load=leave)
    (broken,) = build_registry([point]).broken
    assert "SystemExit" in broken.reason


@pytest.mark.parametrize("room", ["engine", "stages", "judging", "leaderboard", "controls", "results", "show"])
def test_no_room_of_the_harness_reads_an_option_by_its_name(room):
    reading = re.compile(r"options\.get\(|\.options\[")
    for path in sorted((HARNESS / room).rglob("*.py")):
        assert not reading.search(path.read_text(encoding="utf-8")), path
