"""From records back to a run folder, so that `report`, `compare` and `verdict` work on what others submitted."""

from __future__ import annotations

import itertools
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.errors import LeaderboardError, storage_error
from tckr_bench.leaderboard.files import NAME, record_folder
from tckr_bench.leaderboard.pictures import read_pictures
from tckr_bench.leaderboard.records import cells_of
from tckr_bench.leaderboard.scores import read_scores
from tckr_bench.results.evidence import COPIES_FILE, EVIDENCE_FILE, SAMPLES_FILE, Samples, write_evidence, write_samples
from tckr_bench.results.run_files import RunResults, StageCounts, cell_folder, write_results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.leaderboard.pictures import PicturePair
    from tckr_bench.leaderboard.records import ResultRecord
    from tckr_bench.records import CellRecord


def restore_run(records: Sequence[ResultRecord], root: Path, out: Path) -> RunResults:
    """Write the records of one submission as a run folder: results, evidence, and pictures where there are any.

    Costs are those of the records: added up by kind of stage. What a run keeps beyond them (logs, stages) is not there.

    Args:
        records: of one submission, as `files.read_records` gives them.
        root: the folder of results they were read from.
        out: a folder that does not exist, or is empty.

    Raises:
        LeaderboardError: `out` holds something, there is no record, or a file of it cannot be read: no run is written.
        StoreError: the run cannot be written.
    """
    if not records:
        raise LeaderboardError("there is nothing to restore: no record is of that submission")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise LeaderboardError(f"{out} holds something already; name a new folder for the run")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as staging:
            run = Path(staging) / "run"
            results = _write_run(records, root, run)
            run.rename(out)
    except OSError as error:
        raise storage_error(error, f"restoring a run to {out}") from error
    return results


def _write_run(records: Sequence[ResultRecord], root: Path, run: Path) -> RunResults:
    run.mkdir()
    cells = []
    for record in records:
        for cell in cells_of(record):
            cells.append(cell)
            _write_cell(record, cell, record_folder(root, record), out=run)
    results = _results(records, cells)
    write_results(results, run)
    return results


def _results(records: Sequence[ResultRecord], cells: Sequence[CellRecord]) -> RunResults:
    first = records[0]
    return RunResults(
        matrix=matrix_of(first),
        track=first.track,
        primary_attack=first.primary_attack,
        records=tuple(cells),
        provenance=first.provenance,
        stages=StageCounts(0, 0, 0, 0, 0),
        seconds=first.run_seconds,
        metrics=first.metrics,
        attacks=first.attacks,
        command=first.command,
        recipe=first.recipe,
    )


def matrix_of(record: ResultRecord) -> str:
    """Return the name of the matrix that a record's command runs, or of its track where it names none."""
    try:
        words = shlex.split(record.command)
    except ValueError:
        words = []
    named = [after for word, after in itertools.pairwise(words) if word in ("--matrix", "-m")]
    return named[0] if named and NAME.fullmatch(named[0]) else record.track


def _write_cell(record: ResultRecord, cell: CellRecord, folder: Path, *, out: Path) -> None:
    result = next(result for result in record.seeds if result.seed == cell.seed)
    if result.scores is None:
        return
    where = cell_folder(out, cell)
    where.mkdir(parents=True)
    write_evidence(read_scores(folder / result.scores.name), where / EVIDENCE_FILE)
    first = next(other.seed for other in record.seeds if other.scores is not None)
    if record.pictures is not None and cell.seed == first:
        pairs = read_pictures(folder / record.pictures.name)
        for kind, name in (("sample", SAMPLES_FILE), ("copy", COPIES_FILE)):
            own = [pair for pair in pairs if pair.kind == kind]
            if own:
                write_samples(_samples(own), where / name)


def _samples(pairs: Sequence[PicturePair]) -> Samples:
    import numpy as np

    return Samples(
        real=np.stack([pair.real for pair in pairs]),
        synthetic=np.stack([pair.synthetic for pair in pairs]),
        labels=np.array([pair.label for pair in pairs], dtype=np.int64),
        prompts=tuple(pair.caption for pair in pairs),
    )
