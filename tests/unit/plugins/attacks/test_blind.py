"""Laws of the blind test: it sees what tells the sides apart, and nothing where nothing does."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.stats import ttest_1samp
from tckr_plugins.attacks.blind import BlindTest, principal_components

from tckr_bench.errors import NotApplicableError
from tckr_bench.plugin.protocols import Context, ReleaseEvidence
from tckr_bench.stats import auc

SIDE = 100
MEMBERS = np.arange(2 * SIDE) < SIDE


def pictures(seed=0, count=2 * SIDE):
    """Smooth coloured patterns with a little noise, of many brightnesses."""
    random = np.random.default_rng(seed)
    coarse = random.normal(scale=50, size=(count, 4, 4, 3)) + random.normal(scale=20, size=(count, 1, 1, 1)) + 128
    fine = np.kron(coarse, np.ones((1, 6, 6, 1))) + random.normal(scale=8, size=(count, 24, 24, 3))
    return np.clip(fine, 0, 255).astype(np.uint8)


def evidence(images, labels=None):
    labels = np.zeros(len(images), dtype=np.int64) if labels is None else labels
    return ReleaseEvidence(images, labels, ("one", "other"), members=MEMBERS)


def brighter(images):
    return np.clip(images.astype(int) + 3, 0, 255).astype(np.uint8)


def compressed(images):
    found = []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=90)
        found.append(np.asarray(Image.open(buffer)))
    return np.stack(found)


def sharper(images):
    wide = images.astype(float)
    return np.clip(wide + 0.3 * (wide - np.roll(wide, 1, axis=2)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("change", [brighter, compressed, sharper])
def test_a_side_that_was_handled_differently_is_seen(change):
    images = pictures()
    images[:SIDE] = change(images[:SIDE])
    assert auc(BlindTest().score(evidence(images), context=Context()).scores, MEMBERS) > 0.7


def test_classes_in_other_shares_are_seen():
    labels = (np.random.default_rng(0).random(2 * SIDE) < np.where(MEMBERS, 0.8, 0.2)).astype(np.int64)
    found = auc(BlindTest().score(evidence(pictures(), labels), context=Context()).scores, MEMBERS)
    assert found > 0.7  # 0.8 is all there is to see


def test_other_pictures_are_seen():
    images = pictures()
    images[:SIDE, :12] = np.clip(images[:SIDE, :12].astype(int) + 60, 0, 255)
    assert auc(BlindTest().score(evidence(images), context=Context()).scores, MEMBERS) > 0.7


def test_exchangeable_sides_give_one_half():
    aucs = [
        auc(BlindTest().score(evidence(pictures(seed)), context=Context()).scores, MEMBERS) for seed in range(1, 11)
    ]
    assert ttest_1samp(aucs, 0.5).pvalue > 0.01
    assert np.std(aucs) < 0.1  # independent scores would give 0.041, parts that judge each other 0.058


def test_scores_are_places_within_each_part():
    scores = BlindTest(folds=4).score(evidence(pictures()), context=Context()).scores
    assert scores.sum() == pytest.approx(2 * SIDE / 2)  # each part of 50 sums to 25
    assert 0 < scores.min() < scores.max() < 1


def test_no_example_is_judged_by_what_itself_teaches():
    images = pictures()
    flipped = replace(evidence(images), members=MEMBERS ^ (np.arange(2 * SIDE) % SIDE == 0))  # one of each side
    own = BlindTest(folds=2).score(flipped, context=Context()).scores
    honest = BlindTest(folds=2).score(evidence(images), context=Context()).scores
    assert np.corrcoef(own, honest)[0, 1] > 0.3
    assert auc(honest, MEMBERS) < 0.7  # a model that had seen its examples would know them all


def test_components_keep_what_varies_most():
    random = np.random.default_rng(0)
    rows = random.normal(size=(50, 6)) * [9, 5, 1, 1, 1, 1]
    found = principal_components(rows, 2)
    from sklearn.decomposition import PCA

    expected = PCA(2).fit_transform(rows)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-8)


def test_what_is_lacking_is_said():
    few = ReleaseEvidence(pictures(count=8), np.zeros(8, dtype=np.int64), ("one",), members=np.arange(8) < 4)
    with pytest.raises(NotApplicableError, match="cannot deal 4 examples of a side into 5 parts"):
        BlindTest().score(few, context=Context())
    with pytest.raises(NotApplicableError, match="who is a member"):
        BlindTest().score(replace(few, members=None), context=Context())
