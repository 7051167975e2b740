"""The report of a run: the pages of its own records, everything recomputed from the scores beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.judging.rows import verified_leaderboard
from tckr_bench.leaderboard.run_standings import standings_of_run
from tckr_bench.leaderboard.site.build import build_site
from tckr_bench.leaderboard.site.run_view import run_view
from tckr_bench.leaderboard.site.sources import Sources
from tckr_bench.results.files import REPORT
from tckr_bench.results.verify import verified
from tckr_bench.show.formats import csv_text, json_text
from tckr_bench.show.overview import FEWEST_DATASETS, overview_markdown
from tckr_bench.show.tables import board_sheet, leaderboard_latex, leaderboard_markdown

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.judging.rows import Leaderboard
    from tckr_bench.results.verify import Verified

CSV_FILE, JSON_FILE, MARKDOWN_FILE, LATEX_FILE = "board.csv", "board.json", "board.md", "board.tex"


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
    standings = standings_of_run(found)
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
    overview = [overview_markdown(board)] if len(board.boards) >= FEWEST_DATASETS else []
    return {
        CSV_FILE: csv_text(sheet),
        JSON_FILE: json_text(sheet),
        MARKDOWN_FILE: "\n".join([leaderboard_markdown(board), *overview]),
        LATEX_FILE: leaderboard_latex(board),
    }
