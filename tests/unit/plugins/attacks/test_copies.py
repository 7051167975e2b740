"""Laws of the nearest-copy attack: copies are found, noise is not, distances are exact."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from tckr_plugins.attacks.copies import NearestCopyAttack, low_frequencies, nearest_rows

from tckr_bench.errors import NotApplicableError
from tckr_bench.plugin.protocols import Context, CopyAttack, ReleaseEvidence
from tckr_bench.records import LabelledImages
from tckr_bench.stages.chunks import ImageChunks
from tckr_bench.stats import auc, auc_interval
from tckr_bench.testing import fake_images

SIDE = 200
MEMBERS = np.arange(2 * SIDE) < SIDE


def digits(count=3 * SIDE):
    images = np.clip(load_digits().images * 16, 0, 255).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(images))[:count]
    return np.repeat(images[order][:, :, :, None].repeat(4, axis=1).repeat(4, axis=2), 3, axis=3)


def evidence(examples, synthetic, references=None):
    def labelled(images):
        return LabelledImages(images, np.zeros(len(images), dtype=np.int64))

    return ReleaseEvidence(
        examples,
        np.zeros(len(examples), dtype=np.int64),
        ("one", "other"),
        synthetic=labelled(synthetic),
        references=None if references is None else labelled(references),
    )


WORLDS = {"generated": lambda: fake_images(3 * SIDE).images, "digits": digits}


@pytest.fixture(scope="module", params=WORLDS.values(), ids=WORLDS)
def images(request):
    return request.param()


@pytest.mark.parametrize("space", ["pixels", "features"])
@pytest.mark.parametrize("calibrate", [False, True])
def test_released_members_are_found_though_one_is_missing(images, space, calibrate):
    attack = NearestCopyAttack(space=space, calibrate=calibrate)
    released = images[1:SIDE][::-1]
    outcome = attack.score(evidence(images[: 2 * SIDE], released, images[2 * SIDE :]), context=Context())
    assert auc(outcome.scores, MEMBERS) >= 0.99
    assert outcome.nearest[1:SIDE].tolist() == list(range(SIDE - 1))[::-1]
    if not calibrate:
        assert not outcome.scores[1:SIDE].any()  # exactly 0


@pytest.mark.parametrize("space", ["pixels", "features"])
def test_noise_betrays_nobody(images, space):
    noise = np.random.default_rng(1).integers(0, 256, size=(500, *images.shape[1:])).astype(np.uint8)
    outcome = NearestCopyAttack(space=space).score(evidence(images[: 2 * SIDE], noise), context=Context())
    estimate = auc_interval(outcome.scores, MEMBERS)
    assert estimate.low <= 0.5 <= estimate.high


def test_low_frequencies_see_through_noise_that_pixels_do_not():
    images = digits()
    noise = np.random.default_rng(2).normal(scale=150, size=images[:SIDE].shape)
    blurred = np.clip(images[:SIDE] + noise, 0, 255).astype(np.uint8)
    found = NearestCopyAttack(space="features").score(evidence(images[: 2 * SIDE], blurred), context=Context())
    assert auc(found.scores, MEMBERS) > 0.8


def test_the_score_of_a_hand_computed_case():
    examples = np.full((2, 8, 8, 3), 100, dtype=np.uint8)
    examples[1] = 50
    synthetic = np.stack([examples[0] + 3, examples[1] - 4, examples[1] + 40])
    references = examples[:1] + 10
    plain = NearestCopyAttack().score(evidence(examples, synthetic), context=Context())
    assert plain.scores.tolist() == [-3.0, -4.0]
    assert plain.nearest.tolist() == [0, 1]
    calibrated = NearestCopyAttack(calibrate=True).score(evidence(examples, synthetic, references), context=Context())
    assert calibrated.scores.tolist() == [10 - 3, 60 - 4]
    low = NearestCopyAttack(space="features").score(evidence(examples, synthetic), context=Context())
    assert low.scores == pytest.approx([-3.0, -4.0], abs=1e-4)


@pytest.mark.parametrize("width", [5, 400])
def test_distances_agree_with_a_straightforward_reference(width):
    random = np.random.default_rng(3)
    queries, among = (random.integers(0, 256, size=(rows, width)).astype(np.uint8) for rows in (700, 5000))
    among[4700] = among[20] = queries[600]  # in two tiles: the first counts
    distances, nearest = nearest_rows(queries, among)
    expected = cdist(queries.astype(float), among.astype(float)) / np.sqrt(width)
    np.testing.assert_allclose(distances, expected.min(axis=1), atol=1e-9)
    np.testing.assert_allclose(np.take_along_axis(expected, nearest[:, None], axis=1)[:, 0], distances, atol=1e-9)
    assert (distances[600], nearest[600]) == (0.0, 20)


def test_all_frequencies_keep_distances():
    rows = np.random.default_rng(4).integers(0, 256, size=(2, 8 * 8 * 3)).astype(np.uint8)
    one, other = low_frequencies(rows).astype(float)
    expected = np.sqrt(np.square(rows[0].astype(float) - rows[1]).mean())
    assert np.sqrt(np.square(one - other).mean()) == pytest.approx(expected, rel=1e-5)


def test_synthetic_images_may_lie_on_disk_and_be_of_another_size():
    examples = fake_images(20, size=48).images
    synthetic = examples[:10]
    lazy = ImageChunks([synthetic[:4], synthetic[4:]])
    outcome = NearestCopyAttack().score(evidence(examples, lazy), context=Context())
    assert outcome.nearest[:10].tolist() == list(range(10))
    assert not outcome.scores[:10].any()
    larger = synthetic.repeat(2, axis=1).repeat(2, axis=2)
    assert not NearestCopyAttack().score(evidence(examples, larger), context=Context()).scores[:10].any()


def test_only_the_first_images_are_looked_at():
    images = fake_images(20).images
    outcome = NearestCopyAttack(most_images=3).score(evidence(images, images), context=Context())
    assert np.flatnonzero(outcome.scores == 0).tolist() == [0, 1, 2]


def test_copies_are_counted_on_either_side():
    images = fake_images(30).images
    attack = NearestCopyAttack(space="features")
    assert isinstance(attack, CopyAttack)
    found = attack.copies(evidence(images[:20], images[[3, 12, 25]]), members=np.arange(20) < 10)
    assert found.to_members[0] == 0.0 < found.to_others[0]
    assert found.to_others[1] == 0.0 < found.to_members[1]
    assert min(found.to_members[2], found.to_others[2]) > 0


def test_what_is_lacking_is_said():
    images = fake_images(6).images
    nothing = ReleaseEvidence(images, np.zeros(6, dtype=np.int64), ("one", "other"))
    for given in (nothing, evidence(images, images[:0])):
        with pytest.raises(NotApplicableError, match="no synthetic images"):
            NearestCopyAttack().score(given, context=Context())
        with pytest.raises(NotApplicableError, match="no synthetic images"):
            NearestCopyAttack().copies(given, members=np.arange(6) < 3)
    for references in (None, images[:0]):
        with pytest.raises(NotApplicableError, match="validation split"):
            NearestCopyAttack(calibrate=True).score(evidence(images, images, references), context=Context())
