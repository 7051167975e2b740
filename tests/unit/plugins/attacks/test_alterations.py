"""Laws of the search for altered copies: what a recipe does to an image is undone, and chance stays chance."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy.ndimage import gaussian_filter, map_coordinates
from sklearn.datasets import load_digits
from tckr_plugins.attacks.alterations import BRIGHTEST, CONTRASTS, nearest_altered, sampling, windows_tried
from tckr_plugins.attacks.copies import NearestCopyAttack, nearest_copies
from tckr_plugins.metrics.copies import DuplicateRate, NearDuplicateRate

from tckr_bench.plugin.protocols import Context, ReleaseEvidence
from tckr_bench.records import AttackScores, CellEvidence, Copies, LabelledImages, ThreatModel
from tckr_bench.stats import auc, auc_interval

SIDE = 32


def photographs(count, seed=0, side=SIDE):
    """Return smooth pictures of full contrast that are unlike each other."""
    generator = np.random.default_rng(seed)
    waves = gaussian_filter(generator.normal(size=(count, side, side, 3)), sigma=(0, 2.5, 2.5, 0.5))
    return np.clip(128 + 50 * waves / waves.std(), 0, 255).astype(np.uint8)


def digits(count):
    pictures = np.clip(load_digits().images * 16, 0, 255).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(pictures))[:count]
    return np.stack([np.asarray(Image.fromarray(pictures[i]).resize((SIDE, SIDE)).convert("RGB")) for i in order])


def mirrored(picture, generator):
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def cropped(picture, generator):
    size = generator.uniform(0.8, 1) * SIDE
    left, top = generator.uniform(0, SIDE - size, size=2)
    return picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=(left, top, left + size, top + size))


def shifted(picture, generator):
    left, top = (int(offset) for offset in generator.integers(-3, 4, size=2))
    return picture.transform((SIDE, SIDE), Image.Transform.AFFINE, (1, 0, left, 0, 1, top))


def brightened(picture, generator):
    return ImageEnhance.Brightness(picture).enhance(generator.uniform(0.75, 1.33))


def saved_as_jpeg(picture, generator):
    stored = io.BytesIO()
    picture.save(stored, "jpeg", quality=75)
    return Image.open(stored).convert("RGB")


def all_at_once(picture, generator):
    for alter in (mirrored, cropped, brightened, saved_as_jpeg):
        picture = alter(picture, generator) if alter is not mirrored or generator.random() < 0.5 else picture
    return picture


def altered(pictures, alter, seed=1):
    generator = np.random.default_rng(seed)
    return np.stack([np.asarray(alter(Image.fromarray(picture), generator)) for picture in pictures])


def released(examples, synthetic):
    labels = np.zeros(len(examples), dtype=np.int64)
    images = LabelledImages(synthetic, np.zeros(len(synthetic), dtype=np.int64))
    return ReleaseEvidence(examples, labels, ("one", "other"), synthetic=images)


def scores_and_copies(examples, synthetic, *, members):
    shown = released(examples, synthetic)
    attack = NearestCopyAttack()
    return attack.score(shown, context=Context()).scores, attack.copies(shown, members=members)


def rates(copies, *, members):
    threat_model = ThreatModel("the images", "the example", surface="images")
    nobody = np.zeros_like(members)
    saved = AttackScores("copy", np.zeros(len(members)), members, nobody, threat_model, copies=copies)
    logits = np.zeros((1, 2), dtype=np.float32)
    evidence = CellEvidence(np.zeros(1, dtype=np.int64), logits, logits, {"copy": saved}, "copy")
    return [metric.compute(evidence)[0].value for metric in (DuplicateRate(), NearDuplicateRate())]


@pytest.fixture(scope="module")
def examples():
    return digits(1000)


def test_members_released_mirrored_are_repeats_of_members(examples):
    members = np.arange(len(examples)) < 500
    scores, copies = scores_and_copies(examples, altered(examples[members], mirrored), members=members)
    assert rates(copies, members=members) == [1.0, 1.0]
    assert auc(scores, members) >= 0.999


@pytest.mark.parametrize("alter", [cropped, shifted, brightened, saved_as_jpeg, all_at_once])
def test_members_released_altered_are_found(examples, alter):
    few, members = examples[:400], np.arange(400) < 200
    scores, copies = scores_and_copies(few, altered(few[members], alter), members=members)
    assert auc(scores, members) >= 0.98
    assert rates(copies, members=members)[1] >= 0.95


@pytest.mark.parametrize("pictures", [photographs, digits])
def test_images_of_other_originals_betray_nobody(pictures):
    everything = pictures(750)
    examples, others = everything[:500], altered(everything[500:], all_at_once)
    members = np.random.default_rng(2).permutation(500) < 250
    shown = released(examples, others)
    estimate = auc_interval(NearestCopyAttack().score(shown, context=Context()).scores, members)
    assert estimate.low <= 0.5 <= estimate.high
    copies = NearestCopyAttack().copies(shown, members=members)
    assert (copies.to_members <= np.quantile(copies.to_others, 0.01)).mean() <= 0.03
    assert copies.to_others.min() > 0.5


def test_alterations_bring_no_image_farther_away(examples):
    few, copies = examples[:60], altered(examples[30:90], all_at_once)
    rows = [part.reshape(len(part), -1) for part in (few, copies)]
    found, nearest = nearest_copies(*rows, of="copies", space="pixels")
    plain = np.sqrt(np.square(rows[1][:, None].astype(float) - rows[0].astype(float)).mean(axis=2))
    assert (found <= plain.min(axis=1) + 1e-9).all()
    assert nearest[:30].tolist() == list(range(30, 60))


def test_distances_agree_with_every_alteration_of_a_fine_grid():
    originals, copies = photographs(3), altered(photographs(3)[:2], all_at_once, seed=3)
    expected = np.array([[reference_distance(original, copy) for original in originals] for copy in copies])
    found, nearest = nearest_altered(originals, copies, of="copies")
    assert nearest.tolist() == expected.argmin(axis=1).tolist() == [0, 1]
    assert (found <= expected.min(axis=1) + 0.1).all()
    assert (found >= 0.5 * expected.min(axis=1)).all(), "a grid is never so far off"


def reference_distance(original, copy):
    """Return the least difference over windows, mirror images and tones, one after the other."""
    middle, pixels = (SIDE - 1) / 2, np.arange(SIDE) - (SIDE - 1) / 2
    best = np.inf
    for size in np.arange(0.8, 1.001, 0.025):
        offsets = np.linspace(-(1 - size) / 2, (1 - size) / 2, 5) * SIDE
        for down, right in ((down, right) for down in offsets for right in offsets):
            places = np.meshgrid(middle + size * pixels + down, middle + size * pixels + right, indexing="ij")
            shown = np.stack([map_coordinates(original[..., c].astype(float), places, order=1) for c in range(3)], -1)
            for target in (copy.astype(float), copy[:, ::-1].astype(float)):
                contrast, brightness = np.polyfit(shown.ravel(), target.ravel(), 1)
                contrast = np.clip(contrast, *CONTRASTS)
                brightness = np.clip(target.mean() - contrast * shown.mean(), -BRIGHTEST, BRIGHTEST)
                error = np.clip(contrast * shown + brightness, 0, 255) - target
                best = min(best, np.sqrt(np.square(error).mean()))
    return best


def test_a_copy_by_hand_is_at_the_distance_of_what_was_added():
    original = photographs(1)
    copy = original.astype(np.int64)[:, :, ::-1] // 2 + 60  # mirrored, at half the contrast, which is less than allowed
    checks = np.indices((SIDE, SIDE)).sum(axis=0)[None, :, :, None] % 2 * 8 - 4
    brighter = np.clip(original[:, :, ::-1].astype(np.int64), 20, 200) + 30
    plain, _ = nearest_altered(np.clip(original, 20, 200), (brighter + checks).astype(np.uint8), of="copies")
    assert plain[0] == pytest.approx(4, abs=0.1)
    paler, _ = nearest_altered(original, copy.astype(np.uint8), of="copies")
    spread = original.astype(float).std()
    assert paler[0] == pytest.approx((CONTRASTS[0] - 0.5) * spread, rel=0.1)


def test_flat_images_are_no_copies_of_each_other_by_their_lack_of_contrast():
    flat = np.stack([np.full((SIDE, SIDE, 3), level, dtype=np.uint8) for level in (90, 150)])
    distances, _ = nearest_altered(flat[:1], flat[1:], of="copies")
    assert distances[0] == pytest.approx(60, abs=1e-3)


def test_both_directions_see_the_same_pairs():
    originals = photographs(30)
    copies = altered(originals[::-1], all_at_once)
    there, first = nearest_altered(originals, copies, of="originals")
    back, second = nearest_altered(originals, copies, of="copies")
    assert first.tolist() == second.tolist() == list(range(29, -1, -1))
    np.testing.assert_allclose(there, back[first], rtol=1e-3)


def test_many_images_are_searched_in_tiles_as_few_are(monkeypatch):
    from tckr_plugins.attacks import alterations

    originals = photographs(40, side=16)
    copies = photographs(50, seed=4, side=16)
    whole = [nearest_altered(originals, copies, of=side) for side in ("originals", "copies")]
    for name, size in (("_ORIGINALS", 7), ("_COPIES", 9), ("_PAIRS", 11)):
        monkeypatch.setattr(alterations, name, size)
    for side, (distances, nearest) in zip(("originals", "copies"), whole, strict=True):
        found = nearest_altered(originals, copies, of=side)
        np.testing.assert_allclose(found[0], distances, rtol=1e-4)
        np.testing.assert_array_equal(found[1], nearest)


def test_windows_lie_in_the_image_but_for_shifts():
    windows = windows_tried()
    reach = windows[:, [0, 2]] / 2 + np.abs(windows[:, [1, 3]])
    assert (reach[windows[:, 0] < 1] <= 0.5 + 1e-9).all()
    assert reach.max() == pytest.approx(0.5 + 3 / 32)
    weights, inside = sampling(windows[:, 0], windows[:, 1], side=SIDE)
    np.testing.assert_allclose(weights.sum(axis=2)[inside], 1, atol=1e-5)


def test_distances_to_altered_copies_are_evidence():
    shown = released(photographs(20), altered(photographs(20)[:3], mirrored))
    found = NearestCopyAttack().copies(shown, members=np.arange(20) < 10)
    assert isinstance(found, Copies)
    assert (found.to_members == 0).all()
    assert (found.to_others > 10).all()
