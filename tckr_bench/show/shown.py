"""Numbers as a page shows them, with what stands beneath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging.quantities import interval, number
from tckr_bench.text import NOTHING

if TYPE_CHECKING:
    from tckr_bench.records import Estimate, Quantity


@dataclass(frozen=True)
class Shown:
    """A number as the page shows it: the value, its interval beneath, a further line, and a mark."""

    value: str
    interval: str = ""
    spread: str = ""
    mark: str = ""
    strong: bool = False


ABSENT = Shown(NOTHING)


def measured(quantity: Quantity, estimate: Estimate | None, *, note: str = "") -> Shown:
    """Show an estimate with its interval, and beneath it a note and the spread between seeds."""
    if estimate is None:
        return ABSENT
    spread = "" if estimate.spread is None else f"seeds ± {number(quantity, estimate.spread)}"
    value, reach = number(quantity, estimate.value), interval(quantity, estimate)
    return Shown(value, reach, ", ".join(filter(None, (note, spread))))


def bound(quantity: Quantity, estimate: Estimate | None, *, note: str = "") -> Shown:
    """Show a lower bound, and beneath it the estimate it is a bound of."""
    if estimate is None:
        return ABSENT
    return Shown(f"≥ {number(quantity, estimate.low)}", f"estimate {number(quantity, estimate.high)}", note)
