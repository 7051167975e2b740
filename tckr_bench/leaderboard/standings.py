"""Who stands where on a track: methods with their means over the datasets, ranks that allow for chance, and why not.

What the tables, the pages and the notebooks show; made by `standings_of`, pure, from records alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tckr_bench.judging import rows as board
from tckr_bench.judging.estimates import usable
from tckr_bench.judging.gates import standard_error
from tckr_bench.leaderboard.ranking import Means, Measured, means_of, ranks_of
from tckr_bench.leaderboard.records import cells_of
from tckr_bench.leaderboard.requirements import on_datasets, shortcomings
from tckr_bench.records import Estimate
from tckr_bench.text import short_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tckr_bench.leaderboard.records import ResultRecord, SeedResult
    from tckr_bench.leaderboard.tracks import Track
    from tckr_bench.records import Measurement, Method

Standing = Literal["ranked", "incomplete", "untrusted", "test-chosen", "control"]
"""Why an entry is ranked or not: it lacks datasets, seeds or attacks of the track; a gate of its run failed on some
dataset; its epochs were chosen on the test set; or it is a control."""
BOOTSTRAP = "95 % of a bootstrap over seeds and examples, on the datasets of the track"
CHANCE_TPR = 0.01
_ORDER = ("ranked", "untrusted", "test-chosen", "incomplete", "control")
_METRICS = (board.ACCURACY, board.WORST_AUC, board.WORST_TPR, board.GAP)


@dataclass(frozen=True)
class DatasetResult:
    """An entry on one dataset.

    Attributes:
        record: what was submitted.
        row: its measurements over the seeds, as the board of a run has them (`row.get(metric)`, `row.risk(metric)`).
        gap: accuracy lost against the real-data baseline of the same submission, fraction; None where there is none.
        faults: why the entry cannot be ranked by this dataset: failed gates, missing seeds or attacks.
        baseline: the real-data baseline of the same submission and classifier; None where it has none.
    """

    record: ResultRecord
    row: board.Row
    gap: Estimate | None
    faults: tuple[str, ...]
    baseline: board.Row | None = None


@dataclass(frozen=True)
class Entry:
    """A method of a submission on a track, over the track's datasets.

    Means run over all datasets of the track, each equally heavy; a failed seed counts as chance. They are None unless
    the entry has every dataset. Their intervals are of a bootstrap over seeds and examples, on these datasets; ranks
    are of one over datasets as well.

    Attributes:
        name: short, unique on the track; for people.
        slug: as in file names; unique on the track.
        results: by dataset of the track, as far as they were submitted.
        missing: datasets of the track it has no record of.
        reasons: why it is not ranked, a phrase each; empty where it is.
        accuracy: mean CAS, fraction. gap: mean loss against real data, fraction.
        auc, tpr: of the worst attack on each dataset. aop: accuracy weighed against the worst AUC.
        rank: one more than the methods that are better beyond chance, so that methods that cannot be told apart share
            a rank; None unless ranked.
        rank_low, rank_high: where 95 % of the bootstrap put it.
        pareto: nobody ranked is at least as good in mean accuracy and mean worst AUC, and better in one.
        making_seconds, judging_seconds: CPU seconds to a trained classifier, and to attack it: means over seeds, summed
            over the datasets.
        images: synthetic images generated per seed, over the datasets.
    """

    name: str
    slug: str
    method: Method
    submission: str
    standing: Standing
    results: Mapping[str, DatasetResult]
    missing: tuple[str, ...]
    reasons: tuple[str, ...]
    accuracy: Estimate | None
    gap: Estimate | None
    auc: Estimate | None
    tpr: Estimate | None
    aop: Estimate | None
    making_seconds: float
    judging_seconds: float
    images: int
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    pareto: bool = False

    @property
    def family(self) -> str:
        """Real data, real data defended, synthetic, or control: what kind of thing is released."""
        words = {"baseline": "real data", "defended": "defence", "method": "synthetic", "control": "control"}
        return words[self.method.role]


@dataclass(frozen=True)
class Standings:
    """A track with its entries: ranked ones first, by rank and then by AOP; then the others; controls last."""

    track: Track
    entries: tuple[Entry, ...]

    def entry(self, slug: str) -> Entry | None:
        """Return the entry of a slug."""
        return next((entry for entry in self.entries if entry.slug == slug), None)


def standings_of(records: Sequence[ResultRecord], track: Track) -> Standings:
    """Work out who stands where on a track from its records; those of other tracks and datasets are left aside.

    Args:
        records: as they were submitted; measurements are taken as they are, `verification` checks them.
        track: what a record needs to be ranked.
    """
    groups: dict[tuple[str, str], dict[str, ResultRecord]] = {}
    for record in records:
        if record.track == track.name and record.dataset in track.datasets:
            groups.setdefault((record.submission, record.method.name), {})[record.dataset] = record
    names = _names(groups)
    results = {key: _results(found, track, _teachers(key[0], groups)) for key, found in groups.items()}
    drafts = [_draft(names[key], found, track) for key, found in results.items()]
    means = {entry.slug: _means(entry, track) for entry in drafts if not entry.missing}
    entries = [_with_means(entry, means.get(entry.slug)) for entry in drafts]
    return Standings(track, tuple(sorted(_ranked(entries, means), key=_order)))


def _names(groups: Mapping[tuple[str, str], Mapping[str, ResultRecord]]) -> dict[tuple[str, str], str]:
    """Return a short name for each method; where two submissions have one of that name, with their first digits."""
    methods = {key: next(iter(found.values())).method for key, found in groups.items()}
    short: dict[tuple[str, str], str] = {}
    for submission in dict.fromkeys(key[0] for key in methods):
        own = {key: method for key, method in methods.items() if key[0] == submission}
        found, _ = short_names(own.values())
        short |= {key: found[method.name] for key, method in own.items()}
    counts = Counter(short.values())
    digits = next(n for n in range(4, 17) if len({(name, key[0][:n]) for key, name in short.items()}) == len(short))
    return {key: name if counts[name] == 1 else f"{name} · {key[0][:digits]}" for key, name in short.items()}


def _teachers(
    submission: str, groups: Mapping[tuple[str, str], Mapping[str, ResultRecord]]
) -> dict[str, list[ResultRecord]]:
    """Return the real-data baselines of a submission by dataset."""
    found: dict[str, list[ResultRecord]] = {}
    for (own, _), records in groups.items():
        for dataset, record in records.items():
            if own == submission and record.method.role == "baseline":
                found.setdefault(dataset, []).append(record)
    return found


def _results(
    records: Mapping[str, ResultRecord], track: Track, teachers: Mapping[str, Sequence[ResultRecord]]
) -> dict[str, DatasetResult]:
    known = [name for name in track.datasets if name in records]
    return {name: _result(records[name], track, teachers.get(name, ())) for name in known}


def _result(record: ResultRecord, track: Track, teachers: Sequence[ResultRecord]) -> DatasetResult:
    row = board.row_of(cells_of(record), record.primary_attack)
    faults = on_datasets((phrase, record.dataset) for phrase in (*failed_gates(record), *shortcomings(record, track)))
    gap = row.get(board.GAP)
    if record.method.role == "baseline":
        gap = Estimate(0.0, 0.0, 0.0, "the baseline itself")
    rows = [board.row_of(cells_of(teacher), teacher.primary_attack) for teacher in teachers]
    baseline = board.baseline_for(record.method, rows)
    return DatasetResult(record, row, gap, faults, baseline)


def _draft(name: str, results: Mapping[str, DatasetResult], track: Track) -> Entry:
    first = next(iter(results.values())).record
    missing = tuple(dataset for dataset in track.datasets if dataset not in results)
    records = [result.record for result in results.values()]
    gates = on_datasets((phrase, record.dataset) for record in records for phrase in failed_gates(record))
    lacking = [("no record", dataset) for dataset in missing]
    lacking += [(phrase, record.dataset) for record in records for phrase in shortcomings(record, track)]
    chosen = [("epochs chosen on the test set", record.dataset) for record in records if record.protocol == "paper"]
    standing = _standing(first.method, untrusted=bool(gates), incomplete=bool(lacking), test_chosen=bool(chosen))
    return Entry(
        name=name,
        slug=first.slug,
        method=first.method,
        submission=first.submission,
        standing=standing,
        results=results,
        missing=missing,
        reasons=(*gates, *on_datasets(lacking), *on_datasets(chosen)),
        accuracy=None,
        gap=None,
        auc=None,
        tpr=None,
        aop=None,
        making_seconds=sum(result.row.making_seconds for result in results.values()),
        judging_seconds=sum(result.row.judging_seconds for result in results.values()),
        images=sum(result.record.images_generated for result in results.values()),
    )


def _standing(method: Method, *, untrusted: bool, incomplete: bool, test_chosen: bool) -> Standing:
    if method.role == "control":
        return "control"
    if untrusted:
        return "untrusted"
    return "incomplete" if incomplete else "test-chosen" if test_chosen else "ranked"


def failed_gates(record: ResultRecord) -> tuple[str, ...]:
    """Return a phrase for each gate of a record that failed, and one where none was judged."""
    failed = tuple(f"gate {gate.name} failed" for gate in record.gates if not gate.passed)
    return failed if record.gates else ("no gate was judged",)


def _means(entry: Entry, track: Track) -> Means:
    return means_of(entry.slug, [_measured(entry.results[dataset]) for dataset in track.datasets])


def _measured(result: DatasetResult) -> Measured:
    """Return what a method reached by seed; a failed seed, or a measurement that is not there, counts as chance."""
    import numpy as np

    classes = max(2, len(result.record.description.class_names))
    real = result.baseline.get(board.ACCURACY) if result.baseline else None
    chance = {
        board.ACCURACY: 1 / classes,
        board.WORST_AUC: 0.5,
        board.WORST_TPR: CHANCE_TPR,
        board.GAP: (real.value if real else 1.0) - 1 / classes,
    }
    rows = [_measurements(seed, result.record) for seed in result.record.seeds]
    if result.record.method.role == "baseline":  # it loses nothing against itself, for certain
        chance[board.GAP] = 0.0
        rows = [{name: measurement for name, measurement in row.items() if name != board.GAP} for row in rows]
    values = [[row[name].value if name in row else chance[name] for name in _METRICS] for row in rows]
    errors = [float(np.mean([standard_error(row[name]) if name in row else 0.0 for row in rows])) for name in _METRICS]
    return Measured(np.array(values, dtype=np.float64), np.array(errors))


def _measurements(seed: SeedResult, record: ResultRecord) -> dict[str, Measurement]:
    """Return the usable measurements of a seed by metric; of the primary attack where no worst one is known."""
    found: dict[str, Measurement] = {}
    for metric in _METRICS:
        own = [measurement for measurement in seed.measurements if measurement.metric == metric and usable(measurement)]
        plain = {worst: name for name, worst in board.WORST.items()}.get(metric, "")
        primary = (plain, record.primary_attack)
        own += [
            measurement
            for measurement in seed.measurements
            if (measurement.metric, measurement.attack) == primary and usable(measurement)
        ]
        if own:
            found[metric] = own[0]
    return found


def _with_means(entry: Entry, means: Means | None) -> Entry:
    if means is None:
        return entry
    accuracy, gap, auc, tpr, aop = (
        Estimate(*means.interval(name), BOOTSTRAP) for name in ("accuracy", "gap", "auc", "tpr", "aop")
    )
    return replace(entry, accuracy=accuracy, gap=gap, auc=auc, tpr=tpr, aop=aop)


def _ranked(entries: Sequence[Entry], means: Mapping[str, Means]) -> list[Entry]:
    """Give ranks to the entries that take part, and mark those that no other beats in accuracy and worst AUC."""
    taking_part = [entry for entry in entries if entry.standing == "ranked"]
    found = dict(
        zip([entry.slug for entry in taking_part], ranks_of([means[e.slug] for e in taking_part]), strict=True)
    )
    points = {e.slug: (e.accuracy.value, e.auc.value) for e in taking_part if e.accuracy and e.auc}
    ranked = []
    for entry in entries:
        place = found.get(entry.slug)
        if place is None:
            ranked.append(entry)
            continue
        beaten = any(board.dominates(point, points[entry.slug]) for point in points.values())
        ranked.append(replace(entry, rank=place.rank, rank_low=place.low, rank_high=place.high, pareto=not beaten))
    return ranked


def _order(entry: Entry) -> tuple[int, int, float, str]:
    weighed = entry.aop.value if entry.aop else 0.0
    return (_ORDER.index(entry.standing), entry.rank or 0, -weighed, entry.name)
