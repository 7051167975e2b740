"""What a row's measurements do not cover, in sentences: what a reader of its verdict must know beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.records import attacks_on
from tckr_bench.text import listing, percent, plain, signed, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tckr_bench.judging.rows import Row
    from tckr_bench.records import Surface

BETWEEN_TRAININGS = "auc-between-trainings"
RELEASES: dict[Surface, str] = {
    "images": "the synthetic images",
    "captions": "the captions",
    "generator": "the adapted generator",
}


def remarks_of(row: Row) -> tuple[str, ...]:
    """Say what a row's measurements do not cover, each sentence only where it applies."""
    if row.status == "failed":
        return ()
    return (_of_releases(row), *_of_outputs(row), *_of_trainings(row), *_of_pretraining(row), *_of_proof(row))


def _of_releases(row: Row) -> str:
    """Say what attacks find should more than the classifier be released."""
    found = []
    for surface, released in RELEASES.items():
        tried = [(label, row.get(metric_names.AUC, label)) for label in attacks_on(row.records, surface=surface)]
        known = [(label, estimate) for label, estimate in tried if estimate is not None]
        if known:
            label, estimate = max(known, key=lambda entry: entry[1].value)
            reach = f"AUC {signed(estimate.value, 3)}, 95 %: {span(estimate.low, estimate.high)}"
            found.append(f"{released} ({plain(label)}: {reach})")
    lead = "The answer is about releasing the classifier alone."
    if not found:
        return f"{lead} What would be found in {listing(list(RELEASES.values()))} was not measured."
    return f"{lead} Releasing more is another question; attacks there reach, in {listing(found)}."


def _of_outputs(row: Row) -> Iterator[str]:
    if row.same_outputs:
        yield (
            f"Its outputs are those of {listing([plain(name) for name in row.same_outputs])} but for their scale, so "
            "that the worst attack on either counts: who knows the recipe undoes it."
        )


def _of_trainings(row: Row) -> Iterator[str]:
    spreads = [estimate for (metric, _), estimate in row.estimates.items() if metric == BETWEEN_TRAININGS]
    widest = max(spreads, key=lambda estimate: estimate.value, default=None)
    if len(row.seeds) == 1:
        measured = f"; the attack's AUC has a standard deviation of {signed(widest.value, 3)}" if widest else ""
        yield f"It was trained once (one seed). The intervals leave out how much trainings differ{measured}."
    if row.failures:
        yield f"Not every seed has measurements: {plain('; '.join(row.failures))}."


def _of_pretraining(row: Row) -> Iterator[str]:
    if row.contamination == "classes":
        yield (
            "The generator was pretrained on other images of these classes; with classes that only a private dataset "
            "has, more accuracy may be lost."
        )
    if row.contamination == "unknown":
        yield (
            "What the generator was pretrained on is not known in full. If this dataset was in it, neither accuracy "
            "nor privacy would carry over to a private one."
        )


def _of_proof(row: Row) -> Iterator[str]:
    proved = row.get(metric_names.PROVED, "")
    if proved is not None:
        yield (
            f"Beside what attacks find, an epsilon of {signed(proved.value, 2)} is proved ({plain(proved.method)}), "
            "whatever the attack. It is about the training images and this one training, not about validation images "
            "or what else was trained to find its options."
        )
    if row.unmatched:
        short = row.get(metric_names.SHORTFALL)
        found = f" ({plain(short.method)})" if short else ""
        yield f"It is not known to be a defence at the student's accuracy: {row.unmatched}{found}."
    copies = [
        (estimate, label) for (metric, label), estimate in row.estimates.items() if metric == "near-duplicate-rate"
    ]
    if copies:
        estimate, label = max(copies, key=lambda entry: entry[0].value)
        yield (
            f"{percent(estimate.value, 2)} % of the synthetic images nearly repeat a training image "
            f"({plain(label)}, 95 %: {span(estimate.low, estimate.high, scale=100, digits=2)})."
        )
