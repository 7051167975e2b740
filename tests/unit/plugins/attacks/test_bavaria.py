"""Laws of BaVarIA: hand-computed cases, the integral its predictive stands for, worlds with a known optimum."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from attack_worlds import arbitrary_evidence, gaussian_world, no_shadows, phi, reordered, single_example, two_class
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import digamma, polygamma
from scipy.stats import invgamma, norm, t
from tckr_plugins.attacks.bavaria import SMALLEST_TAIL, BavariaAttack, Predictive, fit_variance_prior
from tckr_plugins.attacks.lira import LiraAttack
from tckr_plugins.attacks.shadow_models import Moments

from tckr_bench.errors import TckrError
from tckr_bench.records import AttackEvidence
from tckr_bench.stats import auc, auc_interval

FORMS = [{"mode": mode, "predictive": predictive} for mode in ("online", "offline") for predictive in ("t", "n")]


def reference_prior(samples):
    """Return degrees and scale from the log sample variances, one example at a time (Smyth 2004, section 6.2)."""
    logs, corrections = [], []
    for sample in samples:
        half = (len(sample) - 1) / 2
        logs.append(math.log(np.var(sample, ddof=1)) - digamma(half) + math.log(half))
        corrections.append(polygamma(1, half))
    spread = np.var(logs, ddof=1) - np.mean(corrections)
    if spread <= 0:
        residuals = np.concatenate([sample - np.mean(sample) for sample in samples])
        return 1e6, (residuals**2).sum() / sum(len(sample) - 1 for sample in samples)
    half = brentq(lambda x: polygamma(1, x) - spread, 1e-3, 5e5, xtol=1e-14)
    return 2 * half, math.exp(np.mean(logs) + digamma(half) - math.log(half))


def reference_log(sample, target, prior, *, predictive, tail):
    """Return the log density or tail of the target, integrated over what the variance may be."""
    degrees = prior[0] + len(sample) - 1
    squares = ((sample - np.mean(sample)) ** 2).sum()
    variance = (prior[0] * prior[1] + squares) / degrees
    value = (
        (lambda scale: norm.sf(target, np.mean(sample), scale))
        if tail
        else (lambda scale: norm.pdf(target, np.mean(sample), scale))
    )
    if predictive == "n":
        return math.log(value(math.sqrt(variance)))
    posterior = invgamma(degrees / 2, scale=degrees * variance / 2)
    spread = 1 + 1 / len(sample)
    low, high = posterior.ppf([1e-15, 1 - 1e-15])
    integral = quad(
        lambda log_v: value(math.sqrt(math.exp(log_v) * spread)) * posterior.pdf(math.exp(log_v)) * math.exp(log_v),
        math.log(low),
        math.log(high),
        epsabs=0,
        epsrel=1e-10,
        limit=200,
    )[0]
    return math.log(integral)


def reference_bavaria(evidence, *, mode, predictive):
    labels, membership = evidence.labels, evidence.shadow_membership
    observed = []
    for i, label in enumerate(labels):
        signals = np.array([phi(logits[i], label) for logits in evidence.shadow_logits])
        observed.append({side: signals[membership[:, i] == side] for side in (True, False)})
    priors = {side: reference_prior([entry[side] for entry in observed]) for side in (True, False)}
    scores = []
    for i, label in enumerate(labels):
        target = phi(evidence.target_logits[i], label)

        def log_of(side, *, tail, i=i, target=target):
            return reference_log(observed[i][side], target, priors[side], predictive=predictive, tail=tail)

        offline = mode == "offline"
        scores.append(-log_of(False, tail=True) if offline else log_of(True, tail=False) - log_of(False, tail=False))
    return np.array(scores)


def mixed_evidence():
    """Return arbitrary evidence whose shadows spread more for some examples, so that the prior has few degrees."""
    evidence = arbitrary_evidence()
    scales = np.geomspace(0.02, 3.0, 25, dtype=np.float32)[:, None]
    return replace(evidence, shadow_logits=evidence.shadow_logits * scales, target_logits=evidence.target_logits * 0.3)


@pytest.mark.parametrize(("predictive", "bend"), [("n", 1 / 4), ("t", 1 / 6)])
def test_online_case_by_hand(predictive, bend):
    # One example tells no spread of variances, so the prior is the pooled one: IN N(4, 2), OUT N(2, 8), target at 4;
    # ln 2 + 4 / 16. The t of 10^6 degrees widens both variances by 1 + 1/2: ln 2 + 4 / 24.
    evidence = single_example(target=4.0, inside=(3.0, 5.0), outside=(0.0, 4.0))
    score = BavariaAttack(predictive=predictive).score(evidence)[0]
    assert score == pytest.approx(math.log(2) + bend, abs=1e-5)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("make", [arbitrary_evidence, mixed_evidence])
def test_every_form_agrees_with_the_integral_over_variances(form, make):
    evidence = make()
    np.testing.assert_allclose(BavariaAttack(**form).score(evidence), reference_bavaria(evidence, **form), atol=1e-6)


def test_the_prior_is_found_again():
    generator = np.random.default_rng(0)
    degrees, scale, spare = 6.0, 2.0, 7
    variances = degrees * scale / generator.chisquare(degrees, size=40_000)
    squares = variances * generator.chisquare(spare, size=40_000)
    prior = fit_variance_prior(Moments(np.full(40_000, spare + 1), np.zeros(40_000), squares))
    assert prior.degrees == pytest.approx(degrees, rel=0.05)
    assert prior.scale == pytest.approx(scale, rel=0.03)


@pytest.mark.parametrize("mode", ["online", "offline"])
@pytest.mark.parametrize("predictive", ["t", "n"])
@pytest.mark.parametrize("spread", [None, (0.5, 3.0)])
def test_bavaria_reaches_the_optimum_of_a_gaussian_world(mode, predictive, spread):
    world = gaussian_world(examples=4000, shadows=128, shift=1.0, generator=np.random.default_rng(1), spread=spread)
    estimate = auc_interval(BavariaAttack(mode=mode, predictive=predictive).score(world[0]), world[1])
    assert estimate.low <= norm.cdf(1.0 / math.sqrt(2)) <= estimate.high


def test_it_follows_the_better_of_the_two_variances_of_lira():
    # Unequal variances: the pooled one is better with 4 shadows, one per example with 64. BaVarIA is within two
    # standard errors (0.009 with 1,500 examples on either side) of the better, and clearly above the worse.
    best = {}
    for shadows in (4, 64):
        evidence, members = gaussian_world(
            examples=3000, shadows=shadows, shift=1.5, generator=np.random.default_rng(2), spread=(0.3, 4.0)
        )
        of_lira = {v: auc(LiraAttack(variance=v).score(evidence), members) for v in ("fixed", "per-example")}
        best[shadows] = max(of_lira, key=of_lira.__getitem__)
        found = auc(BavariaAttack().score(evidence), members)
        assert found > max(of_lira.values()) - 0.018
        assert found > min(of_lira.values()) + 0.01
    assert best == {4: "fixed", 64: "per-example"}


def test_equal_variances_leave_the_pooled_one():
    evidence, _ = gaussian_world(examples=50, shadows=2, shift=1.0, generator=np.random.default_rng(3))
    with pytest.raises(TckrError, match="'bavaria' cannot estimate a variance from one shadow model per side"):
        BavariaAttack().score(evidence)
    alike = Moments(np.full(3, 4), np.zeros(3), np.array([3.0, 3.0, 3.0]))
    assert fit_variance_prior(alike).scale == 1.0


@pytest.mark.parametrize("form", FORMS)
def test_the_order_of_examples_does_not_matter(form):
    evidence = mixed_evidence()
    order = np.random.default_rng(1).permutation(25)
    scores = BavariaAttack(**form).score(evidence)
    np.testing.assert_allclose(BavariaAttack(**form).score(reordered(evidence, order)), scores[order], atol=1e-9)


@pytest.mark.parametrize("degrees", [3.0, 1e3, 1e6, np.inf])
def test_the_log_tail_falls_and_stays_finite_far_out(degrees):
    values = np.concatenate([np.linspace(-50, 50, 2001), np.geomspace(51, 1e6, 50)])
    many = Predictive(np.zeros_like(values), np.ones_like(values), np.full_like(values, degrees))
    tail = many.log_survival(values)
    assert np.isfinite(tail).all()
    assert (np.diff(tail) <= 0).all()
    near = values < 30
    expected = norm.logsf(values[near]) if np.isinf(degrees) else np.log(t.sf(values[near], degrees))
    np.testing.assert_allclose(tail[near], expected, rtol=1e-9)
    steps = np.diff(tail[(values > 30) & (values <= 50)])
    assert np.abs(np.diff(steps)).max() < 0.01  # no seam where the far tail takes over
    assert degrees < 1e6 or tail[near].min() > math.log(SMALLEST_TAIL) > tail[values == 50][0]


@pytest.mark.parametrize("form", FORMS)
def test_shadows_that_all_agree_give_finite_scores(form):
    labels = np.zeros(3, dtype=np.int64)
    shadows, membership = two_class(np.zeros((4, 3))), np.repeat([[True], [True], [False], [False]], 3, axis=1)
    evidence = AttackEvidence(two_class(np.array([1.0, -1.0, 0.0])), labels, shadows, membership)
    assert np.isfinite(BavariaAttack(**form).score(evidence)).all()


def test_bavaria_says_what_is_lacking():
    with pytest.raises(TckrError, match="'bavaria' was given no shadow models"):
        BavariaAttack().score(no_shadows(two_class(np.zeros(2)), np.zeros(2, dtype=np.int64)))
    never_out = replace(arbitrary_evidence(), shadow_membership=np.ones((9, 25), dtype=bool))
    for mode in ("online", "offline"):
        with pytest.raises(TckrError, match="25 of 25 examples are not with 9 shadow models"):
            BavariaAttack(mode=mode).score(never_out)
