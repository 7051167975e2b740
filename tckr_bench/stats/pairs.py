"""What pairs tell of which two examples one is a member: how to score them, whether chance explains it, and epsilon.

In every pair one example was drawn to be a member by a fair coin: that is so where members and non-members are a random
division of one pool, and are then paired at random. Differences are of the member less the non-member, (n, k) of k
scores or (n,) of one. Whatever is chosen may depend on the sizes of differences, and on the coins of other pairs alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.records import Estimate
from tckr_bench.stats.estimates import CONFIDENCE
from tckr_bench.stats.one_run import Guesses, refuted_epsilon
from tckr_bench.stats.ranking import midranks

if TYPE_CHECKING:
    from tckr_bench.records import Floats

SHARES = (1.0, 0.5, 0.25, 0.1, 0.05, 0.02)
"""Of the pairs, how many may be guessed, the surest first; others are abstained from."""
DRAWS = 9_999
_AT_ONCE = 2**22  # signs
_STEPS = 50
_PENALTY = 1.0


def rank_features(scores: Floats) -> Floats:
    """Return two features of each score, from its rank alone: its place, and how far out in the upper tail it lies.

    Args:
        scores: (n,) finite.

    Returns:
        (n, 2): u - 1/2, of -1/2 to 1/2, and -log(1 - u) - 1, with u = rank / (n + 1), ties sharing theirs. The second
        has mean about 0 as well, and grows where copies lie (Savage 1956).

    >>> rank_features(np.array([0.0, 5.0, 5.0])).round(3).tolist()
    [[-0.25, -0.712], [0.125, -0.019], [0.125, -0.019]]
    """
    places = midranks(scores) / (len(scores) + 1)
    return np.stack([places - 0.5, -np.log1p(-places) - 1], axis=1)


def pair_weights(differences: Floats, *, penalty: float = _PENALTY) -> Floats:
    """Return the weights w (k,) whose score w x best tells the member of each pair, by conditional logistic regression.

    Formula: w maximises the sum of log sigma(w d) less penalty |w|^2 / 2, by Newton's method. The score of a difference
    is then the log-odds that its first example is the member.

    Args:
        differences: (n, k) of member less non-member.
        penalty: above 0, keeps weights finite where pairs can be told apart without a mistake.

    Source: Breslow and Day 1980, Statistical Methods in Cancer Research, volume 1, chapter VII (matched pairs).

    >>> pair_weights(np.array([[1.0], [1.0], [-1.0]]), penalty=1e-9).round(3).tolist()  # ln 2: right two times in three
    [0.693]
    """
    from scipy.special import expit

    weights = np.zeros(differences.shape[1])
    for _ in range(_STEPS):
        wrong = expit(-differences @ weights)
        slope = differences.T @ wrong - penalty * weights
        bend = (differences * (wrong * (1 - wrong))[:, None]).T @ differences + penalty * np.eye(len(weights))
        step = np.linalg.solve(bend, slope)
        weights = weights + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-9:
            break
    return weights


def flipped_p_value(differences: Floats, *, draws: int = DRAWS, seed: int) -> float:
    """Return how often fair coins would make the sum of differences (n,) as large: a one-sided p-value, 0 to 1.

    Signs are flipped at random `draws` times and what was found is counted as one of them, so that it is exact: under
    fair coins, at most p of the p-values are p or less (Phipson and Smyth 2010). The least is 1 / (draws + 1), and
    with few pairs about 2^-n.

    >>> 0.1 < flipped_p_value(np.array([1.0, 1.0, 1.0]), seed=0) < 0.15  # one in eight
    True
    """
    generator = np.random.default_rng(seed)
    found = float(differences.sum())
    bar = found - 1e-12 * float(np.abs(differences).sum())  # against rounding
    reached, step = 1, max(1, _AT_ONCE // len(differences))
    for start in range(0, draws, step):
        count = min(step, draws - start)
        flipped = generator.integers(0, 2, (count, len(differences)), dtype=np.int8).astype(np.float64)
        reached += int((found - 2 * flipped @ differences >= bar).sum())
    return reached / (draws + 1)


def smallest_p_value(pairs: int, *, draws: int = DRAWS) -> float:
    """Return about the least p-value that so many pairs can have.

    >>> smallest_p_value(3), smallest_p_value(100)
    (0.125, 0.0001)
    """
    return max(1 / (draws + 1), 2.0**-pairs)


def pair_epsilon(
    differences: Floats, *, share: float = 1.0, delta: float = 0.0, confidence: float = CONFIDENCE
) -> Estimate:
    """Bound from below the epsilon (nats) of any (epsilon, delta)-differential privacy that the release could have.

    The surest `share` of the pairs is guessed, by the sign of the difference; ties are abstained from. Under such
    privacy of replacing the member of a pair by its non-member, the number of right guesses exceeds no more often than
    a binomial count of r guesses that are right with e^epsilon / (1 + e^epsilon), but for a term in delta. No
    independence of the scores is assumed, nor more than one training.

    Args:
        differences: (n,) of one score, member less non-member; it must not depend on which example of a pair is which.
        share: above 0 to 1, chosen without these pairs.
        delta: of the privacy that is refuted.
        confidence: that the bound does not exceed the truth.

    Returns:
        The bound as value and lower end, 0 where nothing is refuted; as upper end the point estimate, half a guess
        added to either count.

    Source: Steinke et al. 2023, Privacy Auditing with One (1) Training Run, theorem 5.2; members drawn from pairs as by
    Mahloujifar et al. 2024, Auditing f-Differential Privacy in One Run.

    >>> estimate = pair_epsilon(np.ones(100))  # the lower bound of the rate solves q ** 100 = 0.05
    >>> q = 0.05 ** (1 / 100)
    >>> round(estimate.value, 4) == round(math.log(q / (1 - q)), 4), pair_epsilon(-np.ones(100)).value
    (True, 0.0)
    """
    sure = np.argsort(-np.abs(differences), kind="stable")[: max(1, round(share * len(differences)))]
    told = differences[sure][differences[sure] != 0]
    right, guesses = int((told > 0).sum()), len(told)
    bound = refuted_epsilon(Guesses(right, guesses, len(differences)), delta=delta, level=1 - confidence)
    likely = max(0.0, math.log((right + 0.5) / (guesses - right + 0.5)))
    method = f"{100 * confidence:g} % lower bound at delta {delta:g} (one run), {right} of {guesses} guesses right"
    return Estimate(bound, bound, max(bound, likely), method)


def promising_share(differences: Floats, *, delta: float = 0.0, confidence: float = CONFIDENCE) -> float:
    """Return the share of pairs whose guesses promise the highest bound: each half is scored by what the other teaches.

    Args:
        differences: (n, k) of several scores, n at least 2; of pairs that are not judged.
        delta: of the privacy that is to be refuted.
        confidence: of the bound.

    >>> promising_share(np.ones((40, 1)))  # of the shares that promise most, the largest
    1.0
    """
    one, other = differences[::2], differences[1::2]
    told = np.concatenate([one @ pair_weights(other), other @ pair_weights(one)])
    promises = [pair_epsilon(told, share=share, delta=delta, confidence=confidence).value for share in SHARES]
    return SHARES[int(np.argmax(promises))]
