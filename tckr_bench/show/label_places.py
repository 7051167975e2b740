"""Where the names of points are written in a chart, so that they keep out of each other's way."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CHARACTER, LINE = 6.2, 14.0
"""Width of a character and height of a line in pixels, at the charts' size of text."""
_MARKER, _BESIDE, _FAR = 6.0, 10.0, 12.0
_SIDES = ((1, 0.75), (1, -0.75), (-1, 0.75), (-1, -0.75), (0, 1.2), (0, -1.2), (1, 0), (-1, 0))
"""Places around a point, by preference: right, left or middle, and how many lines below."""


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, y pointing down."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Width by height."""
        return (self.right - self.left) * (self.bottom - self.top)

    def overlap(self, other: Box) -> float:
        """Return the area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, width) * max(0.0, height)


@dataclass(frozen=True)
class Spot:
    """A point in pixels, and how far its intervals reach; an empty label is not written."""

    label: str
    colour: str
    x: float
    y: float
    reach: Box


@dataclass(frozen=True)
class LabelPlace:
    """Where a spot's label begins, at half its height; `lead` is the end of a line to it, if it is far away."""

    spot: Spot
    x: float
    y: float
    lead: tuple[float, float] | None


def place_labels(spots: Sequence[Spot], *, width: float, height: float) -> list[LabelPlace]:
    """Return places of all labels in a panel of that size; each covers as little as can be of what stands before it.

    >>> [place] = place_labels([Spot("a", "red", 50, 50, Box(50, 50, 50, 50))], width=100, height=100)
    >>> place.x, place.y, place.lead
    (60.0, 60.5, None)
    """
    taken = [box for spot in spots for box in _marks(spot)]
    frame, places = Box(0, 0, width, height), []
    for spot in spots:
        if spot.label:
            box = _freest(spot, taken, frame)
            taken.append(box)
            places.append(LabelPlace(spot, box.left, (box.top + box.bottom) / 2, _lead(spot, box)))
    return places


def _lead(spot: Spot, box: Box) -> tuple[float, float] | None:
    """Return the place in a box that is nearest to the spot, or None if the box stands beside it."""
    x, y = min(max(spot.x, box.left), box.right), min(max(spot.y, box.top), box.bottom)
    return (x, y) if max(abs(x - spot.x), abs(y - spot.y)) > _FAR else None


def _marks(spot: Spot) -> tuple[Box, Box, Box]:
    """Return what a spot's marker and its two intervals cover."""
    x, y, reach = spot.x, spot.y, spot.reach
    return (
        Box(x - _MARKER, y - _MARKER, x + _MARKER, y + _MARKER),
        Box(reach.left, y - 1, reach.right, y + 1),
        Box(x - 1, reach.top, x + 1, reach.bottom),
    )


def _freest(spot: Spot, taken: Sequence[Box], frame: Box) -> Box:
    """Return the first place that costs least; an area outside costs thrice a covered one, distance a little."""

    def cost(candidate: tuple[int, Box]) -> float:
        distance, box = candidate
        outside = box.area - box.overlap(frame)
        return round(sum(map(box.overlap, taken)) + 3 * outside + 0.02 * distance * box.area, 6)

    distances = range(5)
    candidates = [(distance, _beside(spot, side, distance)) for distance, side in itertools.product(distances, _SIDES)]
    return min(candidates, key=cost)[1]


def _beside(spot: Spot, side: tuple[int, float], distance: int) -> Box:
    across, down = side
    width = CHARACTER * len(spot.label)
    left = spot.x + _BESIDE if across > 0 else spot.x - _BESIDE - width if across < 0 else spot.x - width / 2
    middle = spot.y + down * LINE * (1 + distance)
    return Box(left, middle - LINE / 2, left + width, middle + LINE / 2)
