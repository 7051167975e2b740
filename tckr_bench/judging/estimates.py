"""Numbers of a row with their intervals: one measurement over several seeds, and two measurements weighed together."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from tckr_bench.records import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.records import Measurement

SEEDS_INTERVAL = "mean of the seeds' 95 % intervals (sampling of examples; the spread between seeds is apart)"


def usable(measurement: Measurement) -> bool:
    """Return whether a measurement and its interval are finite and in order."""
    values = (measurement.low, measurement.value, measurement.high)
    return all(math.isfinite(value) for value in values) and measurement.low <= measurement.high


def combine(measurements: Sequence[Measurement]) -> Estimate:
    """Combine one measurement over seeds: means of values and of bounds, and the standard deviation between seeds.

    The bounds are averaged, not narrowed: all seeds are measured on the same examples, so that their errors
    do not cancel, and the mean of the bounds is never too narrow for the error they share.

    >>> from tckr_bench.records import Measurement
    >>> first = Measurement("accuracy", value=0.8, low=0.7, high=0.9, interval="Wilson", examples=9)
    >>> second = Measurement("accuracy", value=0.6, low=0.5, high=0.7, interval="Wilson", examples=9)
    >>> combine([first, second]).value
    0.7
    """
    if len(measurements) == 1:
        only = measurements[0]
        return Estimate(only.value, only.low, only.high, only.interval)
    values, lows, highs = (
        [getattr(measurement, name) for measurement in measurements] for name in ("value", "low", "high")
    )
    mean = statistics.fmean
    return Estimate(mean(values), mean(lows), mean(highs), SEEDS_INTERVAL, len(measurements), statistics.stdev(values))
