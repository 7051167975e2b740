"""What a report says of one dataset: its board, its audit, its pictures and its costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.judging.paired import paired_differences
from tckr_bench.show import galleries
from tckr_bench.show.adaptive import adaptive_gains
from tckr_bench.show.answer import answer
from tckr_bench.show.audit import audit_of
from tckr_bench.show.chart_data import charts_of
from tckr_bench.show.contrasts import contrasts, side_of
from tckr_bench.show.shown import ABSENT, Shown, share
from tckr_bench.show.tables import epsilons, method_label
from tckr_bench.text import NOTHING, duration, plain, short_names, signed, size, span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tckr_bench.judging.rows import DatasetBoard, Risk, Row
    from tckr_bench.records import CellRecord, Estimate
    from tckr_bench.results.verify import Verified
    from tckr_bench.show.adaptive import Gain
    from tckr_bench.show.audit import Audit
    from tckr_bench.show.chart_data import DatasetCharts
    from tckr_bench.show.contrasts import Contrast
    from tckr_bench.show.galleries import Galleries


@dataclass(frozen=True)
class Line:
    """A row as the page shows it: its name, what epsilon it proves, and its numbers."""

    row: Row
    label: str
    epsilons: tuple[str, ...]
    numbers: tuple[Shown, ...]


@dataclass(frozen=True)
class Page:
    """What the template shows of one dataset."""

    board: DatasetBoard
    sentences: tuple[str, ...]
    tiles: tuple[tuple[str, Shown], ...]
    rows: tuple[Line, ...]
    charts: DatasetCharts
    audit: Audit
    contrasts: tuple[Contrast, ...]
    adaptive: tuple[Gain, ...]
    samples: Galleries
    copies: Galleries
    stages: tuple[str, ...]
    costs: tuple[tuple[str, tuple[str, ...], str], ...]


def dataset_page(found: Verified, board: DatasetBoard, *, names: Mapping[str, str]) -> Page:
    """Gather what the page shows of a dataset."""
    differences = _best_differences(found, board)
    stages = tuple(dict.fromkeys(step.kind for row in board.rows for record in row.records for step in record.cost))
    return Page(
        board=board,
        sentences=answer(board, short_names([row.method for row in board.rows])[1], differences),
        tiles=_tiles(board, differences) if board.trusted else (),
        rows=tuple(Line(row, method_label(row, names), epsilons(row), _numbers(row)) for row in board.rows),
        charts=charts_of(found, board, names=names),
        audit=audit_of(board, names),
        contrasts=contrasts(found, board, names),
        adaptive=adaptive_gains(found, board, names),
        samples=galleries.samples(found.run, board, names),
        copies=galleries.copies(found.run, board, names),
        stages=stages,
        costs=tuple(_costs(row, method_label(row, names), stages) for row in board.rows if row.records[0].cost),
    )


def _best_differences(found: Verified, board: DatasetBoard) -> Mapping[str, Estimate]:
    """Pair the best method with its baseline by their evidence; with more than one seed nothing is paired."""
    best = board.best
    baseline = board.baseline_of(best) if best else None
    if best is None or baseline is None or len(best.seeds) != 1 or best.seeds != baseline.seeds:
        return {}
    own, reference = (side_of(found, _finished(row)) for row in (best, baseline))
    return {} if own is None or reference is None else paired_differences(own, reference)


def _finished(row: Row) -> CellRecord:
    return next(record for record in row.records if record.status == "ok")


def _numbers(row: Row) -> tuple[Shown, ...]:
    if row.status == "failed":
        return ()
    gap = ABSENT if row.method.role == "baseline" else share(row.get(metric_names.GAP))
    auc, tpr = row.risk(metric_names.AUC), row.risk(metric_names.TPR)
    return (
        share(row.get(metric_names.ACCURACY)),
        gap,
        share(auc.estimate, 1, 3, note=_attacks(auc)) if auc else ABSENT,
        share(tpr.estimate, note=_attacks(tpr)) if tpr else ABSENT,
        share(row.get(metric_names.AOP), 1, 3),
        Shown(duration(row.pipeline_seconds)),
    )


def _attacks(risk: Risk) -> str:
    return plain(" or ".join(risk.attacks))


def _tiles(board: DatasetBoard, differences: Mapping[str, Estimate]) -> tuple[tuple[str, Shown], ...]:
    """Return the best method's numbers beside those of real data."""
    best = board.best
    if best is None:
        return ()
    baseline = board.baseline_of(best)
    tiles = [("accuracy lost, points", share(best.get(metric_names.GAP)))]
    for title, metric, scale, digits in (
        ("worst attack's AUC", metric_names.AUC, 1, 3),
        ("found by the worst attack at 1 % FPR, %", metric_names.TPR, 100, 1),
    ):
        own, reference = best.risk(metric), baseline.risk(metric) if baseline else None
        if own is not None:
            beside, change = reference.estimate if reference else None, differences.get(metric_names.WORST[metric])
            tiles.append((title, _tile(own.estimate, beside, change, scale=scale, digits=digits)))
    reference_aop = baseline.get(metric_names.AOP) if baseline else None
    aop = _tile(best.get(metric_names.AOP), reference_aop, differences.get(metric_names.AOP), scale=1, digits=3)
    return (*tiles, ("AOP", aop))


def _tile(
    own: Estimate | None, reference: Estimate | None, change: Estimate | None, *, scale: float, digits: int
) -> Shown:
    beside = f"real data {signed(scale * reference.value, digits)}" if reference else ""
    reach = f"change {span(change.low, change.high, scale=scale, digits=digits)}" if change else ""
    return Shown(share(own, scale, digits).value, beside, reach)


def _costs(row: Row, label: str, stages: Sequence[str]) -> tuple[str, tuple[str, ...], str]:
    """Return CPU seconds by kind of stage and the highest peak of memory, of a row's first record."""
    used = row.records[0].cost
    cells = []
    for kind in stages:
        own = [step.cpu_seconds for step in used if step.kind == kind]
        cells.append(duration(sum(own)) if own else NOTHING)
    return label, tuple(cells), size(max(step.peak_memory_bytes for step in used))
