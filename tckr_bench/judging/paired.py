"""Differences between two cells judged on the same examples: what they share cancels out of the interval."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.judging.estimates import SEEDS_INTERVAL
from tckr_bench.judging.metric_names import AUC, TPR
from tckr_bench.records import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.records import AttackScores, CellEvidence, CellRecord

REPLICATES = 1000
PAIRED_BOOTSTRAP = f"paired bootstrap, {REPLICATES} resamples"
UNPAIRED = "intervals added in quadrature (not paired)"
FALSE_POSITIVES = 0.01


@dataclass(frozen=True)
class WorstAttacks:
    """Labels of the attacks that get furthest with a cell's classifier, by AUC and by TPR at 1 % FPR; empty if none."""

    auc: str
    tpr: str


def worst_attacks_of(record: CellRecord) -> WorstAttacks:
    """Return the attacks that get furthest with a cell, as its measurements name them."""
    found = {it.metric: it.attack for it in record.measurements if it.metric in metric_names.WORST.values()}
    return WorstAttacks(found.get(metric_names.WORST_AUC, ""), found.get(metric_names.WORST_TPR, ""))


@dataclass(frozen=True)
class Side:
    """A cell that takes part in a difference: what was saved of it, and which attacks get furthest with it."""

    evidence: CellEvidence
    worst: WorstAttacks


def paired_differences(own: Side, reference: Side, *, seed: int = 0) -> Mapping[str, Estimate]:
    """Estimate `own` minus `reference` in accuracy, worst AUC, worst TPR at 1 % FPR and AOP, as examples allow.

    Accuracy needs the same test labels; the others need the same members and non-members under the worst attack of each
    (canaries are left out, as in the measurements). Accuracy has the interval of `stats.paired_difference`, the others
    a bootstrap that draws the same examples for both cells, members and non-members apart.

    Returns:
        Differences by metric name; metrics whose examples are not shared are left out.
    """
    import numpy as np

    from tckr_bench import stats
    from tckr_bench.stats import classification

    found: dict[str, Estimate] = {}
    cells = (own.evidence, reference.evidence)
    if not np.array_equal(cells[0].test_labels, cells[1].test_labels):
        return found
    right = [classification.correct(cell.test_logits, cell.test_labels) for cell in cells]
    found[metric_names.ACCURACY] = stats.paired_difference(right[0], right[1])
    rates = [ordinary(side.evidence.attacks.get(side.worst.tpr)) for side in (own, reference)]
    if rates[0] is not None and rates[1] is not None and same_challenge(rates[0], rates[1]):
        found[metric_names.WORST_TPR] = _tpr_difference(rates[0], rates[1], seed=seed)
    first, second = (ordinary(side.evidence.attacks.get(side.worst.auc)) for side in (own, reference))
    if first is None or second is None or not same_challenge(first, second):
        return found
    aucs = _resampled_aucs(first, second, seed=seed)
    found[metric_names.WORST_AUC] = _auc_difference(first, second, samples=aucs)
    found[metric_names.AOP] = _aop_difference(right, (first, second), aucs, seed=seed)
    return found


def _aop_difference(
    right: Sequence[npt.NDArray[np.bool_]],
    attacks: tuple[AttackScores, AttackScores],
    aucs: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    *,
    seed: int,
) -> Estimate:
    import numpy as np

    from tckr_bench import stats
    from tckr_bench.stats import classification

    accuracies = [
        stats.bootstrap_mean(part, replicates=REPLICATES, generator=np.random.default_rng([seed, 2])) for part in right
    ]
    weigh = np.vectorize(classification.accuracy_over_privacy)
    values = [
        classification.accuracy_over_privacy(float(part.mean()), stats.auc(attack.scores, attack.members))
        for part, attack in zip(right, attacks, strict=True)
    ]
    aops = [weigh(accuracy, auc) for accuracy, auc in zip(accuracies, aucs, strict=True)]
    return _estimate(values[0], values[1], samples=(aops[0], aops[1]))


def attack_differences(
    own: AttackScores | None, other: AttackScores | None, *, tpr: bool = True, seed: int = 0
) -> Mapping[str, Estimate]:
    """Estimate how much further one attack gets than another on the same examples, in AUC and TPR at 1 % FPR.

    They may be one attack on two cells or two attacks on one cell. Canaries are left out. Empty unless both know the
    same members and non-members; without `tpr` of the AUC alone.
    """
    own, other = ordinary(own), ordinary(other)
    if own is None or other is None or not same_challenge(own, other):
        return {}
    found = {AUC: _auc_difference(own, other, samples=_resampled_aucs(own, other, seed=seed))}
    return {**found, TPR: _tpr_difference(own, other, seed=seed)} if tpr else found


