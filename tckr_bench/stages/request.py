"""What a stage is asked to do, and how the keys of its parents become the folders it reads.

A stage's `Inputs` names its parents by role, once: the builder fills it with keys, the worker with folders. A role
holds one parent, several (a tuple), or none where it has a default.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, get_origin, get_type_hints

from pydantic import TypeAdapter

from tckr_bench.plugin.protocols import Context
from tckr_bench.records import ComponentUse

InputsT = TypeVar("InputsT")
ParametersT = TypeVar("ParametersT")
PlaceT = TypeVar("PlaceT")
"""Where an artifact lies: its key for the builder, its folder for the stage."""

Parents = Mapping[str, tuple[PlaceT, ...]]
"""Parents by role, in order; a role without any is left out. This is what a key is made of and an order carries."""


@dataclass(frozen=True)
class StageRequest(Generic[InputsT, ParametersT]):
    """One stage, ready to run: its components by role, its parents' folders, its parameters and its seed."""

    kind: str
    components: Mapping[str, ComponentUse]
    inputs: InputsT
    parameters: ParametersT
    seed: int


StageFunction = Callable[[StageRequest[Any, Any], Path, Context], None]
"""Runs a stage: (request, empty folder to write the artifact to, where it runs)."""


class StageModule(Protocol):
    """A module of this room, as far as the engine knows it."""

    Inputs: type[Any]
    Parameters: type[Any]
    run: StageFunction


def parents_of(inputs: Any) -> Parents[Any]:  # noqa: ANN401 - any stage's own
    """Return the parents that a stage's `Inputs` names, by role."""
    found = {}
    kind: Any = type(inputs)
    for role in _roles(kind):
        held = getattr(inputs, role)
        places = held if isinstance(held, tuple) else () if held is None else (held,)
        if places:
            found[role] = places
    return found


def inputs_from(kind: type[InputsT], parents: Parents[Any]) -> InputsT:
    """Return the `Inputs` of a stage that `parents_of` took apart.

    Raises:
        TypeError: the stage has no such role, or a role that must be filled is empty.
        ValueError: a role of one parent has several.
    """
    found: dict[str, Any] = {}
    made: Any = kind
    for role, places in parents.items():
        if _roles(made).get(role, True):
            found[role] = places
        else:
            (found[role],) = places
    return kind(**found)


def stage_request(
    stage: StageModule,
    *,
    kind: str,
    components: Mapping[str, ComponentUse],
    parents: Parents[Path],
    parameters: Mapping[str, Any],
    seed: int,
) -> StageRequest[Any, Any]:
    """Return what a stage is asked to do, in the stage's own types; `parameters` are JSON."""
    parsed = TypeAdapter(stage.Parameters).validate_python(dict(parameters))
    return StageRequest(kind, components, inputs_from(stage.Inputs, parents), parsed, seed)


@functools.cache
def _roles(kind: Any) -> Mapping[str, bool]:  # noqa: ANN401 - mypy takes no class for hashable
    """Return the roles of an `Inputs` in order, and whether each may hold several parents."""
    hints = get_type_hints(kind)
    return {field.name: get_origin(hints[field.name]) is tuple for field in fields(kind)}
