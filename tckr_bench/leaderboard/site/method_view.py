"""What the page of a method shows: its standing, and on each dataset its measurements, attacks, pictures and cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging.remarks import remarks_of
from tckr_bench.leaderboard.site import attack_view, costs, entry_charts, galleries, measurements, reproduction
from tckr_bench.leaderboard.site.method_words import Mark, marks_of, standing_of, unbroken, what_it_is
from tckr_bench.text import duration, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.leaderboard.site.sources import Sources
    from tckr_bench.leaderboard.standings import DatasetResult, Entry, Standings
    from tckr_bench.results.records import ResultRecord, SeedResult
    from tckr_bench.show.shown import Shown


@dataclass(frozen=True)
class Check:
    """A control or a test of the challenge, by name: whether it passed, and on what."""

    name: str
    passed: bool
    reason: str


@dataclass(frozen=True)
class SeedView:
    """A seed: whether it finished, or why not."""

    seed: int
    finished: bool
    failure: str


@dataclass(frozen=True)
class DatasetSection:
    """An entry on one dataset of the track.

    Attributes:
        place: number of the section, for ids.
        faults: why the entry cannot be ranked by this dataset, one sentence each.
        marks: what limits the measurements.
        remarks: what the measurements do not cover, in sentences.
        disclosure: how many real images are shown; nothing where the entry makes none to show beside them.
        path: where the record lies in the folder of results.
    """

    name: str
    place: int
    trusted: bool
    faults: tuple[str, ...]
    marks: tuple[Mark, ...]
    remarks: tuple[str, ...]
    disclosure: str
    numbers: tuple[Shown, ...]
    seeds: str
    seed_views: tuple[SeedView, ...]
    checks: tuple[Check, ...]
    attacks: tuple[attack_view.AttackGroup, ...]
    findings: tuple[tuple[str, Shown], ...]
    roc: entry_charts.Chart
    gallery: galleries.Gallery
    costs: costs.Costs | None
    files: tuple[reproduction.FileView, ...]
    path: str

    @property
    def failed_checks(self) -> tuple[Check, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if not check.passed)

    @property
    def failures(self) -> tuple[SeedView, ...]:
        """The seeds that did not finish."""
        return tuple(seed for seed in self.seed_views if not seed.finished)


@dataclass(frozen=True)
class ProvenanceView:
    """Where and with what some datasets of an entry were made."""

    datasets: tuple[str, ...]
    facts: tuple[reproduction.Fact, ...]


@dataclass(frozen=True)
class MethodView:
    """All that the page of a method shows; every text is plain."""

    name: str
    full_name: str
    family: str
    sentence: str
    standing: str
    ranked: bool
    control: bool
    pareto: bool
    reasons: tuple[str, ...]
    headlines: tuple[measurements.Headline, ...]
    interval: str
    sections: tuple[DatasetSection, ...]
    missing: tuple[str, ...]
    marks: tuple[Mark, ...]
    making: str
    judging: str
    images: str
    recipes: tuple[reproduction.Recipe, ...]
    components: tuple[reproduction.ComponentGroup, ...]
    provenance: tuple[ProvenanceView, ...]

    @property
    def doubtful(self) -> bool:
        """Whether the measurements on some dataset are not trusted."""
        return not all(section.trusted for section in self.sections)

    @property
    def alike(self) -> bool:
        """Whether the same marks stand on every dataset."""
        return len({section.marks for section in self.sections}) == 1


def method_view(entry: Entry, standings: Standings, *, sources: Sources) -> MethodView:
    """Gather what the page of an entry shows; curves and pictures come from their files."""
    found = list(entry.results.values())
    records = [result.record for result in found]
    sections = tuple(
        _section(result, standings, place=place, datasets=len(found), sources=sources)
        for place, result in enumerate(found, start=1)
    )
    return MethodView(
        name=unbroken(entry.name),
        full_name=plain(entry.method.name),
        family=entry.family,
        sentence=what_it_is(entry.method),
        standing=standing_of(entry, standings),
        ranked=entry.rank is not None,
        control=entry.standing == "control",
        pareto=entry.pareto,
        reasons=tuple(plain(reason) for reason in entry.reasons),
        headlines=measurements.headlines(entry),
        interval="; ".join(dict.fromkeys(plain(it.method) for it in entry.estimates.values())),
        sections=sections,
        missing=tuple(plain(name) for name in entry.missing),
        marks=tuple(dict.fromkeys(mark for section in sections for mark in section.marks)),
        making=duration(entry.pipeline_seconds),
        judging=duration(entry.evaluation_seconds),
        images=f"{entry.images:,}" if entry.images else "none",
        recipes=reproduction.recipes_of(records),
        components=reproduction.components_of(records),
        provenance=_provenance(records),
    )


def _section(
    result: DatasetResult, standings: Standings, *, place: int, datasets: int, sources: Sources
) -> DatasetSection:
    record = result.record
    gallery = galleries.gallery_of(record, sources, most_bytes=galleries.MOST_BYTES // datasets)
    told = record.method.synthetic or gallery.real
    return DatasetSection(
        name=plain(record.dataset),
        place=place,
        trusted=record.trusted,
        faults=tuple(plain(fault) for fault in result.faults),
        marks=marks_of(record),
        remarks=remarks_of(result.row) if record.method.role == "method" else (),
        disclosure=galleries.disclosure(plain(record.dataset), gallery, of_run=sources.of_run) if told else "",
        numbers=measurements.numbers(result, measurements.columns_on(standings)),
        seeds=measurements.seeds_of(result.row),
        seed_views=tuple(_seed(seed) for seed in record.seeds),
        checks=checks_of(record),
        attacks=attack_view.attack_groups(result),
        findings=measurements.findings(result.row),
        roc=entry_charts.roc_chart(result, standings, sources=sources),
        gallery=gallery,
        costs=costs.costs_of(record),
        files=reproduction.files_of(record, sources),
        path=reproduction.path_of(record, sources),
    )


def _seed(seed: SeedResult) -> SeedView:
    return SeedView(seed.seed, seed.status == "ok", plain(seed.failure) or "no reason given")


def checks_of(record: ResultRecord) -> tuple[Check, ...]:
    """Return the gates of a record's run on its dataset, those that failed first."""
    checks = [Check(plain(gate.name), gate.passed, plain(gate.reason)) for gate in record.gates]
    return tuple(sorted(checks, key=lambda check: check.passed))


def _provenance(records: Sequence[ResultRecord]) -> tuple[ProvenanceView, ...]:
    """Return each provenance once, with the datasets it is about."""
    found: dict[tuple[reproduction.Fact, ...], list[str]] = {}
    for record in records:
        found.setdefault(reproduction.provenance_of(record.run), []).append(plain(record.dataset))
    return tuple(ProvenanceView(tuple(names), facts) for facts, names in found.items())
