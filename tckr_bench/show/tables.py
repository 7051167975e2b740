"""The board of a run for the terminal, as Markdown and LaTeX, and as a sheet for CSV, JSON and Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.judging.quantities import columns_of, estimates_of, measured_by
from tckr_bench.show.board import board_latex, board_markdown, board_table
from tckr_bench.show.limits import explained, limits
from tckr_bench.show.lines import (
    ARROWS_MEAN,
    DOUBTFUL,
    MARKS_MEAN,
    columns_legend,
    costs_of_row,
    line_of,
)
from tckr_bench.show.sheets import Field, attack_fields, cost_fields, estimate_fields, filled, joined, method_fields
from tckr_bench.text import listing, markdown, plain, short_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from tckr_bench.judging.quantities import Column
    from tckr_bench.judging.rows import DatasetBoard, Leaderboard, Row
    from tckr_bench.records import Estimate
    from tckr_bench.show.lines import Line
    from tckr_bench.show.sheets import Sheet

UNTRUSTED = "NOT TRUSTWORTHY"
RANKS_MEAN = "rank: rows that chance may have put in order share one; in brackets, where 95 % of a bootstrap put them"


def method_label(row: Row, names: Mapping[str, str]) -> str:
    """Return the short name of a row's method; what learns from real data is called so."""
    name = names[row.method.name]
    kind = {"baseline": "real data", "defended": "real data, defended"}.get(row.method.role)
    return f"{name} ({kind})" if kind else name


def fixed_parts(leaderboard: Leaderboard) -> str:
    """Return what all synthetic methods have in common, in words, or nothing."""
    _, shared = short_names(leaderboard.methods)
    return listing([f"{axis} {value}" for axis, value in shared.items()])


def lines_of_board(board: DatasetBoard, names: Mapping[str, str]) -> tuple[Line, ...]:
    """Return baselines, defences and methods of a dataset as lines, in order."""
    return tuple(line_of(row, names[row.method.name], board) for row in board.candidates)


def _legend(leaderboard: Leaderboard) -> list[str]:
    """Return what headings and signs mean, a line each."""
    rows = [row for board in leaderboard.boards for row in board.candidates]
    limited = [f"{sign}: {words}: {why}" for sign, words, why in explained(key for row in rows for key in limits(row))]
    signs = f"{MARKS_MEAN} · {DOUBTFUL}: not trustworthy"
    columns = columns_legend(columns_of(measured_by(rows)))
    declared = f"declared attack: {plain(leaderboard.primary_attack)}"
    return [columns, f"{ARROWS_MEAN} · ± half a 95 % interval · {declared}", f"{RANKS_MEAN} · {signs}", *limited]


def leaderboard_group(leaderboard: Leaderboard) -> Group:
    """Return what the terminal shows of a run's board, within 100 columns; hostile text stays text."""
    from rich.console import Group
    from rich.text import Text

    names, _ = short_names(leaderboard.methods)
    parts: list[Table | Text] = []
    for board in leaderboard.boards:
        if not board.trusted:
            parts.append(Text(f"{UNTRUSTED}: {plain('; '.join(board.reasons))}", style="bold red"))
        judged = [(f"control {gate.name}", gate.passed, gate.reason) for gate in board.gates]
        title = Text(f"{plain(board.dataset)} · worst attack on each row", style="bold")
        parts += [title, board_table(lines_of_board(board, names)), judged_table(judged), Text("")]
    shared = fixed_parts(leaderboard)
    if shared:
        parts.append(Text(f"All methods: {shared}.", style="dim"))
    return Group(*parts, *(Text(words, style="dim") for words in _legend(leaderboard)))


def judged_table(judged: Iterable[tuple[str, bool, str]]) -> Table:
    """Return what was judged, whether it passed, and why, for the terminal; hostile text stays text."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for what, passed, reason in judged:
        mark = Text("PASS", style="green") if passed else Text("FAIL", style="bold red")
        table.add_row(Text(plain(what)), mark, Text(plain(reason)))
    return table


def leaderboard_markdown(leaderboard: Leaderboard) -> str:
    """Return a run's board as Markdown: a table of methods and a list of controls per dataset."""
    names, _ = short_names(leaderboard.methods)
    written = [f"# {markdown(leaderboard.matrix)} (track {markdown(leaderboard.track)})", ""]
    for board in leaderboard.boards:
        written += [f"## {markdown(board.dataset)}", ""]
        if not board.trusted:
            written += [f"**{UNTRUSTED}**: {markdown('; '.join(board.reasons))}", ""]
        written += [*board_markdown(lines_of_board(board, names)), ""]
        written += [
            f"- control {markdown(gate.name)}: **{'PASS' if gate.passed else 'FAIL'}** {markdown(gate.reason)}"
            for gate in board.gates
        ]
        written.append("")
    shared = fixed_parts(leaderboard)
    written += [f"All methods: {markdown(shared)}.", ""] if shared else []
    return "\n".join([*written, *(f"- {markdown(words)}" for words in _legend(leaderboard)), ""])


