"""The answer of a run in words, made from its figures and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.board import rank
from tckr_bench.board.paired import unpaired_difference
from tckr_bench.board.text import describe, listing, percent, plain, signed, span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tckr_bench.board.rank import DatasetBoard, Estimate, Leaderboard, Row

MINIATURES = ("miniature", "mini-natural")


def answer(board: DatasetBoard, shared: Mapping[str, str], differences: Mapping[str, Estimate]) -> tuple[str, ...]:
    """Answer for one dataset in sentences: which method is best, what it loses and gains, and if that holds.

    Args:
        board: the dataset's board.
        shared: what all methods have in common by axis, and need not be said.
        differences: paired differences of the best method and its baseline by metric, where evidence gave
            them.
    """
    best = board.best
    if best is None:
        return (f"On {plain(board.dataset)} no synthetic method has a figure to be ranked by.",)
    baseline = board.baseline_of(best)
    lead = f"On {plain(board.dataset)} the best synthetic method by AOP is {describe(best.method, shared)}."
    doubt = () if board.trusted else (_doubt(board),)
    if baseline is None or baseline.status == "failed":
        return (*doubt, lead, "There is no real-data baseline to set it beside.")
    return (*doubt, lead, _accuracy_sentence(best), _auc_sentence(best, baseline, differences))


def _doubt(board: DatasetBoard) -> str:
    failed = any(not verdict.passed for verdict in board.verdicts)
    why = "a control failed or is missing" if failed else "not everything follows from what was saved"
    return f"None of what is said of {plain(board.dataset)} may be relied on: {why}."


def _accuracy_sentence(best: Row) -> str:
    gap = best.get(rank.GAP)
    if gap is None:
        return "What it loses in accuracy is not known."
    reach = f"95 %: {span(gap.low, gap.high, scale=100, digits=1)}"
    if gap.low > 0:
        return f"It loses {percent(gap.value)} points of accuracy against real data ({reach})."
    if gap.high < 0:
        gain = f"95 %: {span(-gap.high, -gap.low, scale=100, digits=1)}"
        return f"It gains {percent(-gap.value)} points of accuracy over real data ({gain})."
    return f"Its accuracy cannot be told apart from real data's: the gap is {percent(gap.value)} points ({reach})."


def _auc_sentence(best: Row, baseline: Row, differences: Mapping[str, Estimate]) -> str:
    own, reference = best.get(rank.AUC), baseline.get(rank.AUC)
    if own is None or reference is None:
        return "What the attack finds is not known for both."
    change = differences.get(rank.AUC) or unpaired_difference(own, reference)
    if change.low <= 0 <= change.high:
        return (
            f"The attack's AUC, {own.value:.3f}, cannot be told apart from the {reference.value:.3f} of real data "
            f"(change {signed(change.value, 3)}; 95 %: {span(change.low, change.high)})."
        )
    falls = change.high < 0
    low, high = sorted((abs(change.low), abs(change.high)))
    still = "cannot be" if own.low <= 0.5 <= own.high else "is still" if falls else "is"
    return (
        f"The attack's AUC {'falls' if falls else 'rises'} by {abs(change.value):.3f} (95 %: {span(low, high)}), from "
        f"{reference.value:.3f} to {own.value:.3f}, which {still} told apart from guessing (0.5)."
    )


def caveats(leaderboard: Leaderboard) -> tuple[str, ...]:
    """Say what the figures of a run do not show, each sentence only where it applies."""
    rows = [row for board in leaderboard.boards for row in board.rows]
    models = [model for board in leaderboard.boards for model in board.threat_models.values()]
    found: list[str] = []
    if models and not any(model.adaptive for model in models):
        found.append(
            "No attack here is adaptive: the shadow models are trained on real images and do not repeat the "
            "pipeline of caption, adapter and generator. An attacker who repeats it may find more, and an "
            "AUC near "
            "0.5 is no proof of privacy."
        )
    seeds = {len(row.records) for row in rows}
    if seeds == {1}:
        found.append(
            "Every method was run with one seed. The intervals cover which examples were drawn, not how "
            "much a "
            "second training run would differ."
        )
    elif seeds:
        found.append(
            "Intervals cover which examples were drawn; how much training runs differ is the spread "
            "between seeds, "
            "which is given apart."
        )
    if any(row.protocol == "paper" for row in rows):
        found.append(
            "Some rows kept the epoch that did best on the test set (protocol paper). Their accuracy is higher than "
            "new images would show, and they are not ranked with the others."
        )
    if any(row.contamination in ("images", "classes", "unknown") for row in rows):
        found.append(
            "The base generator was pretrained on images or classes of a dataset here, or may have been. On a "
            "private dataset it would have no such help, and its images may repeat what it saw before any adaptation."
        )
    tiny = {
        plain(row.method.generator.label)
        for row in rows
        if row.method.role == "method" and row.method.generator and _is_miniature(row)
    }
    if tiny:
        found.append(
            f"The generator ({listing(sorted(tiny))}) is a miniature at low resolution. It shows how the "
            "pipeline "
            "behaves, not what a full-size model would reach."
        )
    if any(board.best for board in leaderboard.boards):
        found.append(
            "The best method is named after the fact, as the one with the highest AOP; where several lie "
            "close "
            "together, that flatters it. AOP weighs accuracy against one attack's average success; it is "
            "no privacy "
            "guarantee for any single person."
        )
    return tuple(found)


def _is_miniature(row: Row) -> bool:
    generator = row.method.generator
    assert generator is not None, "asked for methods with a generator only"
    told = (generator.label, str(generator.options.get("model", "")))
    return any(name in text for name in MINIATURES for text in told)
