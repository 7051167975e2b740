"""A line of a board, of a run or of a track: what every table of it shows, whatever it is written in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.judging.quantities import ARROWS, COSTS, columns_of, estimates_of, titled
from tckr_bench.judging.rows import FAMILIES
from tckr_bench.show.limits import MARKS, limits
from tckr_bench.text import plain, signed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tckr_bench.judging.quantities import Column, CostColumn, Estimates
    from tckr_bench.judging.rows import DatasetBoard, Row

PARETO = "P"
DOUBTFUL = "!"
MARKS_MEAN = f"{PARETO}: nobody ranked is at least as good in accuracy and worst AUC and better in one"
ARROWS_MEAN = f"{ARROWS['higher']} higher is better, {ARROWS['lower']} lower is better"


@dataclass(frozen=True)
class Line:
    """A method as a table shows it; texts are as they were given.

    Attributes:
        name: short.
        family: what kind of thing it releases.
        details: what stands with its name: why it is not ranked, which attack is its worst.
        rank: shared; None for what is not ranked. `rank_low` to `rank_high` is where 95 % of a bootstrap put it.
        estimates, costs: by name of their column.
        pareto: nobody ranked beats it in accuracy and worst AUC.
        limits: as keys of `limits.MARKS`.
        failures: what failed, and why, where it is told beside the name.
        trusted: whether its measurements may be believed.
    """

    name: str
    family: str
    details: tuple[str, ...]
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    estimates: Estimates
    costs: Mapping[str, float]
    pareto: bool
    limits: tuple[str, ...]
    failures: tuple[str, ...] = ()
    trusted: bool = True

    @property
    def place(self) -> str:
        """Its rank with its interval, `1 (1-4)`; nothing for what is not ranked."""
        return "" if self.rank is None else f"{self.rank} ({self.rank_low}-{self.rank_high})"

    @property
    def signs(self) -> str:
        """The signs beside it in narrow tables."""
        return PARETO * self.pareto + DOUBTFUL * (not self.trusted) + "".join(MARKS[key][0] for key in self.limits)

    @property
    def marks(self) -> tuple[str, ...]:
        """The same in words."""
        limited = tuple(MARKS[key][1] for key in self.limits)
        return ("Pareto",) * self.pareto + ("not trustworthy",) * (not self.trusted) + limited


def line_of(row: Row, name: str, board: DatasetBoard) -> Line:
    """Return a row of a run's board as a line, under a short name."""
    return Line(
        name=name,
        family=FAMILIES[row.method.role],
        details=(*worst_words(row), *epsilons(row)),
        rank=row.rank,
        rank_low=row.rank_low,
        rank_high=row.rank_high,
        estimates=estimates_of(row),
        costs=costs_of_row(row) if row.status != "failed" else {},
        pareto=row.pareto,
        limits=limits(row),
        failures=row.failures,
        trusted=board.trusted,
    )


def costs_of_row(row: Row) -> Mapping[str, float]:
    """Return what a row cost, by name of the column."""
    return {cost.name: cost.of(row) for cost in COSTS}


def columns_shown(lines: Iterable[Line]) -> tuple[Column, ...]:
    """Return the columns of estimates that a table of some lines has."""
    return columns_of(name for line in lines for name in line.estimates)


def costs_shown() -> tuple[CostColumn, ...]:
    """Return the columns of costs that tables for people have."""
    return tuple(cost for cost in COSTS if cost.listed)


def columns_legend(columns: Sequence[Column]) -> str:
    """Say what the columns of a board are, and which way is better."""
    known = [(column.quantity, column.arrow) for column in columns]
    known += [(cost.quantity, cost.arrow) for cost in costs_shown()]
    return " · ".join(f"{titled(quantity)} {arrow}".strip() + f": {quantity.meaning}" for quantity, arrow in known)


def worst_words(row: Row) -> tuple[str, ...]:
    """Say which attack gets furthest with a row; nothing where none was made."""
    risk = row.risk(metric_names.AUC)
    return (f"worst attack {plain(' or '.join(risk.attacks))}",) if risk else ()


def epsilons(row: Row) -> tuple[str, ...]:
    """Say what epsilon a row proves and what its worst attack shows it to be at least; nothing where none is proved."""
    proved, found = row.get(metric_names.PROVED), row.found_epsilon
    if proved is None:
        return ()
    shown = [f"proved \u03b5 \u2264 {signed(proved.value, 2)}"]
    if row.unmatched:
        shown.append(row.unmatched)
    return (*shown, *([f"found \u03b5 \u2265 {signed(found.low, 2)}"] if found else []))