def leaderboard_latex(leaderboard: Leaderboard) -> str:
    """Return a run's board as LaTeX: a tabular per dataset, its legend a comment above."""
    names, _ = short_names(leaderboard.methods)
    written = []
    for board in leaderboard.boards:
        lines = lines_of_board(board, names)
        doubts = [f"{UNTRUSTED}: {plain('; '.join(board.reasons))}"] if not board.trusted else []
        notes = [(line.name, f"failed: {'; '.join(line.failures)}") for line in lines if line.failures]
        comments = [plain(board.dataset), *doubts, *_legend(leaderboard)]
        written.append(board_latex(lines, comments=comments, notes=notes))
    return "\n".join(written)


@dataclass(frozen=True)
class _PlacedRow:
    """A row with all that its line of a file says."""

    leaderboard: Leaderboard
    board: DatasetBoard
    row: Row
    short_name: str


def board_sheet(leaderboard: Leaderboard) -> Sheet:
    """Return a row per dataset and method, controls among them."""
    names, _ = short_names(leaderboard.methods)
    placed = [
        _PlacedRow(leaderboard, board, row, names[row.method.name])
        for board in leaderboard.boards
        for row in board.rows
    ]
    return filled(_fields(columns_of(measured_by(it.row for it in placed))), placed)


def _fields(columns: tuple[Column, ...]) -> list[Field[_PlacedRow]]:
    field = Field[_PlacedRow]
    return [
        field("dataset", "text", "what was measured on", lambda it: it.board.dataset),
        field("track", "text", "what the run may be compared within", lambda it: it.leaderboard.track),
        field("role", "text", "baseline, defended, method or control", lambda it: it.row.method.role),
        field("rank", "number", "shared where chance explains it", lambda it: _place(it.row.rank)),
        field("rank_low", "number", "best rank of 95 % of the bootstrap", lambda it: _place(it.row.rank_low)),
        field("rank_high", "number", "worst rank of 95 % of the bootstrap", lambda it: _place(it.row.rank_high)),
        field("method", "text", "full name", lambda it: it.row.method.name),
        field("short_name", "text", "what tells it from the others", lambda it: it.short_name),
        *method_fields(lambda it: it.row.method),
        field("status", "text", "ok, partial or failed", lambda it: it.row.status),
        field("seeds", "text", "seeds with measurements", lambda it: " ".join(map(str, it.row.seeds))),
        field("trusted", "flag", "whether the dataset's controls passed", lambda it: it.board.trusted),
        field("pareto", "flag", "on the front of accuracy and AUC", lambda it: it.row.pareto),
        field("protocol", "text", "how epochs were chosen", lambda it: it.row.protocol),
        field("contamination", "text", "what the generator may know", lambda it: it.row.contamination),
        *estimate_fields(columns, lambda it: estimates_of(it.row)),
        field("epsilon_proved", "number", "what training proves", lambda it: _value(it.row.get(metric_names.PROVED))),
        field("epsilon_found", "number", "what the worst attack refutes", lambda it: _low(it.row.found_epsilon)),
        *attack_fields(columns, lambda it: it.row),
        field("declared_attack", "text", "the attack declared beforehand", lambda it: it.leaderboard.primary_attack),
        *cost_fields(lambda it: costs_of_row(it.row)),
        field("notes", "text", "its gate; what failed; why nothing is trusted", _notes),
    ]


def _place(rank: int | None) -> float | None:
    return None if rank is None else float(rank)


def _low(estimate: Estimate | None) -> float | None:
    return None if estimate is None else float(estimate.low)


def _value(estimate: Estimate | None) -> float | None:
    return None if estimate is None else float(estimate.value)


def _notes(placed: _PlacedRow) -> str | None:
    gates = [gate for gate in placed.board.gates if gate.name == placed.row.method.name]
    judged = [f"{'PASS' if gate.passed else 'FAIL'}: {gate.reason}" for gate in gates]
    return joined([*judged, *placed.row.failures, *placed.board.reasons])
