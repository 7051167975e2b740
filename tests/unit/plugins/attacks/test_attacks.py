"""Laws of the built-in attacks: hand-computed cases, a plain reference, worlds with a known optimum."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp
from scipy.stats import norm
from tckr_plugins import attacks
from tckr_plugins.attacks.lira import LiraAttack, logit_scaled_confidence
from tckr_plugins.attacks.loss import LossAttack

from tckr_bench.errors import OptionError, TckrError
from tckr_bench.records import AttackEvidence
from tckr_bench.stats import auc, auc_interval


def components():
    found = {}
    attacks.register_attacks(lambda component: found.update({component.name: component}))
    return {name: component for name, component in found.items() if component.surface == "classifier"}


def two_class(confidence):
    """Logits of two classes whose logit-scaled confidence in class 0 is the number given."""
    return np.stack([confidence, np.zeros_like(confidence)], axis=-1).astype(np.float32)


def gaussian_world(*, examples, shadows, shift, generator, spread=None):
    """Return evidence and members; training on example i moves its confidence N(m_i, s_i^2) by shift s_i."""
    means = generator.normal(scale=3.0, size=examples)
    deviations = np.ones(examples) if spread is None else generator.uniform(*spread, size=examples)
    membership = np.stack([generator.permutation(shadows) < shadows // 2 for _ in range(examples)], axis=1)
    members = np.arange(examples) < examples // 2

    def confidence(inside):
        return means + deviations * (shift * inside + generator.normal(size=inside.shape))

    evidence = AttackEvidence(
        target_logits=two_class(confidence(members)),
        labels=np.zeros(examples, dtype=np.int64),
        shadow_logits=two_class(confidence(membership)),
        shadow_membership=membership,
    )
    return evidence, members


def reference_lira(evidence, variance):
    """LiRA one example at a time with scipy.stats, as the paper writes it down."""

    def phi(logits, label):
        log_p = log_softmax(np.asarray(logits, dtype=np.float64))
        return log_p[label] - logsumexp(np.delete(log_p, label))

    count = len(evidence.labels)
    observed = [
        {
            side: np.array(
                [
                    phi(logits[i], evidence.labels[i])
                    for logits, row in zip(evidence.shadow_logits, evidence.shadow_membership, strict=True)
                    if row[i] == side
                ]
            )
            for side in (True, False)
        }
        for i in range(count)
    ]
    scores = []
    for i in range(count):
        target = phi(evidence.target_logits[i], evidence.labels[i])
        densities = {}
        for side in (True, False):
            if variance == "fixed":
                residuals = np.concatenate([entry[side] - entry[side].mean() for entry in observed])
                scale = math.sqrt((residuals**2).sum() / (len(residuals) - count))
            else:
                scale = observed[i][side].std(ddof=1)
            densities[side] = norm.logpdf(target, loc=observed[i][side].mean(), scale=scale)
        scores.append(densities[True] - densities[False])
    return np.array(scores)


def no_shadows(logits, labels):
    empty = np.zeros((0, *logits.shape), dtype=np.float32)
    return AttackEvidence(logits, labels, empty, np.zeros((0, len(labels)), dtype=bool))


def test_loss_of_a_hand_computed_case():
    logits = np.array([[math.log(3), 0.0], [math.log(3), 0.0]], dtype=np.float32)
    scores = LossAttack().score(no_shadows(logits, np.array([0, 1])))
    np.testing.assert_allclose(scores, np.log([0.75, 0.25]), atol=1e-7)
    assert scores.dtype == np.float64


def test_lira_of_a_hand_computed_case():
    # One example: IN shadows at 3, 5 (mean 4, variance 2), OUT at 0, 4 (mean 2, variance 8); target at 4:
    # -(ln 2)/2 - 0 - (-(ln 8)/2 - 4/16) = ln 2 + 1/4.
    membership = np.array([[True], [True], [False], [False]])
    shadows = two_class(np.array([[3.0], [5.0], [0.0], [4.0]]))
    evidence = AttackEvidence(two_class(np.array([4.0])), np.array([0]), shadows, membership)
    for variance in ("fixed", "per-example"):
        assert LiraAttack(variance=variance).score(evidence)[0] == pytest.approx(math.log(2) + 0.25)


def test_fixed_variance_pools_deviations_and_not_means():
    # Two examples far apart, deviations of 1: the variance is 4 / (4 - 2), not the 2,500 of pooled means.
    membership = np.repeat([[True], [True], [False], [False]], 2, axis=1)
    levels = np.array([[3.0, 103.0], [1.0, 101.0], [1.0, 101.0], [-1.0, 99.0]])
    evidence = AttackEvidence(
        two_class(np.array([2.0, 100.0])), np.zeros(2, dtype=np.int64), two_class(levels), membership
    )
    np.testing.assert_allclose(LiraAttack(variance="fixed").score(evidence), [1.0, -1.0])  # +-(2^2) / (2 * 2)


@pytest.mark.parametrize("variance", ["fixed", "per-example"])
def test_lira_agrees_with_a_straightforward_reference(variance):
    generator = np.random.default_rng(0)
    shadows, count, classes = 9, 25, 5
    membership = np.stack([generator.permutation(shadows) < 4 for _ in range(count)], axis=1)
    evidence = AttackEvidence(
        target_logits=generator.normal(scale=4, size=(count, classes)).astype(np.float32),
        labels=generator.integers(classes, size=count),
        shadow_logits=generator.normal(scale=4, size=(shadows, count, classes)).astype(np.float32),
        shadow_membership=membership,
    )
    expected = reference_lira(evidence, variance)
    np.testing.assert_allclose(LiraAttack(variance=variance).score(evidence), expected, atol=1e-6)


@pytest.mark.parametrize(("variance", "spread"), [("fixed", None), ("per-example", (0.5, 3.0))])
def test_lira_reaches_the_optimum_of_a_gaussian_world(variance, spread):
    optimum = norm.cdf(1.0 / math.sqrt(2))  # the likelihood ratio is monotone in a shift of one deviation
    evidence, members = gaussian_world(
        examples=4000, shadows=128, shift=1.0, generator=np.random.default_rng(1), spread=spread
    )
    estimate = auc_interval(LiraAttack(variance=variance).score(evidence), members)
    assert estimate.low <= optimum <= estimate.high
    assert auc(LossAttack().score(evidence), members) < optimum - 0.1  # hard and easy examples drown the loss


def test_sixteen_shadows_favour_the_pooled_variance():
    evidence, members = gaussian_world(examples=4000, shadows=16, shift=1.0, generator=np.random.default_rng(2))
    pooled, single = (auc(LiraAttack(variance=v).score(evidence), members) for v in ("fixed", "per-example"))
    assert pooled > single + 0.01
    assert pooled > norm.cdf(1.0 / math.sqrt(2)) - 0.05


@pytest.mark.parametrize("attack", [LossAttack(), LiraAttack(variance="fixed"), LiraAttack(variance="per-example")])
def test_attacks_find_nothing_where_training_left_no_trace(attack):
    evidence, members = gaussian_world(examples=4000, shadows=16, shift=0.0, generator=np.random.default_rng(4))
    estimate = auc_interval(attack.score(evidence), members)
    assert estimate.low <= 0.5 <= estimate.high


def test_logit_scaling_survives_confidences_that_round_to_one():
    logits = np.array([[1e4, 0.0, 0.0], [0.0, 1e4, 0.0]], dtype=np.float32)
    found = logit_scaled_confidence(logits, np.array([0, 0]))
    np.testing.assert_allclose(found, [1e4 - math.log(2), -1e4], rtol=1e-12)


def test_shadows_that_all_agree_give_finite_scores():
    membership = np.array([[True], [True], [False], [False]])
    evidence = AttackEvidence(two_class(np.array([1.0])), np.array([0]), two_class(np.zeros((4, 1))), membership)
    assert np.isfinite(LiraAttack().score(evidence)).all()


def test_lira_says_what_is_lacking():
    logits, labels = two_class(np.array([1.0, 2.0])), np.zeros(2, dtype=np.int64)
    with pytest.raises(TckrError, match="no shadow models"):
        LiraAttack().score(no_shadows(logits, labels))
    membership = np.array([[True, True], [False, True], [False, True]])
    never_out = AttackEvidence(logits, labels, two_class(np.zeros((3, 2))), membership)
    with pytest.raises(TckrError, match="1 of 2 examples are not with 3 shadow models"):
        LiraAttack().score(never_out)
    two = AttackEvidence(logits, labels, two_class(np.zeros((2, 2))), np.array([[True, False], [False, True]]))
    with pytest.raises(TckrError, match="cannot estimate a variance"):
        LiraAttack().score(two)
    with pytest.raises(TckrError, match="needs every example in the training set of 2"):
        LiraAttack(variance="per-example").score(two)


@pytest.mark.parametrize("attack", [LossAttack(), LiraAttack()])
def test_a_diverged_target_is_refused(attack):
    evidence, _ = gaussian_world(examples=8, shadows=4, shift=1.0, generator=np.random.default_rng(5))
    evidence.target_logits[3] = np.nan
    with pytest.raises(TckrError, match="1 rows of its logits are not finite"):
        attack.score(evidence)


def test_registration_loads_what_it_names():
    found = components()
    assert sorted(found) == ["lira", "loss"]
    for component in found.values():
        attack = component.load(component.parse_options({}))
        assert attack.threat_model.sees
        assert not attack.threat_model.adaptive
    assert found["lira"].parse_options({}).shadows == 16
    with pytest.raises(OptionError, match="shadows"):
        found["loss"].parse_options({"shadows": 4})
    with pytest.raises(OptionError, match="variance"):
        found["lira"].parse_options({"variance": "global"})


@pytest.mark.parametrize("family", ["attacks", "classifiers", "metrics"])
def test_registration_imports_nothing_heavy(family):
    heavy = {"torch", "timm", "scipy", "numpy"}
    code = f"import sys, tckr_plugins.{family}; print(sorted({heavy} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