def mean_estimate(estimates: Sequence[Estimate]) -> Estimate:
    """Average a difference over seeds: means of values and of bounds, with the spread between seeds.

    >>> mean_estimate([Estimate(0.1, 0.0, 0.2, "paired"), Estimate(0.3, 0.2, 0.4, "paired")]).value
    0.2
    """
    if len(estimates) == 1:
        return estimates[0]
    values = [estimate.value for estimate in estimates]
    low = statistics.fmean(estimate.low for estimate in estimates)
    high = statistics.fmean(estimate.high for estimate in estimates)
    spread = statistics.stdev(values)
    return Estimate(statistics.fmean(values), low, high, SEEDS_INTERVAL, len(values), spread)


def unpaired_difference(own: Estimate, reference: Estimate) -> Estimate:
    """Estimate a difference of two numbers from their intervals alone, as if their examples were not shared.

    >>> difference = unpaired_difference(Estimate(0.5, 0.47, 0.53, ""), Estimate(0.6, 0.56, 0.64, ""))
    >>> round(difference.low, 3), round(difference.high, 3)
    (-0.15, -0.05)
    """
    value = own.value - reference.value
    low = math.hypot(own.value - own.low, reference.high - reference.value)
    high = math.hypot(own.high - own.value, reference.value - reference.low)
    return Estimate(value, value - low, value + high, UNPAIRED)


def ordinary(attack: AttackScores | None) -> AttackScores | None:
    """Return an attack without its canaries, or None unless members and non-members are left."""
    if attack is None:
        return None
    kept = ~attack.canaries
    members = attack.members[kept]
    if not members.any() or members.all():
        return None
    labels = None if attack.labels is None else attack.labels[kept]
    return replace(attack, scores=attack.scores[kept], members=members, canaries=attack.canaries[kept], labels=labels)


def same_challenge(own: AttackScores, other: AttackScores) -> bool:
    """Return whether two attacks were set the same members and non-members, as far as saved scores tell."""
    import numpy as np

    labels = (own.labels, other.labels)
    same = np.array_equal(own.members, other.members)
    return same and (labels[0] is None or labels[1] is None or np.array_equal(labels[0], labels[1]))


def _auc_difference(
    own: AttackScores, other: AttackScores, *, samples: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
) -> Estimate:
    from tckr_bench import stats

    first, second = (stats.auc(attack.scores, attack.members) for attack in (own, other))
    return _estimate(first, second, samples=samples)


def _tpr_difference(own: AttackScores, other: AttackScores, *, seed: int) -> Estimate:
    return _estimate(_tpr(own), _tpr(other), samples=_resampled_tprs(own, other, seed=seed))


def _resampled_aucs(
    own: AttackScores, other: AttackScores, *, seed: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Resample both AUCs; equal seeds draw equal examples, which is what pairs them."""
    import numpy as np

    from tckr_bench import stats

    first, second = (
        stats.bootstrap_auc(
            attack.scores, attack.members, replicates=REPLICATES, generator=np.random.default_rng([seed, 0])
        )
        for attack in (own, other)
    )
    return first, second


def _resampled_tprs(
    own: AttackScores, other: AttackScores, *, seed: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    import numpy as np

    rates: list[npt.NDArray[np.float64]] = []
    for attack in (own, other):
        generator = np.random.default_rng([seed, 1])
        members, others = attack.scores[attack.members], attack.scores[~attack.members]
        hits = (
            _rate(
                members[generator.integers(len(members), size=len(members))],
                others[generator.integers(len(others), size=len(others))],
            )
            for _ in range(REPLICATES)
        )
        rates.append(np.fromiter(hits, dtype=np.float64, count=REPLICATES))
    return rates[0], rates[1]


def _tpr(attack: AttackScores) -> float:
    return _rate(attack.scores[attack.members], attack.scores[~attack.members])


def _rate(members: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> float:
    """Return the share of members above the lowest threshold that lets at most 1 % of the others through."""
    import numpy as np

    allowed = math.floor(FALSE_POSITIVES * len(others) + 1e-9)
    bar = np.partition(others, len(others) - 1 - allowed)[len(others) - 1 - allowed]
    return float((members > bar).mean())


def _estimate(
    own: float, reference: float, *, samples: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
) -> Estimate:
    from tckr_bench import stats

    low, high = stats.percentile_interval(samples[0] - samples[1])
    return Estimate(own - reference, low, high, PAIRED_BOOTSTRAP)
