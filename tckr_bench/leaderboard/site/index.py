"""The index: answers in words, and around them what the page's script fills in from the data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.controls import control_of
from tckr_bench.judging import reported
from tckr_bench.judging.rows import DatasetBoard
from tckr_bench.leaderboard.site.answers import answers_of
from tckr_bench.leaderboard.site.frame import render, static
from tckr_bench.leaderboard.site.links import dataset_link, method_link
from tckr_bench.leaderboard.site.measurements import columns_on
from tckr_bench.leaderboard.site.names import short
from tckr_bench.leaderboard.site.payload import payload
from tckr_bench.leaderboard.site.vega import vega_bundle
from tckr_bench.show.chart_parts import CONFIG
from tckr_bench.show.shown import Shown, measured
from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.judging.reported import ReportedTable
    from tckr_bench.leaderboard.site.answers import AnswerView
    from tckr_bench.leaderboard.site.run_view import RunView
    from tckr_bench.leaderboard.standings import Entry, Standings
    from tckr_bench.records import Gate

SCRIPT = ("index_state.js", "index_tables.js", "index_charts.js", "index_page.js")
"""The parts of the page's one script, in order: later ones use what earlier ones name."""
MOST_SUBMISSIONS = 40
MOST_WITHOUT_SCRIPT = 50


@dataclass(frozen=True)
class ControlLine:
    """A control as the index shows it: where its page is, what it must do, and its measurements."""

    name: str
    page: str
    expected: str
    numbers: tuple[Shown, ...]


@dataclass(frozen=True)
class SubmissionLine:
    """A submission: how many gates it passed, of how many, and which failed on what."""

    submission: str
    entries: int
    passed: int
    gates: int
    failed: tuple[str, ...]


@dataclass(frozen=True)
class PlainLine:
    """A ranked entry as it is shown where no script runs."""

    rank: str
    name: str
    page: str
    numbers: tuple[Shown, ...]


@dataclass(frozen=True)
class TrackView:
    """What the template says of a track; the script has the rest."""

    name: str
    title: str
    summary: str
    answers: tuple[AnswerView, ...]
    facts: str
    datasets: tuple[tuple[str, str], ...]
    attacks: tuple[str, ...]
    controls: tuple[ControlLine, ...]
    submissions: tuple[SubmissionLine, ...]
    unlisted: int
    plain_lines: tuple[PlainLine, ...]
    headings: tuple[str, ...]
    reported: tuple[ReportedTable, ...]


def index_page(boards: Sequence[Standings], *, digest: str = "", run: RunView | None = None) -> str:
    """Render the index of all tracks, or of a run; `digest` names the records it was built from."""
    return render(
        "index.html",
        title=f"Synthetic against real data: {f'matrix {run.matrix}' if run else 'the leaderboard of tckr-bench'}",
        depth=0,
        what="run" if run else "leaderboard",
        run=run,
        styles=(static("index.css"),),
        scripts=("".join(map(static, SCRIPT)), vega_bundle()),
        tracks=tuple(track_view(board) for board in boards),
        payload=payload(boards),
        chart_config=json.dumps(CONFIG, separators=(",", ":")),
        digest=digest,
        reported_words={
            "label": reported.LABEL,
            "paper": reported.PAPER,
            "differences": reported.differences(),
            "headings": reported.headings(),
        },
    )


def track_view(board: Standings) -> TrackView:
    """Gather what the index says of a track."""
    submissions = _submissions(board)
    return TrackView(
        name=plain(board.track.name),
        title=short(board.track.title),
        summary=short(board.track.summary, 600),
        answers=answers_of(board),
        facts=_facts(board),
        datasets=tuple((plain(name), dataset_link(board.track.name, name)) for name in board.track.datasets),
        attacks=tuple(plain(str(attack)) for attack in board.track.attacks),
        controls=tuple(_control(board, entry) for entry in board.entries if entry.standing == "control"),
        submissions=submissions[:MOST_SUBMISSIONS],
        unlisted=max(0, len(submissions) - MOST_SUBMISSIONS),
        plain_lines=tuple(_plain_line(board, entry) for entry in board.entries if entry.rank)[:MOST_WITHOUT_SCRIPT],
        headings=tuple(plain(column.title) for column in columns_on(board) if column.leading),
        reported=_reported(board),
    )


def _facts(board: Standings) -> str:
    ranked = sum(entry.standing == "ranked" for entry in board.entries)
    others = sum(entry.standing not in ("ranked", "control") for entry in board.entries)
    datasets, seeds = len(board.track.datasets), board.track.seeds
    return (
        f"{_count(ranked, 'method')} ranked, {others} not ranked · {_count(datasets, 'dataset')} · "
        f"at least {_count(seeds, 'seed')}{_demanded(len(board.track.attacks))}"
    )


def _demanded(attacks: int) -> str:
    return f" · {_count(attacks, 'attack')} that every record must face" if attacks else ""


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _control(board: Standings, entry: Entry) -> ControlLine:
    control = control_of(entry.method)
    return ControlLine(
        short(entry.name),
        method_link(board.track.name, entry.slug),
        control.words if control else "",
        _leading(board, entry),
    )


def _submissions(board: Standings) -> tuple[SubmissionLine, ...]:
    """Return the submissions, those with failed gates first."""
    entries: dict[str, set[str]] = {}
    gates: dict[str, dict[tuple[str, str], Gate]] = {}
    for entry in board.entries:
        entries.setdefault(entry.submission, set()).add(entry.slug)
        for dataset, found in entry.results.items():
            own = gates.setdefault(entry.submission, {})
            own.update({(dataset, gate.name): gate for gate in found.record.gates})
    lines = [
        SubmissionLine(
            plain(name[:8]),
            len(entries[name]),
            sum(gate.passed for gate in own.values()),
            len(own),
            tuple(
                short(f"{dataset}: {gate.name}, {gate.reason}", 300)
                for (dataset, _), gate in own.items()
                if not gate.passed
            ),
        )
        for name, own in gates.items()
    ]
    return tuple(sorted(lines, key=lambda line: (line.passed == line.gates, -line.entries, line.submission)))


def _plain_line(board: Standings, entry: Entry) -> PlainLine:
    return PlainLine(
        rank_words(entry),
        short(entry.name),
        method_link(board.track.name, entry.slug),
        _leading(board, entry),
    )


def _leading(board: Standings, entry: Entry) -> tuple[Shown, ...]:
    """Return an entry's means of the columns that lead."""
    return tuple(measured(column.quantity, entry.get(column.name)) for column in columns_on(board) if column.leading)


def rank_words(entry: Entry) -> str:
    """Say a rank with where chance may put it: `1 (1–4)`; nothing for who has none."""
    if entry.rank is None:
        return ""
    low, high = entry.rank_low, entry.rank_high
    return str(entry.rank) if low is None or high is None else f"{entry.rank} ({low}–{high})"


def _reported(board: Standings) -> tuple[ReportedTable, ...]:
    """Return the paper's main measurements on the track's datasets, ablations left to the datasets' pages."""
    descriptions = {name: found.record.description for entry in board.entries for name, found in entry.results.items()}
    boards = [DatasetBoard(name, (), (), (), descriptions.get(name)) for name in board.track.datasets]
    return tuple(table for found in boards if (table := reported.reported_table(found)) is not None)
