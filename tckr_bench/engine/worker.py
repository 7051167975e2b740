"""A worker process: reads orders from standard input, runs stages, reports on its first standard output.

One torch thread per stage, always: a sum split over another number of threads rounds differently, so artifacts
would depend on `--jobs`. Cores are used by running stages side by side.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import itertools
import os
import resource
import sys
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.engine.graph import function_of
from tckr_bench.engine.protocol import Order, WorkerReport, order_adapter, report_adapter
from tckr_bench.engine.store import Provenance, Store
from tckr_bench.errors import MOVE_STORE, TckrError, storage_cause, storage_error
from tckr_bench.plugin.protocols import Context
from tckr_bench.records import Cost
from tckr_bench.stages.inapplicable import inherited_reason, write_reason
from tckr_bench.stages.isolation import read_failures
from tckr_bench.stages.request import StageModule, stage_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tckr_bench.stages.request import Parents

PROGRESS_INTERVAL = 0.2


def main() -> None:
    """Serve orders until standard input closes; then exit at once, even in the middle of a stage."""
    reports = _take_over_output()
    orders = _read_orders()
    for order in orders:
        _serve(order, reports)


def _take_over_output() -> io.TextIOWrapper:
    """Keep standard output for reports; whatever else prints goes to standard error, the log."""
    private = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(private, "w", encoding="utf-8", buffering=1)


def _read_orders() -> Iterator[Order]:
    """Yield orders; a thread watches standard input, so that a worker never outlives its executor."""
    import queue

    lines: queue.Queue[str] = queue.Queue()

    def watch() -> None:
        for line in sys.stdin:
            lines.put(line)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    while True:
        yield order_adapter().validate_json(lines.get())


def _serve(order: Order, reports: io.TextIOWrapper) -> None:
    def tell(report: WorkerReport) -> None:
        reports.write(report_adapter().dump_json(report).decode() + "\n")
        reports.flush()

    try:
        tell(_run(order, tell))
    except TckrError as error:
        tell(WorkerReport("failed", order.key, failure="user", message=str(error)))
    # A plugin is isolated here: its failure is its cells' alone. That goes for `sys.exit` and an interrupt that it
    # raises too: an executor that wants a worker gone closes its input or kills it, and never interrupts it.
    except BaseException as error:  # noqa: BLE001
        tell(_failure(order, error))


def _failure(order: Order, error: BaseException) -> WorkerReport:
    """Tell a full or read-only disk, which the user can mend, from a bug, which keeps its traceback."""
    storage = storage_cause(error)
    if storage is not None:
        message = str(storage_error(storage, f"cannot write to the store {order.store}", elsewhere=MOVE_STORE))
        return WorkerReport("failed", order.key, failure="user", message=message)
    message = f"{type(error).__name__}: {error}".splitlines()[0].removesuffix(": ")
    return WorkerReport("failed", order.key, message=message, traceback=traceback.format_exc())


def _run(order: Order, report: Callable[[WorkerReport], None]) -> WorkerReport:
    store = Store(Path(order.store))
    with store.lock(order.key):
        if store.find(order.key):
            return WorkerReport("found", order.key)
        damaged = _damaged_parents(store, order)
        if damaged:
            return WorkerReport("damaged", order.key, damaged=damaged)
        staged = store.begin(order.key)
        parents = {role: tuple(map(store.path, keys)) for role, keys in order.parents.items()}
        meter = _Meter()
        _make(order, parents, staged=staged, report=report)
        provenance = Provenance(order.label, order.component, meter.cost(), order.device, order.work, time.time())
        failed = read_failures(staged)
        store.commit(order.key, staged, kind=order.kind, provenance=provenance)
    done = WorkerReport("done", order.key, cost=provenance.cost)
    return replace(done, message=failed[0].reason, traceback=failed[0].traceback) if failed else done


def _make(order: Order, parents: Parents[Path], *, staged: Path, report: Callable[[WorkerReport], None]) -> None:
    """Run a stage, unless a parent that it cannot do without does not apply."""
    reason = inherited_reason(function_of(order.kind), itertools.chain.from_iterable(parents.values()))
    if reason:
        write_reason(reason, staged)
        return
    stage = _stage_module(order.kind)
    request = stage_request(
        stage,
        kind=order.kind,
        components=order.components,
        parents=parents,
        parameters=order.parameters,
        seed=order.seed,
    )
    stage.run(request, staged, Context(device=order.device, progress=_throttled(order.key, report)))


_checked: set[tuple[str, int]] = set()


def _damaged_parents(store: Store, order: Order) -> tuple[str, ...]:
    """Return the parents that must not be used; an artifact that was checked is not read again unless it changed."""
    damaged = []
    for key in (key for keys in order.parents.values() for key in keys):
        try:
            mark = (key, max(path.stat().st_mtime_ns for path in store.path(key).rglob("*")))
        except (OSError, ValueError):
            damaged.append(key)
            continue
        if mark not in _checked:
            if store.find(key, marked=True) is None:
                damaged.append(key)
            else:
                _checked.add(mark)
    return tuple(damaged)


def _stage_module(kind: str) -> StageModule:
    module: StageModule = importlib.import_module(f"tckr_bench.stages.{function_of(kind)}")
    return module


def _throttled(key: str, report: Callable[[WorkerReport], None]) -> Callable[[float], None]:
    last = 0.0

    def progress(fraction: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_INTERVAL:
            last = now
            report(WorkerReport("progress", key, fraction=min(max(fraction, 0.0), 1.0)))

    return progress


class _Meter:
    """Wall and CPU seconds and peak memory since it was made."""

    def __init__(self) -> None:
        self.wall = time.monotonic()
        self.cpu = time.process_time()
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # Linux: start a new peak

    def cost(self) -> Cost:
        return Cost(time.monotonic() - self.wall, time.process_time() - self.cpu, _peak_memory())


def _peak_memory() -> int:
    with contextlib.suppress(OSError, StopIteration):
        status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        line = next(line for line in status if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


if __name__ == "__main__":
    main()
