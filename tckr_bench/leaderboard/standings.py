"""Who stands where on a track: methods with their means over the datasets, ranks that allow for chance, and why not.

What the tables, the pages and the notebooks show; made by `standings_of`, pure, from records alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tckr_bench.errors import LeaderboardError, nearest
from tckr_bench.judging import metric_names
from tckr_bench.judging import rows as board
from tckr_bench.judging.measured import measured_of
from tckr_bench.judging.quantities import mean_estimates
from tckr_bench.judging.ranking import Candidate, Place, places_of
from tckr_bench.leaderboard.requirements import on_datasets, shortcomings
from tckr_bench.records import Estimate
from tckr_bench.results.records import cells_of
from tckr_bench.text import short_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tckr_bench.judging.quantities import Estimates
    from tckr_bench.leaderboard.tracks import Track
    from tckr_bench.records import Method
    from tckr_bench.results.records import ResultRecord

Standing = Literal["ranked", "incomplete", "untrusted", "test-chosen", "control"]
"""Why an entry is ranked or not: it lacks datasets, seeds or attacks of the track; a gate of its run failed on some
dataset; its epochs were chosen on the test set; or it is a control."""
BOOTSTRAP = "95 % of a bootstrap over seeds and examples, on the datasets of the track"
_RANKED_BY = {
    metric_names.ACCURACY: "accuracy",
    metric_names.GAP: "gap",
    metric_names.WORST_AUC: "auc",
    metric_names.WORST_TPR: "tpr",
    metric_names.AOP: "aop",
}
"""The means that ranks rest on, by name of their column, as `ranking` calls them."""
_ORDER = ("ranked", "untrusted", "test-chosen", "incomplete", "control")


@dataclass(frozen=True)
class DatasetResult:
    """An entry on one dataset.

    Attributes:
        record: what was submitted.
        row: its measurements over the seeds, as the board of a run has them (`row.get(metric)`, `row.risk(metric)`).
        faults: why the entry cannot be ranked by this dataset: failed gates, missing seeds or attacks.
        baseline: the real-data baseline of the same submission and classifier; None where it has none.
    """

    record: ResultRecord
    row: board.Row
    faults: tuple[str, ...]
    baseline: board.Row | None = None


@dataclass(frozen=True)
class Entry:
    """A method of a submission on a track, over the track's datasets.

    Means run over all datasets of the track, each equally heavy; there are none unless the entry has every dataset. In
    those that ranks rest on a failed seed counts as chance, and their intervals are of a bootstrap over seeds and
    examples, on these datasets; ranks are of one over datasets as well.

    Attributes:
        name: short, unique on the track; for people.
        slug: as in the name of its page; unique on the track.
        results: by dataset of the track, as far as they were submitted.
        missing: datasets of the track it has no record of.
        reasons: why it is not ranked, a phrase each; empty where it is.
        estimates: means by column of `judging.quantities`, of the worst attack on each dataset where they are of one.
        rank: one more than the methods that are better beyond chance, so that methods that cannot be told apart share
            a rank; None unless ranked.
        rank_low, rank_high: where 95 % of the bootstrap put it.
        pareto: nobody ranked is at least as good in mean accuracy and mean worst AUC, and better in one.
        pipeline_seconds, evaluation_seconds: CPU seconds to a trained classifier, and to attack it: means over seeds,
            summed over the datasets.
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
    estimates: Estimates
    pipeline_seconds: float
    evaluation_seconds: float
    images: int
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    pareto: bool = False

    @property
    def family(self) -> str:
        """Real data, real data defended, synthetic, or control: what kind of thing is released."""
        return board.FAMILIES[self.method.role]

    def get(self, name: str) -> Estimate | None:
        """Return a mean by the name of its column."""
        return self.estimates.get(name)


