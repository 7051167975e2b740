"""Laws of DOMIAS: it reaches what two known densities allow, finds copies, and nothing where nothing leaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import gaussian_kde, multivariate_normal, norm, ttest_1samp
from sklearn.decomposition import PCA
from sklearn.neighbors import KernelDensity
from tckr_plugins.attacks.copies import as_pixels, low_frequencies
from tckr_plugins.attacks.domias import DomiasAttack, log_density, whitening

from tckr_bench.errors import NotApplicableError
from tckr_bench.plugin.protocols import Context, ReleaseEvidence
from tckr_bench.records import LabelledImages
from tckr_bench.stages.chunks import ImageChunks
from tckr_bench.stats import auc, auc_interval
from tckr_bench.testing import fake_images

SIDE = 200
MEMBERS = np.arange(2 * SIDE) < SIDE


def pictures(latents):
    """Return grey images of 16 pixels' side, each a sum of the few lowest waves, one per column of the latents."""
    waves = np.cos(np.pi * np.outer(np.arange(3), np.arange(16) + 0.5) / 16)
    shapes = [np.outer(waves[row], waves[column]) for row, column in ((0, 1), (1, 0), (1, 1), (2, 0))]
    grey = 128 + 20 * np.tensordot(latents, shapes[: latents.shape[1]], axes=1)
    return np.repeat(np.clip(np.round(grey), 0, 255).astype(np.uint8)[..., None], 3, axis=-1)


def labelled(images):
    return LabelledImages(images, np.zeros(len(images), dtype=np.int64))


def evidence(examples, synthetic, references):
    labels = np.zeros(len(examples), dtype=np.int64)
    return ReleaseEvidence(
        examples, labels, ("one", "other"), synthetic=labelled(synthetic), references=labelled(references)
    )


def scores(given, **options):
    return DomiasAttack(**options).score(given, context=Context()).scores


def test_the_ratio_of_a_hand_computed_case():
    """One kernel on either side, of width 1: the ratio of two normal densities at -1 and 1 is 2 z."""
    images = np.stack([np.full((8, 8, 3), grey, dtype=np.uint8) for grey in (100, 110, 120, 140)])
    found = scores(evidence(images, images[2:3], images[:1]))
    assert found == pytest.approx([-2.0, 0.0, 2.0, 6.0], abs=1e-5)  # 110 is the middle and 10 the deviation


@pytest.mark.parametrize("dimensions", [1, 3, 16])
@pytest.mark.parametrize("points", [1, 700])
def test_densities_agree_with_an_independent_reference(dimensions, points):
    random = np.random.default_rng(0)
    sample = random.normal(size=(2500, dimensions))
    centred = sample - sample.mean(axis=0)
    sample = centred @ np.linalg.inv(np.linalg.cholesky(np.cov(centred.T).reshape(dimensions, -1))).T
    where = 2 * random.normal(size=(points, dimensions))
    np.testing.assert_allclose(log_density(where, sample), gaussian_kde(sample.T).logpdf(where.T), rtol=1e-9)


def test_the_whole_agrees_with_a_straightforward_reference():
    examples, synthetic, references = (fake_images(count, seed=seed).images for seed, count in enumerate((40, 90, 90)))
    rows = [low_frequencies(part).astype(float) for part in as_pixels([examples, synthetic, references])]
    reduced = PCA(5).fit(np.concatenate(rows[1:]))
    deviations = reduced.transform(np.concatenate(rows[1:])).std(axis=0)
    of_examples, *others = (reduced.transform(part) / deviations for part in rows)
    expected = [KernelDensity(bandwidth=90 ** (-1 / 9)).fit(part).score_samples(of_examples) for part in others]
    found = scores(evidence(examples, synthetic, references), components=5)
    np.testing.assert_allclose(found, expected[0] - expected[1], atol=1e-6)
    assert np.abs(found).max() > 0.1


def test_far_from_all_data_densities_stay_finite():
    found = log_density(np.array([[1e6], [-1e6]]), np.zeros((3, 1)))
    assert np.isfinite(found).all()
    assert found[0] == found[1] < -1e11


def test_the_log_ratio_of_two_gaussians_is_recovered():
    """Kernels of width h widen the unit variance of both to 1 + h^2, so the ratio is that of two wider Gaussians."""
    random = np.random.default_rng(1)
    shift, widened = np.array([1.0, 0.0]), 1 + 4000 ** (-2 / 6)
    synthetic, references, points = random.normal(size=(3, 4000, 2))
    points = points[np.linalg.norm(points, axis=1) < 1.5]  # where there are samples enough
    found = log_density(points, synthetic + shift) - log_density(points, references)
    normal = multivariate_normal(cov=widened)
    exact = normal.logpdf(points[:, 0] - shift[0]) - normal.logpdf(points[:, 0])  # the other dimension cancels
    assert np.corrcoef(found, exact)[0, 1] > 0.99
    assert found == pytest.approx(exact, abs=0.4)


