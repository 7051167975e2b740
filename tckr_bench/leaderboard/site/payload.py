"""The index's data, as its script reads it: columns of rounded numbers, small enough for 500 methods.

Numbers are integers in ten-thousandths. An estimate is three of them: its value, how far its interval reaches below,
and how far above. What is not known is null.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from tckr_bench.judging import metric_names
from tckr_bench.leaderboard.site.links import dataset_link, method_link
from tckr_bench.leaderboard.site.names import short
from tckr_bench.records import Estimate
from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tckr_bench.leaderboard.standings import DatasetResult, Entry, Standings

    Numbers = list[int | None]

SCALE = 10_000
MEANS = ("accuracy", "gap", "auc", "tpr", "aop")
MOST_ATTACKS = 24
"""Attacks that the index has columns for; the pages of the methods have all."""


def payload(boards: Sequence[Standings]) -> str:
    """Return the data of all tracks as JSON that may stand in a script element."""
    text = json.dumps([_track(board) for board in boards], ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def shown_attacks(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return the attacks the index has columns for: those that most entries faced, in the order of the records."""
    count: dict[str, int] = {}
    for entry in entries:
        for label in {label: None for found in entry.results.values() for label in found.record.threat_models}:
            count[label] = count.get(label, 0) + 1
    kept = set(sorted(count, key=lambda label: -count[label])[:MOST_ATTACKS])
    return tuple(label for label in count if label in kept)


def attack_mean(entry: Entry, attack: str) -> Estimate | None:
    """Return an attack's AUC, mean over the entry's datasets; None unless it was tried on each.

    The datasets' intervals are added in quadrature: their examples have nothing to do with each other.
    """
    found = [result.row.get(metric_names.AUC, attack) for result in entry.results.values()]
    estimates = [estimate for estimate in found if estimate is not None]
    if not estimates or len(estimates) < len(found):
        return None
    value = math.fsum(estimate.value for estimate in estimates) / len(estimates)
    below = math.hypot(*(estimate.value - estimate.low for estimate in estimates)) / len(estimates)
    above = math.hypot(*(estimate.high - estimate.value for estimate in estimates)) / len(estimates)
    return Estimate(value, value - below, value + above, "in quadrature over datasets")


def _track(board: Standings) -> dict[str, Any]:
    entries, datasets = board.entries, tuple(board.track.datasets)
    attacks = shown_attacks(entries)
    return {
        "name": plain(board.track.name),
        "datasets": [{"name": plain(dataset), "page": dataset_link(board.track.name, dataset)} for dataset in datasets],
        "entries": _entries(board),
        "means": {name: _columns(getattr(entry, name) for entry in entries) for name in MEANS},
        "parts": [
            {name: _columns(_part(entry.results.get(dataset), name) for entry in entries) for name in MEANS}
            for dataset in datasets
        ],
        "attacks": [{"name": short(label, 40), **_attack(entries, label)} for label in attacks],
        "tried": [_columns(attack_mean(entry, label) for entry in entries) for label in attacks],
    }


def _entries(board: Standings) -> dict[str, list[Any]]:
    entries = board.entries
    places = {entry.slug: index for index, entry in enumerate(entries)}
    return {
        "name": [short(entry.name) for entry in entries],
        "slug": [plain(entry.slug) for entry in entries],
        "page": [method_link(board.track.name, entry.slug) for entry in entries],
        "family": [entry.family for entry in entries],
        "standing": [entry.standing for entry in entries],
        "recipe": [_recipe(entry) for entry in entries],
        "labels": [entry.method.labels for entry in entries],
        "cardinality": [entry.method.cardinality if entry.method.synthetic else None for entry in entries],
        "rank": [[entry.rank, entry.rank_low, entry.rank_high] if entry.rank else None for entry in entries],
        "pareto": [int(entry.pareto) for entry in entries],
        "seconds": [_rounded(entry.pipeline_seconds) for entry in entries],
        "judging": [_rounded(entry.evaluation_seconds) for entry in entries],
        "images": [entry.images for entry in entries],
        "reasons": [[short(reason, 400) for reason in entry.reasons] for entry in entries],
        "teacher": [_teacher(entry, entries, places) for entry in entries],
    }


def _recipe(entry: Entry) -> str:
    """Return what a synthetic method is made of but for labels and cardinality: the line it lies on in a chart."""
    method = entry.method
    parts = (method.captioner, method.generator, method.adapter, method.classifier)
    return short(" · ".join(use.label for use in parts if use is not None)) if method.role == "method" else ""


def _teacher(entry: Entry, entries: Sequence[Entry], places: dict[str, int]) -> int | None:
    """Return the place of the submission's real-data baseline, of the same classifier where there are more."""
    own = [other for other in entries if other.family == "real data" and other.submission == entry.submission]
    same = [other for other in own if other.method.classifier.label == entry.method.classifier.label]
    found = same or (own if len(own) == 1 else [])
    return places[found[0].slug] if found else None


def _part(found: DatasetResult | None, name: str) -> Estimate | None:
    if found is None:
        return None
    if name == "gap":
        return found.gap
    if name in ("auc", "tpr"):
        risk = found.row.risk(metric_names.AUC if name == "auc" else metric_names.TPR)
        return risk.estimate if risk else None
    if name == "aop":
        return found.row.get(metric_names.AOP)
    return found.row.get(metric_names.ACCURACY)


def _attack(entries: Sequence[Entry], label: str) -> dict[str, Any]:
    models = [
        result.record.threat_models[label]
        for entry in entries
        for result in entry.results.values()
        if label in result.record.threat_models
    ]
    return {"adaptive": any(model.adaptive for model in models), "surface": models[0].surface}


def _columns(estimates: Iterable[Estimate | None]) -> list[Numbers]:
    """Return three columns: values, how far intervals reach below, and above."""
    triples = [_triple(estimate) for estimate in estimates]
    return [[triple[place] for triple in triples] for place in range(3)]


def _triple(estimate: Estimate | None) -> tuple[int | None, int | None, int | None]:
    if estimate is None or not all(map(math.isfinite, (estimate.value, estimate.low, estimate.high))):
        return None, None, None
    value, low, high = (round(SCALE * number) for number in (estimate.value, estimate.low, estimate.high))
    return value, value - low, high - value


def _rounded(seconds: float) -> float | None:
    return float(f"{seconds:.3g}") if math.isfinite(seconds) else None
