"""Laws of the attacks that compare with nothing: hand-computed cases, plain references, stability."""

from __future__ import annotations

import math

import numpy as np
import pytest
from attack_worlds import arbitrary_evidence, gaussian_world, no_shadows, reordered, two_class
from scipy.special import softmax
from scipy.stats import entropy, norm
from tckr_plugins.attacks.loss import LossAttack
from tckr_plugins.attacks.reference_free import ConfidenceAttack, EntropyAttack, GapAttack, ModifiedEntropyAttack

from tckr_bench.stats import auc, auc_interval

ATTACKS = [LossAttack(), ConfidenceAttack(), EntropyAttack(), ModifiedEntropyAttack(), GapAttack()]
GRADED = [LossAttack(), ConfidenceAttack(), ModifiedEntropyAttack()]


def reference_modified_entropy(p, label):
    total = 0.0
    for k, share in enumerate(p):
        total += -(1 - share) * math.log(share) if k == label else -share * math.log(1 - share)
    return -total


REFERENCES = {
    LossAttack: lambda p, label: math.log(p[label]),
    ConfidenceAttack: lambda p, label: p[label],
    EntropyAttack: lambda p, _label: -entropy(p),
    ModifiedEntropyAttack: reference_modified_entropy,
    GapAttack: lambda p, label: float(max(range(len(p)), key=p.__getitem__) == label),
}


@pytest.mark.parametrize(
    ("attack", "expected"),
    [
        # probabilities 3/4 and 1/4, label first the likelier and then the other
        (LossAttack(), [math.log(0.75), math.log(0.25)]),
        (ConfidenceAttack(), [0.75, 0.25]),
        (EntropyAttack(), [0.75 * math.log(0.75) + 0.25 * math.log(0.25)] * 2),
        (ModifiedEntropyAttack(), [0.5 * math.log(0.75), 1.5 * math.log(0.25)]),
        (GapAttack(), [1.0, 0.0]),
    ],
)
def test_case_by_hand(attack, expected):
    logits = np.array([[math.log(3), 0.0], [math.log(3), 0.0]], dtype=np.float32)
    scores = attack.score(no_shadows(logits, np.array([0, 1])))
    np.testing.assert_allclose(scores, expected, atol=1e-7)
    assert scores.dtype == np.float64


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_agrees_with_a_straightforward_reference(attack):
    evidence = arbitrary_evidence()
    expected = [
        REFERENCES[type(attack)](softmax(logits.astype(np.float64)), label)
        for logits, label in zip(evidence.target_logits, evidence.labels, strict=True)
    ]
    np.testing.assert_allclose(attack.score(evidence), expected, atol=1e-6)


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_order_of_examples_does_not_matter(attack):
    evidence = arbitrary_evidence()
    order = np.random.default_rng(1).permutation(len(evidence.labels))
    assert np.array_equal(attack.score(reordered(evidence, order)), attack.score(evidence)[order])


@pytest.mark.parametrize("attack", GRADED)
def test_a_likelier_label_raises_the_score(attack):
    scores = attack.score(no_shadows(two_class(np.linspace(-9, 9, 40)), np.zeros(40, dtype=np.int64)))
    assert (np.diff(scores) > 0).all()


@pytest.mark.parametrize("attack", GRADED)
def test_the_optimum_of_a_world_of_equal_examples_is_reached(attack):
    # Without hard and easy examples the label's probability is a sufficient statistic: AUC = Phi(d / sqrt 2).
    generator = np.random.default_rng(5)
    members = np.arange(4000) < 2000
    evidence = no_shadows(two_class(members + generator.normal(size=4000)), np.zeros(4000, dtype=np.int64))
    estimate = auc_interval(attack.score(evidence), members)
    assert estimate.low <= norm.cdf(1 / math.sqrt(2)) <= estimate.high


def test_the_gap_attack_finds_the_gap_in_accuracy():
    # AUC = 1/2 + (accuracy on members - accuracy on others) / 2, exactly.
    logits = two_class(np.array([1.0, 1.0, 1.0, -1.0, 1.0, -1.0, -1.0, -1.0]))
    scores = GapAttack().score(no_shadows(logits, np.zeros(8, dtype=np.int64)))
    assert auc(scores, np.arange(8) < 4) == pytest.approx(0.5 + (0.75 - 0.25) / 2)


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_find_nothing_where_training_left_no_trace(attack):
    evidence, members = gaussian_world(examples=4000, shadows=2, shift=0.0, generator=np.random.default_rng(4))
    estimate = auc_interval(attack.score(evidence), members)
    assert estimate.low <= 0.5 <= estimate.high


@pytest.mark.parametrize("attack", ATTACKS)
def test_extreme_logits_give_finite_scores(attack):
    logits = np.array([[1e4, 0, -1e4], [0, 1e4, 0], [3e38, 0, -3e38], [0, 0, 0]], dtype=np.float32)
    assert np.isfinite(attack.score(no_shadows(logits, np.zeros(4, dtype=np.int64)))).all()


def test_the_modified_entropy_keeps_its_digits_next_to_certainty():
    # Label surely wrong: (1 - p) log p = -1e4 and p_other log(1 - p_other) = -1e4.
    scores = ModifiedEntropyAttack().score(no_shadows(two_class(np.array([-1e4, 1e4])), np.zeros(2, dtype=np.int64)))
    np.testing.assert_allclose(scores, [-2e4, 0.0])
