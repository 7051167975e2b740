"""What a plan will take that can be counted beforehand: images, arithmetic, bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tckr_bench.engine.graph import Stage
from tckr_bench.engine.remembering import once_per_use
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


def stage_operations(stages: Iterable[Stage], registry: Registry) -> dict[str, float | None]:
    """Return, by key, the floating-point operations of the stages that learn or generate.

    None where a stage's components do not state them.
    """

    @once_per_use
    def per_unit(use: ComponentUse) -> float | None:
        component = registry.get(use.family, use.name).component
        assert isinstance(component, WorkingComponent), "every learning role is played by one"
        return component.operations(component.parse_options(use.options))

    return {stage.key: _operations_of(stage, per_unit) for stage in stages if stage.function in LEARNING_ROLES}


def count_resources(stages: Iterable[Stage], operations: Mapping[str, float | None]) -> Resources:
    """Count what stages will take, by the operations of each."""
    chosen = list(stages)
    stated = [operations[stage.key] for stage in chosen if stage.key in operations]
    return Resources(
        images=round(sum(stage.work for stage in chosen if stage.function == "generate")),
        operations=sum(value for value in stated if value is not None),
        unstated=sum(value is None for value in stated),
        size=sum(stage.size for stage in chosen),
    )


def seconds_by_arithmetic(operations: Mapping[str, float | None], *, device: str) -> Mapping[str, float]:
    """Return, by key, the seconds the arithmetic of a stage takes on a device at its assumed throughput."""
    pace = THROUGHPUT[device.split(":", maxsplit=1)[0]]
    return {key: count / pace for key, count in operations.items() if count is not None}


def _operations_of(stage: Stage, per_unit: Callable[[ComponentUse], float | None]) -> float | None:
    total = 0.0
    for role in LEARNING_ROLES[stage.function]:
        use = stage.components.get(role)
        if use is None:
            continue
        operations = per_unit(use)
        if operations is None:
            return None
        total += operations * (TEACHER_SHARE if role == "teacher" else 1.0)
    return total * stage.work if total else None
