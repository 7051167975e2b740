"""What the executor and its workers say to each other: one JSON object per line, over pipes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

from tckr_bench.records import ComponentUse, Cost


@dataclass(frozen=True)
class Order:
    """A stage to run: its key, what it is, where its parents lie, and the store to write to."""

    store: str
    key: str
    kind: str
    components: Mapping[str, ComponentUse]
    parameters: Mapping[str, Any]
    seed: int
    parents: Mapping[str, tuple[str, ...]]
    label: str
    component: str
    work: float
    device: str


@dataclass(frozen=True)
class Event:
    """What a worker reports.

    `found` means that another process finished the same stage first. `damaged` lists parents whose checksums do not
    match. A failure is a `user` error, with one sentence, or a `bug`, with a traceback.
    """

    event: Literal["progress", "done", "found", "failed", "damaged"]
    key: str
    fraction: float = 0.0
    cost: Cost | None = None
    failure: Literal["user", "bug", "died"] = "bug"
    message: str = ""
    traceback: str = ""
    damaged: tuple[str, ...] = ()


ORDER = TypeAdapter(Order)
EVENT = TypeAdapter(Event)
