"""What a stage is asked to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from tckr_bench.plugin.protocols import Context
from tckr_bench.records import ComponentUse

ParametersT = TypeVar("ParametersT")


@dataclass(frozen=True)
class StageRequest:
    """One stage, ready to run: its components and parents by role, parameters as JSON, and its seed.

    `inputs` maps a role to the folders of the parents' artifacts, in order.
    """

    kind: str
    components: Mapping[str, ComponentUse]
    parameters: Mapping[str, Any]
    seed: int
    inputs: Mapping[str, tuple[Path, ...]]

    def parse(self, parameters: type[ParametersT]) -> ParametersT:
        """Return the parameters as the stage's own dataclass."""
        return TypeAdapter(parameters).validate_python(dict(self.parameters))

    def input(self, role: str) -> Path:
        """Return the folder of the only parent in a role."""
        (folder,) = self.inputs[role]
        return folder


StageFunction = Callable[[StageRequest, Path, Context], None]
"""Runs a stage: (request, empty folder to write the artifact to, where it runs)."""
