"""What is about to reach the board, read as the board will read it: what `verify` would refuse never gets there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.errors import LeaderboardError
from tckr_bench.leaderboard.examination import fault_of_sizes, faults_of_pictures
from tckr_bench.leaderboard.files import NAME, read_record, record_folder, record_path
from tckr_bench.leaderboard.scores import read_scores

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.leaderboard.records import ResultRecord
    from tckr_bench.records import CellRecord


def refuse_unnameable(cell: CellRecord) -> None:
    """Refuse a cell whose method no file can be named after; before anything is read or written under that name.

    Raises:
        LeaderboardError: the name is empty, too long, or has other characters than a record's may have.
    """
    if not NAME.fullmatch(cell.method.name) or ".." in cell.method.name:
        raise LeaderboardError(
            f"the method '{cell.method.name[:60]}' on {cell.dataset} cannot be submitted: "
            "its name is not one of letters, digits, '.', '_' and '-'"
        )


def admit(record: ResultRecord, root: Path) -> None:
    """Read a record that was written, its scores and its pictures back, within the limits that `verify` has.

    Raises:
        LeaderboardError: something is too large, or not what a record may hold.
    """
    cell = f"{record.dataset}/{record.method.name}"
    try:
        fault = _fault_of(record, root)
    except LeaderboardError as error:
        raise LeaderboardError(f"nothing was submitted, for no board takes {cell}: {error}") from error
    if fault:
        raise LeaderboardError(f"nothing was submitted, for no board takes {cell}: {fault}")


def _fault_of(record: ResultRecord, root: Path) -> str:
    """Return what is wrong with a written record or its files, or nothing.

    Raises:
        LeaderboardError: one of them cannot be read.
    """
    folder = record_folder(root, record)
    read_record(record_path(root, record))
    for seed in record.seeds:
        if seed.scores is not None:
            fault = fault_of_sizes(read_scores(folder / seed.scores.name), record)
            if fault:
                return f"seed {seed.seed}: {fault}"
    return "; ".join(faults_of_pictures(root, record))
