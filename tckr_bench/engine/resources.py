"""What a plan will take that can be counted beforehand: images, arithmetic, bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tckr_bench.engine.graph import Stage
from tckr_bench.plugin.components import WorkingComponent
from tckr_bench.plugin.registry import Registry
from tckr_bench.records import ComponentUse

# Floating-point operations per second that one device is assumed to sustain, to turn arithmetic into hours before
# anything has been timed: magnitudes, not measurements. What was timed takes their place.
THROUGHPUT = {"cuda": 2e14, "mps": 5e12, "cpu": 1e11}

LEARNING_ROLES = {
    "caption": ("captioner",),
    "adapt": ("adapter",),
    "generate": ("generator",),
    "train": ("classifier", "teacher"),
    "tune": ("classifier",),
}
# A teacher only looks at each image once, where a student also learns from it: a forward pass is a third of a step.
TEACHER_SHARE = 1 / 3


@dataclass(frozen=True)
class Resources:
    """A count over stages.

    Attributes:
        images: how many images are generated.
        operations: floating-point operations of the stages whose components state them.
        unstated: how many learning or generating stages state none, so are not in `operations`.
        size: bytes of the arrays that are kept; weights come on top.
    """

    images: int
    operations: float
    unstated: int
    size: float


def count_resources(stages: Iterable[Stage], registry: Registry) -> Resources:
    """Count what stages will take."""
    chosen = list(stages)
    learning = [stage for stage in chosen if stage.function in LEARNING_ROLES]
    operations = [stage_operations(stage, registry) for stage in learning]
    return Resources(
        images=round(sum(stage.work for stage in chosen if stage.function == "generate")),
        operations=sum(value for value in operations if value is not None),
        unstated=sum(value is None for value in operations),
        size=sum(stage.size for stage in chosen),
    )


def stage_operations(stage: Stage, registry: Registry) -> float | None:
    """Return the floating-point operations of a stage; None where its components do not state them."""
    total = 0.0
    for role in LEARNING_ROLES.get(stage.function, ()):
        use = stage.components.get(role)
        if use is None:
            continue
        per_unit = _operations_per_unit(use, registry)
        if per_unit is None:
            return None
        total += per_unit * (TEACHER_SHARE if role == "teacher" else 1.0)
    return total * stage.work if total else None


def seconds_by_arithmetic(stages: Iterable[Stage], registry: Registry, *, device: str) -> Mapping[str, float]:
    """Return, by key, the seconds the arithmetic of a stage takes on a device at its assumed throughput."""
    found = {stage.key: stage_operations(stage, registry) for stage in stages}
    pace = THROUGHPUT[device.split(":", maxsplit=1)[0]]
    return {key: operations / pace for key, operations in found.items() if operations is not None}


def _operations_per_unit(use: ComponentUse, registry: Registry) -> float | None:
    component = registry.get(use.family, use.name).component
    assert isinstance(component, WorkingComponent), "every learning role is played by one"
    return component.operations(component.parse_options(use.options))
