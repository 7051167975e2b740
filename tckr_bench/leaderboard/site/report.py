"""The report of a run: the pages of its own records, everything recomputed from the scores beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tckr_bench.judging.gates import gates_of
from tckr_bench.judging.rows import doubts_of, verified_leaderboard
from tckr_bench.leaderboard.site.build import build_site
from tckr_bench.leaderboard.site.run_view import run_view
from tckr_bench.leaderboard.site.sources import Sources
from tckr_bench.leaderboard.standings import standings_of
from tckr_bench.leaderboard.tracks import Track, TrackDataset
from tckr_bench.records import Gate
from tckr_bench.results.files import REPORT
from tckr_bench.results.verify import verified
from tckr_bench.show.formats import csv_text, json_text
from tckr_bench.show.tables import board_sheet, leaderboard_latex, leaderboard_markdown

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.judging.rows import Leaderboard
    from tckr_bench.results.files import SavedRun
    from tckr_bench.results.records import ResultRecord
    from tckr_bench.results.verify import Verified

CSV_FILE, JSON_FILE, MARKDOWN_FILE, LATEX_FILE = "board.csv", "board.json", "board.md", "board.tex"
EVIDENCE = "evidence"
"""The check that nothing in a run contradicts its scores."""


def write_report(run: Path, *, found: Verified | None = None) -> Path:
    """Write the pages of a run, and its board in other formats, into its folder `report`; return their index.

    `found` is what `verified(run)` returned, where it is at hand already.

    Raises:
        RunError: the folder holds no readable run.
        LeaderboardError: its folder `report` holds something else.
        StoreError: the pages cannot be written.
    """
    found = found or verified(run)
    saved = found.run
    sources = Sources(saved.folder, of_run=True)
    standings = standings_of(judged_records(found), track_of(saved))
    board = verified_leaderboard(found)
    return build_site(
        [standings],
        sources=sources,
        out=(saved.folder / REPORT).parent,
        run=run_view(found, board, standings, sources=sources),
        beside=_beside(board),
    )


def _beside(board: Leaderboard) -> dict[str, str]:
    """Return the board as files for programs and for papers, by name."""
    sheet = board_sheet(board)
    return {
        CSV_FILE: csv_text(sheet),
        JSON_FILE: json_text(sheet),
        MARKDOWN_FILE: leaderboard_markdown(board),
        LATEX_FILE: leaderboard_latex(board),
    }


def track_of(run: SavedRun) -> Track:
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


def judged_records(found: Verified) -> tuple[ResultRecord, ...]:
    """Return a verified run's records with their gates judged anew; a contradiction on a dataset fails one more."""
    doubts = doubts_of(found)
    gates: dict[str, tuple[Gate, ...]] = {}
    for name in dict.fromkeys(record.dataset for record in found.run.records):
        own = [record for record in found.run.records if record.dataset == name]
        doubt = (Gate(EVIDENCE, passed=False, reason=doubts[name]),) if name in doubts else ()
        gates[name] = (*gates_of(own, found.control_limits), *doubt)
    return tuple(replace(record, gates=gates[record.dataset]) for record in found.run.records)
