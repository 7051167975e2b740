"""The measurements of an entry as its pages show them: always with their intervals, never recomputed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.judging.caveats import adaptive_attacks
from tckr_bench.judging.quantities import columns_of, measured_by, quantity_of, titled
from tckr_bench.show.audit import BOUNDS, DETAILS, FROM_SHADOWS
from tckr_bench.show.shown import Shown, bound, measured
from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.judging.quantities import Column
    from tckr_bench.judging.rows import Risk, Row
    from tckr_bench.leaderboard.standings import DatasetResult, Entry, Standings


@dataclass(frozen=True)
class Headline:
    """A measurement in large type: what it is, the measurement, and what it means."""

    title: str
    shown: Shown
    meaning: str


def columns_on(standings: Standings) -> tuple[Column, ...]:
    """Return the columns that the pages of some standings have: those of anything that an entry has on a dataset."""
    return columns_of(measured_by(result.row for entry in standings.entries for result in entry.results.values()))


def headlines(entry: Entry) -> tuple[Headline, ...]:
    """Return an entry's means over the datasets of its track, those it has."""
    return tuple(
        Headline(plain(column.title), measured(column.quantity, found), plain(_meaning(column)))
        for column in columns_of(entry.estimates)
        if (found := entry.get(column.name)) is not None
    )


def _meaning(column: Column) -> str:
    way = {"higher": "higher is better", "lower": "lower is better", "neither": ""}[column.quantity.better]
    return "; ".join(filter(None, (column.quantity.meaning, way)))


def numbers(result: DatasetResult, columns: Sequence[Column]) -> tuple[Shown, ...]:
    """Return what an entry has of each column on a dataset; nothing if no seed has measurements."""
    return () if result.row.status == "failed" else tuple(_number(result.row, column) for column in columns)


def _number(row: Row, column: Column) -> Shown:
    note = plain(" or ".join(row.worst_attacks.get(column.name, ()))) if column.attacks else ""
    return measured(column.quantity, column.of(row), note=note)


def seeds_of(row: Row) -> str:
    """Say how many seeds have measurements, of how many."""
    done, all_of_them = len(row.seeds), len(row.records)
    return str(done) if done == all_of_them else f"{done} of {all_of_them}"


def findings(row: Row) -> tuple[tuple[str, Shown], ...]:
    """Return what else the worst attack finds, and what training proves, under plain titles."""
    risk = row.risk(metric_names.AUC)
    if risk is None:
        return ()
    names = [name for name in DETAILS if name != metric_names.TPR]
    known = [(titled(quantity_of(name)), _finding(row, name, risk)) for name in names]
    proved = row.get(metric_names.PROVED, "")
    first = [("ε proved, at most", measured(quantity_of(metric_names.PROVED), proved))] if proved else []
    return tuple((title, shown) for title, shown in [*first, *known] if shown is not None)


def _finding(row: Row, metric: str, risk: Risk) -> Shown | None:
    """Return a measurement of the worst attack, or of the first adaptive one where only shadow models know it."""
    labels = (*risk.attacks, *adaptive_attacks(row)) if metric in FROM_SHADOWS else risk.attacks
    found = next(((label, estimate) for label in labels if (estimate := row.get(metric, label))), None)
    if found is None:
        return None
    label, estimate = found
    note = "" if label in risk.attacks else plain(label)
    show = bound if metric in BOUNDS else measured
    return show(quantity_of(metric), estimate, note=note)
