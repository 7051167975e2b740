"""The leaderboard in a notebook: records on disk become standings, and standings a data frame."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.errors import LeaderboardError
from tckr_bench.leaderboard.formats import arrow_table, sheet_of
from tckr_bench.text import listing, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    import pandas as pd

    from tckr_bench.leaderboard.standings import Standings
    from tckr_bench.leaderboard.tracks import Track


@dataclass(frozen=True)
class Boards:
    """The tracks some records are of, each with its standings; `unknown` names tracks that nobody knows."""

    standings: tuple[Standings, ...]
    unknown: tuple[str, ...]

    @property
    def left_out(self) -> str:
        """Say which records are left out, or nothing."""
        names = listing([plain(name) for name in self.unknown])
        return f"records of unknown tracks are left out: {names}" if names else ""

    def to_frame(self, *, measurements: bool = False) -> pd.DataFrame:
        """Return a row per entry, or with `measurements` a row per measurement with interval, seed and threat model.

        Numbers are fractions and seconds, as float64; what is missing is NaN.
        """
        return frame_of(self.standings, measurements=measurements)


def load_boards(path: str | PathLike[str] | None = None, *, track: str | None = None) -> Boards:
    """Return the standings of a folder of results, `leaderboard/results` under the current folder if not given.

    Raises:
        LeaderboardError: there is no such folder or track, or a record cannot be read.
    """
    boards = boards_of(_folder(path), track)
    if boards.left_out:
        warnings.warn(boards.left_out, stacklevel=3)
    return boards


def frame_of(boards: tuple[Standings, ...], *, measurements: bool = False) -> pd.DataFrame:
    """Return standings as a data frame: numbers are float64, texts strings, and what is missing is NaN."""
    frame: pd.DataFrame = arrow_table(sheet_of(boards, measurements=measurements)).to_pandas()
    return frame


def boards_of(
    root: Path, track: str | None = None, tracks: Sequence[Track] | None = None, *, dataset: str | None = None
) -> Boards:
    """Read the records of a folder and return the standings of one track, or of all that have records.

    Args:
        root: the folder of results.
        track: name of a track.
        tracks: the tracks there are; those that ship if not given.
        dataset: rank on this dataset alone, on the tracks that have it.

    Raises:
        LeaderboardError: the folder or a record cannot be read, or it has no record of the track, or of any.
    """
    from tckr_bench.leaderboard.standings import standings_of
    from tckr_bench.leaderboard.tracks import find_track, shipped_tracks
    from tckr_bench.results.files import read_records

    known = tuple(shipped_tracks() if tracks is None else tracks)
    wanted = known if track is None else (find_track(track, known),)
    records = read_records(root)
    present = tuple(dict.fromkeys(record.track for record in records))
    shown = [each for each in wanted if each.name in present]
    if not shown:
        raise LeaderboardError(f"{root} has no record of {_names(wanted)}; {_found(present)}")
    unknown = set(present) - {each.name for each in known} if track is None else ()
    having = [each for each in shown if dataset is None or dataset in each.datasets] or shown
    standings = tuple(standings_of(records, each, dataset=dataset) for each in having)
    return Boards(standings, tuple(sorted(unknown)))


def _names(tracks: Sequence[Track]) -> str:
    kind = "the track" if len(tracks) == 1 else "the tracks"
    return f"{kind} {' or '.join(plain(track.name) for track in tracks)}"


def _found(tracks: Sequence[str]) -> str:
    return f"its records are of {listing([plain(name) for name in tracks])}" if tracks else "it has no records at all"


def _folder(path: str | PathLike[str] | None) -> Path:
    from tckr_bench.results.files import RESULTS_FOLDER

    if path is None and not RESULTS_FOLDER.is_dir():
        raise LeaderboardError(
            f"there is no {RESULTS_FOLDER} under {Path.cwd()}; "
            "give `load_leaderboard` the path of the folder that holds the results"
        )
    return RESULTS_FOLDER if path is None else Path(path)
