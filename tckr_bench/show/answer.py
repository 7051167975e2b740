"""The answer of a run in words, made from its measurements and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.judging.paired import unpaired_difference
from tckr_bench.text import describe, percent, plain, signed, span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tckr_bench.judging.rows import DatasetBoard, Row
    from tckr_bench.records import Estimate


def answer(board: DatasetBoard, shared: Mapping[str, str], differences: Mapping[str, Estimate]) -> tuple[str, ...]:
    """Answer for one dataset in sentences: which method is best, what it loses and gains, and if that holds.

    Args:
        board: the dataset's board.
        shared: what all methods have in common by axis, and need not be said.
        differences: paired differences of the best method and its baseline by metric, where evidence gave
            them.
    """
    if not board.trusted:
        return (_doubt(board), "Its rows are shown, and not ranked.")
    best = board.best
    if best is None:
        return (f"On {plain(board.dataset)} no synthetic method has a measurement to be ranked by.",)
    baseline = board.baseline_of(best)
    lead = f"On {plain(board.dataset)} the best synthetic method by AOP is {describe(best.method, shared)}."
    if baseline is None or baseline.status == "failed":
        return (lead, "There is no real-data baseline to set it beside.")
    return (lead, _accuracy_sentence(best), _auc_sentence(best, baseline, differences))


def _doubt(board: DatasetBoard) -> str:
    failed = any(not gate.passed for gate in board.gates)
    whole = any(row.method.role == "baseline" and row.status != "failed" for row in board.rows)
    why = "a control failed or is missing" if failed else "not everything follows from what was saved"
    why = why if whole else f"there is no real-data baseline, and {why}"
    return f"None of what is said of {plain(board.dataset)} may be relied on: {why}."


def _accuracy_sentence(best: Row) -> str:
    gap = best.get(metric_names.GAP)
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
    risk, reference_risk = best.risk(metric_names.AUC), baseline.risk(metric_names.AUC)
    if risk is None or reference_risk is None:
        return "The worst attack's AUC is not known for it and for real data, so their privacy cannot be compared."
    own, reference = risk.estimate, reference_risk.estimate
    change = differences.get(metric_names.WORST_AUC) or unpaired_difference(own, reference)
    if change.low <= 0 <= change.high:
        return (
            f"The worst attack's AUC, {own.value:.3f}, cannot be told from the {reference.value:.3f} of real data "
            f"(change {signed(change.value, 3)}; 95 %: {span(change.low, change.high)})."
        )
    falls = change.high < 0
    low, high = sorted((abs(change.low), abs(change.high)))
    still = "cannot be" if own.low <= 0.5 <= own.high else "is still" if falls else "is"
    return (
        f"The worst attack's AUC {'falls' if falls else 'rises'} by {abs(change.value):.3f} (95 %: {span(low, high)}), "
        f"from {reference.value:.3f} to {own.value:.3f}, which {still} told apart from guessing (0.5)."
    )
