"""What a table shows of each entry: over the datasets of its track, or on one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.errors import LeaderboardError, nearest
from tckr_bench.judging import rows as rank
from tckr_bench.show.tables import limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tckr_bench.leaderboard.records import Gate, ResultRecord
    from tckr_bench.leaderboard.standings import DatasetResult, Entry, Standings
    from tckr_bench.plugin.components import Direction
    from tckr_bench.records import Estimate

ESTIMATES = {
    "accuracy": rank.ACCURACY,
    "gap": rank.GAP,
    "auc": rank.WORST_AUC,
    "tpr": rank.WORST_TPR,
    "aop": rank.AOP,
}
"""The measurements of an entry, by the metric that says which way they are better."""


@dataclass(frozen=True)
class Line:
    """An entry as a table shows it.

    Attributes:
        entry: who; rank and Pareto front are those of the track, whatever the dataset.
        dataset: which dataset the measurements are of; empty for means over the track's.
        accuracy, gap, auc, tpr, aop: as in `Entry`, or of that dataset.
        auc_attacks, tpr_attacks: the attacks that reached AUC and TPR; empty over the track.
        making_seconds, judging_seconds, images: as in `Entry`, or of that dataset.
        results: what the measurements are of.
        failures: which seeds failed, and why.
        limits: what limits it on some dataset shown, as keys of `tckr_bench.show.tables.MARKS`.
    """

    entry: Entry
    dataset: str
    accuracy: Estimate | None
    gap: Estimate | None
    auc: Estimate | None
    tpr: Estimate | None
    aop: Estimate | None
    auc_attacks: tuple[str, ...]
    tpr_attacks: tuple[str, ...]
    making_seconds: float
    judging_seconds: float
    images: int
    results: tuple[DatasetResult, ...]
    failures: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """Why it is not ranked, and what failed; that controls are not ranked goes without saying."""
        return (*(self.entry.reasons if self.entry.standing != "control" else ()), *self.failures)

    @property
    def records(self) -> tuple[ResultRecord, ...]:
        """The records its measurements are of."""
        return tuple(result.record for result in self.results)

    @property
    def gates(self) -> tuple[Gate, ...]:
        """The gates of those records."""
        return tuple(gate for record in self.records for gate in record.gates)


def lines_of(standings: Standings, dataset: str | None = None) -> tuple[Line, ...]:
    """Return a line per entry, in the order of the standings; with a dataset, of the entries that have it.

    Raises:
        LeaderboardError: the track has no such dataset; names the nearest.
    """
    if dataset is None:
        return tuple(_over_track(entry) for entry in standings.entries)
    if dataset not in standings.track.datasets:
        known = nearest(dataset, standings.track.datasets)
        raise LeaderboardError(f"the track '{standings.track.name}' has no dataset '{dataset}'{known}")
    return tuple(_on_dataset(entry, dataset) for entry in standings.entries if dataset in entry.results)


def _over_track(entry: Entry) -> Line:
    results = tuple(entry.results.values())
    return Line(
        entry=entry,
        dataset="",
        accuracy=entry.accuracy,
        gap=entry.gap,
        auc=entry.auc,
        tpr=entry.tpr,
        aop=entry.aop,
        auc_attacks=(),
        tpr_attacks=(),
        making_seconds=entry.making_seconds,
        judging_seconds=entry.judging_seconds,
        images=entry.images,
        results=results,
        failures=_failures(entry.results),
        limits=_limits(results),
    )


def _on_dataset(entry: Entry, dataset: str) -> Line:
    result = entry.results[dataset]
    row = result.row
    auc, tpr = row.risk(rank.AUC), row.risk(rank.TPR)
    return Line(
        entry=entry,
        dataset=dataset,
        accuracy=row.get(rank.ACCURACY),
        gap=result.gap,
        auc=auc.estimate if auc else None,
        tpr=tpr.estimate if tpr else None,
        aop=row.get(rank.WORST_AOP) or row.get(rank.AOP),
        auc_attacks=auc.attacks if auc else (),
        tpr_attacks=tpr.attacks if tpr else (),
        making_seconds=row.making_seconds,
        judging_seconds=row.judging_seconds,
        images=result.record.images_generated,
        results=(result,),
        failures=_failures({dataset: result}),
        limits=_limits((result,)),
    )


def _failures(results: Mapping[str, DatasetResult]) -> tuple[str, ...]:
    return tuple(f"on {name}, {failure}" for name, result in results.items() for failure in result.row.failures)


def _limits(results: tuple[DatasetResult, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for result in results for key in limits(result.row)))


def directions() -> dict[str, Direction]:
    """Return which way every registered metric is better, by name.

    >>> directions()["accuracy"], directions()["worst-auc"]
    ('higher', 'lower')
    """
    from tckr_bench.plugin.registry import default_registry

    found = [entry.component for entry in default_registry().family("metric")]
    return {component.name: component.better for component in found if component.better is not None}
