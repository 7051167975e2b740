"""A value with its interval: what every number is, from a metric's measurement to a mean over datasets."""

from __future__ import annotations

from dataclasses import dataclass

Z_95 = 1.959964
"""How many standard deviations a 95 % interval of a normal distribution reaches to either side."""


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval, and the method that made the interval.

    Attributes:
        value: a fraction, an area, nats or seconds, as its quantity says.
        low: lower end of the interval.
        high: upper end of it.
        method: how the interval was made, for people.
        seeds: how many seeds it is a mean of.
        spread: standard deviation between seeds; None of one seed.
    """

    value: float
    low: float
    high: float
    method: str
    seeds: int = 1
    spread: float | None = None

    @property
    def error(self) -> float:
        """Standard error implied by the 95 % interval."""
        return (self.high - self.low) / (2 * Z_95)

    @property
    def half_width(self) -> float:
        """Half the width of the interval, in the unit of the value."""
        return (self.high - self.low) / 2
