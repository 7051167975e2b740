"""The stage graph: every cell's stages, with what cells share done once."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tckr_bench.records import Cell, ComponentUse, DatasetDescription
from tckr_bench.stages.prepare import validation_size

KINDS = (
    "prepare",
    "caption",
    "adapt",
    "generate",
    "tune",
    "train",
    "shadow",
    "shadow-caption",
    "shadow-adapt",
    "shadow-generate",
    "attack",
    "measure",
)
"""Kinds of stages; those of shadows do the same as the others, for an attack and not for a method."""

Parents = Mapping[str, tuple[str, ...]]


def function_of(kind: str) -> str:
    """Return what a kind of stage does: the name of its module.

    >>> function_of("shadow"), function_of("shadow-adapt"), function_of("adapt")
    ('train', 'adapt', 'adapt')
    """
    return "train" if kind == "shadow" else kind.removeprefix("shadow-")


@dataclass(frozen=True)
class Stage:
    """One cached step.

    `work` is its size in units of its kind (images; for training, images times epochs), `size` a forecast of the bytes
    of its arrays, and `label` is for people; none of the three is part of the key.
    """

    key: str
    kind: str
    components: Mapping[str, ComponentUse]
    parameters: Mapping[str, Any]
    seed: int
    parents: Parents
    label: str
    work: float
    size: float = 0.0

    @property
    def function(self) -> str:
        """Return what the stage does, whoever it is for."""
        return function_of(self.kind)

    @property
    def component(self) -> str:
        """Return the names of the stage's components, for people."""
        return " + ".join(use.name for use in self.components.values()) if self.kind != "measure" else "metrics"

    def parent_keys(self) -> list[str]:
        """Return the keys of every parent."""
        return [key for keys in self.parents.values() for key in keys]


@dataclass(frozen=True)
class Graph:
    """Unique stages, parents before children; and, for each cell's slug, the key of its last stage."""

    stages: Mapping[str, Stage]
    leaves: Mapping[str, str]
    cells: Mapping[str, Cell]
    naive: int

    def ancestry(self, key: str) -> list[Stage]:
        """Return the stage and everything it rests on, parents first."""
        wanted, waiting = {key}, [key]
        while waiting:
            found = set(self.stages[waiting.pop()].parent_keys()) - wanted
            wanted |= found
            waiting.extend(found)
        return [self.stages[key] for key in sorted(wanted, key=self._order.__getitem__)]

    @functools.cached_property
    def _order(self) -> Mapping[str, int]:
        return {key: position for position, key in enumerate(self.stages)}


def count_naive(stages: Mapping[str, Stage], leaves: Iterable[str]) -> int:
    """Return how many stages there would be if no cell shared any; `stages` are parents first.

    A set of ancestors is an integer, one bit a stage: to join two is one operation, not one for each member.
    """
    ancestry: dict[str, int] = {}
    for position, (key, stage) in enumerate(stages.items()):
        found = 1 << position
        for parent in stage.parent_keys():
            found |= ancestry[parent]
        ancestry[key] = found
    return sum(ancestry[key].bit_count() for key in leaves)


def split_sizes(
    description: DatasetDescription, validation_fraction: float, *, training_images: int | None = None
) -> dict[str, int]:
    """Return how many images train, validate and test once the validation split is made.

    `training_images` is how many of the training split are kept at most, before any validate.
    """
    train, test = description.counts["train"], description.counts["test"]
    train = train if training_images is None else min(train, training_images)
    if "validation" in description.counts:
        return {"train": train, "validation": description.counts["validation"], "test": test}
    validation = validation_size(train, validation_fraction, classes=len(description.class_names))
    return {"train": train - validation, "validation": validation, "test": test}
