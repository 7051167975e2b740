"""The leaderboard as Markdown, for a page of a repository, and as LaTeX, for a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.leaderboard.lines import lines_of
from tckr_bench.leaderboard.tables import (
    ARROWS,
    COSTS,
    MEASUREMENTS,
    arrows,
    images_of,
    judged_of,
    legend_of,
    marks_of,
    note_of,
    rank_of,
    title_of,
    worst_of,
)
from tckr_bench.show.tables import MARKS as LIMITS
from tckr_bench.text import MINUS, NOTHING, duration, latex, markdown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tckr_bench.leaderboard.lines import Line
    from tckr_bench.leaderboard.standings import Standings

_ROW_END = "\\\\"
_MATH_ARROWS = {"↑": r"$\uparrow$", "↓": r"$\downarrow$", "": ""}


def standings_markdown(standings: Standings) -> str:
    """Return a track, or one dataset of it, as Markdown: a table, notes, gates and a legend."""
    lines = lines_of(standings)
    written = [f"## {markdown(title_of(standings))}", "", *_markdown_table(lines), ""]
    noted = [f"- {markdown(line.entry.name)}: {markdown(note_of(line))}" for line in lines if line.notes]
    judged = [
        f"- {markdown(what)}: **{'PASS' if passed else 'FAIL'}** {markdown(reason)}"
        for what, passed, reason in judged_of(lines)
    ]
    legend = [f"- {markdown(line)}" for line in legend_of(standings, lines)]
    for heading, part in (("Notes", noted), ("Gates", judged), ("Legend", legend)):
        written += [f"{heading}:", "", *part, ""] if part else []
    return "\n".join(written)


def _markdown_table(lines: Sequence[Line]) -> list[str]:
    headings = ["rank", "method", "family", *_headings(), "marks"]
    rows = [headings, ["--:", ":--", ":--", *["--:"] * (len(MEASUREMENTS) + len(COSTS)), ":--"]]
    for line in lines:
        measurements = [measurement.with_half(line) for measurement in MEASUREMENTS]
        costs = [duration(line.pipeline_seconds), images_of(line)]
        rows.append(
            [
                rank_of(line),
                markdown(line.entry.name),
                markdown(_kind(line)),
                *measurements,
                *costs,
                ", ".join(_marks(line)),
            ]
        )
    return [f"| {' | '.join(row)} |" for row in rows]


def _headings() -> list[str]:
    arrow = arrows()
    measurements = [f"{it.heading}{f', {it.unit}' if it.unit else ''} {arrow[it.name]}".strip() for it in MEASUREMENTS]
    return [*measurements, *(f"{heading} {ARROWS['lower']}" for heading, _ in COSTS)]


def _kind(line: Line) -> str:
    """Return the family, why it is not ranked, and on one dataset its worst attack."""
    standing = "" if line.entry.standing in ("ranked", "control") else line.entry.standing
    return ", ".join(filter(None, (line.entry.family, standing, worst_of(line))))


def _marks(line: Line) -> list[str]:
    return ["Pareto"] * line.entry.pareto + [LIMITS[key][1] for key in line.limits]


def standings_latex(standings: Standings) -> str:
    r"""Return a track, or one dataset of it, as a LaTeX tabular that needs the package booktabs.

    What is ranked comes first, then what is not, then why; the legend is a comment above.
    """
    lines = lines_of(standings)
    columns = f"rl{'r' * (len(MEASUREMENTS) + len(COSTS))}l"
    ranked = [line for line in lines if line.entry.rank is not None]
    others = [line for line in lines if line.entry.rank is None]
    groups = [[_latex_row(line) for line in group] for group in (ranked, others) if group]
    notes = [_latex_note(line, columns=len(columns)) for line in lines if line.notes]
    body = [row for group in [*groups, *([notes] if notes else [])] for row in (r"\midrule", *group)]
    comments = [title_of(standings), "needs \\usepackage{booktabs}", *legend_of(standings, lines)]
    return "\n".join(
        [
            *(f"% {comment}" for comment in comments),
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            " & ".join(_latex_headings()) + f" {_ROW_END}",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _latex_headings() -> Iterator[str]:
    arrow = arrows()
    yield from ("rank", "method")
    for measurement in MEASUREMENTS:
        unit = f" ({latex(measurement.unit)})" if measurement.unit else ""
        yield f"{latex(measurement.heading)}{unit} {_MATH_ARROWS[arrow[measurement.name]]}".strip()
    yield from (f"{heading} {_MATH_ARROWS[ARROWS['lower']]}" for heading, _ in COSTS)
    yield ""


def _latex_row(line: Line) -> str:
    measurements = [
        f"${measurement.value(line)} \\pm {measurement.half(line).removeprefix('± ')}$".replace(MINUS, "-")
        if measurement.of(line)
        else latex(NOTHING)
        for measurement in MEASUREMENTS
    ]
    name = f"{latex(line.entry.name)} ({latex(_kind(line))})"
    costs = [latex(duration(line.pipeline_seconds)), latex(images_of(line))]
    cells = [latex(rank_of(line)), name, *measurements, *costs, latex(marks_of(line))]
    return " & ".join(cells) + f" {_ROW_END}"


def _latex_note(line: Line, *, columns: int) -> str:
    told = f"{latex(line.entry.name)}: {latex(note_of(line))}"
    return rf"\multicolumn{{{columns}}}{{p{{\linewidth}}}}{{\footnotesize {told}}} {_ROW_END}"
