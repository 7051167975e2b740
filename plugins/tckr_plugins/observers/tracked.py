"""What every tracker is told, and under which names: parameters, seconds by kind of stage, measurements by cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tckr_bench.plugin.observing import RunEnd, RunStart, StageFinished
    from tckr_bench.records import CellRecord


def cell_name(record: CellRecord) -> str:
    """Return `dataset/method/seed-0`."""
    return f"{record.dataset}/{record.method.name}/seed-{record.seed}"


def measurements_of(record: CellRecord) -> dict[str, float]:
    """Return a cell's measurements by name, `dataset/method/seed-0/metric`, and for an attack `.../metric/attack`."""
    names = (
        f"{measurement.metric}/{measurement.attack}" if measurement.attack else measurement.metric
        for measurement in record.measurements
    )
    return {
        f"{cell_name(record)}/{name}": measurement.value
        for name, measurement in zip(names, record.measurements, strict=True)
    }


def parameters_of(start: RunStart) -> dict[str, str | int]:
    """Return what is the same each time the run is continued."""
    return {
        "matrix": start.matrix,
        "track": start.track,
        "cells": len(start.cells),
        "stages": sum(kind.unique for kind in start.stages),
        "datasets": ", ".join(dict.fromkeys(cell.dataset.label for cell in start.cells)),
        "methods": ", ".join(dict.fromkeys(cell.method.name for cell in start.cells)),
        "seeds": ", ".join(dict.fromkeys(str(cell.seed) for cell in start.cells)),
    }


def circumstances_of(start: RunStart) -> dict[str, str]:
    """Return what may differ when the run is continued: device, jobs, and the version of each package."""
    versions = {f"version/{name}": version for name, version in start.versions.items()}
    return {"device": start.device, "jobs": str(start.jobs), **versions}


def endings_of(end: RunEnd) -> dict[str, float]:
    """Return what a run took: CPU seconds by kind of stage, whenever they ran, and how many stages ran or failed."""
    seconds = {f"cpu-seconds/{kind}": value for kind, value in end.cpu_seconds.items()}
    return {**seconds, "run/wall-seconds": end.wall_seconds, "run/ran": end.ran, "run/failed": end.failed}


@dataclass
class Progress:
    """How far a run is; what it says of a stage is the time its kind has taken so far in this execution."""

    step: int = 0
    _seconds: dict[str, float] = field(default_factory=dict)

    def start(self, start: RunStart) -> None:
        """Begin at what was in the store already, so that a continued run counts on."""
        self.step = sum(kind.cached for kind in start.stages)

    def advance(self, stage: StageFinished) -> Mapping[str, float]:
        """Take a stage into account and return what changed, by name."""
        self.step = stage.done
        self._seconds[stage.kind] = self._seconds.get(stage.kind, 0.0) + stage.seconds
        return {f"seconds/{stage.kind}": self._seconds[stage.kind], "run/stages-done": stage.done}
