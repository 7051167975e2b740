"""What a run tells its observers, and the Protocol of the family `observer`.

Observers hear of a run; they take no part in it. What they are told is a copy, what they raise ends their own watch and
nothing else, and they are no part of any cache key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from tckr_bench.records import Cell, CellRecord, Cost

Ending = Literal["finished", "failed", "stopped"]


@dataclass(frozen=True)
class StagesPlanned:
    """How many unique stages of a kind a run has, and how many of them were in the store when it started."""

    kind: str
    unique: int
    cached: int


@dataclass(frozen=True)
class RunStart:
    """A run as it starts.

    Attributes:
        identity: the same for the same cells in the same folder, so that the same command again continues what an
            observer began; letters and digits.
        folder: where the run's results go; what an observer writes by default goes there as well.
        matrix: name of the matrix.
        track: what the run's measurements may be compared with.
        cells: every cell: dataset x method x seed, with the components each uses.
        stages: the unique stages by kind; those in the store are counted here and not told again one by one.
        device: a torch device string.
        jobs: stages at a time.
        versions: of Python and of the packages that measurements depend on.
    """

    identity: str
    folder: Path
    matrix: str
    track: str
    cells: tuple[Cell, ...]
    stages: tuple[StagesPlanned, ...]
    device: str
    jobs: int
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A name for what is tracked: the folder's, and enough of the identity to tell runs apart."""
        return f"{self.folder.name}-{self.identity[:8]}"


@dataclass(frozen=True)
class StageFinished:
    """A stage that is in the store now.

    `cost` is None where another run made it meanwhile: it was found, not run. `done` of `total` unique stages are in
    the store, those of before the run included, so that a continued run counts on.
    """

    key: str
    kind: str
    label: str
    component: str
    done: int
    total: int
    cost: Cost | None = None

    @property
    def seconds(self) -> float:
        """Wall seconds the stage took in this run; 0 where it was found."""
        return self.cost.wall_seconds if self.cost else 0.0


@dataclass(frozen=True)
class StageFailed:
    """A stage that failed, and the reason; stages that need it are not run and not told of."""

    key: str
    kind: str
    label: str
    component: str
    reason: str


@dataclass(frozen=True)
class RunEnd:
    """A run as it ends: `stopped` by an interrupt or an error, `failed` where stages failed, else `finished`.

    `ran`, `found` and `failed` count stages of this execution. `wall_seconds` is what executing them took,
    `cpu_seconds` what each kind of stage took, whenever it was run; a run that stopped has neither.
    """

    ending: Ending
    ran: int = 0
    found: int = 0
    failed: int = 0
    wall_seconds: float = 0.0
    cpu_seconds: Mapping[str, float] = field(default_factory=dict)


class Observer(Protocol):
    """Hears of a run: its start, its stages one by one, then each cell's measurements, and its end, whatever happens.

    It is called where stages are dealt out, so it must be quick. Whatever it raises is said once as a warning; it is
    then told of nothing more but the run's end.
    """

    def run_started(self, start: RunStart) -> None:
        """The run starts, for the first time or again."""

    def stage_finished(self, stage: StageFinished) -> None:
        """A stage is in the store."""

    def stage_failed(self, stage: StageFailed) -> None:
        """A stage failed; the cells that need it have no measurements."""

    def cell_measured(self, record: CellRecord) -> None:
        """A cell has its measurements, or the reason why it has none."""

    def run_ended(self, end: RunEnd) -> None:
        """The run is over: close what is open."""
