"""The columns of every board, in their order: what each is called and means, how it is written, and how it is read.

Terminal, CSV, JSON, Parquet, Markdown, LaTeX, pages and the script of the index all iterate over what stands here. What
a quantity is called and which way it is better is said once, by the metric that measures it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tckr_bench.judging.metric_names import ACCURACY, AOP, GAP, WORST_AUC, WORST_TPR
from tckr_bench.plugin import registry
from tckr_bench.records import Estimate, Quantity
from tckr_bench.text import NOTHING, duration, signed, span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tckr_bench.judging.rows import Row
    from tckr_bench.records import Better

Estimates = Mapping[str, Estimate]
"""Estimates by the name of their quantity."""
ARROWS: Mapping[Better, str] = {"higher": "↑", "lower": "↓", "neither": ""}
MEAN_OF_DATASETS = "mean of the datasets' 95 % intervals"


@dataclass(frozen=True)
class Column:
    """A column of estimates.

    Attributes:
        name: of its quantity, as in measurements.
        read: returns what a row has of it; None reads the estimate of that name.
        declared: what it is; None looks up what the metric that measures it declares.
        leading: whether it stands in the overview of many datasets as well.
        difference: whether it is measured against real data, so that no difference from real data is shown beside it.
        attacks: whether it is of the worst attack, whose name then stands with it.
    """

    name: str
    read: Callable[[Row], Estimate | None] | None = None
    declared: Quantity | None = None
    leading: bool = False
    difference: bool = False
    attacks: bool = False

    @property
    def quantity(self) -> Quantity:
        """What it is: as its metric declares it, or as stored where no metric here measures it."""
        return self.declared or quantity_of(self.name)

    @property
    def key(self) -> str:
        """Its name in files for programs."""
        return self.name.replace("-", "_")

    @property
    def title(self) -> str:
        """Its heading, with the unit."""
        return titled(self.quantity)

    @property
    def arrow(self) -> str:
        """Which way is better, as an arrow."""
        return ARROWS[self.quantity.better]

    def of(self, row: Row) -> Estimate | None:
        """Return what a row has of it."""
        return row.get(self.name) if self.read is None else self.read(row)

    def value(self, estimate: Estimate) -> str:
        """Return an estimate in the column's unit."""
        return number(self.quantity, estimate.value)

    def half(self, estimate: Estimate) -> str:
        """Return half the width of an estimate's interval, as `± 1.1`."""
        return f"± {number(self.quantity, estimate.half_width)}"

    def with_half(self, estimate: Estimate) -> str:
        """Return an estimate as `84.2 ± 1.1`."""
        return f"{self.value(estimate)} {self.half(estimate)}"


@dataclass(frozen=True)
class CostColumn:
    """A column of costs: exact numbers, means over seeds, summed over datasets.

    Attributes:
        name: of what it is, as `Column.name`.
        quantity: what it is.
        of: returns what a row cost.
        words: writes it for people.
        listed: whether tables for people have it; files for programs have all.
    """

    name: str
    quantity: Quantity
    of: Callable[[Row], float]
    words: Callable[[float], str]
    listed: bool = True

    @property
    def key(self) -> str:
        """Its name in files for programs."""
        return self.name.replace("-", "_")

    @property
    def arrow(self) -> str:
        """Which way is better, as an arrow."""
        return ARROWS[self.quantity.better]


def _gap(row: Row) -> Estimate | None:
    """Return the accuracy lost against real data; real data itself has none to lose."""
    return None if row.method.role == "baseline" else row.get(GAP)


