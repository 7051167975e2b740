"""`events.jsonl`: one JSON object a line, appended and never rewritten; the record of when what happened."""

from __future__ import annotations

import datetime
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tckr_bench.components import NoOptions, ObserverComponent
from tckr_plugins.observers.tracked import circumstances_of

if TYPE_CHECKING:
    from tckr_bench.plugin.observing import RunEnd, RunStart, StageFailed, StageFinished
    from tckr_bench.records import Cell, CellRecord

EVENTS_FILE = "events.jsonl"


def read_events(path: Path) -> list[dict[str, Any]]:
    """Return the events of a file in order, without lines that are damaged, as by a machine that went down."""
    events = []
    for line in path.read_bytes().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(event)
    return events


class JsonlObserver:
    """Appends every event to the run's `events.jsonl`."""

    def __init__(self) -> None:
        self._path: Path | None = None

    def run_started(self, start: RunStart) -> None:
        """Append `run-start`, with every cell and the components it uses."""
        self._path = start.folder / EVENTS_FILE
        _end_last_line(self._path)
        self._append(
            "run-start",
            identity=start.identity,
            matrix=start.matrix,
            track=start.track,
            stages={kind.kind: {"unique": kind.unique, "cached": kind.cached} for kind in start.stages},
            cells=[_describe(cell) for cell in start.cells],
            **circumstances_of(start),
        )

    def stage_finished(self, stage: StageFinished) -> None:
        """Append `stage-finished`."""
        cost = stage.cost
        self._append(
            "stage-finished",
            kind=stage.kind,
            label=stage.label,
            component=stage.component,
            key=stage.key,
            how="ran" if cost else "found",
            seconds=stage.seconds,
            cpu_seconds=cost.cpu_seconds if cost else 0.0,
            peak_memory_bytes=cost.peak_memory_bytes if cost else 0,
            done=stage.done,
            total=stage.total,
        )

    def stage_failed(self, stage: StageFailed) -> None:
        """Append `stage-failed`."""
        self._append(
            "stage-failed",
            kind=stage.kind,
            label=stage.label,
            component=stage.component,
            key=stage.key,
            reason=stage.reason,
        )

    def cell_measured(self, record: CellRecord) -> None:
        """Append `cell`, with every measurement and its interval."""
        measurements = [
            {
                "metric": measurement.metric,
                "attack": measurement.attack,
                "value": _finite(measurement.value),
                "low": _finite(measurement.low),
                "high": _finite(measurement.high),
            }
            for measurement in record.measurements
        ]
        self._append(
            "cell",
            dataset=record.dataset,
            method=record.method.name,
            seed=record.seed,
            status=record.status,
            measurements=measurements,
            failure=record.failure,
        )

    def run_ended(self, end: RunEnd) -> None:
        """Append `run-end`."""
        self._append(
            "run-end",
            ending=end.ending,
            ran=end.ran,
            found=end.found,
            failed=end.failed,
            wall_seconds=end.wall_seconds,
            cpu_seconds=dict(end.cpu_seconds),
        )

    def _append(self, event: str, **content: object) -> None:
        assert self._path is not None, "a run starts before anything else happens"
        time = datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": time, "event": event, **content}, allow_nan=False) + "\n"
        with self._path.open("ab") as file:  # opened anew each time: what is written is on its way to the disk
            file.write(line.encode())


def _end_last_line(path: Path) -> None:
    """End a line that was cut off, so that the next event does not become a part of it."""
    if not path.exists() or not path.stat().st_size:
        return
    with path.open("rb+") as file:
        file.seek(-1, 2)
        if file.read() != b"\n":
            file.write(b"\n")


def _describe(cell: Cell) -> dict[str, Any]:
    method = cell.method
    uses = {"captioner": method.captioner, "generator": method.generator, "adapter": method.adapter}
    return {
        "dataset": cell.dataset.label,
        "method": method.name,
        "seed": cell.seed,
        "role": method.role,
        **{family: use.name if use else None for family, use in uses.items()},
        "classifier": method.classifier.name,
        "labels": method.labels,
        "cardinality": method.cardinality,
    }


def _finite(value: float) -> float | None:
    """Return a number that JSON has, or None."""
    return value if math.isfinite(value) else None


JSONL = ObserverComponent(
    "jsonl",
    version="1",
    options=NoOptions,
    load=lambda _options: JsonlObserver(),
    summary="always on: one event a line with its time, in the run's events.jsonl",
)
