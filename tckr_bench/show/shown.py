"""Numbers as a page shows them, with what stands beneath."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.text import NOTHING, signed, span

if TYPE_CHECKING:
    from tckr_bench.records import Estimate


@dataclass(frozen=True)
class Shown:
    """A number as the page shows it: the value, its interval beneath, a further line, and a mark."""

    value: str
    interval: str = ""
    spread: str = ""
    mark: str = ""
    strong: bool = False


ABSENT = Shown(NOTHING)


def share(estimate: Estimate | None, scale: float = 100, digits: int = 1, *, note: str = "") -> Shown:
    """Show a number with its interval, and beneath it a note and the spread between seeds."""
    if estimate is None:
        return ABSENT
    spread = "" if estimate.spread is None else f"seeds ± {signed(scale * estimate.spread, digits)}"
    reach = span(estimate.low, estimate.high, scale=scale, digits=digits)
    return Shown(signed(scale * estimate.value, digits), reach, ", ".join(filter(None, (note, spread))))


def bound(estimate: Estimate | None, digits: int = 2, *, note: str = "") -> Shown:
    """Show a lower bound, and beneath it the estimate it is a bound of."""
    if estimate is None:
        return ABSENT
    return Shown(f"≥ {signed(estimate.low, digits)}", f"estimate {signed(estimate.high, digits)}", note)
