"""What a row inherits from rows whose outputs its own determine: their worst attack, for who sees one sees the other.

A defence that merely rescales a teacher's outputs is as exposed as the teacher, whatever attacks that did not undo it
found (Kerckhoffs 1883: what protects must not be that nobody knows the recipe).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tckr_bench.judging.metric_names import AOP, OF_WORST
from tckr_bench.results.outputs import alike
from tckr_bench.results.records import cells_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tckr_bench.records import CellRecord, Measurement
    from tckr_bench.results.records import ResultRecord
    from tckr_bench.results.verify import CellKey

    Outline = tuple[float, ...]


def judged_cells(
    record: ResultRecord, others: Iterable[ResultRecord], *, outlines: Mapping[CellKey, Outline]
) -> tuple[CellRecord, ...]:
    """Return a record cell by cell, one per seed, each with the worst that attacks found in any row it determines.

    A control is judged by itself, and nothing is inherited from one: its answer is known.

    Args:
        record: a method on a dataset.
        others: the records of its run on that dataset; itself among them or not.
        outlines: of the outputs of cells, where they are known.
    """

    def outline_of(cell: CellRecord) -> Outline:
        return outlines.get((cell.dataset, cell.method.name, cell.seed), ())

    if record.method.role == "control":
        return cells_of(record)
    cells = [
        cell
        for other in others
        if other.method.role != "control" and other.method.name != record.method.name
        for cell in cells_of(other)
    ]
    return tuple(
        _with_worst_of(
            own, [cell for cell in cells if cell.seed == own.seed and alike(outline_of(cell), outline_of(own))]
        )
        for own in cells_of(record)
    )


def _with_worst_of(cell: CellRecord, same: Sequence[CellRecord]) -> CellRecord:
    if not same:
        return cell
    every = [it for found in (cell, *same) for it in found.measurements]
    worst = {name: _worst(name, [it for it in every if it.metric == name]) for name in OF_WORST}
    measurements = tuple(worst.get(it.metric) or it for it in cell.measurements)
    return replace(cell, measurements=measurements, same_outputs=tuple(found.method.name for found in same))


def _worst(metric: str, found: Sequence[Measurement]) -> Measurement | None:
    if not found:
        return None
    return (min if metric == AOP else max)(found, key=lambda measurement: measurement.value)
