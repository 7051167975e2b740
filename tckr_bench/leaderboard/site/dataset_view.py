"""What the page of a dataset shows: what it is, every entry on it, what may be believed, and what the paper reports."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names, reported
from tckr_bench.judging.rows import DatasetBoard
from tckr_bench.leaderboard.site import attack_view, entry_charts, measurements
from tckr_bench.leaderboard.site.dataset_answer import DatasetAnswerView, answer_of
from tckr_bench.leaderboard.site.dataset_audit import SubmissionAudit, audits_of, caveats_of
from tckr_bench.leaderboard.site.dataset_board import found_on, standings_on, submission_boards
from tckr_bench.leaderboard.site.method_view import Check, checks_of
from tckr_bench.leaderboard.site.method_words import STANDINGS, Mark, marks_of, unbroken
from tckr_bench.leaderboard.site.reproduction import Fact
from tckr_bench.show.lines import epsilons
from tckr_bench.text import NOTHING, duration, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tckr_bench.judging.quantities import Column
    from tckr_bench.leaderboard.site.dataset_board import Found
    from tckr_bench.leaderboard.site.sources import Sources
    from tckr_bench.leaderboard.standings import DatasetResult, Entry, Standings
    from tckr_bench.results.records import ResultRecord
    from tckr_bench.show.shown import Shown

_MOST_CLASSES = 200


@dataclass(frozen=True)
class DatasetLine:
    """An entry on the dataset: its name and page, its rank there, its measurements, and what limits them."""

    name: str
    slug: str
    role: str
    family: str
    trusted: bool
    standing: str
    pareto: bool
    epsilons: tuple[str, ...]
    numbers: tuple[Shown, ...]
    seeds: str
    failures: tuple[str, ...]
    marks: tuple[Mark, ...]
    cpu: str


@dataclass(frozen=True)
class Judged:
    """A submission's checks on the dataset, and the names of its entries."""

    submission: str
    trusted: bool
    entries: tuple[str, ...]
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if not check.passed)


@dataclass(frozen=True)
class DatasetView:
    """All that the page of a dataset shows; every text is plain."""

    name: str
    answer: DatasetAnswerView | None
    facts: tuple[Fact, ...]
    classes: tuple[str, ...]
    more_classes: int
    lines: tuple[DatasetLine, ...]
    absent: tuple[str, ...]
    shared: tuple[Mark, ...]
    marks: tuple[Mark, ...]
    judged: tuple[Judged, ...]
    audits: tuple[SubmissionAudit, ...]
    caveats: tuple[str, ...]
    threats: tuple[attack_view.ThreatGroup, ...]
    chart: entry_charts.Chart
    reported: reported.ReportedTable | None

    @property
    def doubtful(self) -> tuple[Judged, ...]:
        """The submissions whose measurements on this dataset are not trusted."""
        return tuple(judged for judged in self.judged if not judged.trusted)


def dataset_view(name: str, standings: Standings, *, sources: Sources) -> DatasetView:
    """Gather what the page of a dataset shows; ranks are those of the dataset alone."""
    by_rank = found_on(name, standings_on(name, standings))
    boards = submission_boards(by_rank)
    found = ordered(by_rank)
    records = [result.record for _, result in found]
    shared, columns = _shared(records), measurements.columns_on(standings)
    lines = tuple(_line(entry, result, shared, columns=columns) for entry, result in found)
    classes = tuple(plain(word) for word in records[0].description.class_names) if records else ()
    return DatasetView(
        name=plain(name),
        answer=answer_of(boards, sources),
        facts=_facts(name, standings, records),
        classes=classes[:_MOST_CLASSES],
        more_classes=max(0, len(classes) - _MOST_CLASSES),
        lines=lines,
        absent=tuple(plain(entry.name) for entry in standings.entries if name not in entry.results),
        shared=shared,
        marks=tuple(dict.fromkeys(mark for line in lines for mark in line.marks)),
        judged=_judged(found),
        audits=audits_of(boards, sources),
        caveats=caveats_of(boards),
        threats=attack_view.threats_of([result for _, result in found]),
        chart=entry_charts.tradeoff_chart(found),
        reported=_reported(name, records),
    )


