"""Work on files that anybody may have written, in processes of their own: one that dies names its file and no more."""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import signal
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection

Task = TypeVar("Task")
Result = TypeVar("Result")
MOST_MEMORY = 6 * 2**30
"""Bytes of address space that a process may take; what a score file declares is held below a quarter of it."""
MOST_SECONDS = 600
"""Seconds of CPU time that one task may take, on all cores together."""


def in_processes(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    jobs: int,
    died: Callable[[Task, str], Result],
    progress: Callable[[int], None] | None = None,
) -> list[Result]:
    """Return what `work` makes of each task, in order; `died` stands in where the process ended without a word.

    Errors that `work` raises are raised here. When a process dies, the tasks that were not done are done again, each
    in a process of its own, so that the one at fault is found. `died` is given the task, and in words why.
    """
    results: dict[int, Result] = {}
    _attempt(work, tasks, jobs=jobs, results=results, progress=progress)
    for index, task in enumerate(tasks):
        if index not in results:
            results[index] = _alone(work, task, died)
            if progress is not None:
                progress(len(results))
    return [results[index] for index in range(len(tasks))]


def _attempt(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    jobs: int,
    results: dict[int, Result],
    progress: Callable[[int], None] | None,
) -> None:
    """Work on tasks until they are done or a process dies."""
    workers = max(1, min(jobs, len(tasks)))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_limit, initargs=(MOST_MEMORY,)) as pool:
        with _without_the_script():
            futures = {pool.submit(_timed, work, task, MOST_SECONDS): index for index, task in enumerate(tasks)}
        try:
            for future in as_completed(futures):
                results[futures[future]] = future.result()
                if progress is not None:
                    progress(len(results))
        except BrokenProcessPool:
            return
        finally:
            pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _without_the_script() -> Iterator[None]:
    """Start processes that do not run the user's script again, as they would to find in it what they work on.

    Nothing they work on is there, and a script without `if __name__ == "__main__"` would start them without end.
    """
    script = vars(sys.modules["__main__"])
    kept = dict(script)
    try:
        script.pop("__file__", None)
        script["__spec__"] = None
        yield
    finally:
        script.update({name: kept[name] for name in ("__file__", "__spec__") if name in kept})


def _alone(work: Callable[[Task], Result], task: Task, died: Callable[[Task, str], Result]) -> Result:
    """Work on one task in a process of its own, whose end tells why it died."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_told, args=(sender, work, task, MOST_MEMORY, MOST_SECONDS))
    with _without_the_script():
        process.start()
    sender.close()  # what the process holds is the last end: when it dies, waiting ends
    try:
        result, error = receiver.recv()
    except EOFError:
        process.join()
        late = process.exitcode == -signal.SIGPROF
        return died(task, f"it took more than {MOST_SECONDS} seconds of CPU time" if late else "the process died")
    finally:
        receiver.close()
        process.join()
    if error is not None:
        raise error
    return cast("Result", result)


def _told(sender: Connection, work: Callable[[Task], Result], task: Task, memory: int, seconds: float) -> None:
    """Work on one task within limits, and send what it gives or raises."""
    _limit(memory)
    try:
        sender.send((_timed(work, task, seconds), None))
    except Exception as error:  # noqa: BLE001 - raised again in the process that asked
        sender.send((None, error))


def _timed(work: Callable[[Task], Result], task: Task, seconds: float) -> Result:
    """Work on a task; the process is ended by a signal when it takes too long, in whatever code it is then."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        return work(task)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