@dataclass(frozen=True)
class Standings:
    """A track, or one dataset of it, with its entries.

    Ranked ones come first, by rank and then by AOP; then the others; controls last.
    """

    track: Track
    entries: tuple[Entry, ...]
    dataset: str | None = None

    @property
    def datasets(self) -> tuple[str, ...]:
        """What the entries are ranked over."""
        return tuple(self.track.datasets) if self.dataset is None else (self.dataset,)

    def entry(self, slug: str) -> Entry | None:
        """Return the entry of a slug."""
        return next((entry for entry in self.entries if entry.slug == slug), None)


def standings_of(records: Sequence[ResultRecord], track: Track, *, dataset: str | None = None) -> Standings:
    """Work out who stands where on a track, or on one dataset of it, from its records; others are left aside.

    Args:
        records: as they were submitted; measurements are taken as they are, `verification` checks them.
        track: what a record needs to be ranked.
        dataset: rank on this dataset alone; over all of the track's if not given.

    Raises:
        LeaderboardError: the track has no such dataset; names the nearest.
    """
    if dataset is not None and dataset not in track.datasets:
        hint = nearest(dataset, track.datasets)
        raise LeaderboardError(f"the track '{track.name}' has no dataset '{dataset}'{hint}")
    scope = tuple(track.datasets) if dataset is None else (dataset,)
    groups: dict[tuple[str, str], dict[str, ResultRecord]] = {}
    for record in records:
        if record.track == track.name and record.dataset in scope:
            groups.setdefault((record.submission, record.method.name), {})[record.dataset] = record
    names = _names(groups)
    results = {key: _results(found, track, _teachers(key[0], groups)) for key, found in groups.items()}
    drafts = [_draft(names[key], found, track, scope) for key, found in results.items()]
    places = places_of([_candidate(entry, scope) for entry in drafts])
    entries = [_placed(entry, places[entry.slug]) for entry in drafts]
    return Standings(track, tuple(sorted(entries, key=_order)), dataset)


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
    row = board.row_of(cells_of(record), record.primary_attack, images=record.images_generated)
    faults = on_datasets((phrase, record.dataset) for phrase in (*failed_gates(record), *shortcomings(record, track)))
    rows = [board.row_of(cells_of(teacher), teacher.primary_attack) for teacher in teachers]
    baseline = board.baseline_for(record.method, rows)
    return DatasetResult(record, row, faults, baseline)


def _draft(name: str, results: Mapping[str, DatasetResult], track: Track, scope: Sequence[str]) -> Entry:
    first = next(iter(results.values())).record
    missing = tuple(dataset for dataset in scope if dataset not in results)
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
        estimates={},
        pipeline_seconds=sum(result.row.pipeline_seconds for result in results.values()),
        evaluation_seconds=sum(result.row.evaluation_seconds for result in results.values()),
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


def _candidate(entry: Entry, scope: Sequence[str]) -> Candidate:
    found = [entry.results[name] for name in scope if name in entry.results]
    measured = () if entry.missing else tuple(measured_of(it.row, it.baseline) for it in found)
    return Candidate(entry.slug, measured, takes_part=entry.standing == "ranked")


def _placed(entry: Entry, place: Place) -> Entry:
    if place.means is None:
        return entry
    weighed = {name: Estimate(*place.means.interval(mean), BOOTSTRAP) for name, mean in _RANKED_BY.items()}
    if entry.method.role == "baseline":
        del weighed[metric_names.GAP]  # real data has nothing to lose against itself
    further = mean_estimates(result.row for result in entry.results.values())
    entry = replace(entry, estimates={**further, **weighed}, pareto=place.pareto)
    if place.rank is None:
        return entry
    return replace(entry, rank=place.rank.rank, rank_low=place.rank.low, rank_high=place.rank.high)


def _order(entry: Entry) -> tuple[int, int, float, str]:
    aop = entry.get(metric_names.AOP)
    return (_ORDER.index(entry.standing), entry.rank or 0, -aop.value if aop else 0.0, entry.name)
