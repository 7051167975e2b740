"""Documentation that is executed: examples in docstrings, commands in the README, links between pages."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest
import tckr_plugins

import tckr_bench

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in ROOT.rglob("*.md") if not {".venv", "node_modules", "runs"} & set(path.parts))


def modules():
    for package in (tckr_bench, tckr_plugins):
        for module in pkgutil.walk_packages(package.__path__, prefix=f"{package.__name__}."):
            yield module.name


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", sorted(modules()))
def test_examples_in_docstrings_are_true(name):
    failed, _tried = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0


def test_there_are_examples_to_run():
    finder = doctest.DocTestFinder()
    cases = [case for name in modules() for case in finder.find(importlib.import_module(name))]
    assert sum(len(case.examples) for case in cases) > 20


def commands():
    for page in PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            command = re.match(r" {4,}(?:\w+=\S+ )*(tckr-bench [^#|`]*)", line)
            if command and "PATH" not in line:
                yield pytest.param(command.group(1).split(), id=f"{page.relative_to(ROOT)}: {command.group(1).strip()}")


@pytest.mark.parametrize("words", list(commands()))
def test_commands_in_the_documentation_exist_with_their_options(words):
    from tckr_bench.cli import cli

    command = cli
    rest = words[1:]
    while rest and hasattr(command, "commands"):
        assert rest[0] in command.commands, f"{' '.join(words)}: no command {rest[0]}"
        command, rest = command.commands[rest[0]], rest[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    for word in rest:
        if word.startswith("-"):
            assert word.split("=")[0] in known, f"{' '.join(words)}: no option {word}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_changelog_names_the_version():
    assert f"## {tckr_bench.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_matrix_in_the_readme_is_a_matrix(tmp_path):
    from tckr_bench.engine.matrix import load_matrix
    from tckr_bench.plugin.registry import default_registry

    (text,) = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    (tmp_path / "mine.toml").write_text(text)
    assert load_matrix(str(tmp_path / "mine.toml"), default_registry()).file.name == "mine"
