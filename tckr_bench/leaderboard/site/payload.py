"""The index's data, as its script reads it: columns of rounded numbers, small enough for 500 methods.

Estimates are integers, in ten-thousandths or what smaller part their column says. One is three of them: its value, how
far its interval reaches below, and how far above. What is not known is null. What the columns are is said there too.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from tckr_bench.judging import metric_names
from tckr_bench.judging.quantities import columns_of, titled
from tckr_bench.leaderboard.site.links import dataset_link, method_link
from tckr_bench.leaderboard.site.measurements import columns_on
from tckr_bench.leaderboard.site.names import short
from tckr_bench.records import Estimate
from tckr_bench.show.lines import costs_shown
from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tckr_bench.judging.quantities import Column, CostColumn
    from tckr_bench.leaderboard.standings import Entry, Standings
    from tckr_bench.records import Quantity

    Numbers = list[int | None]

SCALE = 10_000
MOST_ATTACKS = 24
"""Attacks that the index has columns for; the pages of the methods have all."""


def payload(boards: Sequence[Standings]) -> str:
    """Return the columns and the data of all tracks as JSON that may stand in a script element."""
    columns = columns_of(column.name for board in boards for column in columns_on(board))
    data = {
        "columns": [_described(column.name, column.quantity, lead=column.leading) for column in columns],
        "costs": [_described(cost.name, cost.quantity) for cost in costs_shown()],
        "tracks": [_track(board, columns) for board in boards],
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _described(name: str, quantity: Quantity, *, lead: bool = False) -> dict[str, Any]:
    """Return what the script knows of a column; `factor` is what its stored integers were multiplied by."""
    return {
        "key": name,
        "title": plain(titled(quantity) if quantity.unit != "s" else quantity.heading),
        "meaning": plain(quantity.meaning),
        "unit": quantity.unit,
        "scale": quantity.scale,
        "digits": quantity.digits,
        "better": quantity.better,
        "lead": lead,
        "factor": factor_of(quantity),
    }


def factor_of(quantity: Quantity) -> int:
    """Return the power of ten that keeps one digit more than is shown of a quantity, and at least four.

    >>> from tckr_bench.records import Quantity
    >>> factor_of(Quantity("accuracy", "accuracy", "right", scale=100, digits=1))
    10000
    """
    return int(10 ** max(4, quantity.digits + 1 + math.ceil(math.log10(quantity.scale))))


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


def _track(board: Standings, columns: Sequence[Column]) -> dict[str, Any]:
    entries, datasets = board.entries, tuple(board.track.datasets)
    attacks = shown_attacks(entries)
    return {
        "name": plain(board.track.name),
        "datasets": [{"name": plain(dataset), "page": dataset_link(board.track.name, dataset)} for dataset in datasets],
        "entries": _entries(board),
        "means": {
            column.name: _numbers((entry.get(column.name) for entry in entries), factor_of(column.quantity))
            for column in columns
        },
        "parts": [
            {column.name: _numbers(_on(entries, dataset, column), factor_of(column.quantity)) for column in columns}
            for dataset in datasets
        ],
        "attacks": [{"name": short(label, 40), **_attack(entries, label)} for label in attacks],
        "tried": [_numbers((attack_mean(entry, label) for entry in entries), SCALE) for label in attacks],
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
        **{cost.name: [_rounded(_cost(entry, cost)) for entry in entries] for cost in costs_shown()},
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


def _cost(entry: Entry, cost: CostColumn) -> float:
    return math.fsum(cost.of(result.row) for result in entry.results.values())


def _on(entries: Sequence[Entry], dataset: str, column: Column) -> list[Estimate | None]:
    found = (entry.results.get(dataset) for entry in entries)
    return [None if result is None else column.of(result.row) for result in found]


def _attack(entries: Sequence[Entry], label: str) -> dict[str, Any]:
    models = [
        result.record.threat_models[label]
        for entry in entries
        for result in entry.results.values()
        if label in result.record.threat_models
    ]
    return {"adaptive": any(model.adaptive for model in models), "surface": models[0].surface}


def _numbers(estimates: Iterable[Estimate | None], factor: int) -> list[Numbers]:
    """Return three columns: values, how far intervals reach below, and above."""
    triples = [_triple(estimate, factor) for estimate in estimates]
    return [[triple[place] for triple in triples] for place in range(3)]


def _triple(estimate: Estimate | None, factor: int) -> tuple[int | None, int | None, int | None]:
    if estimate is None or not all(map(math.isfinite, (estimate.value, estimate.low, estimate.high))):
        return None, None, None
    value, low, high = (round(factor * number) for number in (estimate.value, estimate.low, estimate.high))
    return value, value - low, high - value


def _rounded(cost: float) -> float | None:
    if not math.isfinite(cost):
        return None
    return int(cost) if float(cost).is_integer() else float(f"{cost:.3g}")
