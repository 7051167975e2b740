"""Laws of plugin discovery: each hook registers its family, a broken plugin stands alone, names are unique."""

import types

import pytest

from tckr_bench.components import FAMILIES, Component, Options
from tckr_bench.errors import PluginError
from tckr_bench.hookspecs import HookSpecifications, hookimpl
from tckr_bench.plugins import build_registry


class Distribution:
    def __init__(self, name):
        self.name, self.version = name, "1"


class EntryPoint:
    """What `importlib.metadata` gives for an installed plugin."""

    def __init__(self, name, load):
        self.name, self.value, self.dist, self.load = name, f"{name}_module", Distribution(f"{name}-dist"), load


def component(name="thing"):
    return Component(name, "1", Options, lambda _options: object(), "a thing")


def plugin(name, family="attack", registered=None, hook=None):
    module = types.ModuleType(f"{name}_module")

    def register_hook(register):
        register(component() if registered is None else registered)

    hook_name = hook or f"register_{family}s"
    register_hook.__name__ = hook_name
    setattr(module, hook_name, hookimpl(register_hook))
    return EntryPoint(name, lambda: module)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_a_hook_that_registers(family):
    assert hasattr(HookSpecifications, f"register_{family}s")
    registry = build_registry([plugin("one", family)])
    assert registry.get(family, "thing").distribution == "one-dist 1"
    assert registry.family(family)
    assert registry.broken == []


def test_a_plugin_is_registered_once_however_many_there_are():
    registry = build_registry([plugin("one"), plugin("two", registered=component("other")), plugin("three", "metric")])
    assert len(registry.registrations) == 3


def test_duplicate_names_raise_and_name_both_distributions():
    with pytest.raises(PluginError, match="one-dist 1 and two-dist 1"):
        build_registry([plugin("one"), plugin("two")])


def test_the_same_name_in_two_families_is_no_duplicate():
    assert len(build_registry([plugin("one"), plugin("two", "metric")]).registrations) == 2


def broken_import():
    raise ModuleNotFoundError("No module named 'nothing'")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (EntryPoint("bad", broken_import), "No module named 'nothing'"),
        (plugin("bad", hook="register_atacks"), "register_atacks"),
        (plugin("bad", registered="not a component"), "not a Component"),
    ],
)
def test_a_broken_plugin_is_kept_aside_with_its_reason(bad, reason):
    registry = build_registry([bad, plugin("good")])
    (broken,) = registry.broken
    assert broken.name == "bad"
    assert broken.distribution == "bad-dist 1"
    assert reason in broken.reason
    assert registry.get("attack", "thing").distribution == "good-dist 1"


def test_an_unknown_name_names_the_nearest_and_what_is_broken():
    registry = build_registry([plugin("good"), EntryPoint("bad", broken_import)])
    with pytest.raises(PluginError, match=r"did you mean 'thing'.*'bad' could not be loaded"):
        registry.get("attack", "thingy")
