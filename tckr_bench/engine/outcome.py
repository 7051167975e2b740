"""What comes of an execution, and who hears of it as it goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from tckr_bench.engine.graph import Stage
from tckr_bench.records import Cost


@dataclass(frozen=True)
class Failure:
    """Why a stage failed: `user` (one sentence), `bug` (of a component), `died` (its process), or `parent`."""

    stage: Stage
    kind: Literal["user", "bug", "died", "parent"]
    message: str
    log: Path | None = None


@dataclass
class Outcome:
    """What an execution did.

    Costs of the stages that ran, stages another process made, failures by key, and the seconds it took.
    """

    ran: dict[str, Cost] = field(default_factory=dict)
    found: set[str] = field(default_factory=set)
    failures: dict[str, Failure] = field(default_factory=dict)
    wall_seconds: float = 0.0


class Listener(Protocol):
    """Hears of an execution as it goes on."""

    def started(self, stage: Stage) -> None:
        """A worker took the stage up."""

    def progressed(self, stage: Stage, fraction: float) -> None:
        """The stage is done to this fraction, 0 to 1."""

    def finished(self, stage: Stage, cost: Cost | None) -> None:
        """The stage is in the store; no cost if another process made it."""

    def failed(self, failure: Failure) -> None:
        """The stage failed; its cells have no measurements."""


class Listeners:
    """Several listeners, told in order."""

    def __init__(self, *listeners: Listener) -> None:
        self.listeners = listeners

    def started(self, stage: Stage) -> None:
        """Tell everyone that a worker took the stage up."""
        for listener in self.listeners:
            listener.started(stage)

    def progressed(self, stage: Stage, fraction: float) -> None:
        """Tell everyone how far the stage is."""
        for listener in self.listeners:
            listener.progressed(stage, fraction)

    def finished(self, stage: Stage, cost: Cost | None) -> None:
        """Tell everyone that the stage is in the store."""
        for listener in self.listeners:
            listener.finished(stage, cost)

    def failed(self, failure: Failure) -> None:
        """Tell everyone that the stage failed."""
        for listener in self.listeners:
            listener.failed(failure)
