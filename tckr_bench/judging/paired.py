"""Differences between two cells judged on the same examples: what they share cancels out of the interval."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING

from tckr_bench.judging.estimates import SEEDS_INTERVAL
from tckr_bench.judging.rows import ACCURACY, AOP, AUC, TPR
from tckr_bench.records import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.records import AttackScores, CellEvidence

REPLICATES = 1000
PAIRED_BOOTSTRAP = f"paired bootstrap, {REPLICATES} resamples"
UNPAIRED = "intervals added in quadrature (not paired)"
FALSE_POSITIVES = 0.01


def paired_differences(evidence: CellEvidence, reference: CellEvidence, *, seed: int = 0) -> Mapping[str, Estimate]:
    """Estimate `evidence` minus `reference` in accuracy, AUC, TPR at 1 % FPR and AOP, as examples allow.

    Accuracy needs the same test labels; the others need the same members and non-members under the primary
    attack of both (canaries are left out, as in the measurements). Accuracy has the interval of
    `stats.paired_difference`, the others a bootstrap that draws the same examples for both cells, members and
    non-members apart.

    Returns:
        Differences by metric name; metrics whose examples are not shared are left out.
    """
    import numpy as np

    from tckr_bench import stats
    from tckr_bench.stats import classification as metrics

    found: dict[str, Estimate] = {}
    if not np.array_equal(evidence.test_labels, reference.test_labels):
        return found
    right = [metrics.correct(cell.test_logits, cell.test_labels) for cell in (evidence, reference)]
    gap = stats.paired_difference(right[0], right[1])
    found[ACCURACY] = Estimate(gap.value, gap.low, gap.high, gap.method)
    own, other = (ordinary(cell.attacks.get(cell.primary_attack)) for cell in (evidence, reference))
    if own is None or other is None or own.attack != other.attack or not same_challenge(own, other):
        return found
    aucs = _resampled_aucs(own, other, seed=seed)
    found[AUC], found[TPR] = _auc_difference(own, other, samples=aucs), _tpr_difference(own, other, seed=seed)
    accuracies = [
        stats.bootstrap_mean(part, replicates=REPLICATES, generator=np.random.default_rng([seed, 2])) for part in right
    ]
    weigh = np.vectorize(metrics.accuracy_over_privacy)
    values = [
        metrics.accuracy_over_privacy(float(part.mean()), stats.auc(attack.scores, attack.members))
        for part, attack in zip(right, (own, other), strict=True)
    ]
    aops = [weigh(accuracy, auc) for accuracy, auc in zip(accuracies, aucs, strict=True)]
    found[AOP] = _estimate(values[0], values[1], samples=(aops[0], aops[1]))
    return found


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
