"""Laws of plugin discovery: each hook registers its family, a broken plugin stands alone, names are unique."""

import types

import pytest
from pydantic import Field

from tckr_bench.errors import OptionError, PluginError
from tckr_bench.plugin.components import COMPONENTS, FAMILIES, DatasetComponent
from tckr_bench.plugin.hookspecs import HookSpecifications, hookimpl
from tckr_bench.plugin.options import NoOptions, Options
from tckr_bench.plugin.registry import build_registry, slug
from tckr_bench.records import Quantity


class Distribution:
    def __init__(self, name):
        self.name, self.version = name, "1"


class EntryPoint:
    """What `importlib.metadata` gives for an installed plugin."""

    def __init__(self, name, load):
        self.name, self.value, self.dist, self.load = name, f"{name}_module", Distribution(f"{name}-dist"), load


def component(name="thing", family="attack", **declared):
    if family == "metric":
        declared.setdefault("quantities", (Quantity(name, "a heading", "a meaning"),))
    return COMPONENTS[family](name, "1", NoOptions, lambda _options: object(), "a thing", **declared)


def plugin(name, family="attack", registered=None, hook=None):
    module = types.ModuleType(f"{name}_module")

    def register_hook(register):
        register(component(family=family) if registered is None else registered)

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
        (plugin("bad", registered="not a component"), "was given a str, not an AttackComponent"),
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


class FolderOptions(Options):
    path: str = Field(default="data", description="where it lies")
    fraction: float = Field(default=0.5, description="how much of it")


def with_arguments():
    folder = DatasetComponent("folder", "1", FolderOptions, lambda _options: object(), "a folder", argument="path")
    return build_registry([plugin("one", "dataset", registered=folder), plugin("two", "dataset")])


def test_a_name_with_an_argument_sets_the_option_it_stands_for():
    use = with_arguments().parse_use("folder:/some/where/my photos")
    assert (use.family, use.name, use.label) == ("dataset", "folder", "folder-my-photos")
    assert use.options == {"path": "/some/where/my photos", "fraction": 0.5}


def test_only_the_first_colon_separates():
    assert with_arguments().parse_use("folder:a:b").options["path"] == "a:b"


def test_a_name_alone_keeps_the_defaults_and_is_its_own_label():
    use = with_arguments().parse_use("folder")
    assert (use.label, use.options["path"]) == ("folder", "data")


def test_further_options_are_kept_beside_the_argument():
    use = with_arguments().parse_use("folder:here", options={"fraction": 0.25, "path": "there"})
    assert use.options == {"path": "here", "fraction": 0.25}


@pytest.mark.parametrize(
    ("text", "error", "sentence"),
    [
        ("foldr:here", PluginError, "did you mean 'folder'"),
        ("foldr", PluginError, "did you mean 'folder'"),
        (
            "thing:here",
            OptionError,
            r"'thing' takes nothing after a colon; write 'thing'; what takes one: folder:\.\.\.",
        ),
        ("folder:", OptionError, "nothing follows the colon; write folder:PATH"),
        ("folder: ", OptionError, "nothing follows the colon"),
    ],
)
def test_a_use_that_cannot_be_read_is_one_sentence(text, error, sentence):
    with pytest.raises(error, match=sentence):
        with_arguments().parse_use(text)


@pytest.mark.parametrize(
    ("argument", "word"),
    [
        ("photos", "photos"),
        ("photos/", "photos"),
        ("/a/b.parquet", "b.parquet"),
        ("somebody/set-1", "set-1"),
        ("Caf\u00e9 / m\u00e4rz (2)", "marz-2"),
        (".hidden", "hidden"),
    ],
)
def test_a_slug_is_letters_digits_dots_and_dashes(argument, word):
    assert slug(argument) == word


def test_a_slug_is_never_empty_and_tells_names_apart(tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    assert slug(".") == "inner"
    assert slug("\u7167\u7247") != slug("\u5199\u771f") != ""


def test_a_group_keeps_the_order_of_registration():
    def member(name, *groups):
        return component(name, "dataset", groups=groups)

    points = [
        plugin("a", "dataset", registered=member("zebra", "ten")),
        plugin("b", "dataset", registered=member("ant", "ten", "two")),
        plugin("c", "dataset", registered=member("cow")),
        plugin("d", "metric", registered=component("bee", "metric", groups=("ten",))),
    ]
    registry = build_registry(points)
    assert [entry.component.name for entry in registry.group("ten", "dataset")] == ["zebra", "ant"]
    assert registry.group("nobody", "dataset") == []
