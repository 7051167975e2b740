"""The local executor: runs independent stages side by side in worker processes."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, Protocol

from tckr_bench.engine.estimate import Rates
from tckr_bench.engine.graph import Graph, Stage
from tckr_bench.engine.protocol import EVENT, ORDER, Event, Order
from tckr_bench.engine.store import Store
from tckr_bench.records import Cost

MOST_REPAIRS = 3
# One thread per stage (see worker.py); and keep freed tensors in the process: giving their pages back to the system
# and faulting them in again costs a small network a good part of its time.
WORKER_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**31),
    "PYTHONUNBUFFERED": "1",
}


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


class _Worker:
    """A worker process and the thread that reads its reports."""

    def __init__(self, index: int, *, device: str, logs: Path, events: queue.Queue[tuple[int, Event | None]]) -> None:
        self.index = index
        self.stage: Stage | None = None
        self.device = device
        self._events = events
        self.log = logs / f"worker-{index}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tckr_bench.engine.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **WORKER_ENVIRONMENT},
                start_new_session=True,  # Ctrl-C reaches the executor alone, which then ends its workers
            )
        assert self.process.stdout is not None, "stdout is a pipe"
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()

    def _read(self, reports: IO[bytes]) -> None:
        for line in reports:
            self._events.put((self.index, EVENT.validate_json(line)))
        self._events.put((self.index, None))

    def send(self, stage: Stage, order: Order) -> None:
        self.stage = stage
        assert self.process.stdin is not None, "stdin is a pipe"
        self.process.stdin.write(ORDER.dump_json(order) + b"\n")
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class Executor:
    """Runs the pending stages of a graph on `jobs` workers, longest remaining chain first.

    Workers are dealt to the `devices` in turn, so that several GPUs share a run.
    """

    def __init__(
        self,
        graph: Graph,
        store: Store,
        *,
        jobs: int,
        devices: Sequence[str],
        logs: Path,
        rates: Rates,
        fail_fast: bool = False,
    ) -> None:
        self.graph = graph
        self.store = store
        self.jobs = jobs
        self.devices = tuple(devices)
        self.logs = logs
        self.rates = rates
        self.fail_fast = fail_fast
        self._events: queue.Queue[tuple[int, Event | None]] = queue.Queue()
        self._repairs: dict[str, int] = {}

    def run(self, pending: Collection[str], listener: Listener) -> Outcome:
        """Run stages until none can be run; a failure costs its own descendants only."""
        self.logs.mkdir(parents=True, exist_ok=True)
        outcome, began = Outcome(), time.monotonic()
        waiting = set(pending)
        priority = self._priorities()
        workers = [self._start(index) for index in range(min(self.jobs, len(waiting)))]
        try:
            while True:
                self._assign(workers, waiting, priority, listener)
                if not any(worker.stage for worker in workers):
                    return outcome
                index, event = self._events.get()
                self._take(workers, index, event, waiting=waiting, outcome=outcome, listener=listener)
                if outcome.failures and self.fail_fast:
                    return outcome
        finally:
            outcome.wall_seconds = time.monotonic() - began
            for worker in workers:
                worker.end()

    def _start(self, index: int) -> _Worker:
        device = self.devices[index % len(self.devices)]
        return _Worker(index, device=device, logs=self.logs, events=self._events)

    def _priorities(self) -> dict[str, float]:
        """Return, for each stage, the forecast seconds of the longest chain it begins."""
        longest: dict[str, float] = {}
        for stage in reversed(list(self.graph.stages.values())):
            own = longest.get(stage.key, 0.0) + self.rates.seconds(stage)
            longest[stage.key] = own
            for parent in stage.parent_keys():
                longest[parent] = max(longest.get(parent, 0.0), own)
        return longest

    def _assign(
        self, workers: list[_Worker], waiting: set[str], priority: Mapping[str, float], listener: Listener
    ) -> None:
        running = {worker.stage.key for worker in workers if worker.stage}
        for worker in workers:
            if worker.stage:
                continue
            blocked = waiting | running
            ready = [key for key in waiting if not blocked.intersection(self.graph.stages[key].parent_keys())]
            if not ready:
                return
            key = max(ready, key=lambda key: (priority[key], key))
            waiting.remove(key)
            running.add(key)
            stage = self.graph.stages[key]
            listener.started(stage)
            worker.send(stage, self._order(stage, device=worker.device))

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

    def _take(
        self,
        workers: list[_Worker],
        index: int,
        event: Event | None,
        *,
        waiting: set[str],
        outcome: Outcome,
        listener: Listener,
    ) -> None:
        worker = workers[index]
        stage = worker.stage
        if event is None:
            self._replace(workers, worker)
            if stage is not None:
                self._fail(Failure(stage, "died", self._last_words(worker), worker.log), waiting, outcome, listener)
            return
        if stage is None or event.key != stage.key:
            return
        if event.event == "progress":
            listener.progressed(stage, event.fraction)
            return
        worker.stage = None
        if event.event == "failed":
            self._fail(self._explain(stage, event), waiting, outcome, listener)
        elif event.event == "damaged":
            self._repair(stage, event, waiting=waiting, outcome=outcome, listener=listener)
        else:
            self._finish(stage, event, outcome, listener)

    def _finish(self, stage: Stage, event: Event, outcome: Outcome, listener: Listener) -> None:
        if event.cost is None:
            outcome.found.add(stage.key)
        else:
            outcome.ran[stage.key] = event.cost
            self.rates.learn(stage, event.cost.wall_seconds)
            self.rates.write()
        listener.finished(stage, event.cost)

    def _explain(self, stage: Stage, event: Event) -> Failure:
        if event.failure == "user":
            return Failure(stage, "user", event.message)
        log = self.logs / f"{stage.kind}-{stage.key[:12]}.log"
        log.write_text(event.traceback, encoding="utf-8")
        return Failure(stage, "bug", event.message, log)

    def _repair(self, stage: Stage, event: Event, *, waiting: set[str], outcome: Outcome, listener: Listener) -> None:
        """Put a stage back, with the damaged parents it must not use before it."""
        self._repairs[stage.key] = self._repairs.get(stage.key, 0) + 1
        if self._repairs[stage.key] > MOST_REPAIRS:
            message = "artifacts it needs are damaged again and again; check the disk of the store"
            self._fail(Failure(stage, "user", message), waiting, outcome, listener)
            return
        waiting.update({stage.key, *event.damaged})

    def _fail(self, failure: Failure, waiting: set[str], outcome: Outcome, listener: Listener) -> None:
        outcome.failures[failure.stage.key] = failure
        listener.failed(failure)
        lost = {failure.stage.key}
        for stage in self.graph.stages.values():
            if stage.key in waiting and lost.intersection(stage.parent_keys()):
                lost.add(stage.key)
                waiting.remove(stage.key)
                reason = f"needs the {failure.stage.kind} stage '{failure.stage.label}', which failed"
                outcome.failures[stage.key] = Failure(stage, "parent", reason, failure.log)

    def _replace(self, workers: list[_Worker], worker: _Worker) -> None:
        worker.end()
        workers[worker.index] = self._start(worker.index)

    @staticmethod
    def _last_words(worker: _Worker) -> str:
        code = worker.process.returncode
        reason = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        hint = " (out of memory? try fewer --jobs)" if code == -9 else ""
        return f"its process {reason}{hint}"
