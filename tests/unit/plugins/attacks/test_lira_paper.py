"""Laws of the published protocol: its twelve variants as the authors' notebook computes them, and what it cannot do."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from attack_worlds import arbitrary_evidence, no_shadows, reordered, two_class
from scipy.stats import norm
from tckr_plugins.attacks.lira_paper import VARIANTS, LiraPaperAttack

from tckr_bench.errors import TckrError
from tckr_bench.records import AttackEvidence
from tckr_bench.stats import auc_interval


def paired_evidence():
    """Return arbitrary evidence of eight shadows, with outputs around what would be probabilities."""
    evidence = arbitrary_evidence(shadows=8)
    scale = np.float32(0.25)
    return replace(evidence, target_logits=evidence.target_logits * scale, shadow_logits=evidence.shadow_logits * scale)


def reference_phi(outputs, label, form):
    outputs = [float(value) for value in outputs]
    others = [value for k, value in enumerate(outputs) if k != label]
    if form == "margin":
        return outputs[label] - max(others)
    clip = [min(max(value, 1e-10), 1 - 1e-10) for value in outputs]
    if form == "unstable":
        return math.log(clip[label]) - math.log(1 - clip[label])
    return math.log(clip[label]) - math.log(max(sum(value for k, value in enumerate(clip) if k != label), 1e-10))


def reference_paper(evidence, variant):
    """The published scores, one example at a time."""
    mode, form, variance = variant.split("-", 2)
    signals = np.array(
        [
            [reference_phi(logits[i], label, form) for i, label in enumerate(evidence.labels)]
            for logits in evidence.shadow_logits
        ]
    )
    sides = {"in": signals[0::2], "out": signals[1::2]}
    scores = []
    for i, label in enumerate(evidence.labels):
        target = reference_phi(evidence.target_logits[i], label, form)
        gaussian = {}
        for side, values in sides.items():
            column = values if variance == "global" else values[:, i]
            scale = max(math.sqrt(np.var(column, ddof=1 if variance == "global" else 0)), 1e-10)
            gaussian[side] = (np.mean(column), scale)
        if mode == "offline":
            scores.append(-0.5 * ((target - gaussian["out"][0]) / gaussian["out"][1]) ** 2)
        else:
            scores.append(norm.logpdf(target, *gaussian["in"]) - norm.logpdf(target, *gaussian["out"]))
    return np.clip(scores, -1e10, 1e10)


def test_the_variants_are_the_published_twelve():
    published = product(("offline", "online"), ("stable", "unstable", "margin"), ("global", "per-example"))
    assert list(VARIANTS) == ["-".join(parts) for parts in published]


@pytest.mark.parametrize("variance", ["global", "per-example"])
def test_case_by_hand(variance):
    # Margins of one example: IN 3, 5 and OUT 0, 4; target 4. Variances 2 and 8 (divided by 1) or 1 and 4 (by 2).
    shadows = two_class(np.array([[3.0], [0.0], [5.0], [4.0]]))
    evidence = AttackEvidence(two_class(np.array([4.0])), np.array([0]), shadows, np.zeros((4, 1), dtype=bool))
    share = 4 / 8 if variance == "global" else 4 / 4
    online = LiraPaperAttack(variant=f"online-margin-{variance}").score(evidence)[0]
    offline = LiraPaperAttack(variant=f"offline-margin-{variance}").score(evidence)[0]
    assert online == pytest.approx(math.log(2) + share / 2)
    assert offline == pytest.approx(-share / 2)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_agrees_with_the_published_computation(variant):
    evidence = paired_evidence()
    found, expected = LiraPaperAttack(variant=variant).score(evidence), reference_paper(evidence, variant)
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=1e-9)


@pytest.mark.parametrize("variant", VARIANTS)
def test_neither_order_nor_membership_of_the_examples_matters(variant):
    evidence, attack = paired_evidence(), LiraPaperAttack(variant=variant)
    order = np.random.default_rng(1).permutation(25)
    scores = attack.score(evidence)
    np.testing.assert_allclose(attack.score(reordered(evidence, order)), scores[order], rtol=1e-9, atol=1e-9)
    masks = ~evidence.shadow_membership
    assert np.array_equal(attack.score(replace(evidence, shadow_membership=masks)), scores)


def test_pooled_means_leave_a_threshold_on_the_confidence():
    # Examples of N(m_i, 1) with m_i of deviation 3, members a shift of 1 above: a threshold reaches no more than
    # Phi(1 / sqrt(2 (1 + 9))) although the shadows know every m_i.
    generator = np.random.default_rng(4)
    means, members = generator.normal(scale=3.0, size=4000), np.arange(4000) < 2000
    inside = (np.arange(64) % 2 == 0)[:, None]
    shadows = two_class(means + inside + generator.normal(size=(64, 4000)))
    evidence = AttackEvidence(
        two_class(means + members + generator.normal(size=4000)),
        np.zeros(4000, dtype=np.int64),
        shadows,
        np.zeros((64, 4000), dtype=bool),
    )
    estimate = auc_interval(LiraPaperAttack(variant="online-margin-global").score(evidence), members)
    assert estimate.low <= norm.cdf(1 / math.sqrt(20)) <= estimate.high
    estimate = auc_interval(LiraPaperAttack(variant="online-margin-per-example").score(evidence), members)
    assert estimate.value > norm.cdf(1 / math.sqrt(20)) + 0.1


@pytest.mark.parametrize("variant", VARIANTS)
def test_shadows_that_all_agree_give_finite_scores(variant):
    labels = np.zeros(3, dtype=np.int64)
    shadows = two_class(np.zeros((4, 3)))
    evidence = AttackEvidence(two_class(np.array([1.0, -1.0, 0.0])), labels, shadows, np.zeros((4, 3), dtype=bool))
    scores = LiraPaperAttack(variant=variant).score(evidence)
    assert (np.abs(scores) <= 1e10).all()


def test_it_says_what_is_lacking():
    logits, labels = two_class(np.zeros(2)), np.zeros(2, dtype=np.int64)
    with pytest.raises(TckrError, match="in pairs, IN and OUT, but was given 0"):
        LiraPaperAttack().score(no_shadows(logits, labels))
    with pytest.raises(TckrError, match="in pairs, IN and OUT, but was given 9"):
        LiraPaperAttack().score(arbitrary_evidence())
    one = AttackEvidence(logits[:1], labels[:1], two_class(np.zeros((2, 1))), np.zeros((2, 1), dtype=bool))
    with pytest.raises(TckrError, match="from one example and pair"):
        LiraPaperAttack().score(one)


def test_its_threat_model_says_that_it_is_no_sound_attack():
    owns = LiraPaperAttack().threat_model.owns
    assert "never saw a member" in owns
    assert "not a sound attack" in owns