def test_it_reaches_the_auc_of_the_optimal_test_between_two_gaussians():
    random = np.random.default_rng(2)
    shift = 1.5 * MEMBERS[:, None] * np.array([1.0, 0.0])
    challenge = random.normal(size=(2 * SIDE, 2)) + shift
    synthetic, references = random.normal(size=(2, 2000, 2))
    given = evidence(pictures(challenge), pictures(synthetic + shift[0]), pictures(references))
    estimate = auc_interval(scores(given), MEMBERS)
    assert estimate.low <= norm.cdf(1.5 / np.sqrt(2)) <= estimate.high
    optimal = auc(challenge[:, 0], MEMBERS)
    assert estimate.value == pytest.approx(optimal, abs=0.01)


def test_a_generator_that_overfitted_is_found_where_density_alone_would_miss_it():
    random = np.random.default_rng(3)
    challenge, references = (random.normal(size=(count, 4)) for count in (2 * SIDE, 2000))
    near = np.repeat(challenge[MEMBERS], 5, axis=0) + 0.1 * random.normal(size=(5 * SIDE, 4))
    found = auc(scores(evidence(pictures(challenge), pictures(near), pictures(references))), MEMBERS)
    alone = auc(log_density(challenge, near), MEMBERS)
    assert found > 0.75
    assert found > alone + 0.05


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_a_generator_that_knows_no_member_betrays_nobody(shift):
    def world(seed):
        random = np.random.default_rng(seed)
        challenge, synthetic, references = (random.normal(size=(count, 4)) for count in (2 * SIDE, 600, 150))
        given = evidence(pictures(challenge), pictures(synthetic + shift), pictures(references))
        return auc(scores(given), MEMBERS)

    assert ttest_1samp([world(seed) for seed in range(15)], 0.5).pvalue > 0.01


def test_noise_betrays_nobody():
    images = fake_images(2 * SIDE + 100).images
    noise = np.random.default_rng(4).integers(0, 256, size=(300, 32, 32, 3)).astype(np.uint8)
    estimate = auc_interval(scores(evidence(images[: 2 * SIDE], noise, images[2 * SIDE :])), MEMBERS)
    assert estimate.low <= 0.5 <= estimate.high


def test_what_reference_and_generator_swap_changes_is_the_sign():
    examples, one, other = (fake_images(count, seed=count).images for count in (30, 50, 20))
    found = scores(evidence(examples, one, other))
    np.testing.assert_allclose(found, -scores(evidence(examples, other, one)), atol=1e-8)
    assert np.abs(found).max() > 0.1


def test_scores_depend_on_no_order_and_on_no_other_example():
    given = evidence(*(fake_images(count, seed=count).images for count in (30, 50, 20)))
    found = scores(given)
    some = np.array([17, 4, 9])
    part = replace(given, images=given.images[some], labels=given.labels[some])
    np.testing.assert_allclose(scores(part), found[some], atol=1e-9)
    turned = evidence(given.images, given.synthetic.images[::-1], given.references.images[::-1])
    np.testing.assert_allclose(scores(turned), found, atol=1e-9)


def test_components_are_those_of_both_sets_alike_and_empty_ones_are_left_out():
    random = np.random.default_rng(5)
    one, other = (random.normal(size=(count, 3)) * [9, 3, 0] for count in (40, 4000))
    whiten = whitening(one, other, components=3)
    rows = [whiten(part) for part in (one, other)]
    assert rows[0].shape == (40, 2)
    assert sum(part.mean(axis=0) for part in rows) == pytest.approx([0, 0])
    assert sum((part**2).mean(axis=0) for part in rows) / 2 == pytest.approx([1, 1])
    assert whitening(one, other, components=1)(one) == pytest.approx(rows[0][:, :1])


def test_images_that_are_all_alike_say_nothing():
    grey = np.full((4, 8, 8, 3), 90, dtype=np.uint8)
    assert scores(evidence(grey, grey, grey[:2])).tolist() == [0.0] * 4


def test_a_generator_that_makes_one_image_over_and_over_is_scored():
    images = fake_images(60).images
    found = scores(evidence(images[:40], np.repeat(images[:1], 30, axis=0), images[40:]))
    assert np.isfinite(found).all()
    assert found.argmax() == 0


def test_synthetic_images_may_lie_on_disk_and_only_the_first_are_looked_at():
    images = fake_images(40, size=48).images
    lazy = ImageChunks([images[:7], images[7:30]])
    plain = scores(evidence(images, images[:20], images[30:]))
    assert np.array_equal(scores(evidence(images, lazy, images[30:]), most_images=20), plain)


def test_what_is_lacking_is_said():
    images = fake_images(6).images
    whole = evidence(images, images, images)
    for synthetic in (None, labelled(images[:0])):
        with pytest.raises(NotApplicableError, match="'domias' was given no synthetic images"):
            scores(replace(whole, synthetic=synthetic))
    for references in (None, labelled(images[:0])):
        with pytest.raises(NotApplicableError, match="keep a validation split"):
            scores(replace(whole, references=references))
