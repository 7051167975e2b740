"""A failing attack or metric costs its own measurements: what it raises is noted in the artifact, and work goes on.

An artifact with such a note serves the run that made it and no other: the store does not find it for the next run,
which tries again, so that a plugin mended without a new version does not stay failed.
"""

from __future__ import annotations

import contextlib
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from tckr_bench.errors import TckrError, first_line, storage_cause
from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tckr_bench.records import ComponentUse

FAILURES_FILE = "failures.json"
LONGEST_REASON = 300


@dataclass(frozen=True)
class ComponentFailure:
    """An attack or a metric that failed: its label, one line that names component, distribution and error, and where.

    `traceback` is for its author.
    """

    label: str
    reason: str
    traceback: str


@contextlib.contextmanager
def isolated(use: ComponentUse, failures: list[ComponentFailure]) -> Iterator[None]:
    """Note what a component raises as its failure, and go on after the block.

    A worker gets no signal of Ctrl-C, so that SystemExit and KeyboardInterrupt are the component's doing as well. What
    the machine lacks, memory or space in the store, is no fault of the component and fails the stage.
    """
    try:
        yield
    except MemoryError:
        raise
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        if storage_cause(error) is not None:
            raise
        failures.append(_failure(use, error))


def write_failures(failures: Sequence[ComponentFailure], folder: Path) -> None:
    """Note failures in an artifact; an artifact without any has no such file."""
    if failures:
        content = TypeAdapter(tuple[ComponentFailure, ...]).dump_json(tuple(failures), indent=1)
        (folder / FAILURES_FILE).write_bytes(content)


def read_failures(folder: Path) -> tuple[ComponentFailure, ...]:
    """Read which components failed in the making of an artifact."""
    path = folder / FAILURES_FILE
    if not path.exists():
        return ()
    return TypeAdapter(tuple[ComponentFailure, ...]).validate_json(path.read_bytes())


def _failure(use: ComponentUse, error: BaseException) -> ComponentFailure:
    kind = "" if isinstance(error, TckrError) or not str(error).strip() else f"{type(error).__name__}: "
    who = f"{use.name} of {use.distribution}" if use.distribution else use.name
    reason = plain(f"{who}: {kind}{first_line(error)}")[:LONGEST_REASON]
    return ComponentFailure(use.label, reason, "".join(traceback.format_exception(error)))
