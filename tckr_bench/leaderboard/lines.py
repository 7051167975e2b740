"""What a table shows of each entry: over the datasets of its track, or on one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.show.tables import limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tckr_bench.leaderboard.standings import DatasetResult, Entry, Standings
    from tckr_bench.records import Better, Estimate, Gate
    from tckr_bench.results.records import ResultRecord

ESTIMATES = {
    "accuracy": metric_names.ACCURACY,
    "gap": metric_names.GAP,
    "auc": metric_names.WORST_AUC,
    "tpr": metric_names.WORST_TPR,
    "aop": metric_names.AOP,
}
"""The measurements of an entry, by the metric that says which way they are better."""


@dataclass(frozen=True)
class Line:
    """An entry as a table shows it.

    Attributes:
        entry: who; rank and Pareto front are of the track, or of the dataset.
        dataset: which dataset the measurements are of; empty for means over the track's.
        accuracy, gap, auc, tpr, aop: as in `Entry`, or of that dataset.
        auc_attacks, tpr_attacks: the attacks that reached AUC and TPR; empty over the track.
        pipeline_seconds, evaluation_seconds, images: as in `Entry`, or of that dataset.
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
    pipeline_seconds: float
    evaluation_seconds: float
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


def lines_of(standings: Standings) -> tuple[Line, ...]:
    """Return a line per entry, in the order of the standings: means over the track, or what one dataset gave."""
    if standings.dataset is None:
        return tuple(_over_track(entry) for entry in standings.entries)
    return tuple(_on_dataset(entry, standings.dataset) for entry in standings.entries)


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
        pipeline_seconds=entry.pipeline_seconds,
        evaluation_seconds=entry.evaluation_seconds,
        images=entry.images,
        results=results,
        failures=_failures(entry.results),
        limits=_limits(results),
    )


def _on_dataset(entry: Entry, dataset: str) -> Line:
    result = entry.results[dataset]
    row = result.row
    auc, tpr = row.risk(metric_names.AUC), row.risk(metric_names.TPR)
    return Line(
        entry=entry,
        dataset=dataset,
        accuracy=row.get(metric_names.ACCURACY),
        gap=result.gap,
        auc=auc.estimate if auc else None,
        tpr=tpr.estimate if tpr else None,
        aop=row.get(metric_names.AOP),
        auc_attacks=auc.attacks if auc else (),
        tpr_attacks=tpr.attacks if tpr else (),
        pipeline_seconds=row.pipeline_seconds,
        evaluation_seconds=row.evaluation_seconds,
        images=result.record.images_generated,
        results=(result,),
        failures=_failures({dataset: result}),
        limits=_limits((result,)),
    )


def _failures(results: Mapping[str, DatasetResult]) -> tuple[str, ...]:
    return tuple(f"on {name}, {failure}" for name, result in results.items() for failure in result.row.failures)


def _limits(results: tuple[DatasetResult, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for result in results for key in limits(result.row)))


def directions() -> dict[str, Better]:
    """Return which way every quantity of a registered metric is better, by name.

    >>> directions()["accuracy"], directions()["worst-auc"]
    ('higher', 'lower')
    """
    from tckr_bench.plugin.registry import default_registry

    return {quantity.name: quantity.better for quantity in default_registry().quantities()}
