"""Finds the noise with which a private classifier just reaches a wanted accuracy, in few trainings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FITS = 6
TOLERANCE = 0.005


def noise_reaching(accuracy: float, *, reached: Callable[[float], float], least: float, most: float) -> float:
    """Return the noise, between `least` and `most`, with which training just reaches an accuracy (0 to 1).

    The logarithm of the noise is bisected, in `FITS` trainings at most; the first within half a percentage point ends
    it. Otherwise it is the most noise that was seen to reach the accuracy or, where none did, the least that was tried.

    Args:
        accuracy: what is wanted.
        reached: trains with a noise (above 0) and returns the accuracy, which falls as the noise grows.
        least: the lower end, above 0.
        most: the upper end.

    >>> noise_reaching(0.5, reached=lambda noise: 1 / noise, least=1.0, most=4.0)
    2.0
    >>> round(noise_reaching(0.9, reached=lambda noise: 0.1, least=1.0, most=2.0**64), 6)  # out of reach
    2.0
    """
    low, high = math.log(least), math.log(most)
    tried: dict[float, float] = {}
    for _fit in range(FITS):
        noise = math.exp((low + high) / 2)
        tried[noise] = reached(noise)
        if abs(tried[noise] - accuracy) <= TOLERANCE:
            return noise
        low, high = (math.log(noise), high) if tried[noise] > accuracy else (low, math.log(noise))
    return max((noise for noise, found in tried.items() if found >= accuracy), default=min(tried))
