"""The key of a stage: one formula, for those who plan a stage and for those who prove what it made."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

from tckr_bench.engine.fingerprint import fingerprint
from tckr_bench.engine.training import identity_of
from tckr_bench.records import ComponentUse
from tckr_bench.stages.request import Parents

LAYOUTS = {"prepare": 2, "measure": 2}
"""Layouts of what stages write, where not their first; raise one when it changes, and no old artifact is found."""


def key_of(
    stage: str, *, components: Mapping[str, ComponentUse], parameters: object, seed: int, parents: Parents[str]
) -> str:
    """Return the key of what a stage makes: a hash of all it rests on, and of nothing else.

    Args:
        stage: name of the function that runs it.
        components: by role.
        parameters: a frozen dataclass, or None.
        seed: of the stage.
        parents: keys by role, in order.
    """
    return fingerprint(
        {
            "stage": f"{stage} {LAYOUTS[stage]}" if stage in LAYOUTS else stage,
            "components": _joined(tuple((role, identity_of(use)) for role, use in components.items())),
            "parameters": described(parameters)[1],
            "seed": seed,
            "parents": parents,
        }
    )


@functools.lru_cache(maxsize=65_536)
def described(parameters: Any) -> tuple[Mapping[str, Any], str]:  # noqa: ANN401 - any frozen dataclass of parameters
    """Return the fields of a stage's parameters and their hash; one chunk or shadow index serves many cells."""
    values = _fields(parameters) if parameters is not None else {}
    return values, fingerprint(values)


def _fields(parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - any dataclass
    """Return what `asdict` does, without the copies it makes of everything."""
    return {name: _fields(value) if is_dataclass(value) else value for name, value in vars(parameters).items()}


@functools.lru_cache(maxsize=1024)
def _joined(identities: tuple[tuple[str, str], ...]) -> str:
    """Return the hash of a stage's components, by role; there are few combinations."""
    return fingerprint(dict(identities))
