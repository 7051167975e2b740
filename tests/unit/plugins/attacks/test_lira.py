"""Laws of LiRA: hand-computed cases, a plain reference, worlds with a known optimum."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from attack_worlds import arbitrary_evidence, gaussian_world, no_shadows, phi, reordered, single_example, two_class
from scipy.stats import norm
from tckr_plugins.attacks.lira import LiraAttack
from tckr_plugins.attacks.loss import LossAttack
from tckr_plugins.attacks.signals import logit_scaled_confidence

from tckr_bench.errors import TckrError
from tckr_bench.records import AttackEvidence
from tckr_bench.stats import auc, auc_interval

FORMS = [
    {"mode": mode, "tail": tail, "variance": variance, "queries": queries}
    for mode, tail in (("online", "one-sided"), ("offline", "one-sided"), ("offline", "two-sided"))
    for variance in ("fixed", "per-example")
    for queries in ("plain", "all")
]


def reference_scale(observed, side, variance, index):
    if variance == "per-example":
        return observed[index][side].std(ddof=1)
    residuals = np.concatenate([entry[side] - entry[side].mean() for entry in observed])
    return math.sqrt((residuals**2).sum() / (len(residuals) - len(observed)))


def reference_query(target_logits, shadow_logits, evidence, *, mode, tail, variance):
    """Score one query one example at a time with scipy.stats, as the paper writes it down."""
    labels, membership = evidence.labels, evidence.shadow_membership
    observed = []
    for i, label in enumerate(labels):
        signals = np.array([phi(logits[i], label) for logits in shadow_logits])
        observed.append({side: signals[membership[:, i] == side] for side in (True, False)})
    scores = []
    for i, label in enumerate(labels):
        target = phi(target_logits[i], label)
        gaussian = {
            side: norm(observed[i][side].mean(), reference_scale(observed, side, variance, i)) for side in (True, False)
        }
        if mode == "online":
            scores.append(gaussian[True].logpdf(target) - gaussian[False].logpdf(target))
        elif tail == "one-sided":
            scores.append(-gaussian[False].logsf(target))
        else:
            scores.append(-gaussian[False].logpdf(target))
    return np.array(scores)


def reference_lira(evidence, *, queries, **form):
    asked = [(evidence.target_logits, evidence.shadow_logits)]
    if queries == "all":
        asked += [(evidence.target_queries[q], evidence.shadow_queries[:, q]) for q in range(3)]
    return sum(reference_query(target, shadows, evidence, **form) for target, shadows in asked) / len(asked)


@pytest.mark.parametrize("variance", ["fixed", "per-example"])
def test_online_case_by_hand(variance):
    # IN shadows at 3, 5 (mean 4, variance 2), OUT at 0, 4 (mean 2, variance 8); target at 4:
    # -(ln 2)/2 - 0 - (-(ln 8)/2 - 4/16) = ln 2 + 1/4.
    evidence = single_example(target=4.0, inside=(3.0, 5.0), outside=(0.0, 4.0))
    assert LiraAttack(variance=variance).score(evidence)[0] == pytest.approx(math.log(2) + 0.25)


def test_offline_cases_by_hand():
    # OUT at -1, 1: mean 0, variance 2; target at sqrt(2) is one deviation above.
    evidence = single_example(target=math.sqrt(2), inside=(), outside=(-1.0, 1.0))
    one, two = (LiraAttack(mode="offline", tail=tail).score(evidence)[0] for tail in ("one-sided", "two-sided"))
    assert one == pytest.approx(-math.log(0.15865525393145707), abs=1e-6)
    assert two == pytest.approx(0.5 * math.log(4 * math.pi) + 0.5, abs=1e-6)


def test_fixed_variance_pools_deviations_and_not_means():
    # Two examples far apart, deviations of 1: the variance is 4 / (4 - 2), not the 2,500 of pooled means.
    membership = np.repeat([[True], [True], [False], [False]], 2, axis=1)
    levels = np.array([[3.0, 103.0], [1.0, 101.0], [1.0, 101.0], [-1.0, 99.0]])
    evidence = AttackEvidence(
        two_class(np.array([2.0, 100.0])), np.zeros(2, dtype=np.int64), two_class(levels), membership
    )
    np.testing.assert_allclose(LiraAttack(variance="fixed").score(evidence), [1.0, -1.0])  # +-(2^2) / (2 * 2)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_agrees_with_a_straightforward_reference(form):
    evidence = arbitrary_evidence()
    np.testing.assert_allclose(LiraAttack(**form).score(evidence), reference_lira(evidence, **form), atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_the_order_of_examples_does_not_matter(form):
    evidence = arbitrary_evidence()
    order = np.random.default_rng(1).permutation(len(evidence.labels))
    scores = LiraAttack(**form).score(evidence)
    np.testing.assert_allclose(LiraAttack(**form).score(reordered(evidence, order)), scores[order], atol=1e-9)


@pytest.mark.parametrize("mode", ["online", "offline"])
@pytest.mark.parametrize(("variance", "spread"), [("fixed", None), ("per-example", (0.5, 3.0))])
def test_lira_reaches_the_optimum_of_a_gaussian_world(mode, variance, spread):
    optimum = norm.cdf(1.0 / math.sqrt(2))  # the likelihood ratio and the tail are monotone in (phi - m_i) / s_i
    evidence, members = gaussian_world(
        examples=4000, shadows=128, shift=1.0, generator=np.random.default_rng(1), spread=spread
    )
    estimate = auc_interval(LiraAttack(mode=mode, variance=variance).score(evidence), members)
    assert estimate.low <= optimum <= estimate.high
    assert auc(LossAttack().score(evidence), members) < optimum - 0.1  # hard and easy examples drown the loss


def test_the_two_sided_tail_reaches_what_its_statistic_allows():
    # |N(d, 1)| against |N(0, 1)|: AUC = 1 - p - q + 2 p q with p = q = Phi(-d / sqrt 2) (sum and difference apart).
    shift = 1.5
    p = norm.cdf(-shift / math.sqrt(2))
    evidence, members = gaussian_world(examples=4000, shadows=128, shift=shift, generator=np.random.default_rng(6))
    estimate = auc_interval(LiraAttack(mode="offline", tail="two-sided").score(evidence), members)
    assert estimate.low <= (1 - p) ** 2 + p**2 <= estimate.high


def test_independent_queries_add_their_evidence():
    # Four queries with independent noise are a shift of two deviations: AUC = Phi(2 / sqrt 2), not Phi(1 / sqrt 2).
    # (Means of few shadows blur the ratio of each query; 128 on either side cost 0.002.)
    generator = np.random.default_rng(9)
    members = np.arange(2000) < 1000
    membership = np.stack([generator.permutation(256) < 128 for _ in members], axis=1)

    def logits(inside):
        return two_class(inside + generator.normal(size=(4, *inside.shape)))

    target, shadows = logits(members), logits(membership)
    evidence = AttackEvidence(
        target_logits=target[0],
        labels=np.zeros(2000, dtype=np.int64),
        shadow_logits=shadows[0],
        shadow_membership=membership,
        target_queries=target[1:],
        shadow_queries=shadows[1:].swapaxes(0, 1),
    )
    for queries, optimum in (("plain", norm.cdf(1 / math.sqrt(2))), ("all", norm.cdf(2 / math.sqrt(2)))):
        estimate = auc_interval(LiraAttack(queries=queries).score(evidence), members)
        assert estimate.low <= optimum <= estimate.high


def test_sixteen_shadows_favour_the_pooled_variance():
    evidence, members = gaussian_world(examples=4000, shadows=16, shift=1.0, generator=np.random.default_rng(2))
    pooled, single = (auc(LiraAttack(variance=v).score(evidence), members) for v in ("fixed", "per-example"))
    assert pooled > single + 0.01
    assert pooled > norm.cdf(1.0 / math.sqrt(2)) - 0.05


def test_the_offline_tail_grows_with_confidence_and_stays_finite_far_out():
    targets = np.array([-300.0, -9.0, 0.0, 9.0, 39.0, 300.0])
    scores = [
        LiraAttack(mode="offline").score(single_example(target=target, inside=(), outside=(-1.0, 1.0)))[0]
        for target in targets
    ]
    assert np.isfinite(scores).all()
    assert (np.diff(scores) > 0).all() or scores[0] == scores[1] == 0
    assert scores[-1] > scores[-2] > 300  # a probability would have rounded to 1 for both


def test_logit_scaling_survives_confidences_that_round_to_one():
    logits = np.array([[1e4, 0.0, 0.0], [0.0, 1e4, 0.0]], dtype=np.float32)
    found = logit_scaled_confidence(logits, np.array([0, 0]))
    np.testing.assert_allclose(found, [1e4 - math.log(2), -1e4], rtol=1e-12)


@pytest.mark.parametrize("form", [form for form in FORMS if form["queries"] == "plain"])
def test_shadows_that_all_agree_give_finite_scores(form):
    evidence = single_example(target=1.0, inside=(0.0, 0.0), outside=(0.0, 0.0))
    assert np.isfinite(LiraAttack(**form).score(evidence)).all()


def test_lira_says_what_is_lacking():
    logits, labels = two_class(np.array([1.0, 2.0])), np.zeros(2, dtype=np.int64)
    for mode in ("online", "offline"):
        with pytest.raises(TckrError, match="no shadow models"):
            LiraAttack(mode=mode).score(no_shadows(logits, labels))
    membership = np.array([[True, True], [False, True], [False, True]])
    never_out = AttackEvidence(logits, labels, two_class(np.zeros((3, 2))), membership)
    with pytest.raises(TckrError, match="1 of 2 examples are not with 3 shadow models"):
        LiraAttack().score(never_out)
    with pytest.raises(TckrError, match="out of the training set of 1 or more shadow models, but 1 of 2"):
        LiraAttack(mode="offline").score(never_out)
    two = AttackEvidence(logits, labels, two_class(np.zeros((2, 2))), np.array([[True, False], [False, True]]))
    with pytest.raises(TckrError, match="cannot estimate a variance"):
        LiraAttack().score(two)
    with pytest.raises(TckrError, match="needs every example in the training set of 2"):
        LiraAttack(variance="per-example").score(two)


def test_offline_needs_no_shadow_trained_on_the_example():
    evidence = replace(arbitrary_evidence(), shadow_membership=np.zeros((9, 25), dtype=bool))
    assert np.isfinite(LiraAttack(mode="offline").score(evidence)).all()


def test_altered_copies_that_were_not_asked_about_are_named_by_their_setting():
    evidence = replace(arbitrary_evidence(), target_queries=None, shadow_queries=None)
    with pytest.raises(TckrError, match="augmented_queries"):
        LiraAttack(queries="all").score(evidence)
