"""Laws of the calibrated loss: a hand-computed case, a plain reference, a world with a known optimum."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from attack_worlds import arbitrary_evidence, improbable_world, no_shadows, reordered, two_class
from scipy.special import softmax
from scipy.stats import norm
from tckr_plugins.attacks.calibrated_loss import CalibratedLossAttack
from tckr_plugins.attacks.loss import LossAttack

from tckr_bench.errors import TckrError
from tckr_bench.records import AttackEvidence
from tckr_bench.stats import auc, auc_interval

ATTACK = CalibratedLossAttack()


def test_case_by_hand():
    # p = 3/4 under the target, 1/2 and 1/4 under the OUT shadows: ln 3/4 - (ln 1/2 + ln 1/4) / 2.
    confidence = np.array([[0.0], [-math.log(3)], [5.0]])
    evidence = AttackEvidence(
        two_class(np.array([math.log(3)])), np.array([0]), two_class(confidence), np.array([[False], [False], [True]])
    )
    assert ATTACK.score(evidence)[0] == pytest.approx(math.log(0.75) + 1.5 * math.log(2))


def test_it_agrees_with_a_straightforward_reference():
    evidence = arbitrary_evidence()
    expected = []
    for i, label in enumerate(evidence.labels):
        others = [
            math.log(softmax(logits[i].astype(np.float64))[label])
            for logits, inside in zip(evidence.shadow_logits, evidence.shadow_membership, strict=True)
            if not inside[i]
        ]
        own = math.log(softmax(evidence.target_logits[i].astype(np.float64))[label])
        expected.append(own - sum(others) / len(others))
    np.testing.assert_allclose(ATTACK.score(evidence), expected, atol=1e-6)


def test_it_reaches_the_optimum_of_a_world_of_small_probabilities():
    # There log p is N(m_i + d, 1) in and N(m_i, 1) out, and the difference to m_i is the best statistic.
    evidence, members = improbable_world(examples=4000, shadows=256, shift=1.0, generator=np.random.default_rng(3))
    optimum = norm.cdf(1 / math.sqrt(2))
    estimate = auc_interval(ATTACK.score(evidence), members)
    assert estimate.low <= optimum <= estimate.high
    assert auc(LossAttack().score(evidence), members) < optimum - 0.1


def test_the_order_of_examples_does_not_matter():
    evidence = arbitrary_evidence()
    order = np.random.default_rng(1).permutation(25)
    np.testing.assert_allclose(ATTACK.score(reordered(evidence, order)), ATTACK.score(evidence)[order], atol=1e-9)


def test_it_says_what_is_lacking():
    with pytest.raises(TckrError, match="'calibrated-loss' was given no shadow models"):
        ATTACK.score(no_shadows(two_class(np.zeros(2)), np.zeros(2, dtype=np.int64)))
    with pytest.raises(TckrError, match="25 of 25 examples are not with 9 shadow models"):
        ATTACK.score(replace(arbitrary_evidence(), shadow_membership=np.ones((9, 25), dtype=bool)))
