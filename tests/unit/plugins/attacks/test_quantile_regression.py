"""Laws of quantile regression: hand-computed cases, a plain reference, worlds with a known optimum."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from attack_worlds import arbitrary_evidence, phi, reordered, two_class
from scipy.stats import norm
from tckr_plugins.attacks.loss import LossAttack
from tckr_plugins.attacks.quantile_regression import QuantileRegressionAttack

from tckr_bench.errors import TckrError
from tckr_bench.records import AttackEvidence, References
from tckr_bench.stats import auc, auc_interval

MEAN_LOG = -(np.euler_gamma + math.log(2)) / 2


def evidence_of(confidence, known, *, images=None, known_images=None):
    """Return evidence of two classes, all of class 0, with grey images unless others are given."""

    def grey(count):
        return np.full((count, 8, 8, 3), 128, dtype=np.uint8)

    n, m = len(confidence), len(known)
    references = References(
        grey(m) if known_images is None else known_images,
        np.zeros(m, dtype=np.int64),
        two_class(known),
        np.zeros((0, m, 2), dtype=np.float32),
    )
    return AttackEvidence(
        two_class(confidence),
        np.zeros(n, dtype=np.int64),
        np.zeros((0, n, 2), dtype=np.float32),
        np.zeros((0, n), dtype=bool),
        grey(n) if images is None else images,
        references=references,
    )


def ridge(features, values, penalty):
    """Return the ridge regression of values, its intercept free, as a function."""
    centre, mean = features.mean(axis=0), values.mean()
    gram = (features - centre).T @ (features - centre) + penalty * np.eye(features.shape[1])
    weights = np.linalg.solve(gram, (features - centre).T @ (values - mean))
    return lambda asked: (asked - centre) @ weights + mean


def best_ridge(features, values):
    """Return the ridge regression whose penalty predicts every example best from the others."""
    errors = []
    for penalty in np.logspace(-2, 4, 13):
        left_out = []
        for i in range(len(values)):
            others = np.arange(len(values)) != i
            left_out.append(ridge(features[others], values[others], penalty)(features[i]) - values[i])
        errors.append(np.mean(np.square(left_out)))
    return ridge(features, values, np.logspace(-2, 4, 13)[int(np.argmin(errors))])


def reference_gaussian(evidence, count):
    """Score by normal equations, with images that are their own thumbnails."""
    known = evidence.references
    pixels = [part.reshape(len(part), -1) / 255 for part in (known.images, evidence.images)]
    centre = pixels[0].mean(axis=0)
    directions = np.linalg.svd(pixels[0] - centre, full_matrices=False)[2][:count]
    classes = np.eye(evidence.target_logits.shape[1])
    features, asked = (
        np.hstack([(part - centre) @ directions.T, classes[labels]])
        for part, labels in zip(pixels, (known.labels, evidence.labels), strict=True)
    )
    values = np.array([phi(z, y) for z, y in zip(known.target_logits, known.labels, strict=True)])
    residuals = np.empty(len(values))
    for fold in np.array_split(np.arange(len(values)), 5):
        rest = np.setdiff1d(np.arange(len(values)), fold)
        residuals[fold] = values[fold] - best_ridge(features[rest], values[rest])(features[fold])
    deviation = np.exp(best_ridge(features, np.log(np.abs(residuals)) - MEAN_LOG)(asked))
    targets = np.array([phi(z, y) for z, y in zip(evidence.target_logits, evidence.labels, strict=True)])
    return (targets - best_ridge(features, values)(asked)) / deviation


def test_gaussian_case_by_hand():
    # References at -1 and 1 in turn: mean 0 in every fold, so |residual| = 1 and the deviation is exp(0.635).
    deviation = math.exp(-MEAN_LOG)
    evidence = evidence_of(np.array([0.0, deviation, -2 * deviation]), np.tile([-1.0, 1.0], 10))
    np.testing.assert_allclose(QuantileRegressionAttack().score(evidence), [0.0, 1.0, -2.0], atol=1e-6)


def test_quantile_case_by_hand():
    # Nothing tells the references -10 ... 10 apart, so the predicted median is theirs, 0.
    evidence = evidence_of(np.array([3.0, -4.0]), np.linspace(-10, 10, 21))
    scores = QuantileRegressionAttack(regression="quantile", level=0.5).score(evidence)
    np.testing.assert_allclose(scores, [3.0, -4.0], atol=1e-6)


def test_gaussian_agrees_with_a_straightforward_reference():
    evidence = arbitrary_evidence(references=24)
    expected = reference_gaussian(evidence, count=3)
    np.testing.assert_allclose(QuantileRegressionAttack().score(evidence), expected, atol=1e-6)


def bright_world(*, examples, references, generator, shift):
    """Return evidence whose confidence follows the brightness of an image, and members, who lie deviations above."""
    brightness = generator.integers(20, 236, size=examples + references)
    images = np.broadcast_to(brightness[:, None, None, None], (len(brightness), 8, 8, 3)).astype(np.uint8)
    members = np.arange(examples) < examples // 2
    gains = np.concatenate([shift * members, np.zeros(references)])
    level = brightness / 255
    confidence = 12 * level - 6 + np.exp(level - 0.5) * (gains + generator.normal(size=len(level)))
    evidence = evidence_of(
        confidence[:examples],
        confidence[examples:],
        images=images[:examples],
        known_images=images[examples:],
    )
    return evidence, members


@pytest.mark.parametrize("regression", ["gaussian", "quantile"])
def test_the_optimum_of_a_world_that_the_image_explains_is_reached(regression):
    # Mean and log deviation are linear in brightness: AUC = Phi(d / sqrt 2) with d = 1 where both are known.
    world = bright_world(examples=3000, references=1000, generator=np.random.default_rng(0), shift=1.0)
    estimate = auc_interval(QuantileRegressionAttack(regression=regression, level=0.5).score(world[0]), world[1])
    optimum = norm.cdf(1 / math.sqrt(2))
    if regression == "gaussian":
        assert estimate.low <= optimum <= estimate.high
    assert estimate.value > optimum - 0.02
    assert auc(LossAttack().score(world[0]), world[1]) < optimum - 0.1


def test_the_quantile_calls_as_many_non_members_as_its_level_allows():
    evidence, members = bright_world(examples=4000, references=2000, generator=np.random.default_rng(1), shift=1.0)
    alarms = QuantileRegressionAttack(regression="quantile", level=0.9).score(evidence)[~members] > 0
    assert alarms.mean() == pytest.approx(0.1, abs=4 * math.sqrt(0.1 * 0.9 * (1 / 2000 + 1 / 2000)))


@pytest.mark.parametrize("regression", ["gaussian", "quantile"])
def test_it_finds_nothing_where_training_left_no_trace(regression):
    evidence, members = bright_world(examples=3000, references=500, generator=np.random.default_rng(2), shift=0.0)
    estimate = auc_interval(QuantileRegressionAttack(regression=regression).score(evidence), members)
    assert estimate.low <= 0.5 <= estimate.high


@pytest.mark.parametrize("regression", ["gaussian", "quantile"])
def test_order_does_not_matter_and_more_confidence_raises_the_score(regression):
    evidence, attack = arbitrary_evidence(references=24), QuantileRegressionAttack(regression=regression)
    order = np.random.default_rng(1).permutation(25)
    scores = attack.score(evidence)
    np.testing.assert_allclose(attack.score(reordered(evidence, order)), scores[order], atol=1e-9)
    raised = evidence.target_logits.copy()
    raised[np.arange(25), evidence.labels] += 1.0
    assert (attack.score(replace(evidence, target_logits=raised)) > scores).all()


def test_a_target_that_says_the_same_of_all_gives_finite_scores():
    assert np.isfinite(QuantileRegressionAttack().score(evidence_of(np.zeros(4), np.zeros(20)))).all()


def test_it_says_what_is_lacking():
    evidence = arbitrary_evidence(references=24)
    for lacking in ({"images": None}, {"references": None}):
        with pytest.raises(TckrError, match="no validation split"):
            QuantileRegressionAttack().score(replace(evidence, **lacking))
    with pytest.raises(TckrError, match="needs 20 or more images"):
        QuantileRegressionAttack().score(arbitrary_evidence(references=11))
