"""How many examples would settle a question that an interval leaves open, if what was observed held.

Every answer keeps the observed value and lets the interval shrink as its own formula says, until the end that reaches
over the limit falls on the value's side of it. With `bound` the end of the interval that lies beyond the limit now, the
value below the limit asks for the upper end, above it for the lower one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 10_000_000
"""Beyond so many examples nothing is searched for: the estimate all but sits on the limit."""
TAIL = 0.025
Z = 1.959964
_SAME = 1e-12


def for_proportion(value: float, bound: float, limit: float, *, count: int) -> float:
    """Return how many trials would bring the end of a proportion's interval to the limit, by Clopper and Pearson.

    An interval that is wider than Clopper and Pearson's for `count` trials (its threshold is uncertain as well, several
    attacks were tried) is taken for theirs with fewer trials: as many times more are needed in both.

    Args:
        value: observed share, 0 to 1.
        bound: the end of its interval on the far side of the limit.
        limit: what the end is to reach, 0 to 1.
        count: trials observed, at least 1.

    Returns:
        A whole number, or infinity where none up to `MOST` suffices.

    >>> for_proportion(0.0, 0.3085, 0.05, count=10)  # (1 - 0.05) ** 72 is the first below 0.025
    72
    """
    side = _side(value, limit)
    if not side:
        return math.inf
    enough = _first(lambda trials: side * (clopper_pearson_end(value, trials, side) - limit) <= 0, above=0.0)
    observed = float(count)
    if 0 < bound < 1:  # an end of 0 or 1 tells nothing of the trials behind it
        observed = _first(lambda trials: side * (clopper_pearson_end(value, trials, side) - bound) <= 0, above=0.0)
    return _whole(count * enough / observed)


def clopper_pearson_end(value: float, trials: float, side: int) -> float:
    """Return the upper (`side` 1) or lower (-1) end of Clopper and Pearson's interval; trials need not be whole.

    >>> round(clopper_pearson_end(0.0, 10, 1), 4), clopper_pearson_end(1.0, 10, 1)
    (0.3085, 1.0)
    """
    from scipy.special import betaincinv

    hits, misses = value * trials, (1 - value) * trials
    if side > 0:
        return float(betaincinv(hits + 1, misses, 1 - TAIL)) if misses > 0 else 1.0
    return float(betaincinv(hits, misses + 1, TAIL)) if hits > 0 else 0.0


def for_paired_difference(value: float, low: float, high: float, *, limit: float, count: int) -> float:
    """Return how many paired examples would bring the end of a difference to the limit, by Bonett and Price 2012.

    How often the two disagree is read from the width of the interval, and held.

    Args:
        value: observed difference of two shares, -1 to 1.
        low: lower end of its interval.
        high: upper end of it.
        limit: what the end is to reach.
        count: examples observed, at least 1.

    >>> low, high = (paired_end(0.0, 0.1, 100, side) for side in (-1, 1))
    >>> for_paired_difference(0.0, low, high, limit=0.02, count=100)  # about 0.1 (1.96 / 0.02) ** 2, and 2 imagined
    977
    """
    side = _side(value, limit)
    if not side:
        return math.inf
    share = disagreement(value, low, high, count=count)
    return _whole(_first(lambda pairs: side * (paired_end(value, share, pairs, side) - limit) <= 0, above=float(count)))


def paired_end(value: float, disagreement: float, pairs: float, side: int) -> float:
    """Return the upper (`side` 1) or lower (-1) end of Bonett and Price's interval of a paired difference.

    >>> round(paired_end(0.5, 0.5, 4, -1), 3), round(paired_end(0.5, 0.5, 4, 1), 3)
    (-0.263, 0.93)
    """
    centre = value * pairs / (pairs + 2)
    spread = (disagreement * pairs + 2) / (pairs + 2) - centre**2
    return centre + side * Z * math.sqrt(max(0.0, spread) / (pairs + 2))


def disagreement(value: float, low: float, high: float, *, count: int) -> float:
    """Return the share of examples on which two classifiers disagree, from Bonett and Price's interval.

    >>> round(disagreement(0.5, -0.263, 0.93, count=4), 2)
    0.5
    """
    spread = ((high - low) / (2 * Z)) ** 2 * (count + 2) + (value * count / (count + 2)) ** 2
    return min(1.0, max(abs(value), (spread * (count + 2) - 2) / count))


def by_square_root(value: float, bound: float, limit: float, *, count: int) -> float:
    """Return how many examples would bring the end of an interval to the limit that shrinks as 1 / sqrt(n).

    >>> by_square_root(0.50, 0.54, 0.52, count=1000)  # half as wide
    4000
    """
    if not _side(value, limit):
        return math.inf
    return _whole(count * ((bound - value) / (limit - value)) ** 2)


def fewest_others(fpr: float) -> int:
    """Return how many non-members it takes before the lower end of a rate at `fpr` can leave 0.

    With fewer, even the highest of them may well lie below the threshold that belongs to `fpr`.

    >>> fewest_others(0.01), fewest_others(0.001)
    (368, 3688)
    """
    return math.ceil(math.log(TAIL) / math.log1p(-fpr))


def _side(value: float, limit: float) -> int:
    """Return 1 where the upper end decides, -1 where the lower does, 0 where the value sits on the limit."""
    return 0 if abs(value - limit) <= _SAME else 1 if value < limit else -1


def _first(holds: Callable[[float], bool], *, above: float) -> float:
    """Return the smallest number above a floor for which a condition holds from there on; infinity beyond `MOST`."""
    low, high = above, max(2 * above, 1.0)
    while not holds(high):
        low, high = high, 2 * high
        if low > MOST:
            return math.inf
    while high - low > max(1e-9, 1e-12 * high):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _whole(count: float) -> float:
    """Return the next whole number, forgiving what rounding adds; infinity beyond `MOST`."""
    return math.inf if not count <= MOST else math.ceil(count - 1e-6)