def ordered(found: Sequence[Found]) -> list[Found]:
    """Order entries on a dataset: real data first, then by AOP against the worst attack, controls last."""
    return sorted(found, key=lambda pair: (_group(pair[0]), _weight(pair[1]), pair[0].slug))


def _group(entry: Entry) -> int:
    return {"baseline": 0, "control": 2}.get(entry.method.role, 1)


def _weight(result: DatasetResult) -> float:
    estimate = result.row.get(metric_names.AOP)
    return math.inf if estimate is None else -estimate.value


def _shared(records: Sequence[ResultRecord]) -> tuple[Mark, ...]:
    """Return the marks that every record with a generator has; such are said once, not on every line."""
    marked = [marks_of(record) for record in records if record.method.synthetic]
    return tuple(mark for mark in marked[0] if all(mark in marks for marks in marked)) if len(marked) > 1 else ()


def _line(entry: Entry, result: DatasetResult, shared: Sequence[Mark], *, columns: Sequence[Column]) -> DatasetLine:
    record, row = result.record, result.row
    return DatasetLine(
        name=unbroken(entry.name),
        slug=entry.slug,
        role=entry.method.role,
        family=entry.family,
        trusted=record.trusted,
        standing=_standing(entry),
        pareto=entry.pareto,
        epsilons=epsilons(row),
        numbers=measurements.numbers(result, columns),
        seeds=measurements.seeds_of(row),
        failures=tuple(plain(failure) for failure in row.failures),
        marks=tuple(mark for mark in marks_of(record) if mark not in shared),
        cpu=duration(row.pipeline_seconds) if row.pipeline_seconds else NOTHING,
    )


def _standing(entry: Entry) -> str:
    if entry.rank is not None:
        known = entry.rank_low is not None and entry.rank_high is not None
        return f"rank {entry.rank}" + (f" ({entry.rank_low}–{entry.rank_high})" if known else "")
    return "" if entry.standing == "control" else STANDINGS[entry.standing].lower()


def _facts(name: str, standings: Standings, records: Sequence[ResultRecord]) -> tuple[Fact, ...]:
    """Return what is known of the dataset, as the track asks for it and as the records describe it."""
    asked = standings.track.datasets.get(name)
    splits = asked.splits if asked else records[0].splits if records else {}
    described = [record.description for record in records]
    facts = [
        ("splits", ", ".join(f"{count:,} {split}" for split, count in splits.items())),
        ("classes", str(asked.classes) if asked else ""),
        ("source", _each(describe.source for describe in described)),
        ("licence", _each(describe.licence for describe in described)),
        ("size of an image", _each(describe.native_size for describe in described)),
        ("fingerprint", _fingerprint(asked.fingerprint if asked else "", records)),
    ]
    return tuple(Fact(title, plain(words)) for title, words in facts if words)


def _each(words: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(word for word in words if word))


def _fingerprint(asked: str, records: Sequence[ResultRecord]) -> str:
    """Say what the content of the dataset hashes to, and whether every record is about that content."""
    found = dict.fromkeys(record.description.fingerprint for record in records)
    if asked:
        other = sum(record.description.fingerprint != asked for record in records)
        return f"{asked}" + (f"; {other} of {len(records)} records have another" if other else "")
    if len(found) > 1:
        return f"{', '.join(found)}: the track fixes none, and records are about more than one copy"
    return "".join(f"{digest}, as recorded; the track fixes none" for digest in found)


def _judged(found: Sequence[Found]) -> tuple[Judged, ...]:
    """Return the checks of each submission, those first whose measurements are not trusted."""
    groups: dict[str, list[Found]] = {}
    for entry, result in found:
        groups.setdefault(entry.submission, []).append((entry, result))
    judged = [
        Judged(
            plain(submission),
            all(result.record.trusted for _, result in group),
            tuple(plain(entry.name) for entry, _ in group),
            tuple(dict.fromkeys(check for _, result in group for check in checks_of(result.record))),
        )
        for submission, group in groups.items()
    ]
    return tuple(sorted(judged, key=lambda entry: entry.trusted))


def _reported(name: str, records: Sequence[ResultRecord]) -> reported.ReportedTable | None:
    description = records[0].description if records else None
    return reported.reported_table(DatasetBoard(name, (), (), (), description))
