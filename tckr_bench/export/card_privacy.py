"""What the card of an exported dataset says of privacy: measurement by measurement, and in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.controls import words_of_gate
from tckr_bench.export.card_text import found
from tckr_bench.judging import metric_names
from tckr_bench.judging.caveats import adaptive_attacks
from tckr_bench.judging.verdict import worst_estimate
from tckr_bench.records import attacks_on
from tckr_bench.text import listing, percent, plain, signed, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tckr_bench.judging.rows import DatasetBoard, Row
    from tckr_bench.records import Surface

Line = tuple[str, str]
AttackLine = tuple[str, str, str, str]

COPIES = {
    "duplicate-rate": "repeat a training image (they differ from it by no more than rounding)",
    "near-duplicate-rate": "come nearer to a training image than all but 1 % would by chance, so that 1 % is what "
    "chance alone gives",
}
PRETRAINING = {
    "images": "The base generator was pretrained on images of this very dataset. Its images may repeat what it saw "
    "there, and neither accuracy nor privacy would carry over to a dataset it never saw.",
    "classes": "The base generator was pretrained on other images of these classes, which helps its accuracy; with "
    "classes that only a private dataset has, more would be lost.",
    "unknown": "What the base generator was pretrained on is not known in full. Images of this dataset may have been "
    "in it, and its images may repeat what it saw there.",
    "none": "As far as its authors say, the base generator was pretrained on no image and no class of this dataset.",
}


def gate_lines(board: DatasetBoard) -> list[tuple[str, str, str, str]]:
    """Return each check: its name, what it is, whether it passed, and what was found."""
    return [
        (
            gate.name,
            words_of_gate(gate.name),
            "passed" if gate.passed else "FAILED",
            gate.reason,
        )
        for gate in board.gates
    ]


def attack_lines(row: Row, surface: Surface) -> list[AttackLine]:
    """Return, for each attack on a surface: its label, AUC, members found in 100, and whether it is adaptive."""
    labels = attacks_on(row.records, surface=surface)
    return [
        (
            label,
            found(row.get(metric_names.AUC, label), scale=1, digits=3),
            found(row.get(metric_names.TPR, label)),
            "yes" if label in adaptive_attacks(row) else "no",
        )
        for label in labels
    ]


def found_in_images(row: Row) -> tuple[str, ...]:
    """Say how many of the synthetic images repeat a training image, or nearly do."""
    sentences = []
    for metric, words in COPIES.items():
        for (name, label), estimate in row.estimates.items():
            if name == metric:
                reach = span(estimate.low, estimate.high, scale=100, digits=2)
                sentences.append(
                    f"{percent(estimate.value, 2)} % of the images (95 %: {reach}) {words}; found by {plain(label)}."
                )
    return tuple(sentences)


def privacy_sentences(row: Row, board: DatasetBoard) -> tuple[str, ...]:
    """Say what the strongest attacks find, whether any was adaptive, and what the base generator had seen."""
    return (*_of_worst(row), *_of_baseline(row, board), *_of_adaptive(row), *_of_proof(row), *_of_pretraining(row))


def _of_worst(row: Row) -> Iterator[str]:
    auc, tpr = worst_estimate(row, metric_names.AUC), worst_estimate(row, metric_names.TPR)
    if auc is None:
        yield "What the strongest attack on the classifier finds is not known: not every attack has measurements."
        return
    estimate, labels = auc
    reach = span(estimate.low, estimate.high)
    beside = "which includes guessing" if estimate.low <= 0.5 else "all of it above guessing"
    yield (
        f"The strongest attack, {plain(' or '.join(labels))}, ranks a member above a non-member with an AUC of "
        f"{signed(estimate.value, 3)} (95 %, allowing for having tried every attack: {reach}, {beside})."
    )
    if tpr is not None:
        rate, who = tpr
        reach = span(rate.low, rate.high, scale=100, digits=1)
        yield (
            f"At 1 false alarm in 100 the strongest, {plain(' or '.join(who))}, finds {percent(rate.value)} in 100 "
            f"members (95 %: {reach}); guessing finds 1."
        )


def _of_baseline(row: Row, board: DatasetBoard) -> Iterator[str]:
    baseline = board.baseline_of(row)
    worst = worst_estimate(baseline, metric_names.AUC) if baseline is not None else None
    if worst is not None:
        estimate = worst[0]
        yield (
            f"For comparison, on the classifier trained on the real images the strongest attack reaches "
            f"{signed(estimate.value, 3)} (95 %: {span(estimate.low, estimate.high)})."
        )


def _of_adaptive(row: Row) -> Iterator[str]:
    labels = adaptive_attacks(row)
    if labels:
        yield (
            f"Adaptive attacks were among them ({listing([plain(label) for label in labels])}): their shadow models "
            "repeat everything done here, caption, adapt, generate and train. They are the strongest tried, not the "
            "strongest there are."
        )
    else:
        yield (
            "No attack was adaptive: none repeats what was done here (caption, adapt, generate, train), as an attacker "
            "may, so more could be found than was found."
        )


def _of_proof(row: Row) -> Iterator[str]:
    proved = row.get(metric_names.PROVED, "")
    if proved is not None:
        yield f"An epsilon of {signed(proved.value, 2)} is proved for the classifier ({plain(proved.method)})."


def _of_pretraining(row: Row) -> Iterator[str]:
    if row.contamination is not None:
        yield PRETRAINING[row.contamination]
