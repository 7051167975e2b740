"""What an entry cost, by kind of stage: making the classifier apart from judging it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging.rows import EVALUATION_STAGES
from tckr_bench.text import duration, plain, size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tckr_bench.records import StepCost
    from tckr_bench.results.records import ResultRecord, SeedResult

BAR_WIDTH = 100
_WORDS = {
    "prepare": "prepare the images",
    "caption": "caption",
    "adapt": "adapt the generator",
    "generate": "generate",
    "tune": "tune",
    "train": "train the classifier",
    "shadow-caption": "shadow: caption",
    "shadow-adapt": "shadow: adapt",
    "shadow-generate": "shadow: generate",
    "shadow": "shadow: train",
    "attack": "attack",
    "measure": "measure",
}
"""Kinds of stages in the order in which they run, and what they are called."""


@dataclass(frozen=True)
class CostLine:
    """A kind of stage: `bar` is its share of the longest kind in units of `BAR_WIDTH`; stages are per seed."""

    kind: str
    components: str
    bar: str
    cpu: str
    wall: str
    stages: str
    memory: str


@dataclass(frozen=True)
class CostGroup:
    """The stages that make the classifier, or those that judge it, with their sum of CPU time."""

    title: str
    judging: bool
    total: str
    lines: tuple[CostLine, ...]


@dataclass(frozen=True)
class Costs:
    """What a record cost per seed."""

    groups: tuple[CostGroup, ...]
    devices: str
    images: str


@dataclass(frozen=True)
class _Kind:
    """Sums over one kind of stage; seconds and stages are means over seeds, memory is the largest."""

    name: str
    components: tuple[str, ...]
    cpu_seconds: float
    wall_seconds: float
    stages: float
    peak_memory_bytes: int


def kind_words(kind: str) -> str:
    """Return what a kind of stage is called; one of a plugin by its own name.

    >>> kind_words("tune"), kind_words("shadow-adapt")
    ('tune', 'shadow: adapt')
    """
    return _WORDS.get(kind, plain(kind))


def judges(kind: str) -> bool:
    """Return whether a kind of stage judges a method: shadow models of any sort, attacks and metrics.

    >>> judges("shadow-adapt"), judges("adapt")
    (True, False)
    """
    return kind in EVALUATION_STAGES


def costs_of(record: ResultRecord) -> Costs | None:
    """Return what a record cost, over its finished seeds, or over all where none finished; None where none says."""
    finished = [seed for seed in record.seeds if seed.status == "ok"] or list(record.seeds)
    names = sorted({step.kind for seed in finished for step in seed.cost}, key=_place)
    if not names:
        return None
    kinds = [_kind(name, finished) for name in names]
    longest = max(kind.cpu_seconds for kind in kinds)
    parts = [("Making the classifier", False), ("Judging it", True)]
    groups = [_group(title, kinds, judging=side, longest=longest) for title, side in parts]
    devices = dict.fromkeys(plain(step.device) for seed in finished for step in seed.cost if step.device)
    images = f"{record.images_generated:,}" if record.images_generated else "none"
    return Costs(tuple(group for group in groups if group.lines), ", ".join(devices), images)


def _place(kind: str) -> tuple[int, str]:
    order = list(_WORDS)
    return (order.index(kind) if kind in order else len(order), kind)


def _kind(name: str, seeds: Sequence[SeedResult]) -> _Kind:
    steps = [[step for step in seed.cost if step.kind == name] for seed in seeds]
    every = [step for own in steps for step in own]
    return _Kind(
        name=name,
        components=tuple(dict.fromkeys(plain(step.component) for step in every)),
        cpu_seconds=_mean(steps, "cpu_seconds"),
        wall_seconds=_mean(steps, "wall_seconds"),
        stages=_mean(steps, "stages"),
        peak_memory_bytes=max(step.peak_memory_bytes for step in every),
    )


def _mean(steps: Sequence[Sequence[StepCost]], name: str) -> float:
    return statistics.fmean(sum(getattr(step, name) for step in own) for own in steps)


def _group(title: str, kinds: Sequence[_Kind], *, judging: bool, longest: float) -> CostGroup:
    own = [kind for kind in kinds if judges(kind.name) == judging]
    total = sum(kind.cpu_seconds for kind in own)
    return CostGroup(title, judging, duration(total), tuple(_line(kind, longest) for kind in own))


def _line(kind: _Kind, longest: float) -> CostLine:
    share = kind.cpu_seconds / longest if longest > 0 else 0.0
    return CostLine(
        kind=kind_words(kind.name),
        components=_listed(kind.components),
        bar=f"{BAR_WIDTH * share:.1f}",
        cpu=duration(kind.cpu_seconds),
        wall=duration(kind.wall_seconds),
        stages=f"{kind.stages:g}" if kind.stages == round(kind.stages) else f"{kind.stages:.1f}",
        memory=size(kind.peak_memory_bytes),
    )


def _listed(components: Iterable[str]) -> str:
    known = [name for name in components if name]
    return ", ".join(known[:4]) + (f" and {len(known) - 4} more" if len(known) > 4 else "")
