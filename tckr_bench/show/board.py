"""The one table of a board, of a run or of a track, for the terminal, in Markdown and in LaTeX."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from tckr_bench.show.lines import columns_shown, costs_shown
from tckr_bench.text import MINUS, NOTHING, latex, markdown, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table
    from rich.text import Text

    from tckr_bench.judging.quantities import Column
    from tckr_bench.show.lines import Line

_NARROW = 10
"""Characters of a heading in the terminal, before it goes on in a second line."""
_ROW_END = "\\\\"
_MATH_ARROWS = {"↑": r"$\uparrow$", "↓": r"$\downarrow$", "": ""}


def board_table(lines: Sequence[Line]) -> Table:
    """Return lines as a table for the terminal, within 100 columns: ranked ones first; hostile text stays text."""
    from rich.table import Table

    columns = columns_shown(lines)
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("method", overflow="fold", min_width=12, max_width=34)
    for column in columns:
        table.add_column(_heading(column.quantity.heading, column.arrow), justify="right", no_wrap=True)
    for cost in costs_shown():
        # on a narrow terminal a duration takes two lines, before a method's name is cut to pieces
        timed = cost.quantity.unit == "s"
        table.add_column(_heading(cost.quantity.heading, cost.arrow), justify="right", no_wrap=not timed)
    table.add_column("", no_wrap=True)
    ranked, others = _grouped(lines)
    for line in ranked:
        table.add_row(*_terminal_cells(line, columns))
    if ranked and others:
        table.add_row("")
    for line in others:
        table.add_row(*_terminal_cells(line, columns), style="dim")
    return table


def _heading(words: str, arrow: str) -> str:
    """Break a heading for a narrow column, never between its last word and its arrow."""
    whole = f"{words}\N{NO-BREAK SPACE}{arrow}".rstrip("\N{NO-BREAK SPACE}")
    return "\n".join(textwrap.wrap(plain(whole), _NARROW, break_long_words=False)).replace("\N{NO-BREAK SPACE}", " ")


def _grouped(lines: Sequence[Line]) -> tuple[list[Line], list[Line]]:
    """Return the lines that are ranked, and the others."""
    return [line for line in lines if line.rank is not None], [line for line in lines if line.rank is None]


def _terminal_cells(line: Line, columns: Sequence[Column]) -> list[Text]:
    from rich.text import Text

    name = Text(plain(line.name))
    for detail in (line.family, *line.details):
        name.append(f"\n{plain(detail)}", style="dim")
    for failure in line.failures:
        name.append(f"\nfailed: {plain(failure)}", style="red")
    estimates = [
        Text.assemble(column.value(found), (f"\n{column.half(found)}", "dim")) if found else Text(NOTHING)
        for column in columns
        for found in [line.estimates.get(column.name)]
    ]
    return [Text(line.place), name, *estimates, *map(Text, _costs(line)), Text(line.signs)]


def _costs(line: Line) -> list[str]:
    return [cost.words(line.costs[cost.name]) if cost.name in line.costs else NOTHING for cost in costs_shown()]


def board_markdown(lines: Sequence[Line]) -> list[str]:
    """Return lines as the lines of a Markdown table; no text in it is markup."""
    columns = columns_shown(lines)
    headings = [f"{column.title} {column.arrow}" for column in columns]
    headings += [f"{cost.quantity.heading} {cost.arrow}" for cost in costs_shown()]
    rows = [["rank", "method", "kind", *map(markdown, map(str.strip, headings)), "marks"]]
    rows.append(["--:", ":--", ":--", *["--:"] * len(headings), ":--"])
    for line in lines:
        found = [(column, line.estimates.get(column.name)) for column in columns]
        estimates = [NOTHING if estimate is None else column.with_half(estimate) for column, estimate in found]
        failed = f" (failed: {markdown('; '.join(line.failures))})" if line.failures else ""
        kind = ", ".join(map(markdown, (line.family, *line.details)))
        name = f"{markdown(line.name)}{failed}"
        rows.append([line.place, name, kind, *estimates, *_costs(line), ", ".join(line.marks)])
    return [f"| {' | '.join(row)} |" for row in rows]


def board_latex(lines: Sequence[Line], *, comments: Sequence[str], notes: Sequence[tuple[str, str]] = ()) -> str:
    r"""Return lines as a LaTeX tabular that needs the package booktabs.

    What is ranked comes first, then what is not, then notes, each of a name; comments stand above.
    """
    columns = columns_shown(lines)
    across = f"rl{'r' * (len(columns) + len(costs_shown()))}l"
    groups = [[_latex_row(line, columns) for line in group] for group in _grouped(lines) if group]
    told = [_latex_note(name, note, columns=len(across)) for name, note in notes]
    body = [row for group in [*groups, *([told] if told else [])] for row in (r"\midrule", *group)]
    return "\n".join(
        [
            *(f"% {comment}" for comment in (*comments, "needs \\usepackage{booktabs}")),
            rf"\begin{{tabular}}{{{across}}}",
            r"\toprule",
            " & ".join(_latex_headings(columns)) + f" {_ROW_END}",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _latex_headings(columns: Sequence[Column]) -> list[str]:
    headings = [f"{latex(column.title)} {_MATH_ARROWS[column.arrow]}".strip() for column in columns]
    costs = [f"{latex(cost.quantity.heading)} {_MATH_ARROWS[cost.arrow]}".strip() for cost in costs_shown()]
    return ["rank", "method", *headings, *costs, ""]


def _latex_row(line: Line, columns: Sequence[Column]) -> str:
    found = [(column, line.estimates.get(column.name)) for column in columns]
    estimates = [
        latex(NOTHING) if estimate is None else _latex_number(column.with_half(estimate)) for column, estimate in found
    ]
    name = f"{latex(line.name)} ({latex(', '.join((line.family, *line.details)))})"
    cells = [latex(line.place), name, *estimates, *map(latex, _costs(line)), latex(line.signs)]
    return " & ".join(cells) + f" {_ROW_END}"


def _latex_number(words: str) -> str:
    return f"${words}$".replace("±", r"\pm").replace(MINUS, "-")


def _latex_note(name: str, note: str, *, columns: int) -> str:
    told = f"{latex(name)}: {latex(note)}"
    return rf"\multicolumn{{{columns}}}{{p{{\linewidth}}}}{{\footnotesize {told}}} {_ROW_END}"
