"""Three questions that a visitor comes with, answered in words from measurements, hedged where chance may explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging.metric_names import ACCURACY, AOP, GAP, WORST_AUC
from tckr_bench.judging.quantities import interval, number, quantity_of
from tckr_bench.judging.rows import baseline_for
from tckr_bench.leaderboard.site.names import short
from tckr_bench.text import duration, listing, percent, span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.leaderboard.standings import Entry, Standings
    from tckr_bench.records import Estimate

MOST_NAMED = 3
AS_GOOD = 0.02
"""Accuracy that may be lost, as far as the interval reaches, where synthetic data is still called as accurate."""


@dataclass(frozen=True)
class AnswerView:
    """A question, its answer in a few words, and the measurements that say so, a sentence each."""

    question: str
    verdict: str
    sentences: tuple[str, ...]


def answers_of(standings: Standings) -> tuple[AnswerView, ...]:
    """Answer which method to take, whether it is as good as real data, and what it costs."""
    ranked = [entry for entry in standings.entries if entry.standing == "ranked" and entry.rank is not None]
    candidates = [entry for entry in ranked if entry.family != "real data"]
    return (_privacy(candidates, standings), _replacement(candidates, standings), _cost(candidates, standings))


def _teacher(best: Entry, standings: Standings) -> Entry | None:
    """Return the real-data baseline of an entry's own submission, measured on the same machine; None if it has none."""
    theirs = [entry for entry in standings.entries if entry.submission == best.submission]
    return baseline_for(best.method, [entry for entry in theirs if entry.family == "real data" and entry.get(ACCURACY)])


def _privacy(candidates: Sequence[Entry], standings: Standings) -> AnswerView:
    question = "Which method is best for privacy, and at what accuracy?"
    if not candidates:
        return AnswerView(question, "Nobody is ranked yet", ("No method has a record on every dataset of the track.",))
    best = candidates[0]
    teacher = _teacher(best, standings)
    peers = [entry for entry in candidates[1:] if entry.rank == best.rank]
    reach = f"Attacks on it reach an AUC of {_auc(best.get(WORST_AUC))}, where 0.5 is guessing"
    sentences = [f"{reach}, and its accuracy is {_share(best.get(ACCURACY))}."]
    if teacher is not None and teacher.rank and best.rank and teacher.rank < best.rank:
        sentences.append(f"Real data itself, {short(teacher.name)}, ranks above it.")
    if peers:
        word = "other method is" if len(peers) == 1 else "other methods are"
        sentences.append(f"{len(peers)} {word} not worse beyond what chance explains: {_names(peers)}.")
        return AnswerView(question, f"{short(best.name)} leads, but not alone", tuple(sentences))
    sentences.append("No other method comes as far beyond what chance explains.")
    return AnswerView(question, short(best.name), tuple(sentences))


def _replacement(candidates: Sequence[Entry], standings: Standings) -> AnswerView:
    question = "Is synthetic data as good as real data?"
    synthetic = [entry for entry in candidates if entry.family == "synthetic" and entry.get(GAP) is not None]
    if not synthetic:
        return AnswerView(question, "Not known yet", ("No synthetic method is ranked beside its real-data baseline.",))
    best = synthetic[0]
    teacher = _teacher(best, standings)
    gaps = {entry.slug: gap for entry in synthetic if (gap := entry.get(GAP)) is not None}
    nearest = min(synthetic, key=lambda entry: gaps[entry.slug].value)
    sentences = [f"{short(best.name)}, the best synthetic method, {_loss(gaps[best.slug])}{_safety(best, teacher)}."]
    if nearest is not best:
        sentences.append(
            f"The most accurate of {len(synthetic)}, {short(nearest.name)}, {_loss(gaps[nearest.slug])}; "
            "it is picked here for that, which flatters it."
        )
    sentences += _against_defences(best, candidates)
    return AnswerView(question, _verdict(gaps[best.slug]), tuple(sentences))


