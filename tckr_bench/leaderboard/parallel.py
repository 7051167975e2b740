"""Work on files that anybody may have written, in processes of their own: one that dies names its file and no more."""

from __future__ import annotations

import multiprocessing
import resource
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tckr_bench.records import CellRecord, ComponentUse, Figure

Task = TypeVar("Task")
Result = TypeVar("Result")
MOST_MEMORY = 6 * 2**30
"""Bytes of address space that a process may take; what a score file declares is held below a quarter of it."""


def in_processes(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    jobs: int,
    died: Callable[[Task], Result],
    progress: Callable[[int], None] | None = None,
) -> list[Result]:
    """Return what `work` makes of each task, in order; `died` stands in where the process ended without a word.

    Errors that `work` raises are raised here. When a process dies, the tasks that were not done are done again, each
    in a process of its own, so that the one at fault is found.
    """
    results: dict[int, Result] = {}
    _attempt(work, tasks, list(range(len(tasks))), jobs=jobs, results=results, progress=progress)
    for index in range(len(tasks)):
        if index not in results:
            _attempt(work, tasks, [index], jobs=1, results=results, progress=progress)
            results.setdefault(index, died(tasks[index]))
    return [results[index] for index in range(len(tasks))]


def _attempt(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    indices: Sequence[int],
    *,
    jobs: int,
    results: dict[int, Result],
    progress: Callable[[int], None] | None,
) -> None:
    """Work on some tasks until they are done or a process dies."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max(1, min(jobs, len(indices))), mp_context=context, initializer=_limit) as pool:
        futures = {pool.submit(work, tasks[index]): index for index in indices}
        try:
            for future in as_completed(futures):
                results[futures[future]] = future.result()
                if progress is not None:
                    progress(len(results))
        except BrokenProcessPool:
            return
        finally:
            pool.shutdown(cancel_futures=True)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def figures_of_cells(
    cells: Sequence[tuple[Path, CellRecord]],
    metrics: Sequence[ComponentUse],
    *,
    jobs: int,
    progress: Callable[[int], None] | None = None,
) -> list[tuple[Figure, ...]]:
    """Compute the figures of a run's cells from their evidence.

    Raises:
        RunError: evidence cannot be read.
    """
    tasks = [(run, cell, tuple(metrics)) for run, cell in cells]
    return in_processes(_figures, tasks, jobs=jobs, died=_dead, progress=progress)


def _figures(task: tuple[Path, CellRecord, tuple[ComponentUse, ...]]) -> tuple[Figure, ...]:
    from tckr_bench.board.verify import recompute_figures

    run, cell, metrics = task
    return tuple(recompute_figures(run, cell, metrics))


def _dead(task: tuple[Path, CellRecord, tuple[ComponentUse, ...]]) -> tuple[Figure, ...]:
    from tckr_bench.errors import RunError

    run, cell, _ = task
    raise RunError(
        f"the process that computed figures of {run}/{cell.dataset}/{cell.method.name}/seed-{cell.seed} died; "
        "its evidence may be damaged: run the matrix again"
    )
