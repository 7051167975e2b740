"""What a component declares of itself, as data: shadow models an attack needs, and quantities a metric measures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

ShadowData = Literal["challenge", "test-split"]
"""What shadow models train on: random parts of the challenge, or of the test split alone, as in the paper."""
CaptionBasis = Literal["image", "class", "file"]
"""What a caption follows from: from the image, so that it can be written of any; from its class alone; or from a file
that somebody wrote, so that nobody can write it of an image that the file does not name."""
Unit = Literal["", "%", "points", "nats", "s"]
Better = Literal["higher", "lower", "neither"]
"""Which way a quantity is better: more accuracy, less of what an attack finds, or neither."""


@dataclass(frozen=True)
class Shadows:
    """The shadow models an attack wants trained.

    Attributes:
        count: how many; 0 for none.
        data: what they are trained on.
        adaptive: whether they repeat the whole pipeline of the target (caption, adapt, generate, teacher, student) on
            their part, instead of learning from real images as the target's real-data baseline does.
    """

    count: int = 0
    data: ShadowData = "challenge"
    adaptive: bool = False


@dataclass(frozen=True)
class Quantity:
    """What a metric measures: what every table, chart and file needs to know to show it.

    Attributes:
        name: what a `Measurement` of it calls it, such as `auc-mia`; unique over all metrics.
        heading: a few words for the head of a column, without the unit.
        meaning: one clause in words.
        unit: in which it is shown; empty for a pure number.
        scale: what a stored value is multiplied by to be shown in its unit: 100 for a fraction shown in %.
        digits: decimal places shown.
        better: which way is better.
        low: the least a stored value and its interval may be.
        high: the most.
        board: whether the boards have a column of it, in every format; such a quantity has one measurement per cell,
            of no attack.
    """

    name: str
    heading: str
    meaning: str
    unit: Unit = ""
    scale: float = 1.0
    digits: int = 3
    better: Better = "neither"
    low: float = -math.inf
    high: float = math.inf
    board: bool = False
