"""What a report says of one dataset: its board, its audit, its pictures and its costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging import rows as rank
from tckr_bench.judging.paired import paired_differences
from tckr_bench.results.verify import key_of
from tckr_bench.show import galleries
from tckr_bench.show.adaptive import adaptive_gains
from tckr_bench.show.answer import answer
from tckr_bench.show.audit import audit_of
from tckr_bench.show.contrasts import contrasts, worst_differences
from tckr_bench.show.plots import plots_of
from tckr_bench.show.shown import ABSENT, Shown, share
from tckr_bench.show.tables import epsilons, method_label
from tckr_bench.text import NOTHING, duration, plain, short_names, signed, size, span

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tckr_bench.judging.rows import DatasetBoard, Risk, Row
    from tckr_bench.records import CellRecord, Estimate
    from tckr_bench.results.verify import Verified
    from tckr_bench.show.adaptive import Gain
    from tckr_bench.show.audit import Audit
    from tckr_bench.show.contrasts import Contrast
    from tckr_bench.show.galleries import Galleries
    from tckr_bench.show.plots import Plots


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
    plots: Plots
    audit: Audit
    contrasts: tuple[Contrast, ...]
    adaptive: tuple[Gain, ...]
    samples: Galleries
    copies: Galleries
    stages: tuple[str, ...]
    costs: tuple[tuple[str, tuple[str, ...], str], ...]

    @property
    def worst(self) -> bool:
        """Whether the rows show their worst attack."""
        return any(risk is not None and risk.worst for line in self.rows for risk in [line.row.risk(rank.AUC)])


def dataset_page(run: Path, found: Verified, board: DatasetBoard, *, names: Mapping[str, str], identity: str) -> Page:
    """Gather what the page shows of a dataset; `identity` tells its drawings from those of others."""
    differences = _best_differences(found, board)
    stages = tuple(dict.fromkeys(stage.kind for row in board.rows for record in row.records for stage in record.stages))
    return Page(
        board=board,
        sentences=answer(board, short_names([row.method for row in board.rows])[1], differences),
        tiles=_tiles(board, differences) if board.trusted else (),
        rows=tuple(Line(row, method_label(row, names), epsilons(row), _numbers(row)) for row in board.rows),
        plots=plots_of(found, board, names=names, identity=identity),
        audit=audit_of(board, names),
        contrasts=contrasts(found, board, names),
        adaptive=adaptive_gains(found, board, names),
        samples=galleries.samples(run, board, names),
        copies=galleries.copies(run, board, names),
        stages=stages,
        costs=tuple(_costs(row, method_label(row, names), stages) for row in board.rows if row.records[0].stages),
    )


def _best_differences(found: Verified, board: DatasetBoard) -> Mapping[str, Estimate]:
    """Pair the best method with its baseline by their evidence; with more than one seed nothing is paired."""
    best = board.best
    baseline = board.baseline_of(best) if best else None
    if best is None or baseline is None or len(best.seeds) != 1 or best.seeds != baseline.seeds:
        return {}
    cells = [found.evidence.get(key_of(_finished(row))) for row in (best, baseline)]
    own, reference = cells
    if own is None or reference is None:
        return {}
    return {**paired_differences(own, reference), **worst_differences(found, best, baseline)}


def _finished(row: Row) -> CellRecord:
    return next(record for record in row.records if record.status == "ok")


def _numbers(row: Row) -> tuple[Shown, ...]:
    if row.status == "failed":
        return ()
    gap = ABSENT if row.method.role == "baseline" else share(row.get(rank.GAP))
    auc, tpr = row.risk(rank.AUC), row.risk(rank.TPR)
    return (
        share(row.get(rank.ACCURACY)),
        gap,
        share(auc.estimate, 1, 3, note=_attacks(auc)) if auc else ABSENT,
        share(tpr.estimate, note=_attacks(tpr)) if tpr else ABSENT,
        _aop(row),
        Shown(duration(row.making_seconds)),
    )


def _attacks(risk: Risk) -> str:
    return plain(" or ".join(risk.attacks)) if risk.worst else ""


def _aop(row: Row) -> Shown:
    worst = row.get(rank.WORST_AOP)
    note = f"worst {signed(worst.value, 3)} ({span(worst.low, worst.high)})" if worst else ""
    return share(row.get(rank.AOP), 1, 3, note=note)


def _tiles(board: DatasetBoard, differences: Mapping[str, Estimate]) -> tuple[tuple[str, Shown], ...]:
    """Return the best method's numbers beside those of real data."""
    best = board.best
    if best is None:
        return ()
    baseline = board.baseline_of(best)
    tiles = [("accuracy lost, points", share(best.get(rank.GAP)))]
    for title, metric, scale, digits in (
        ("{} attack's AUC", rank.AUC, 1, 3),
        ("found by the {} attack at 1 % FPR, %", rank.TPR, 100, 1),
    ):
        own, reference = best.risk(metric), baseline.risk(metric) if baseline else None
        if own is not None:
            key = rank.WORST[metric] if own.worst else metric
            named = " ".join(title.format("worst" if own.worst else "").split())
            beside = reference.estimate if reference else None
            shown = _tile(own.estimate, beside, differences.get(key), scale=scale, digits=digits)
            tiles.append((named, shown))
    reference_aop = baseline.get(rank.AOP) if baseline else None
    change = differences.get(rank.AOP)
    return (*tiles, ("AOP", _tile(best.get(rank.AOP), reference_aop, change, scale=1, digits=3)))


def _tile(
    own: Estimate | None, reference: Estimate | None, change: Estimate | None, *, scale: float, digits: int
) -> Shown:
    beside = f"real data {signed(scale * reference.value, digits)}" if reference else ""
    reach = f"change {span(change.low, change.high, scale=scale, digits=digits)}" if change else ""
    return Shown(share(own, scale, digits).value, beside, reach)


def _costs(row: Row, label: str, stages: Sequence[str]) -> tuple[str, tuple[str, ...], str]:
    """Return CPU seconds by kind of stage and the highest peak of memory, of a row's first record."""
    used = row.records[0].stages
    cells = []
    for kind in stages:
        own = [stage.cost.cpu_seconds for stage in used if stage.kind == kind]
        cells.append(duration(sum(own)) if own else NOTHING)
    return label, tuple(cells), size(max(stage.cost.peak_memory_bytes for stage in used))