def _verdict(gap: Estimate) -> str:
    if gap.low > 0:
        return f"Less accurate, by {percent(gap.value)} points"
    if gap.high < 0:
        return "More accurate"
    near = gap.high <= AS_GOOD
    return "As accurate, as far as can be told" if near else f"Undecided: {percent(gap.value)} points lost, or none"


def _loss(gap: Estimate) -> str:
    reach = span(gap.low, gap.high, scale=100, digits=1)
    if gap.low <= 0 <= gap.high:
        return f"cannot be told apart in accuracy from real data (lost: {percent(gap.value)} points, {reach})"
    word = "loses" if gap.value > 0 else "gains"
    if gap.value < 0:
        reach = span(-gap.high, -gap.low, scale=100, digits=1)
    return f"{word} {percent(abs(gap.value))} points of accuracy ({reach})"


def _safety(best: Entry, teacher: Entry | None) -> str:
    own, real = best.get(WORST_AUC), teacher.get(WORST_AUC) if teacher else None
    if own is None or real is None:
        return ""
    hedge = "" if own.high < real.low or own.low > real.high else ", which may be chance"
    return f"; attacks reach {number(quantity_of(WORST_AUC), own.value)} on it and {_auc(real)} on real data{hedge}"


def _against_defences(best: Entry, candidates: Sequence[Entry]) -> list[str]:
    """Say how the best defence of real data compares: what a user would do instead."""
    defences = [entry for entry in candidates if entry.family == "defence" and entry.get(AOP) and entry.rank]
    if not defences or best.rank is None or best.get(AOP) is None:
        return []
    other = defences[0]
    assert other.rank is not None, "chosen for having one"
    word = "ranks with" if other.rank == best.rank else "ranks above" if other.rank < best.rank else "ranks below"
    return [f"Real data with a defence, {short(other.name)}, {word} it."]


def _cost(candidates: Sequence[Entry], standings: Standings) -> AnswerView:
    question = "What does it cost?"
    if not candidates:
        return AnswerView(question, "Not known yet", ("No method is ranked.",))
    best = candidates[0]
    teacher = _teacher(best, standings)
    made = f"{best.images:,} synthetic images in each run" if best.images else "no synthetic image"
    sentences = [f"{short(best.name)} takes {duration(best.pipeline_seconds)} of CPU time on all datasets and {made}."]
    if teacher is not None and teacher.pipeline_seconds > 0:
        times = best.pipeline_seconds / teacher.pipeline_seconds
        compared = f"{times:,.0f} times" if times >= 2 else f"{times:.1f} times"
        sentences[0] = sentences[0].removesuffix(".") + f": {compared} what training on real data takes."
    cheapest = min((entry for entry in candidates if entry.rank == best.rank), key=lambda entry: entry.pipeline_seconds)
    if cheapest is not best:
        sentences.append(
            f"The cheapest that shares its rank is {short(cheapest.name)}: {duration(cheapest.pipeline_seconds)}."
        )
    sentences.append("Times are means over seeds on the submitter's machine and have no interval.")
    return AnswerView(question, f"{duration(best.pipeline_seconds)} of CPU time", tuple(sentences))


def _names(entries: Sequence[Entry]) -> str:
    shown = [short(entry.name) for entry in entries[:MOST_NAMED]]
    return listing([*shown, f"{len(entries) - MOST_NAMED} more"] if len(entries) > MOST_NAMED else shown)


def _auc(estimate: Estimate | None) -> str:
    return _told(WORST_AUC, estimate)


def _share(estimate: Estimate | None) -> str:
    return _told(ACCURACY, estimate, " %")


def _told(name: str, estimate: Estimate | None, unit: str = "") -> str:
    if estimate is None:
        return "unknown"
    quantity = quantity_of(name)
    return f"{number(quantity, estimate.value)}{unit} ({interval(quantity, estimate)})"
