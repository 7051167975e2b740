"""From the board back to a run folder, so that `report`, `compare` and `verdict` work on what others submitted."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.errors import LeaderboardError, storage_error
from tckr_bench.results.files import copy_run, read_run

if TYPE_CHECKING:
    from tckr_bench.results.files import SavedRun


def restore_run(submission: SavedRun, out: Path) -> SavedRun:
    """Copy a submission to a run folder, whole or not at all, and return the run.

    Args:
        submission: as it lies on the board.
        out: a folder that does not exist, or is empty.

    Raises:
        LeaderboardError: `out` holds something, or a record of the submission cannot be read.
        RunError: a file of the submission is not there, too large, or a link.
        StoreError: the run cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise LeaderboardError(f"{out} holds something already; name a new folder for the run")
    if submission.faults:
        raise LeaderboardError(f"nothing was restored, for a record cannot be read: {submission.faults[0]}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as staging:
            run = Path(staging) / "run"
            copy_run(submission, run, pictured=lambda _: True)
            run.rename(out)
    except OSError as error:
        raise storage_error(error, f"restoring a run to {out}") from error
    return read_run(out)
