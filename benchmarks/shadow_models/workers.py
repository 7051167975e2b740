"""Worker processes of one thread each, with the environment that the engine gives its own."""

from __future__ import annotations

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.numpy import save_file

from shadow_models.world import World, train_shadow
from tckr_bench.engine.pools.local import WORKER_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

_shared: list[World] = []


@contextmanager
def workers(world: Path, *, count: int) -> Iterator[ProcessPoolExecutor]:
    """Start processes that map the files of a world, and wait until each of them has."""
    before = dict(os.environ)
    os.environ.update(WORKER_ENVIRONMENT)
    spawned = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=spawned, initializer=_begin, initargs=(str(world),))
    try:
        ready = [pool.submit(_wait) for _ in range(count)]
        os.environ.clear()
        os.environ.update(before)
        for one in ready:
            one.result()
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def shadow_into(file: str, index: int, *, epochs: int) -> float:
    """Train one shadow model in a worker, write its logits in one step, and return the seconds of processor time."""
    start = time.process_time()
    logits = train_shadow(_shared[0], index, epochs=epochs)
    partial = Path(file).with_suffix(".partial")
    save_file(logits, partial)
    partial.replace(file)
    return time.process_time() - start


def _begin(world: str) -> None:
    torch.set_num_threads(1)
    _shared.append(World.shared(Path(world)))


def _wait() -> None:
    """Do nothing: a process that answers has imported what it needs."""
