"""What the executor asks of whatever runs stages: slots that take one order at a time, and events about them.

The scheduler decides, the executor carries orders out and news back, and a pool only runs. So another engine - workers
on a cluster, say - is one more implementation of `Pool`; nothing else changes. Such a pool has to keep these promises:

- Every worker sees the same store, under the path in the order, and one stage uses one torch thread (see `worker`).
- Reports come as `Reported`, in the order in which a worker made them; the last one of an order says how it ended.
- A worker that dies, whatever it died of, is one `Died`, after the last of its reports. Its slot is ready again by
  then: the pool has put another worker in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tckr_bench.engine.protocol import Order, WorkerReport


@dataclass(frozen=True)
class Slot:
    """A place where one stage runs at a time, and what it has to run on: a torch device string."""

    index: int
    device: str


@dataclass(frozen=True)
class Reported:
    """The worker of a slot said something about its order."""

    slot: Slot
    report: WorkerReport


@dataclass(frozen=True)
class Died:
    """The worker of a slot ended without being told to.

    Attributes:
        slot: whose worker it was; an order it had is lost with it.
        last_words: what is known of its end, a clause that goes on from the name of its stage.
        log: what it and its libraries printed.
    """

    slot: Slot
    last_words: str
    log: Path | None = None


PoolEvent = Reported | Died


class Pool(Protocol):
    """Runs orders in slots."""

    @property
    def slots(self) -> Sequence[Slot]:
        """The slots, the same from the first order to the last."""

    def send(self, slot: Slot, order: Order) -> None:
        """Give an order to a slot that has none; returns at once, and what comes of it is an event."""

    def wait(self) -> PoolEvent:
        """Return the next event, waiting for it; call it only while a slot has an order."""

    def close(self) -> None:
        """End every worker at once, in the middle of a stage too; harmless when repeated."""
