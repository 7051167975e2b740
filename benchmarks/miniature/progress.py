"""Budgets and schedules shared by the training loops."""

import math
import time
from dataclasses import dataclass, field


@dataclass
class Budget:
    """End training at ``images`` seen or at ``seconds`` of wall clock, whichever is first."""

    images: int
    seconds: float
    seen: int = 0
    spent_before: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def elapsed(self) -> float:
        """Return the seconds spent, those before a resume included."""
        return self.spent_before + time.monotonic() - self.started

    def progress(self) -> float:
        """Return the share of the budget that is used, in [0, 1]."""
        return min(1.0, max(self.seen / self.images, self.elapsed() / self.seconds))


def learning_rate(peak: float, progress: float, warm_up: float = 0.02) -> float:
    """Return the rate at ``progress`` in [0, 1]: linear warm-up, then cosine to 1 % of ``peak``."""
    if progress < warm_up:
        return peak * max(progress, 0.001) / warm_up
    phase = (progress - warm_up) / (1.0 - warm_up)
    return peak * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * phase)))
