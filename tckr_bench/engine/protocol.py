"""What a pool and its workers say to each other: one JSON object per line, over pipes or whatever carries text."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tckr_bench.records import ComponentUse, Cost

if TYPE_CHECKING:
    from pydantic import TypeAdapter


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
class WorkerReport:
    """What a worker says of its order; all but `progress` end it.

    `found` means that another process finished the same stage first. `damaged` lists parents whose checksums do not
    match. A failure is a `user` error, with one sentence, or a `bug`, with a traceback. What is done has these of an
    attack or a metric that failed in it and cost its own measurements only.
    """

    event: Literal["progress", "done", "found", "failed", "damaged"]
    key: str
    fraction: float = 0.0
    cost: Cost | None = None
    failure: Literal["user", "bug"] = "bug"
    message: str = ""
    traceback: str = ""
    damaged: tuple[str, ...] = ()


@functools.cache
def order_adapter() -> TypeAdapter[Order]:
    """Return what turns orders into JSON and back; made once, when first asked for."""
    from pydantic import TypeAdapter

    return TypeAdapter(Order)


@functools.cache
def report_adapter() -> TypeAdapter[WorkerReport]:
    """Return what turns reports into JSON and back; made once, when first asked for."""
    from pydantic import TypeAdapter

    return TypeAdapter(WorkerReport)
