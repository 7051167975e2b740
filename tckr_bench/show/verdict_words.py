"""A verdict in sentences that somebody can read who has trained no model; hostile text comes out plain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names, quantities
from tckr_bench.judging.criteria import TPR_METRICS
from tckr_bench.judging.sample_size import MOST
from tckr_bench.text import listing, plain, signed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tckr_bench.judging.verdict import Basis, DatasetAnswer, Judgement, LimitComparison, Need
    from tckr_bench.records import Estimate

ALARMS = {
    "tpr-at-10-fpr": "10 false alarms in 100",
    metric_names.TPR: "1 false alarm in 100",
    "tpr-at-0-1-fpr": "1 false alarm in 1,000",
}
STANDINGS = {"within": "within", "beyond": "beyond", "undecided": "open", "unknown": "not known"}
FIRST_OF_ALL = "First of all, a run whose checks come out as they must: what follows holds only if its measurements do."
REPEAT_THE_PIPELINE = (
    "Attacks whose shadow models repeat the whole pipeline: `tckr-bench run --matrix audit` makes some."
)


def heading_of(comparison: LimitComparison) -> str:
    """Say in a few words what is compared with its limit."""
    if comparison.metric == metric_names.GAP:
        return "accuracy lost, points"
    if comparison.metric == metric_names.AUC:
        return "AUC of the worst attack (0.5: guessing)"
    return f"members found in 100, at {ALARMS[comparison.metric]}"


def number(comparison: LimitComparison, value: float) -> str:
    """Return a value of a comparison in its unit: points, members in a hundred, or an AUC."""
    return quantities.number(quantities.quantity_of(comparison.metric), value)


def interval(comparison: LimitComparison, estimate: Estimate) -> str:
    """Return the interval of a comparison in its unit."""
    return quantities.interval(quantities.quantity_of(comparison.metric), estimate)


def reasons(judgement: Judgement) -> tuple[str, ...]:
    """Say why the answer is what it is: what makes it untrustworthy or weak first, then measurement by measurement."""
    return (
        *(f"The measurement cannot be trusted: {plain(doubt)}." for doubt in judgement.doubts),
        *(f"This cannot become a yes: {plain(obstacle)}." for obstacle in judgement.obstacles),
        *(_sentence(comparison) for comparison in judgement.comparisons),
        *_of_adaptive(judgement),
        *_of_gates(judgement),
    )


def _sentence(comparison: LimitComparison) -> str:
    estimate = comparison.estimate
    limit = signed(quantities.quantity_of(comparison.metric).scale * comparison.limit, 3).rstrip("0").rstrip(".")
    if estimate is None:
        return _of_missing(comparison)
    verdicts = {
        "within": f"Even the upper end is within the limit of {limit}.",
        "beyond": f"Even the lower end is beyond the limit of {limit}.",
        "undecided": f"The limit of {limit} lies inside that range, so this is open.",
    }
    return f"{_finding(comparison, estimate)} (95 %: {interval(comparison, estimate)}). {verdicts[comparison.standing]}"


def _finding(comparison: LimitComparison, estimate: Estimate) -> str:
    if comparison.metric == metric_names.GAP:
        lost = abs(100 * estimate.value)
        verb = "loses" if estimate.value >= 0 else "gains"
        tail = "" if estimate.value >= 0 else ", a loss below 0"
        return (
            f"Against a classifier trained on the real images, judged on the same test images, it {verb} {lost:.1f} "
            f"points of accuracy{tail}"
        )
    names, count = plain(" or ".join(comparison.attacks)), len(comparison.tried)
    strongest = f"The strongest of {count} attacks, {names}," if count > 1 else f"The only attack, {names},"
    if comparison.metric == metric_names.AUC:
        return f"{strongest} ranks a member above a non-member with an AUC of {estimate.value:.3f}"
    found = number(comparison, estimate.value)
    return f"{strongest} finds {found} in 100 members of the training set at {ALARMS[comparison.metric]}"


def _of_missing(comparison: LimitComparison) -> str:
    if comparison.metric == metric_names.GAP:
        return "How much accuracy is lost against real data was not measured in every seed."
    if not comparison.tried:
        return "No attack was made on the classifier, so what could be found is not known."
    if comparison.metric == metric_names.AUC:
        return "Not every attack on the classifier has an AUC in every seed, so the worst is not known."
    fpr = next(fpr for fpr, metric in TPR_METRICS.items() if metric == comparison.metric)
    return (
        f"How many members are found at {ALARMS[comparison.metric]} was not measured for every attack on the "
        f"classifier; it takes {round(1 / fpr):,} non-members at least."
    )


def _of_adaptive(judgement: Judgement) -> Iterator[str]:
    if judgement.adaptive:
        names = listing([plain(label) for label in judgement.adaptive])
        yield f"Among the attacks were some that repeat the whole pipeline, as an attacker may: {names}."
    elif judgement.comparisons and not judgement.obstacles and not judgement.doubts:
        yield "No attack repeats the whole pipeline, as an attacker may; that was allowed for this answer."


def _of_gates(judgement: Judgement) -> Iterator[str]:
    if judgement.gates and not judgement.doubts:
        names = listing([plain(gate) for gate in judgement.gates])
        yield f"The checks whose result is known beforehand came out as they must: {names}."


def needs(judgement: Judgement) -> tuple[str, ...]:
    """Say what would settle what is open, roughly: how many examples, and what they cannot settle."""
    sentences = [FIRST_OF_ALL] if judgement.doubts else []
    if not judgement.adaptive:
        sentences.append(REPEAT_THE_PIPELINE)
    sentences += [_need(entry, entry.need) for entry in judgement.comparisons if entry.need is not None]
    if judgement.answer != "no" and judgement.tried:
        sentences.append(_of_shadows(judgement.basis))
    return tuple(sentences)


def _need(comparison: LimitComparison, need: Need) -> str:
    heading = heading_of(comparison)
    what = "The loss of accuracy" if comparison.metric == metric_names.GAP else f"“{heading[0].upper()}{heading[1:]}”"
    if need.on_limit:
        return f"{what}: no number of examples would settle it, since the estimate sits on the limit."
    if need.examples is None:
        return f"{what}: more than {MOST:,} {need.unit} would be needed, since the estimate all but sits on the limit."
    towards = "within" if need.settles == "within" else "beyond"
    now = f"{need.now:,}"
    what_it_takes = f"{rounded_up(need.examples):,} {need.unit}"
    if need.others is not None:
        what_it_takes += f" and {rounded_up(need.others):,} non-members"
        now += " members"
    return (
        f"{what}: roughly {what_it_takes} instead of {now} would show that it is {towards} the limit, if what was "
        "observed held."
    )


def rounded_up(count: int) -> int:
    """Return a count rounded up to two digits, as befits a rough one.

    >>> rounded_up(19618), rounded_up(57)
    (20000, 57)
    """
    unit: int = 10 ** max(0, len(str(count)) - 2)
    return -(-count // unit) * unit


def _of_shadows(basis: Basis) -> str:
    if not basis.shadows:
        return "No shadow models were trained; attacks that use them are stronger, and could find more."
    return (
        "More shadow models would narrow no interval, but make the attacks stronger: what was found is the least that "
        "can be found."
    )


def basis_sentence(basis: Basis) -> str:
    """Say how much the measurements rest on.

    >>> from tckr_bench.judging.verdict import Basis
    >>> basis_sentence(Basis(2000, 1500, 1500, 16, False, 1))
    '2,000 test images, 1,500 members and 1,500 non-members, 16 shadow models, 1 seed'
    """
    shadows = "shadow trainings" if basis.trainings else "shadow models"
    shadows = shadows.removesuffix("s") if basis.shadows == 1 else shadows
    seeds = f"{basis.seeds} seed" + ("" if basis.seeds == 1 else "s")
    return (
        f"{basis.test_images:,} test images, {basis.members:,} members and {basis.others:,} non-members, "
        f"{basis.shadows:,} {shadows}, {seeds}"
    )


def choice_sentence(answer: DatasetAnswer) -> str:
    """Say how the method judged was chosen, and what that does to the measurements."""
    count = len(answer.others) + 1
    if answer.named or count == 1:
        return "named for this question" if answer.named else "the only synthetic method"
    trusted = answer.judged is not None and not answer.judged.doubts
    place = "the best ranked" if trusted else "the best, were any ranked,"
    return (
        f"{place} of {count} synthetic methods; chosen on these same examples, which flatters it a little: "
        "name one beforehand with --method"
    )
