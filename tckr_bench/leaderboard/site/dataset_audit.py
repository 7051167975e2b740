"""The audit of a submission on a dataset: attack by attack, against real data, and what attacks make of the examples.

Differences and curves are computed here from the saved scores; every other number is the record's. Differences take a
thousand resamples each, so they are remembered by the content of records and scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging import paired
from tckr_bench.judging.caveats import caveats
from tckr_bench.judging.rows import Leaderboard
from tckr_bench.leaderboard.site.entry_charts import Chart
from tckr_bench.results.files import dump_record, file_reference, record_folder
from tckr_bench.results.memory import ARITHMETIC, memory_key, recall, remember
from tckr_bench.show.adaptive import Gain, adaptive_gains
from tckr_bench.show.audit import audit_of
from tckr_bench.show.chart_data import score_charts
from tckr_bench.show.contrasts import Contrast, contrasts
from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.leaderboard.site.dataset_board import SubmissionBoard
    from tckr_bench.leaderboard.site.sources import Sources
    from tckr_bench.results.records import ResultRecord
    from tckr_bench.show.audit import Audit
    from tckr_bench.show.contrasts import Evidence

DIFFERENCES = (*ARITHMETIC, "judging", "show")
"""Rooms whose code differences rest on."""
NO_SCORES = "No chart is drawn: the scores are not beside the records."


@dataclass(frozen=True)
class Differences:
    """What a submission's rows differ in from real data, and what attacks gain by adapting, on the same examples."""

    contrasts: tuple[Contrast, ...]
    adaptive: tuple[Gain, ...]


@dataclass(frozen=True)
class SubmissionAudit:
    """What the page of a dataset says of one submission's attacks; `place` is its number, for ids."""

    submission: str
    place: int
    primary_attack: str
    audit: Audit
    adaptive: tuple[Gain, ...]
    contrasts: tuple[Contrast, ...]
    roc: Chart
    histograms: Chart


def audits_of(boards: Sequence[SubmissionBoard], sources: Sources) -> tuple[SubmissionAudit, ...]:
    """Return the audit of each submission on a dataset."""
    return tuple(_audit(own, place, sources) for place, own in enumerate(boards, start=1))


def _audit(own: SubmissionBoard, place: int, sources: Sources) -> SubmissionAudit:
    board, names = own.board, {name: plain(called) for name, called in own.names.items()}
    evidence = sources.evidence_of(own.records)
    drawn = score_charts(evidence, board, names=names)
    differences = _differences(own, evidence, names, sources=sources)
    return SubmissionAudit(
        submission=plain(own.submission),
        place=place,
        primary_attack=plain(own.records[0].primary_attack),
        audit=audit_of(board, names),
        adaptive=differences.adaptive,
        contrasts=differences.contrasts,
        roc=Chart(svg=drawn.roc, absent=NO_SCORES),
        histograms=Chart(svg=drawn.histograms, absent=NO_SCORES),
    )


def _differences(own: SubmissionBoard, evidence: Evidence, names: dict[str, str], *, sources: Sources) -> Differences:
    content = _content(own, sources)
    key = memory_key("differences on a dataset", paired.REPLICATES, content, names, rooms=DIFFERENCES)
    known = recall(key, Differences)
    if known is None:
        known = Differences(contrasts(evidence, own.board, names), adaptive_gains(evidence, own.board, names))
        remember(key, known)
    return known


def _content(own: SubmissionBoard, sources: Sources) -> list[str]:
    """Return the records as they are, and the digest of every score file that may be the one that a record names."""
    content = []
    for record in own.records:
        content.append(dump_record(record).decode())
        folder = record_folder(sources.folder_of(record), record)
        for seed in record.seeds:
            path = folder / seed.scores.name if seed.scores else None
            alike = path is not None and path.is_file() and seed.scores and path.stat().st_size == seed.scores.size
            content.append(file_reference(path).sha256 if path and alike else "")
    return content


def caveats_of(boards: Sequence[SubmissionBoard]) -> tuple[str, ...]:
    """Say what measurements do not show, each sentence once, of whichever submissions it holds."""
    told: list[str] = []
    for own in boards:
        record: ResultRecord = own.records[0]
        board = Leaderboard(record.run.matrix, record.track, record.primary_attack, (own.board,))
        told += caveats(board)
    return tuple(dict.fromkeys(told))
