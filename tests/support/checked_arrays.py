"""Types of arrays checked where they are named: what a signature says of dtype and shape is so, in these tests."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from typing import Any

import beartype
import jaxtyping

ROOMS = ["tckr_bench.stats", "tckr_plugins.attacks", "tckr_plugins.metrics"]
INTEGERS_ARE_FLOATS = beartype.BeartypeConf(is_pep484_tower=True)
_known: set[str] = set()


def check_arrays() -> None:
    """Check every call of these rooms from now on; they must not have been imported before."""
    early = [name for name in sys.modules if any(name == room or name.startswith(f"{room}.") for room in ROOMS)]
    assert not early, f"imported before their calls could be checked: {early}"
    jaxtyping.install_import_hook(ROOMS, "checked_arrays.checked")


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that checks its arguments and what it returns against its annotations."""
    _import_what_annotations_name(function.__module__)
    return beartype.beartype(conf=INTEGERS_ARE_FLOATS)(function)


def _import_what_annotations_name(module: str) -> None:
    """Run a module's blocks `if TYPE_CHECKING`, so that its annotations can be looked up; users do without them."""
    if module in _known:
        return
    _known.add(module)
    found = sys.modules[module]
    blocks = [node for node in ast.parse(inspect.getsource(found)).body if isinstance(node, ast.If)]
    for block in blocks:
        if ast.unparse(block.test) == "TYPE_CHECKING":
            exec(compile(ast.Module(block.body, type_ignores=[]), str(found.__file__), "exec"), vars(found))
