"""Laws of RMIA: hand-computed cases, a plain reference, a world with a known optimum."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from attack_worlds import (
    arbitrary_evidence,
    gaussian_world,
    improbable_world,
    no_shadows,
    reordered,
    single_example,
    two_class,
)
from scipy.special import softmax
from scipy.stats import norm
from tckr_plugins.attacks.rmia import RmiaAttack, share_outdone, told_apart

from tckr_bench.errors import TckrError
from tckr_bench.records import AttackEvidence, References
from tckr_bench.stats import auc, auc_interval

FORMS = [
    {"mode": mode, "gamma": gamma, "offline_a": offline_a}
    for mode, offline_a in (("online", 0.3), ("offline", 0.3), ("offline", 1.0), ("offline", 0.0))
    for gamma in (0.5, 1.0, 2.0)
]


def probability(logits, label):
    return softmax(np.asarray(logits, dtype=np.float64))[label]


def reference_marginal(inside, outside, *, mode, offline_a):
    if mode == "offline":
        return (1 + offline_a) / 2 * np.mean(outside) + (1 - offline_a) / 2
    return (np.mean(inside) + np.mean(outside)) / 2 if inside else np.mean(outside)


def reference_ratio(target_logits, shadow_logits, membership, label, **form):
    signals = [probability(logits, label) for logits in shadow_logits]
    inside = [signal for signal, is_in in zip(signals, membership, strict=True) if is_in]
    outside = [signal for signal, is_in in zip(signals, membership, strict=True) if not is_in]
    return probability(target_logits, label) / reference_marginal(inside, outside, **form)


def reference_rmia(evidence, *, gamma, **form):
    """RMIA with probabilities and one pair at a time, as the paper writes it down."""
    ratios = [
        reference_ratio(
            evidence.target_logits[i], evidence.shadow_logits[:, i], evidence.shadow_membership[:, i], label, **form
        )
        for i, label in enumerate(evidence.labels)
    ]
    known = evidence.references
    scores = []
    for i, ratio in enumerate(ratios):
        if known is None:
            population = [other for j, other in enumerate(ratios) if j != i]
        else:
            never = [False] * len(known.shadow_logits)
            population = [
                reference_ratio(known.target_logits[j], known.shadow_logits[:, j], never, label, **form)
                for j, label in enumerate(known.labels)
            ]
        scores.append(sum(ratio / other > gamma for other in population) / len(population))
    return np.array(scores)


def with_probabilities(target, shadows, membership):
    """Return evidence of two classes from the probabilities of class 0."""
    target, shadows = np.asarray(target), np.asarray(shadows)
    logits = [two_class(np.log(p) - np.log1p(-p)) for p in (target, shadows)]
    return AttackEvidence(logits[0], np.zeros(len(target), dtype=np.int64), logits[1], np.asarray(membership))


def test_online_case_by_hand():
    # Pr(x) = (0.8 + 0.4) / 2 = 0.6 for all three; ratios 1.5, 1 and 0.5: each outdoes 2, 1 and 0 of the other two.
    evidence = with_probabilities([0.9, 0.6, 0.3], [[0.8] * 3, [0.4] * 3], [[True] * 3, [False] * 3])
    np.testing.assert_allclose(RmiaAttack().score(evidence), [1.0, 0.5, 0.0])
    # 1.5 > 1.6 * 1 fails, so the first two outdo one each; the first is likelier by half a step of 1/2.
    np.testing.assert_allclose(RmiaAttack(gamma=1.6).score(evidence), [0.75, 0.5, 0.0])


def test_offline_case_by_hand():
    # Pr(x) = 1/2 (1.5 * 0.4 + 0.5) = 0.55 and Pr(z) = 1/2 (1.5 * 0.2 + 0.5) = 0.4; r(x) = 0.8, r(z) = 0.5, 1.5.
    evidence = with_probabilities([0.44], [[0.4], [0.4]], [[False], [False]])
    known = with_probabilities([0.2, 0.6], [[0.2] * 2, [0.2] * 2], [[False] * 2] * 2)
    references = References(np.zeros((2, 8, 8, 3), np.uint8), known.labels, known.target_logits, known.shadow_logits)
    evidence = replace(evidence, references=references)
    np.testing.assert_allclose(RmiaAttack(mode="offline", offline_a=0.5).score(evidence), [0.5])
    np.testing.assert_allclose(RmiaAttack(mode="offline", offline_a=0.5, gamma=1.7).score(evidence), [0.0])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("population", ["references", "challenge"])
def test_every_form_agrees_with_a_straightforward_reference(form, population):
    evidence = arbitrary_evidence()
    if population == "challenge":
        evidence = replace(evidence, references=None)
    found, published = RmiaAttack(**form).score(evidence), reference_rmia(evidence, **form)
    counts = np.unique(published, return_counts=True)
    alone = np.isin(published, counts[0][counts[1] == 1])
    np.testing.assert_allclose(found[alone], published[alone], atol=1e-6)
    assert (found >= published - 1e-6).all()
    order = np.lexsort((found, published))
    assert (np.diff(found[order]) > 0).all(), "no count changes its place, and no two examples share a score"


def test_examples_that_outdo_equally_many_are_told_apart_by_their_ratio():
    generator = np.random.default_rng(5)
    evidence, _ = gaussian_world(examples=3000, shadows=4, shift=0.5, generator=generator)
    count = 400
    known = References(
        np.zeros((count, 8, 8, 3), np.uint8),
        evidence.labels[:count],
        evidence.target_logits[:count],
        evidence.shadow_logits[:, :count],
    )
    scores = RmiaAttack().score(replace(evidence, references=known))
    assert len(np.unique(scores)) == len(np.unique(evidence.target_logits, axis=0)) == 3000


def test_telling_ties_apart_moves_the_auc_by_less_than_half_of_the_tied_pairs():
    generator = np.random.default_rng(6)
    ratios, population = generator.normal(size=2000), generator.normal(size=50)
    members = generator.random(2000) < 0.5
    shares = share_outdone(ratios, population, gamma=1.0)
    scores = told_apart(shares, ratios, step=1 / 50)
    tied = np.equal.outer(shares[members], shares[~members]).mean()
    assert 0.01 < tied < 0.1
    assert 0 < abs(auc(scores, members) - auc(shares, members)) <= tied / 2
    assert np.array_equal(np.round(np.floor(scores * 50 + 1e-9)), np.round(shares * 50))


def test_equal_ratios_stay_equal_and_steps_are_not_left():
    scores = told_apart(np.array([1.0, 1.0, 1.0, 0.0, 0.0]), np.array([7.0, 9.0, 7.0, 1.0, 2.0]), step=1.0)
    assert scores.tolist() == [1.0, 1.5, 1.0, 0.0, 0.5]


@pytest.mark.parametrize("form", FORMS)
def test_the_order_of_examples_does_not_matter(form):
    evidence = arbitrary_evidence()
    order = np.random.default_rng(1).permutation(len(evidence.labels))
    scores = RmiaAttack(**form).score(evidence)
    np.testing.assert_allclose(RmiaAttack(**form).score(reordered(evidence, order)), scores[order], atol=1e-9)


def test_rmia_reaches_the_optimum_of_a_world_of_small_probabilities():
    # There log p is Gaussian around a mean of the example's own, which Pr(x) follows: AUC = Phi(d / sqrt 2).
    evidence, members = improbable_world(examples=4000, shadows=256, shift=1.0, generator=np.random.default_rng(3))
    optimum = norm.cdf(1.0 / math.sqrt(2))
    for form in ({"mode": "online"}, {"mode": "offline", "offline_a": 1.0}):
        estimate = auc_interval(RmiaAttack(**form).score(evidence), members)
        assert estimate.low <= optimum <= estimate.high, form


def test_rmia_finds_nothing_where_training_left_no_trace():
    evidence, members = gaussian_world(examples=4000, shadows=16, shift=0.0, generator=np.random.default_rng(4))
    estimate = auc_interval(RmiaAttack().score(evidence), members)
    assert estimate.low <= 0.5 <= estimate.high


def test_a_likelier_label_never_lowers_the_score():
    evidence = arbitrary_evidence()
    raised = evidence.target_logits.copy()
    raised[np.arange(25), evidence.labels] += 2.0
    attack = RmiaAttack()
    assert (attack.score(replace(evidence, target_logits=raised)) >= attack.score(evidence)).all()


def test_an_example_is_not_compared_with_itself():
    assert share_outdone(np.zeros(3), None, gamma=0.5).tolist() == [1.0, 1.0, 1.0]
    assert share_outdone(np.zeros(3), None, gamma=1.0).tolist() == [0.0, 0.0, 0.0]


def test_probabilities_that_round_to_zero_are_told_apart():
    evidence = AttackEvidence(
        two_class(np.array([-2000.0, -1000.0, 60.0, -900.0])),
        np.zeros(4, dtype=np.int64),
        two_class(np.full((2, 4), -1500.0)),
        np.array([[True] * 4, [False] * 4]),
    )
    np.testing.assert_allclose(RmiaAttack().score(evidence), [0.0, 1 / 3, 1.0, 2 / 3])


def test_rmia_says_what_is_lacking():
    logits, labels = two_class(np.array([1.0, 2.0])), np.zeros(2, dtype=np.int64)
    with pytest.raises(TckrError, match="'rmia' was given no shadow models"):
        RmiaAttack().score(no_shadows(logits, labels))
    always_in = AttackEvidence(logits, labels, two_class(np.zeros((2, 2))), np.ones((2, 2), dtype=bool))
    for mode in ("online", "offline"):
        with pytest.raises(TckrError, match="2 of 2 examples are not with 2 shadow models"):
            RmiaAttack(mode=mode).score(always_in)
    with pytest.raises(TckrError, match="needs a population"):
        RmiaAttack().score(single_example(target=1.0, inside=(0.0,), outside=(1.0,)))


def test_offline_ignores_what_shadows_trained_on_the_example_say():
    evidence = arbitrary_evidence()
    altered = evidence.shadow_logits.copy()
    altered[evidence.shadow_membership] += 7.0 * np.arange(5, dtype=np.float32)
    other = replace(evidence, shadow_logits=altered)
    offline = RmiaAttack(mode="offline")
    assert np.array_equal(offline.score(other), offline.score(evidence))
    assert auc(RmiaAttack().score(other), np.arange(25) < 12) != auc(RmiaAttack().score(evidence), np.arange(25) < 12)
