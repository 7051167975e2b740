"""What the measurements of a run do not show, in words, each sentence only where it applies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.text import listing, plain, short_names, signed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tckr_bench.judging.rows import Leaderboard, Row

MINIATURES = ("miniature", "mini-natural")
SMALL_SIDE = 64
"""Side in pixels up to which a generator is called a miniature, whatever its label."""


def caveats(leaderboard: Leaderboard) -> tuple[str, ...]:
    """Say what the measurements of a run do not show, each sentence only where it applies."""
    rows = [row for board in leaderboard.boards for row in board.rows]
    return (*_of_attacks(leaderboard), *_of_seeds(rows), *_of_training(rows), *_of_ranking(leaderboard, rows))


def adaptive_attacks(row: Row) -> tuple[str, ...]:
    """Return the labels of the attacks on a row's classifier whose shadow models repeat the row's whole pipeline."""
    models = (item for record in row.records for item in record.threat_models.items())
    return tuple(dict.fromkeys(label for label, model in models if model.adaptive and model.surface == "classifier"))


def _of_attacks(leaderboard: Leaderboard) -> Iterator[str]:
    models = [model for board in leaderboard.boards for model in board.threat_models.values()]
    synthetic = [
        row
        for board in leaderboard.boards
        for row in board.rows
        if row.method.role == "method" and row.status != "failed"
    ]
    without = [row for row in synthetic if not adaptive_attacks(row)]
    if models and synthetic and len(without) == len(synthetic):
        yield (
            "No attack here is adaptive: the shadow models are trained on real images and do not repeat the "
            "pipeline of caption, adapter and generator. An attacker who repeats it may find more, and an AUC near "
            "0.5 is no proof of privacy."
        )
    elif without:
        yield (
            f"No attack on {_names(leaderboard, without)} is adaptive: none repeats the pipeline of caption, adapter "
            "and generator. An attacker who does may find more."
        )
    if len(without) < len(synthetic):
        yield from _of_adaptive(leaderboard, synthetic)
    if models and not any(model.surface == "data" for model in models):
        yield (
            "Whether members and non-members can be told apart without any model was not tested; if they can, no "
            "attack's measurement is about what a model learnt."
        )


def _of_adaptive(leaderboard: Leaderboard, rows: list[Row]) -> Iterator[str]:
    """Say how far adaptive attacks got on synthetic rows, at most."""
    found = [
        (estimate, label, row)
        for row in rows
        for label in adaptive_attacks(row)
        if (estimate := row.get(metric_names.AUC, label)) is not None
    ]
    if not found:
        return
    estimate, label, row = max(found, key=lambda entry: entry[0].value)
    primary = row.get(metric_names.AUC, row.primary_attack)
    beside = f", where {plain(leaderboard.primary_attack)} has {signed(primary.value, 3)}" if primary else ""
    where = f"{plain(label)} on {_names(leaderboard, [row])}{beside}"
    yield (
        "Adaptive attacks, whose shadow models repeat the pipeline of caption, adapter and generator, reach an AUC of "
        f"at most {signed(estimate.value, 3)} on synthetic rows ({where}). They are the strongest "
        "attacks tried here, not the strongest there are: an AUC near 0.5 is no proof of privacy."
    )


def _names(leaderboard: Leaderboard, rows: list[Row]) -> str:
    names, _ = short_names(leaderboard.methods)
    return listing([f"{names[row.method.name]} of {plain(row.dataset)}" for row in rows])


def _of_seeds(rows: list[Row]) -> Iterator[str]:
    seeds = {len(row.seeds) for row in rows if row.seeds}
    if seeds == {1}:
        yield (
            "Every method was run with one seed. The intervals cover which examples were drawn, not how much a "
            "second training run would differ."
        )
    elif seeds:
        yield (
            "Intervals cover which examples were drawn; how much training runs differ is the spread between seeds, "
            "which is given apart."
        )


def _of_training(rows: list[Row]) -> Iterator[str]:
    if any(row.protocol == "paper" for row in rows):
        yield (
            "Some rows kept the epoch that did best on the test set (protocol paper). Their accuracy is higher than "
            "new images would show, and they are not ranked with the others."
        )
    if any(row.contamination in ("images", "classes", "unknown") for row in rows):
        yield (
            "The base generator was pretrained on images or classes of a dataset here, or may have been. On a "
            "private dataset it would have no such help, and its images may repeat what it saw before any adaptation."
        )
    tiny = {
        plain(row.method.generator.label)
        for row in rows
        if row.method.role == "method" and row.method.generator and _is_miniature(row)
    }
    if tiny:
        yield (
            f"The generator ({listing(sorted(tiny))}) is a miniature at low resolution. It shows how the pipeline "
            "behaves, not what a full-size model would reach."
        )


def _of_ranking(leaderboard: Leaderboard, rows: list[Row]) -> Iterator[str]:
    if any(row.get(metric_names.PROVED) for row in rows):
        yield (
            "A proved epsilon holds for every training image and every attack, and for one training: neither the "
            "search for its options nor validation images are counted. An empirical one is only what the attacks here "
            "rule out, for an average image, and a larger one may be true; it takes who is a member for a draw of fair "
            "coins."
        )
    if any(board.best for board in leaderboard.boards):
        yield (
            "The best method is named after the fact, as the one with the highest AOP; where several lie close "
            "together, that flatters it. AOP weighs accuracy against one attack's average success; it is no privacy "
            "guarantee for any single person."
        )


def _is_miniature(row: Row) -> bool:
    generator = row.method.generator
    assert generator is not None, "asked for methods with a generator only"
    small = generator.image_size is not None and generator.image_size <= SMALL_SIDE
    return small or any(name in generator.label for name in MINIATURES)
