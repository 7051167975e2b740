"""The standings of a track for the terminal, as Markdown for a page of a repository, and as LaTeX for a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.leaderboard.lines import lines_of
from tckr_bench.show.board import board_latex, board_markdown, board_table
from tckr_bench.show.limits import explained
from tckr_bench.show.lines import ARROWS_MEAN, MARKS_MEAN, columns_legend, columns_shown
from tckr_bench.show.tables import judged_table
from tckr_bench.text import listing, markdown, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from tckr_bench.leaderboard.lines import EntryLine
    from tckr_bench.leaderboard.standings import Standings
    from tckr_bench.records import Gate

SHARED_RANKS = (
    "methods that cannot be told apart share a rank; in brackets, where 95 % of a bootstrap over datasets, seeds and "
    "examples put them; other intervals are of seeds and examples, on these datasets"
)
MEANS = "means over the datasets, costs are sums"


def standings_group(standings: Standings) -> Group:
    """Return what the terminal shows of a track, or of one dataset of it; hostile text stays text."""
    from rich.console import Group
    from rich.text import Text

    lines = lines_of(standings)
    table = board_table([it.line for it in lines])
    parts: list[Table | Text] = [Text(title_of(standings), style="bold"), table, Text("")]
    noted = [line for line in lines if line.notes]
    if noted:
        parts += [_notes(noted), Text("")]
    parts += [judged_table(judged_of(lines)), Text("")]
    parts += [Text(line, style="dim") for line in legend_of(standings, lines)]
    return Group(*parts)


def standings_markdown(standings: Standings) -> str:
    """Return a track, or one dataset of it, as Markdown: a table, notes, gates and a legend."""
    lines = lines_of(standings)
    written = [f"## {markdown(title_of(standings))}", "", *board_markdown([it.line for it in lines]), ""]
    noted = [f"- {markdown(line.entry.name)}: {markdown(note_of(line))}" for line in lines if line.notes]
    judged = [
        f"- {markdown(what)}: **{'PASS' if passed else 'FAIL'}** {markdown(reason)}"
        for what, passed, reason in judged_of(lines)
    ]
    legend = [f"- {markdown(line)}" for line in legend_of(standings, lines)]
    for heading, part in (("Notes", noted), ("Gates", judged), ("Legend", legend)):
        written += [f"{heading}:", "", *part, ""] if part else []
    return "\n".join(written)


def standings_latex(standings: Standings) -> str:
    """Return a track, or one dataset of it, as LaTeX: a tabular, notes in it, and the legend a comment above."""
    lines = lines_of(standings)
    comments = [title_of(standings), *legend_of(standings, lines)]
    notes = [(line.entry.name, note_of(line)) for line in lines if line.notes]
    return board_latex([it.line for it in lines], comments=comments, notes=notes)


def title_of(standings: Standings) -> str:
    """Return what a table is of."""
    track, dataset = standings.track, standings.dataset
    where = f"on {plain(dataset)}" if dataset else f"over {listing([plain(name) for name in track.datasets])}"
    return f"{plain(track.title)} (track {plain(track.name)}), {where}"


def legend_of(standings: Standings, lines: Sequence[EntryLine]) -> tuple[str, ...]:
    """Return what headings and signs mean, a line each."""
    scope = "on this dataset alone" if standings.dataset else MEANS
    found = explained(key for it in lines for key in it.line.limits)
    seeds = f"{standings.track.seeds} seeds" if standings.track.seeds > 1 else "1 seed"
    return (
        columns_legend(columns_shown(it.line for it in lines)),
        f"{ARROWS_MEAN} · ± half a 95 % interval · {seeds} · {scope}",
        f"rank: {SHARED_RANKS} · {MARKS_MEAN}",
        *(f"{sign}: {words}: {why}" for sign, words, why in found),
    )


def note_of(line: EntryLine) -> str:
    """Return where a line stands and why, in words."""
    return f"{line.entry.standing}: {'; '.join(line.notes)}"


def judged_of(lines: Iterable[EntryLine]) -> list[tuple[str, bool, str]]:
    """Return the gates of the submissions shown, each once: failed ones with their reason, passed ones counted."""
    gates: dict[str, dict[tuple[str, Gate | None], None]] = {}
    for line in lines:
        for record in line.records:
            found = gates.setdefault(record.submission, {})
            found.update({(record.dataset, gate): None for gate in record.gates or (None,)})
    judged = []
    for submission, found in gates.items():
        passed = [(dataset, gate) for dataset, gate in found if gate is not None and gate.passed]
        what = f"gates of {submission[:8]}"
        if passed:
            datasets = len({dataset for dataset, _ in passed})
            names = listing(list(dict.fromkeys(gate.name for _, gate in passed)))
            on = "1 dataset" if datasets == 1 else f"{datasets} datasets"
            judged.append((what, True, f"{len(passed)} of {len(found)} on {on}: {names}"))
        for dataset, gate in found:
            if gate is None:
                judged.append((what, False, f"on {dataset}: there is none"))
            elif not gate.passed:
                judged.append((what, False, f"on {dataset}, {gate.name}: {gate.reason}"))
    return judged


def _notes(lines: Iterable[EntryLine]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(overflow="fold", max_width=34)
    table.add_column(overflow="fold")
    for line in lines:
        table.add_row(Text(plain(line.entry.name)), Text(plain(note_of(line))))
    return table
