"""One line per dataset, for runs over many: every method's accuracy, attack success and AOP side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.judging import rows
from tckr_bench.judging.quantities import columns_of, measured_by
from tckr_bench.show.limits import MARKS, limits
from tckr_bench.show.tables import UNTRUSTED, method_label
from tckr_bench.text import NOTHING, markdown, plain, short_names

if TYPE_CHECKING:
    from rich.table import Table

    from tckr_bench.judging.quantities import Column
    from tckr_bench.judging.rows import DatasetBoard, Leaderboard, Row

FEWEST_DATASETS = 3
"""From how many datasets on a run is long enough to want an overview."""


def headings_of(leaderboard: Leaderboard) -> tuple[str, ...]:
    """Return the headings of the overview: some columns of the board, between what a dataset is and its controls."""
    columns = [markdown(column.title) for column in _columns(leaderboard)]
    return ("dataset", "train + test", *columns, "controls")


def _columns(leaderboard: Leaderboard) -> list[Column]:
    rows = [row for board in leaderboard.boards for row in board.candidates]
    return [column for column in columns_of(measured_by(rows)) if column.leading]


def overview_markdown(leaderboard: Leaderboard) -> str:
    """Return the overview as a Markdown table, after a line that names the methods in the order of the measurements."""
    names = " / ".join(map(markdown, method_names(leaderboard)))
    lines = [f"In each cell: {names}. ± is half a 95 % interval. AUC and AOP are those of each row's worst attack.", ""]
    columns, order = _columns(leaderboard), _order(leaderboard)
    lines += [f"| {' | '.join(headings_of(leaderboard))} |", f"|:--|--:|{'--:|' * len(columns)}:--|"]
    for board in leaderboard.boards:
        lines.append(f"| {' | '.join(markdown(' / '.join(cell)) for cell in _cells(board, order, columns))} |")
    return "\n".join([*lines, ""])


def overview_table(leaderboard: Leaderboard) -> Table:
    """Return the overview for the terminal, a line per method; hostile text stays text."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text("Overview", style="bold"), title_justify="left", box=None, pad_edge=False, padding=(0, 1))
    columns, headings = _columns(leaderboard), headings_of(leaderboard)
    for heading in (*headings[:2], "method", *headings[2:]):
        words = heading in ("dataset", "method", "controls")
        table.add_column(heading, justify="left" if words else "right", overflow="fold", no_wrap=not words)
    names = method_names(leaderboard)
    for board in leaderboard.boards:
        dataset, sizes, *measurements = _cells(board, _order(leaderboard), columns)
        cells = (dataset, sizes, names, *measurements)
        table.add_row(*(Text("\n".join(map(plain, cell))) for cell in cells))
    return table


def method_names(leaderboard: Leaderboard) -> list[str]:
    """Return the short names of baselines and methods, baselines first, as the measurements stand in a cell."""
    names, _ = short_names(leaderboard.methods)
    rows = {row.method.name: row for board in leaderboard.boards for row in board.candidates}
    return [method_label(rows[name], names) for name in _order(leaderboard)]


def _order(leaderboard: Leaderboard) -> list[str]:
    """Return method names: by role, then by name and not by rank, which differs from board to board."""
    found = {row.method.name: row.method for board in leaderboard.boards for row in board.candidates}
    return sorted(found, key=lambda name: (rows.ROLE_ORDER[found[name].role], name))


def _cells(board: DatasetBoard, order: list[str], columns: list[Column]) -> tuple[list[str], ...]:
    """Return the cells of a dataset as `headings_of` names them; cells of measurements have an entry per method."""
    rows = {row.method.name: row for row in board.candidates}
    limited = {MARKS[key][1] for row in rows.values() for key in limits(row)}
    failed = [gate.name for gate in board.gates if not gate.passed]
    controls = "all pass" if board.trusted else f"{UNTRUSTED}: {', '.join(failed) or '; '.join(board.reasons)}"
    return (
        [board.dataset],
        [f"{board.splits.get('train', 0):,} + {board.splits.get('test', 0):,}"],
        *([_measurement(rows.get(name), column) for name in order] for column in columns),
        ["; ".join([controls, *sorted(limited)])],
    )


def _measurement(row: Row | None, column: Column) -> str:
    estimate = column.of(row) if row is not None else None
    return NOTHING if estimate is None else column.with_half(estimate)
