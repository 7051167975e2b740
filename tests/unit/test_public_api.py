"""What `import tckr_bench` gives; `test_frame.py` holds that importing it loads nothing else."""

import ast
import inspect
import typing
from importlib import metadata
from pathlib import Path

import pytest

import tckr_bench
from tckr_bench.api.request import RunRequest
from tckr_bench.errors import MatrixError, OptionError

FUNCTIONS = ("audit_images", "compare", "load_leaderboard", "load_run", "plan", "run", "verdict")


def test_the_package_has_the_version_that_is_installed():
    assert tckr_bench.__version__ == metadata.version("tckr-bench")


def test_the_package_gives_these_functions_and_no_other_function_or_class():
    named = {name: value for name, value in vars(tckr_bench).items() if not name.startswith("_")}
    own = {name for name, value in named.items() if getattr(value, "__module__", "") == "tckr_bench"}
    assert own == set(FUNCTIONS)
    assert tuple(tckr_bench.__all__) == FUNCTIONS


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_says_its_types_and_what_it_raises(name):
    function = getattr(tckr_bench, name)
    parameters = inspect.signature(function).parameters.values()
    assert all(parameter.annotation is not inspect.Parameter.empty for parameter in parameters)
    assert "Raises:" in function.__doc__
    positional = [it for it in parameters if it.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert len(positional) <= 2


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_returns_frozen_data_with_a_frame(name):
    returned = _returned(name)
    assert typing.cast(typing.Any, returned).__dataclass_params__.frozen
    assert callable(returned.to_frame)


def _returned(name: str) -> type:
    """Return the class a function returns; its name is imported for type checkers alone."""
    source = ast.parse(Path(tckr_bench.__file__).read_text())
    places = {
        it.name: node.module for node in ast.walk(source) if isinstance(node, ast.ImportFrom) for it in node.names
    }
    said = getattr(tckr_bench, name).__annotations__["return"]
    return getattr(__import__(places[said], fromlist=[said]), said)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"device": "gpu"}, "there is no device 'gpu'; choose one of auto"),
        ({"jobs": 0}, "0 stages at a time"),
        ({"jobs": -1}, "-1 stages at a time"),
    ],
)
def test_a_mistake_in_python_is_one_sentence_as_in_a_shell(asked, words):
    with pytest.raises(OptionError, match=words):
        RunRequest("smoke", **asked)
    with pytest.raises(OptionError, match=words):
        tckr_bench.plan("smoke", **asked)


def test_a_single_setting_or_dataset_is_not_taken_for_its_letters(tmp_path, monkeypatch):
    monkeypatch.setenv("TCKR_BENCH_STORE", str(tmp_path))
    one = tckr_bench.plan("smoke", settings="seeds=[1]", datasets="digits")
    assert one.request == tckr_bench.plan("smoke", settings=["seeds=[1]"], datasets=["digits"]).request
    with pytest.raises(MatrixError, match="sedes"):
        tckr_bench.plan("smoke", settings="sedes=[1]")
