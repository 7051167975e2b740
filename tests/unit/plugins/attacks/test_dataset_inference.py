"""Laws of dataset inference: a hand-computed case, a plain reference, a Gaussian world whose best rule is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from attack_worlds import arbitrary_evidence, no_shadows, reordered, two_class
from scipy.stats import norm
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from tckr_plugins.attacks.dataset_inference import DatasetInferenceAttack, discriminant, features, margins

from tckr_bench.errors import TckrError
from tckr_bench.records import AttackEvidence
from tckr_bench.stats import auc

ATTACK = DatasetInferenceAttack()


def test_case_by_hand():
    # One feature: margins 0, 2 OUT and 4, 6 IN of both shadows, so C = 1 and w = 4; the target's margins are 1 to 4.
    shadows = two_class(np.array([[0.0, 2.0, 4.0, 6.0], [4.0, 6.0, 0.0, 2.0]]))
    membership = np.array([[False, False, True, True], [True, True, False, False]])
    target = two_class(np.array([1.0, 2.0, 3.0, 4.0]))
    evidence = AttackEvidence(target, np.zeros(4, dtype=np.int64), shadows, membership)
    assert ATTACK.score(evidence) == pytest.approx([4, 8, 12, 16], rel=1e-5)


def reference_features(logits, label, queries):
    """The features of one example, in words."""
    logits, queries = np.asarray(logits, dtype=np.float64), np.asarray(queries, dtype=np.float64)
    others = sorted(logits[label] - other for k, other in enumerate(logits) if k != label)[:10]
    of_copies = [min(row[label] - other for k, other in enumerate(row) if k != label) for row in queries]
    return [*others, *([sum(of_copies) / len(of_copies), min(of_copies)] if of_copies else [])]


@pytest.mark.parametrize("classes", [3, 5, 14])
@pytest.mark.parametrize("asked", [True, False])
def test_it_orders_as_the_discriminant_of_a_library(classes, asked):
    evidence = arbitrary_evidence(classes=classes, examples=60)
    evidence = evidence if asked else replace(evidence, target_queries=None, shadow_queries=None)
    none = np.empty((0, classes))
    rows, sides = [], []
    for k, logits in enumerate(evidence.shadow_logits):
        for i, label in enumerate(evidence.labels):
            queries = evidence.shadow_queries[k][:, i] if asked else none
            rows.append(reference_features(logits[i], label, queries))
            sides.append(evidence.shadow_membership[k, i])
    target = [
        reference_features(logits, label, evidence.target_queries[:, i] if asked else none)
        for i, (logits, label) in enumerate(zip(evidence.target_logits, evidence.labels, strict=True))
    ]
    expected = LinearDiscriminantAnalysis(solver="svd").fit(rows, sides).decision_function(target)
    found = ATTACK.score(evidence)
    np.testing.assert_allclose(
        np.ptp(found) * (expected - expected.mean()) / np.ptp(expected) + found.mean(), found, atol=1e-3
    )


def margin_world(*, shift, examples=3000, shadows=8, seed=0):
    """Return evidence of three classes: training moves the two margins, Gaussian with given spreads, by `shift`."""
    generator = np.random.default_rng(seed)
    membership = np.stack([generator.permutation(shadows) < shadows // 2 for _ in range(examples)], axis=1)
    members = np.arange(examples) < examples // 2

    def logits(inside):
        near, far = (generator.normal(scale=scale, size=inside.shape) for scale in (1.0, 2.0))
        nearest, second = 20 + near + shift[0] * inside, 60 + near + far + shift[1] * inside  # never out of order
        return np.stack([np.zeros(inside.shape), -nearest, -second], axis=-1).astype(np.float32)

    labels = np.zeros(examples, dtype=np.int64)
    return AttackEvidence(logits(members), labels, logits(membership), membership), members


@pytest.mark.parametrize("shift", [(1.0, 1.0), (0.0, 2.0), (1.0, -1.0)])
def test_it_reaches_the_optimum_of_a_world_of_gaussian_margins(shift):
    covariance = np.array([[1.0, 1.0], [1.0, 5.0]])
    distance = math.sqrt(np.array(shift) @ np.linalg.inv(covariance) @ np.array(shift))
    worlds = [margin_world(shift=shift, seed=seed) for seed in range(8)]
    found = np.mean([auc(ATTACK.score(evidence), members) for evidence, members in worlds])
    assert found == pytest.approx(norm.cdf(distance / math.sqrt(2)), abs=0.01)  # its deviation is 0.003


def test_it_looks_at_more_than_the_nearest_class():
    # Training moves the second margin alone, which is correlated with the first.
    evidence, members = margin_world(shift=(0.0, 2.0))
    nearest = margins(evidence.target_logits, evidence.labels)[:, 0]
    assert auc(nearest, members) < 0.55 < 0.7 < auc(ATTACK.score(evidence), members)


def test_altered_copies_can_tell_what_the_image_itself_does_not():
    evidence, members = margin_world(shift=(0.0, 0.0))
    moved = [np.stack([logits, logits]) for logits in (evidence.target_logits, *evidence.shadow_logits)]
    noise = np.random.default_rng(1).normal(size=(len(moved), *moved[0].shape[:2]))
    for copies, told, inside in zip(moved, noise, (members, *evidence.shadow_membership), strict=True):
        copies[:, :, 1:] -= (told + 1.5 * inside)[:, :, None]
    asked = replace(evidence, target_queries=moved[0], shadow_queries=np.stack(moved[1:]))
    assert auc(ATTACK.score(evidence), members) < 0.55
    assert auc(ATTACK.score(asked), members) > 0.85


def test_a_feature_that_says_nothing_new_changes_nothing():
    generator = np.random.default_rng(0)
    membership = generator.random((3, 50)) < 0.5
    models = [generator.normal(size=(50, 2)) + inside[:, None] for inside in membership]
    twice = [np.column_stack([found, found[:, 0], np.full(50, 7.0)]) for found in models]
    one, other = discriminant(models, membership), discriminant(twice, membership)
    for found, again in zip(models, twice, strict=True):
        np.testing.assert_allclose(found @ one, again @ other - 7.0 * other[3], atol=1e-4)
    assert other[3] == 0


def test_only_the_nearest_ten_of_many_classes_count():
    logits = np.arange(40.0, dtype=np.float32)[None]
    assert features(logits, np.array([39]), None, "it").tolist() == [[float(gap) for gap in range(1, 11)]]


def test_the_order_of_examples_does_not_matter():
    evidence = arbitrary_evidence()
    order = np.random.default_rng(1).permutation(25)
    np.testing.assert_allclose(ATTACK.score(reordered(evidence, order)), ATTACK.score(evidence)[order], atol=1e-9)


def test_it_says_what_is_lacking():
    logits, labels = two_class(np.array([1.0, 2.0])), np.zeros(2, dtype=np.int64)
    with pytest.raises(TckrError, match="'dataset-inference' was given no shadow models"):
        ATTACK.score(no_shadows(logits, labels))
    always_in = AttackEvidence(logits, labels, two_class(np.zeros((2, 2))), np.ones((2, 2), dtype=bool))
    with pytest.raises(TckrError, match="2 of 2 examples are not with 2 shadow models"):
        ATTACK.score(always_in)


@pytest.mark.parametrize("name", ["target_queries", "shadow_queries"])
def test_altered_copies_that_are_no_numbers_are_refused(name):
    evidence = arbitrary_evidence()
    getattr(evidence, name)[0, 1, 2] = np.nan
    with pytest.raises(TckrError, match="rows of its logits are not finite"):
        ATTACK.score(evidence)
