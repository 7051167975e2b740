"""The measurements of an entry as its pages show them: always with their intervals, never recomputed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.judging.caveats import adaptive_attacks
from tckr_bench.show.audit import BOUNDS, DETAILS, FROM_SHADOWS
from tckr_bench.show.shown import ABSENT, Shown, bound, share
from tckr_bench.text import plain

if TYPE_CHECKING:
    from tckr_bench.judging.rows import Risk, Row
    from tckr_bench.leaderboard.standings import DatasetResult, Entry

HEADINGS = (
    "accuracy (CAS), %",
    "lost against real data, points",
    "worst attack’s AUC",
    "found at 1 % false alarms, %",
    "AOP",
)
"""Of the measurements of a row, in their order."""


@dataclass(frozen=True)
class Headline:
    """A measurement in large type: what it is, the measurement, and what it means."""

    title: str
    shown: Shown
    meaning: str


def headlines(entry: Entry) -> tuple[Headline, ...]:
    """Return an entry's means over the datasets of its track, those it has."""
    measurements = (
        share(entry.accuracy),
        ABSENT if entry.family == "real data" else share(entry.gap),
        share(entry.auc, 1, 3),
        share(entry.tpr),
        share(entry.aop, 1, 3),
    )
    meanings = (
        "on real test images; more is better",
        "fewer is better",
        "0.5 is guessing; less is better",
        "1 is guessing; fewer is better",
        "accuracy / (2 max(AUC, 0.5))²; more is better",
    )
    parts = zip(HEADINGS, measurements, meanings, strict=True)
    return tuple(Headline(title, shown, meaning) for title, shown, meaning in parts if shown != ABSENT)


def numbers(result: DatasetResult) -> tuple[Shown, ...]:
    """Return accuracy, gap, worst AUC, worst TPR and AOP of an entry on a dataset; nothing if no seed has any."""
    row = result.row
    if row.status == "failed":
        return ()
    auc, tpr = row.risk(metric_names.AUC), row.risk(metric_names.TPR)
    return (
        share(row.get(metric_names.ACCURACY)),
        ABSENT if row.method.role == "baseline" else share(result.gap),
        share(auc.estimate, 1, 3, note=attacks_of(auc)) if auc else ABSENT,
        share(tpr.estimate, note=attacks_of(tpr)) if tpr else ABSENT,
        share(row.get(metric_names.AOP), 1, 3),
    )


def attacks_of(risk: Risk) -> str:
    """Name the attacks that got furthest."""
    return plain(" or ".join(risk.attacks))


def seeds_of(row: Row) -> str:
    """Say how many seeds have measurements, of how many."""
    done, all_of_them = len(row.seeds), len(row.records)
    return str(done) if done == all_of_them else f"{done} of {all_of_them}"


def findings(row: Row) -> tuple[tuple[str, Shown], ...]:
    """Return what else the worst attack finds, and what training proves, under plain titles."""
    risk = row.risk(metric_names.AUC)
    if risk is None:
        return ()
    known = [
        (heading, _finding(row, metric, risk, scale=scale, digits=digits))
        for metric, heading, scale, digits in DETAILS
        if metric != metric_names.TPR
    ]
    proved = row.get(metric_names.PROVED, "")
    first = [("ε proved, at most", share(proved, 1, 2))] if proved else []
    return tuple((title, shown) for title, shown in [*first, *known] if shown is not None)


def _finding(row: Row, metric: str, risk: Risk, *, scale: float, digits: int) -> Shown | None:
    """Return a measurement of the worst attack, or of the first adaptive one where only shadow models know it."""
    labels = (*risk.attacks, *adaptive_attacks(row)) if metric in FROM_SHADOWS else risk.attacks
    found = next(((label, estimate) for label in labels if (estimate := row.get(metric, label))), None)
    if found is None:
        return None
    label, estimate = found
    note = "" if label in risk.attacks else plain(label)
    return bound(estimate, digits, note=note) if metric in BOUNDS else share(estimate, scale, digits, note=note)
