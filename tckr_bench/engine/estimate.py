"""How long stages will take: seconds per unit of work, learned from what stages took before."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tckr_bench.engine.fingerprint import canonical_json
from tckr_bench.engine.graph import Stage
from tckr_bench.engine.remembering import once_per_use
from tckr_bench.records import ComponentUse

# First guesses, in seconds of one core per unit of work (an image; for training, an image in an epoch).
FIRST_GUESS = {
    "prepare": 0.0004,
    "caption": 0.0005,
    "adapt": 0.015,
    "generate": 0.05,
    "train": 0.0004,
    "tune": 0.0004,
    "attack": 0.1,
    "measure": 0.5,
}
STAGE_OVERHEAD = 0.05


@dataclass
class Rates:
    """Seconds per unit by kind and component, kept in the store; wrong rates only make wrong forecasts.

    `by_arithmetic` has the seconds, by key, of stages whose arithmetic is known beforehand; what was timed goes first.
    """

    path: Path
    seconds_per_unit: dict[str, float] = field(default_factory=dict)
    by_arithmetic: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, store: Path) -> Rates:
        """Read the rates of a store; none where there are none, or where they are damaged."""
        path = store / "rates.json"
        try:
            known = json.loads(path.read_bytes())
            return cls(path, {str(name): float(seconds) for name, seconds in known.items()})
        except (OSError, ValueError, TypeError, AttributeError):
            return cls(path)

    def seconds(self, stage: Stage) -> float:
        """Return the forecast for one stage, in seconds on the device the rates were learned on."""
        if stage.key in self.by_arithmetic and not self.knows(stage):
            return STAGE_OVERHEAD + self.by_arithmetic[stage.key]
        guess = self.seconds_per_unit.get(_component_name(stage), FIRST_GUESS[stage.function])
        return STAGE_OVERHEAD + stage.work * self.seconds_per_unit.get(_name(stage), guess)

    def knows(self, stage: Stage) -> bool:
        """Return whether a stage like this one, with the same options, has been timed."""
        return _name(stage) in self.seconds_per_unit

    def learn(self, stage: Stage, seconds: float) -> None:
        """Take up what a stage took; recent stages count most."""
        measured = seconds / max(stage.work, 1e-9)
        for name in (_name(stage), _component_name(stage)):
            before = self.seconds_per_unit.get(name, measured)
            self.seconds_per_unit[name] = 0.5 * before + 0.5 * measured

    def write(self) -> None:
        """Save the rates; a store that cannot be written loses nothing else by it."""
        with contextlib.suppress(OSError):
            descriptor, partial = tempfile.mkstemp(dir=self.path.parent, prefix="rates-")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(self.seconds_per_unit, file)
            Path(partial).replace(self.path)


def forecast(stages: Iterable[Stage], rates: Rates, *, jobs: int) -> float:
    """Return the wall seconds `jobs` workers need: the work divided among them, or the longest chain if longer."""
    finish: dict[str, float] = {}
    total = 0.0
    for stage in stages:
        seconds = rates.seconds(stage)
        total += seconds
        finish[stage.key] = seconds + max((finish.get(key, 0.0) for key in stage.parent_keys()), default=0.0)
    return max(total / jobs, max(finish.values(), default=0.0))


def _name(stage: Stage) -> str:
    marks = [f"{role}:{_options_mark(use)}" for role, use in stage.components.items()]
    return f"{_component_name(stage)}/{_short_hash(' '.join(sorted(marks)))}"


def _component_name(stage: Stage) -> str:
    """Return the name under which a component is remembered whatever its options; other components tell nothing."""
    return f"{stage.function}/{stage.component}"


@once_per_use
def _options_mark(use: ComponentUse) -> str:
    return _short_hash(canonical_json(dict(use.options)))


@functools.lru_cache(maxsize=1024)
def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
