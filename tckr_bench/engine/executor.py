"""Joins scheduler, pool and listeners: sends what is ready to free slots, and acts on what comes back."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path
from typing import assert_never

from tckr_bench.engine.estimate import Rates
from tckr_bench.engine.graph import Graph, Stage
from tckr_bench.engine.outcome import Failure, Listener, Outcome
from tckr_bench.engine.pools.api import Died, Pool, PoolEvent, Slot
from tckr_bench.engine.protocol import Order, WorkerReport
from tckr_bench.engine.scheduler import Scheduler
from tckr_bench.engine.store import Store


class Executor:
    """Runs the pending stages of a graph in the slots of a pool, longest remaining chain first."""

    def __init__(
        self, graph: Graph, store: Store, pool: Pool, *, logs: Path, rates: Rates, fail_fast: bool = False
    ) -> None:
        self.graph = graph
        self.store = store
        self.pool = pool
        self.logs = logs
        self.rates = rates
        self.fail_fast = fail_fast

    def run(self, pending: Collection[str], listener: Listener) -> Outcome:
        """Run stages until none can be run; a failure costs its own descendants only.

        With `fail_fast` it returns at the first failure, that of an attack or a metric in its stage among them, while
        other stages may still run: close the pool.
        """
        began = time.monotonic()
        scheduler = Scheduler(self.graph.stages, pending, seconds=self.rates.seconds, fail_fast=self.fail_fast)
        running: dict[Slot, Stage] = {}
        while not scheduler.stopped:
            self._fill(running, scheduler, listener)
            event = self.pool.wait()
            stage = running.get(event.slot)
            if stage is not None and self._take(event, stage, scheduler, listener):
                del running[event.slot]
        scheduler.outcome.wall_seconds = time.monotonic() - began
        return scheduler.outcome

    def _fill(self, running: dict[Slot, Stage], scheduler: Scheduler, listener: Listener) -> None:
        for slot in self.pool.slots:
            if slot not in running and (stage := scheduler.take()) is not None:
                running[slot] = stage
                listener.started(stage)
                self.pool.send(slot, self._order(stage, device=slot.device))

    def _order(self, stage: Stage, *, device: str) -> Order:
        return Order(
            store=str(self.store.root.absolute()),
            key=stage.key,
            kind=stage.kind,
            components=stage.components,
            parameters=stage.parameters,
            seed=stage.seed,
            parents=stage.parents,
            label=stage.label,
            component=stage.component,
            work=stage.work,
            device=device,
        )

    def _take(self, event: PoolEvent, stage: Stage, scheduler: Scheduler, listener: Listener) -> bool:
        """Act on an event of the slot that runs a stage; return whether the slot is free again."""
        if isinstance(event, Died):
            self._fail(Failure(stage, "died", event.last_words, event.log), scheduler, listener)
            return True
        report = event.report
        if report.key != stage.key:
            return False
        match report.event:
            case "progress":
                listener.progressed(stage, report.fraction)
                return False
            case "done" if self.fail_fast and report.message:
                self._fail(self._explain(stage, report), scheduler, listener)
            case "done" | "found":
                self._finish(stage, report, scheduler, listener)
            case "failed":
                self._fail(self._explain(stage, report), scheduler, listener)
            case "damaged":
                failure = scheduler.damaged(stage, report.damaged)
                if failure is not None:
                    listener.failed(failure)
            case never:
                assert_never(never)
        return True

    @staticmethod
    def _fail(failure: Failure, scheduler: Scheduler, listener: Listener) -> None:
        scheduler.failed(failure)
        listener.failed(failure)

    def _finish(self, stage: Stage, report: WorkerReport, scheduler: Scheduler, listener: Listener) -> None:
        if report.cost is not None:
            self.rates.learn(stage, report.cost.wall_seconds)
            self.rates.write()
        scheduler.finished(stage, report.cost)
        listener.finished(stage, report.cost)

    def _explain(self, stage: Stage, report: WorkerReport) -> Failure:
        if report.failure == "user":
            return Failure(stage, "user", report.message)
        log = self.logs / f"{stage.kind}-{stage.key[:12]}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(report.traceback, encoding="utf-8")
        return Failure(stage, "bug", report.message, log)
