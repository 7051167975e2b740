"""tckr-bench: may a private image dataset be replaced by a synthetic one?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__version__ = "0.1.0"


def load_leaderboard(
    path: Path | str | None = None, *, track: str | None = None, measurements: bool = False
) -> pd.DataFrame:
    """Return the leaderboard as a data frame: a row per entry, or with `measurements` a row per measurement.

    Numbers are fractions and seconds, as float64; what is missing is NaN.

    Args:
        path: the folder of results; `leaderboard/results` under the current folder if not given, and where there is
            none, the records that came with the program.
        track: one track only; all that have records if not given.
        measurements: every measurement with its interval, seed and threat model, instead of the means of each entry.

    Raises:
        LeaderboardError: there is no such folder or track, or a record cannot be read.
    """
    from tckr_bench.leaderboard import frame

    return frame.load_leaderboard(path, track=track, measurements=measurements)
