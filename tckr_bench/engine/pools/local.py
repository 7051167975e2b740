"""The pool of this machine: worker processes that are told orders, and report, over pipes."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from tckr_bench.engine.pools.api import Died, PoolEvent, Reported, Slot
from tckr_bench.engine.protocol import Order, WorkerReport, order_adapter, report_adapter

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


class LocalPool:
    """`jobs` worker processes, dealt to the `devices` in turn, so that several GPUs share a run."""

    def __init__(self, jobs: int, *, devices: Sequence[str], logs: Path) -> None:
        """Start the workers; what they print goes to the folder `logs`."""
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._news: queue.Queue[tuple[Slot, WorkerReport | None]] = queue.Queue()
        self._slots = tuple(Slot(index, devices[index % len(devices)]) for index in range(jobs))
        self._workers = {slot: self._start(slot) for slot in self._slots}

    @property
    def slots(self) -> Sequence[Slot]:
        """One for each job."""
        return self._slots

    def send(self, slot: Slot, order: Order) -> None:
        """Write the order to the slot's worker."""
        self._workers[slot].send(order)

    def wait(self) -> PoolEvent:
        """Return the next event; a worker that died has been replaced by then."""
        slot, report = self._news.get()
        if report is not None:
            return Reported(slot, report)
        worker = self._workers[slot]
        worker.end()
        self._workers[slot] = self._start(slot)
        return Died(slot, worker.last_words(), worker.log)

    def close(self) -> None:
        """Kill every worker."""
        for worker in self._workers.values():
            worker.end()

    def _start(self, slot: Slot) -> _Worker:
        return _Worker(slot, log=self._logs / f"worker-{slot.index}.log", news=self._news)


class _Worker:
    """A worker process and the thread that reads its reports."""

    def __init__(self, slot: Slot, *, log: Path, news: queue.Queue[tuple[Slot, WorkerReport | None]]) -> None:
        self.slot = slot
        self.log = log
        self._news = news
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tckr_bench.engine.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                env={**os.environ, **WORKER_ENVIRONMENT},
                start_new_session=True,  # Ctrl-C reaches the executor alone, which then ends its workers
            )
        assert self.process.stdout is not None, "stdout is a pipe"
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()

    def _read(self, reports: IO[bytes]) -> None:
        adapter = report_adapter()
        for line in reports:
            self._news.put((self.slot, adapter.validate_json(line)))
        self._news.put((self.slot, None))

    def send(self, order: Order) -> None:
        assert self.process.stdin is not None, "stdin is a pipe"
        with contextlib.suppress(BrokenPipeError):  # it is dead: the news of that is on the way
            self.process.stdin.write(order_adapter().dump_json(order) + b"\n")
            self.process.stdin.flush()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # an order that nobody took is still in the buffer
                    pipe.close()

    def last_words(self) -> str:
        code = self.process.returncode
        reason = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        hint = " (out of memory? try fewer --jobs)" if code == -9 else ""
        return f"its process {reason}{hint}"
