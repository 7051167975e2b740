"""Finds the noise with which a private classifier just reaches a wanted accuracy, in few trainings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.records import MATCHED_WITHIN

if TYPE_CHECKING:
    from collections.abc import Callable

FITS = 9
"""Trainings at most: one with the least noise, and eight that halve the way from it to the most."""


@dataclass(frozen=True)
class Found:
    """The noise that a search ended with, the accuracy (0 to 1) seen with it, and how many trainings it took."""

    noise: float
    accuracy: float
    trainings: int


def noise_reaching(accuracy: float, *, reached: Callable[[float], float], least: float, most: float) -> Found:
    """Return the noise, between `least` and `most`, with which training just reaches an accuracy (0 to 1).

    Where the least noise does not reach it, nothing in between is tried: more noise teaches less. Otherwise the
    logarithm of the noise is bisected, in `FITS` trainings at most; the first within half a percentage point ends it,
    and else it is the most noise that was seen to reach the accuracy.

    Args:
        accuracy: what is wanted.
        reached: trains with a noise (above 0) and returns the accuracy, which falls as the noise grows.
        least: the lower end, above 0.
        most: the upper end.

    >>> noise_reaching(0.5, reached=lambda noise: 1 / noise, least=1.0, most=4.0)
    Found(noise=2.0, accuracy=0.5, trainings=2)
    >>> noise_reaching(0.9, reached=lambda noise: 0.1, least=1.0, most=2.0**64)  # out of reach
    Found(noise=1.0, accuracy=0.1, trainings=1)
    """
    best = Found(least, reached(least), 1)
    if best.accuracy <= accuracy + MATCHED_WITHIN:
        return best
    low, high = math.log(least), math.log(most)
    for fit in range(2, FITS + 1):
        noise = math.exp((low + high) / 2)
        found = Found(noise, reached(noise), fit)
        if abs(found.accuracy - accuracy) <= MATCHED_WITHIN:
            return found
        if found.accuracy > accuracy:
            best, low = found, math.log(noise)
        else:
            high = math.log(noise)
    return Found(best.noise, best.accuracy, FITS)
