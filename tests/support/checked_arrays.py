"""Types of arrays checked where they are named: what a signature says of dtype and shape is so, in these tests."""

from __future__ import annotations

import ast
import functools
import inspect
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import FunctionType, ModuleType

import beartype
import jaxtyping

ROOMS = ("tckr_bench.stats", "tckr_plugins.attacks", "tckr_plugins.metrics")
FIRST, THEN_EVERY = 50, 100
"""Which calls of a function are checked: a check takes 0.1 ms and more, and simulations call some a million times."""
INTEGERS_ARE_FLOATS = beartype.BeartypeConf(is_pep484_tower=True)


def check_arrays() -> None:
    """Check calls of these rooms from now on; they must not have been imported before."""
    early = [name for name in sys.modules if _is_checked(name)]
    assert not early, f"imported before their calls could be checked: {early}"
    sys.meta_path.insert(0, _Finder())


def checked(function: FunctionType) -> FunctionType:
    """Return a function that checks its arguments and what it returns against its annotations, in some of its calls."""
    checking = functools.cache(lambda: jaxtyping.jaxtyped(function, typechecker=_typechecker))
    first, then_every, calls = FIRST, THEN_EVERY, 0

    def call(*arguments, **named):
        nonlocal calls
        calls += 1
        asked = checking() if calls <= first or calls % then_every == 0 else function
        return asked(*arguments, **named)

    # With the globals of its module, or doctest would take it for a function of another one and pass over its examples.
    made = FunctionType(call.__code__, function.__globals__, function.__name__, closure=call.__closure__)
    return functools.update_wrapper(made, function)


def _typechecker(function):
    return beartype.beartype(conf=INTEGERS_ARE_FLOATS)(function)


def _is_checked(name: str) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in ROOMS)


class _Finder(MetaPathFinder):
    def find_spec(self, name, path, target=None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if _is_checked(name) else None
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        _import_what_annotations_name(module)
        classes = [it for it in vars(module).values() if isinstance(it, type) and it.__module__ == module.__name__]
        for owner in (module, *classes):
            for name, found in list(vars(owner).items()):
                own = isinstance(found, FunctionType) and found.__module__ == module.__name__
                if own and getattr(found, "__annotations__", None):
                    setattr(owner, name, checked(found))


def _import_what_annotations_name(module: ModuleType) -> None:
    """Run a module's blocks `if TYPE_CHECKING`, so that annotations can be looked up; users do without them."""
    for block in ast.parse(inspect.getsource(module)).body:
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            code = compile(ast.Module(block.body, type_ignores=[]), str(module.__file__), "exec")
            exec(code, vars(module))