COLUMNS: tuple[Column, ...] = (
    Column(ACCURACY, leading=True),
    Column(GAP, _gap, difference=True),
    Column(WORST_AUC, leading=True, attacks=True),
    Column(WORST_TPR, attacks=True),
    Column(AOP, leading=True),
)
COSTS: tuple[CostColumn, ...] = (
    CostColumn(
        "pipeline-cpu-seconds",
        Quantity(
            "pipeline-cpu-seconds",
            "CPU",
            "CPU time to a trained classifier, attacks apart",
            unit="s",
            digits=1,
            better="lower",
        ),
        lambda row: row.pipeline_seconds,
        duration,
    ),
    CostColumn(
        "evaluation-cpu-seconds",
        Quantity(
            "evaluation-cpu-seconds",
            "CPU of attacks",
            "CPU time of shadow models, attacks and metrics",
            unit="s",
            digits=1,
            better="lower",
        ),
        lambda row: row.evaluation_seconds,
        duration,
        listed=False,
    ),
    CostColumn(
        "images",
        Quantity("images", "images", "synthetic images generated per seed", digits=0, better="lower"),
        lambda row: row.images,
        lambda count: f"{count:,.0f}" if count else NOTHING,
    ),
)


def columns_of(measured: Iterable[str]) -> tuple[Column, ...]:
    """Return the columns of a board: `COLUMNS`, and then those that plugins ask for.

    Args:
        measured: names of the quantities that anything on the board has; what nothing has gets no further column.
    """
    standing, found = {column.name for column in COLUMNS}, set(measured)
    known = _declared()
    asked = [it.name for it in known.values() if it.board and it.name in found]
    columns = (*COLUMNS, *(Column(name, leading=True) for name in asked if name not in standing))
    return tuple(column if column.declared else replace(column, declared=known.get(column.name)) for column in columns)


def measured_by(rows: Iterable[Row]) -> frozenset[str]:
    """Return the names of the quantities that some rows have, of no attack or of the worst."""
    return frozenset(metric for row in rows for metric, attack in row.estimates if not attack)


def estimates_of(row: Row) -> Estimates:
    """Return what a row has of each column of a board of its own, by name."""
    found = {column.name: column.of(row) for column in columns_of(measured_by([row]))}
    return {name: estimate for name, estimate in found.items() if estimate is not None}


def mean_estimates(rows: Iterable[Row]) -> Estimates:
    """Return the means over datasets of what every row has: of values and of bounds, each dataset equally heavy."""
    found = [estimates_of(row) for row in rows]
    shared = [name for name in (found[0] if found else ()) if all(name in own for own in found)]
    return {name: _mean([own[name] for own in found]) for name in shared}


def _mean(estimates: list[Estimate]) -> Estimate:
    value, low, high = (
        sum(ends) / len(estimates) for ends in zip(*((it.value, it.low, it.high) for it in estimates), strict=True)
    )
    return Estimate(value, low, high, MEAN_OF_DATASETS)


def quantity_of(name: str) -> Quantity:
    """Return what the metric that measures a quantity declares of it, by name.

    What nobody here declares, such as that of a plugin that is not installed, is shown by its name and as stored.

    >>> quantity_of("accuracy").unit, quantity_of("worst-auc").better
    ('%', 'lower')
    """
    return _declared().get(name) or Quantity(name, name, name)


def _declared() -> Mapping[str, Quantity]:
    return {quantity.name: quantity for quantity in registry.default_registry().quantities()}


def titled(quantity: Quantity) -> str:
    """Return the heading of a quantity with its unit.

    >>> titled(Quantity("accuracy", "accuracy", "share of images classified right", unit="%"))
    'accuracy, %'
    """
    return f"{quantity.heading}, {quantity.unit}" if quantity.unit else quantity.heading


def number(quantity: Quantity, value: float) -> str:
    """Return a stored value in the unit and with the digits of its quantity.

    >>> number(Quantity("accuracy", "accuracy", "right", unit="%", scale=100, digits=1), 0.842)
    '84.2'
    """
    return signed(quantity.scale * value, quantity.digits)


def interval(quantity: Quantity, estimate: Estimate) -> str:
    """Return the interval of an estimate in the unit of its quantity, as `82.1 to 86.3`."""
    return span(estimate.low, estimate.high, scale=quantity.scale, digits=quantity.digits)
