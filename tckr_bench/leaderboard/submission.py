"""From a finished run to a submission: records, scores and pictures copied, and checked as the board will."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.errors import LeaderboardError, nearest, storage_error
from tckr_bench.leaderboard.verification import faults_of_run
from tckr_bench.results.files import SavedRun, copy_run, read_run, submission_folder
from tckr_bench.results.pictures import may_be_shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.leaderboard.tracks import Track
    from tckr_bench.results.records import ResultRecord


def prepare_submission(run: Path, track: Track) -> SavedRun:
    """Read a finished run as a submission to a track; nothing is written.

    Raises:
        LeaderboardError: the run is not of the track's datasets, or a record of it cannot be read.
        RunError: it is no run.
    """
    saved = read_run(run)
    if saved.faults:
        raise LeaderboardError(f"nothing was submitted, for a record of the run cannot be read: {saved.faults[0]}")
    if not saved.records:
        raise LeaderboardError("there is nothing to submit: the run has no records")
    for record in saved.records:
        _refuse_other_data(record, track, run)
    information = replace(saved.information, track=track.name)
    return replace(
        saved,
        information=information,
        records=tuple(replace(record, run=information) for record in saved.records),
    )


def write_submission(
    submission: SavedRun, root: Path, track: Track, *, jobs: int = 1, progress: Callable[[int], None] | None = None
) -> Path:
    """Copy a run below the folder of results, check it there, and return its folder.

    Pictures come along only where the dataset's licence lets its images be shown.

    Raises:
        LeaderboardError: `verify` would refuse it; nothing was written.
        RunError: a file of the run is not there, too large, or a link.
        StoreError: something cannot be written.
    """
    target = submission_folder(root, submission.information)
    is_new = not root.exists()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".submission-") as name:
            staged = Path(name) / "run"
            _copy(submission, staged)
            faults = faults_of_run(read_run(staged), track, jobs=jobs, progress=progress)
            if faults:
                raise LeaderboardError(f"nothing was submitted, for no board takes this run: {faults[0]}")
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                target.rename(Path(name) / "replaced")
            staged.rename(target)
    except OSError as error:
        raise storage_error(error, "writing the submission") from error
    finally:
        if is_new and root.is_dir() and not any(root.iterdir()):
            root.rmdir()
    return target


def is_there(submission: SavedRun, root: Path) -> bool:
    """Return whether a submission is on the board as it is, byte for byte."""
    target = submission_folder(root, submission.information)
    if not target.is_dir():
        return False
    with tempfile.TemporaryDirectory() as name:
        staged = Path(name) / "run"
        _copy(submission, staged)
        ours, theirs = ({path.relative_to(top): path for path in _files(top)} for top in (staged, target))
        return ours.keys() == theirs.keys() and all(
            path.read_bytes() == theirs[place].read_bytes() for place, path in ours.items()
        )


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _copy(submission: SavedRun, target: Path) -> None:
    """Copy what a submission is: its file, its records with their scores, and pictures that may be shown."""
    copy_run(submission, target, pictured=lambda record: may_be_shown(record.description.licence))


def _refuse_other_data(record: ResultRecord, track: Track, run: Path) -> None:
    wanted = track.datasets.get(record.dataset)
    if wanted is None:
        hint = nearest(record.dataset, track.datasets)
        raise LeaderboardError(f"the run {run} has the dataset '{record.dataset}', track {track.name} has not{hint}")
    sizes = {split: record.splits.get(split, 0) for split in wanted.splits}
    other = wanted.fingerprint and record.description.fingerprint != wanted.fingerprint
    if other or sizes != dict(wanted.splits):
        asked = " + ".join(f"{count:,} {split}" for split, count in wanted.splits.items())
        given = " + ".join(f"{count:,} {split}" for split, count in sizes.items())
        what = "other images" if other else f"{given} images"
        raise LeaderboardError(
            f"the run {run} has {what} of '{record.dataset}' where track {track.name} asks for {asked}"
            f"{' of its own' if other else ''}; run `tckr-bench run --matrix {track.matrix}`"
        )
