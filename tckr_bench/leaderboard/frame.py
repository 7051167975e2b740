"""The leaderboard in a notebook: records on disk become standings, and standings a data frame."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.errors import LeaderboardError
from tckr_bench.leaderboard.sheets import sheet_of
from tckr_bench.results.files import RESULTS_FOLDER
from tckr_bench.show.formats import arrow_table
from tckr_bench.text import listing, plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    import pandas as pd

    from tckr_bench.leaderboard.standings import Standings
    from tckr_bench.leaderboard.tracks import Track


@dataclass(frozen=True)
class Boards:
    """The tracks some records are of, each with its standings.

    `unknown` names tracks that nobody knows, `root` is the folder that the records were found in.
    """

    standings: tuple[Standings, ...]
    unknown: tuple[str, ...]
    root: Path

    @property
    def notes(self) -> tuple[str, ...]:
        """Say which records are left out, and whether they are those that came with the program."""
        names = listing([plain(name) for name in self.unknown])
        left_out = (f"records of unknown tracks are left out: {names}",) if names else ()
        known = self.root == shipped_results()
        return (*left_out, *((f"there is no {RESULTS_FOLDER} here, so these records came with the program",) * known))

    def to_frame(self, *, measurements: bool = False) -> pd.DataFrame:
        """Return a row per entry, or with `measurements` a row per measurement with interval, seed and threat model.

        Numbers are fractions and seconds, as float64; what is missing is NaN.
        """
        return frame_of(self.standings, measurements=measurements)


def load_boards(path: str | PathLike[str] | None = None, *, track: str | None = None) -> Boards:
    """Return the standings of a folder of results.

    That is `leaderboard/results` under the current folder if not given, and where there is none, the records that came
    with the program.

    Raises:
        LeaderboardError: there is no such folder or track, or a record cannot be read.
    """
    boards = boards_of(RESULTS_FOLDER if path is None else Path(path), track)
    for note in boards.notes:
        warnings.warn(note, stacklevel=3)
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
        root: the folder of results; where there is no `RESULTS_FOLDER`, the records that came with the program.
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
    root = _found_folder(root)
    records = read_records(root)
    present = tuple(dict.fromkeys(record.track for record in records))
    shown = [each for each in wanted if each.name in present]
    if not shown:
        raise LeaderboardError(f"{root} has no record of {_names(wanted)}; {_found(present)}")
    unknown = set(present) - {each.name for each in known} if track is None else ()
    having = [each for each in shown if dataset is None or dataset in each.datasets] or shown
    standings = tuple(standings_of(records, each, dataset=dataset) for each in having)
    return Boards(standings, tuple(sorted(unknown)), root)


def _names(tracks: Sequence[Track]) -> str:
    kind = "the track" if len(tracks) == 1 else "the tracks"
    return f"{kind} {' or '.join(plain(track.name) for track in tracks)}"


def _found(tracks: Sequence[str]) -> str:
    return f"its records are of {listing([plain(name) for name in tracks])}" if tracks else "it has no records at all"


def shipped_results() -> Path:
    """Return the folder of the records that came with an installed program, without scores; a checkout has none."""
    return Path(str(resources.files("tckr_bench.leaderboard") / "shipped"))


def _found_folder(root: Path) -> Path:
    shipped = shipped_results()
    if root.is_dir() or root != RESULTS_FOLDER:
        return root
    if not shipped.is_dir():
        raise LeaderboardError(
            f"there is no {RESULTS_FOLDER} under {Path.cwd()}; give the path of the folder that holds the results"
        )
    return shipped
