"""The standings of a run by itself, as if it were a track of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tckr_bench.judging.gates import gates_of
from tckr_bench.judging.rows import doubts_of
from tckr_bench.leaderboard.standings import standings_of
from tckr_bench.leaderboard.tracks import Track, TrackDataset
from tckr_bench.records import Gate

if TYPE_CHECKING:
    from tckr_bench.leaderboard.standings import Standings
    from tckr_bench.results.files import SavedRun
    from tckr_bench.results.records import ResultRecord
    from tckr_bench.results.verify import Verified

EVIDENCE = "evidence"
"""The check that nothing in a run contradicts its scores."""


def standings_of_run(found: Verified, *, dataset: str | None = None) -> Standings:
    """Return the standings of a verified run's methods, over its datasets or on one of them."""
    return standings_of(_judged_records(found), _track_of(found.run), dataset=dataset)


def _track_of(run: SavedRun) -> Track:
    """Return the track that a run is by itself: its datasets as it found them, its seeds, and no attack demanded."""
    first: dict[str, ResultRecord] = {}
    for record in run.records:
        first.setdefault(record.dataset, record)
    return Track(
        name=run.information.track,
        title=f"Matrix {run.information.matrix}",
        summary=f"A run of the matrix {run.information.matrix}.",
        matrix=run.information.matrix,
        datasets={
            name: TrackDataset(record.splits, len(record.description.class_names), record.description.fingerprint)
            for name, record in first.items()
        },
        seeds=min((len(record.seeds) for record in run.records), default=1),
    )


def _judged_records(found: Verified) -> tuple[ResultRecord, ...]:
    """Return a verified run's records with their gates judged anew; a contradiction on a dataset fails one more."""
    doubts = doubts_of(found)
    gates: dict[str, tuple[Gate, ...]] = {}
    for name in dict.fromkeys(record.dataset for record in found.run.records):
        own = [record for record in found.run.records if record.dataset == name]
        doubt = (Gate(EVIDENCE, passed=False, reason=doubts[name]),) if name in doubts else ()
        gates[name] = (*gates_of(own, found.control_limits), *doubt)
    return tuple(replace(record, gates=gates[record.dataset]) for record in found.run.records)
