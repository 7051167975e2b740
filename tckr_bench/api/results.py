"""A run as it is read: its measurements recomputed from its saved scores, and its board made of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.judging.rows import Leaderboard, verified_leaderboard
from tckr_bench.results.verify import Verified, verified

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd

    from tckr_bench.engine.outcome import Outcome


@dataclass(frozen=True)
class RunResults:
    """A run with every measurement recomputed.

    Attributes:
        verified: the run, what its files say otherwise, and the evidence that its measurements were recomputed from.
        board: the rows of the run, dataset by dataset, with their ranks.
        outcome: what this execution did; None for a run that was loaded.
    """

    verified: Verified
    board: Leaderboard
    outcome: Outcome | None = None

    @property
    def folder(self) -> Path:
        """Where the run's files are."""
        return self.verified.run.folder

    def to_frame(self, *, measurements: bool = False) -> pd.DataFrame:
        """Return a row per method and dataset, with the columns of the leaderboard; or a row per measurement."""
        from tckr_bench.leaderboard.frame import frame_of
        from tckr_bench.leaderboard.run_standings import standings_of_run

        return frame_of((standings_of_run(self.verified),), measurements=measurements)


def load_run(folder: str | PathLike[str]) -> RunResults:
    """Read a run's folder and recompute every measurement from its saved scores.

    What its files say otherwise is listed in `verified.mismatches`.

    Raises:
        RunError: the folder holds no readable run.
    """
    found = verified(Path(folder))
    return RunResults(found, verified_leaderboard(found))
