"""A made-up run, to tell an observer of without running anything."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tckr_bench.plugin.observing import RunEnd, RunStart, StageFailed, StageFinished, StagesPlanned
from tckr_bench.records import Cell, CellRecord, ComponentUse, Cost, Measurement, Method

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.plugin.observing import Observer


@dataclass(frozen=True)
class Rehearsal:
    """Everything an observer hears of a run, in order: start, stages, failures, cells, end."""

    start: RunStart
    finished: tuple[StageFinished, ...]
    failed: tuple[StageFailed, ...]
    cells: tuple[CellRecord, ...]
    end: RunEnd

    def tell(self, observer: Observer) -> None:
        """Tell an observer of the whole run."""
        observer.run_started(self.start)
        for stage in self.finished:
            observer.stage_finished(stage)
        for failure in self.failed:
            observer.stage_failed(failure)
        for record in self.cells:
            observer.cell_measured(record)
        observer.run_ended(self.end)

    def again(self) -> Rehearsal:
        """Return the same run continued: all stages are in the store but one, which does not fail now."""
        (total,) = {stage.total for stage in self.finished}
        stages = tuple(replace(kind, cached=kind.unique - (kind.kind == "train")) for kind in self.start.stages)
        last = replace(self.finished[-1], kind="train", label="digits/student", key="d" * 64, done=total)
        return replace(
            self, start=replace(self.start, stages=stages), finished=(last,), failed=(), end=RunEnd("finished")
        )


def rehearsed(folder: Path, *, identity: str = "0123456789abcdef0123456789abcdef") -> Rehearsal:
    """Return a run of two cells, one of which fails; a stage is found, one value is infinite, one text hostile."""
    uses = {
        family: ComponentUse(family, name, "1", name, {"epochs": 2})
        for family, name in (("dataset", "digits"), ("classifier", "small-cnn"))
    }
    teacher = Method("teacher", "baseline", uses["classifier"])
    student = Method("student-0.2x", "method", uses["classifier"], labels="soft", cardinality=0.2)
    cells = tuple(Cell(uses["dataset"], method, 0) for method in (teacher, student))
    cost = Cost(wall_seconds=2.5, cpu_seconds=2.25, peak_memory_bytes=1_000_000)
    stages = [("prepare", "digits", None), ("train", "digits/teacher", cost), ("measure", "digits/teacher", cost)]
    measurements = (
        Measurement("accuracy", 0.75, 0.7, 0.8, "wilson", 400),
        Measurement("auc-mia", 0.625, 0.6, 0.65, "delong", 400, attack="lira"),
        Measurement("epsilon-accounted", math.inf, math.inf, math.inf, "exact", 400),
    )
    return Rehearsal(
        start=RunStart(
            identity=identity,
            folder=folder,
            matrix="rehearsal",
            track="smoke",
            cells=cells,
            stages=(StagesPlanned("prepare", 2, 1), StagesPlanned("train", 2, 0), StagesPlanned("measure", 1, 0)),
            device="cpu",
            jobs=2,
            versions={"python": "3.11.0", "tckr-bench": "0.1.0"},
        ),
        finished=tuple(
            StageFinished(str(index) * 64, kind, label, "small-cnn", index + 2, 5, spent)
            for index, (kind, label, spent) in enumerate(stages)
        ),
        failed=(StageFailed("d" * 64, "train", "digits/student", "small-cnn", "out of\x1b[31m memory\n<b>'\"; {}"),),
        cells=(
            CellRecord("digits", teacher, 0, "smoke", "ok", measurements),
            CellRecord("digits", student, 0, "smoke", "failed", failure="train (digits/student): out of memory"),
        ),
        end=RunEnd("failed", ran=2, found=1, failed=1, wall_seconds=5.0, cpu_seconds={"train": 2.25, "measure": 2.25}),
    )
