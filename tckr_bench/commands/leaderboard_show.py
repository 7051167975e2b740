"""`tckr-bench leaderboard show`."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tckr_bench.commands.console import Screen
from tckr_bench.errors import LeaderboardError, storage_error
from tckr_bench.leaderboard.frame import boards_of
from tckr_bench.leaderboard.sheets import sheet_of
from tckr_bench.leaderboard.tables import standings_group, standings_latex, standings_markdown
from tckr_bench.show.formats import csv_text, json_text, write_parquet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.leaderboard.standings import Standings
    from tckr_bench.leaderboard.tracks import Track

OutputFormat = Literal["table", "csv", "markdown", "latex", "parquet", "json"]
FOR_PROGRAMS: tuple[OutputFormat, ...] = ("csv", "parquet", "json")
WIDTH = 100


def show(
    results: Path,
    *,
    track: str | None,
    dataset: str | None,
    output_format: OutputFormat,
    measurements: bool,
    out: Path | None,
    tracks: Sequence[Track] | None = None,
) -> None:
    """Print the standings of one track, or of all that have records, or write them to a file.

    `tracks` are those there are; the ones that ship if not given.

    Raises:
        LeaderboardError: there is no such folder, track or dataset, a record cannot be read, or the format does not
            allow what is asked.
        StoreError: the file cannot be written.
    """
    if measurements and output_format not in FOR_PROGRAMS:
        formats = "csv, json or parquet"
        raise LeaderboardError(f"single measurements are too many for the format {output_format}; choose {formats}")
    if output_format == "parquet" and out is None:
        raise LeaderboardError("Parquet is no text for a terminal; name a file to write with --out FILE")
    boards = boards_of(results, track, tracks, dataset=dataset)
    shown = boards.standings
    screen = Screen(json=out is None and output_format != "table")
    for note in boards.notes:
        screen.warn(note)
    if out is not None:
        _write(shown, output_format, out, measurements=measurements)
        screen.say(f"Standings: {out}")
    elif output_format == "table":
        for board in shown:
            screen.console.print(standings_group(board), width=min(WIDTH, screen.console.width))
    else:
        sys.stdout.write(_text(shown, output_format, measurements=measurements))


def _text(boards: Sequence[Standings], output_format: OutputFormat, *, measurements: bool) -> str:
    if output_format == "table":
        return "\n".join(_terminal(board) for board in boards)
    if output_format in ("markdown", "latex"):
        typeset = standings_markdown if output_format == "markdown" else standings_latex
        return "\n".join(typeset(board) for board in boards)
    sheet = sheet_of(boards, measurements=measurements)
    return csv_text(sheet) if output_format == "csv" else json_text(sheet)


def _terminal(board: Standings) -> str:
    from rich.console import Console

    written = io.StringIO()
    console = Console(file=written, width=WIDTH, color_system=None, highlight=False)
    console.print(standings_group(board))
    return written.getvalue()


def _write(boards: Sequence[Standings], output_format: OutputFormat, out: Path, *, measurements: bool) -> None:
    if output_format == "parquet":
        write_parquet(sheet_of(boards, measurements=measurements), out)
        return
    text = _text(boards, output_format, measurements=measurements)
    partial = out.with_name(f"{out.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(out)
    except OSError as error:
        raise storage_error(error, f"writing {out.name}") from error
