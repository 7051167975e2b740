"""Laws of an audit of images: copies are found, nothing is found where nothing is, and what voids it is noticed."""

from __future__ import annotations

import contextlib
import dataclasses

import numpy as np
import pytest
from image_folders import digits, write_folder, write_world
from PIL import Image
from scipy.stats import kstest

from tckr_bench.image_audit import checks
from tckr_bench.image_audit.auditing import answer_of, audit_folders
from tckr_bench.image_audit.folders import list_folders
from tckr_bench.image_audit.judging import judge_pairs
from tckr_bench.image_audit.outcome import AuditCheck, DatasetTest
from tckr_bench.image_audit.pairing import count_pairs, pair_up
from tckr_bench.image_audit.scoring import SCORES, score_images
from tckr_bench.records import Estimate
from tckr_bench.show.image_audit_words import findings

REPETITIONS = 100


def quiet(_fraction):
    pass


def unwatched(_name):
    return contextlib.nullcontext(quiet)


def audited(world, *, seed=0):
    folders = list_folders(world["synthetic"], train=world["train"], holdout=world["holdout"])
    return audit_folders(folders, delta=1e-5, seed=seed, watch=unwatched)


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    return audited(write_world(tmp_path_factory.mktemp("copied"), released=80))


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    return audited(write_world(tmp_path_factory.mktemp("untouched")))


def test_copies_are_found_with_near_certainty(copied):
    found, pairs = copied.audit.found, copied.audit.pairs
    assert copied.audit.answer == "trace"
    assert found.p_value < 1e-3
    assert found.auc.value > 0.99
    assert found.epsilon.value == pytest.approx(pairs.largest_epsilon)
    assert all(check.passed for check in copied.audit.checks)


def test_released_images_are_counted_and_those_of_the_hold_out_are_complained_of(copied, tmp_path):
    assert (copied.audit.folders.released, copied.audit.folders.released_holdout) == (80, 0)
    world = write_world(tmp_path, released=3)
    write_folder(world["synthetic"] / "more", digits()[80:82])
    audit = audited(world).audit
    assert (audit.folders.released, audit.folders.released_holdout) == (3, 2)
    words = " ".join(findings(audit))
    assert "3 training images are among the synthetic ones" in words
    assert "2 hold-out images are among the synthetic ones, from which nothing may have been made" in words


def test_where_nothing_was_used_nothing_is_found(untouched):
    audit = untouched.audit
    assert audit.answer == "no trace"
    assert audit.found.p_value > 0.025
    assert audit.found.epsilon.value == 0
    assert all(check.passed for check in audit.checks)
    assert all(it.auc.low < 0.5 < it.auc.high for it in audit.scores)


def test_an_audit_is_the_same_again_and_another_with_another_seed(untouched, tmp_path):
    world = write_world(tmp_path)
    assert audited(world).audit == untouched.audit
    assert audited(world, seed=1).audit.found != untouched.audit.found


def test_every_score_is_measured_and_told_by_what_it_sees(copied):
    assert [it.score for it in copied.audit.scores] == [label for label, _, _ in SCORES]
    assert all("synthetic images" in it.sees and it.owns for it in copied.audit.scores)
    frame = copied.audit.to_frame()
    assert frame["quantity"].tolist() == ["p-value", "auc", "epsilon", *["auc"] * len(SCORES)]


def test_what_is_nearest_is_a_training_image_and_its_copy(copied, tmp_path):
    world = write_world(tmp_path, released=80)
    folders = list_folders(world["synthetic"], train=world["train"], holdout=world["holdout"])
    for member, synthetic in copied.closest:
        real = Image.open(folders.train.root / folders.train.files[member])
        made = Image.open(folders.synthetic.root / folders.synthetic.files[synthetic])
        assert np.array_equal(np.asarray(real), np.asarray(made))


def test_folders_whose_pictures_differ_void_the_audit(tmp_path):
    world = write_world(tmp_path)
    for path in world["holdout"].iterdir():
        picture = np.asarray(Image.open(path))
        Image.fromarray(picture // 2 + 60).save(path)
    audit = audited(world).audit
    assert audit.answer == "not enough evidence"
    assert "same pictures" in [check.name for check in audit.void]
    assert "would be taken for a trace" in audit.void[0].reason


def test_folders_whose_files_differ_void_the_audit(tmp_path):
    """The pictures are alike; only how large they are stored tells them apart."""
    world = write_world(tmp_path)
    for path in world["train"].rglob("*.png"):
        Image.open(path).resize((16, 16), Image.Resampling.NEAREST).save(path)
    audit = audited(world).audit
    assert "same files" in [check.name for check in audit.void]


def test_squeezed_and_unused_images_are_remarked(tmp_path):
    images = digits()
    world = write_world(tmp_path)
    write_folder(world["train"] / "more", images[300:360])
    for path in world["synthetic"].iterdir():
        Image.open(path).resize((16, 8)).save(path)
    remarks = " ".join(audited(world).audit.remarks)
    assert "60 of the 140 training images were compared" in remarks
    assert "2.00 times as wide as high" in remarks


def release(pool, members, *, odds, generator):
    """Release each picture of a pool with a probability that depends on its membership, by these odds either way."""
    likely = odds / (1 + odds)
    return pool[generator.random(len(pool)) < np.where(members, likely, 1 - likely)]


def repeated(*, odds):
    """Divide a pool anew each time, release of it, and judge; from scores to test."""
    generator, counts = np.random.default_rng(3), count_pairs(70, 80, delta=0.0)
    pool, found = np.repeat(digits()[:150, :, :, None], 3, axis=3), []
    for seed in range(REPETITIONS):
        order = generator.permutation(len(pool))
        members = np.isin(np.arange(len(pool)), order[:70])
        pairing = pair_up(70, 80, counts=counts, seed=seed)
        chosen = np.concatenate([order[:70][pairing.members], order[70:][pairing.others]])
        synthetic = release(pool, members, odds=odds, generator=generator)
        references = pool[order[70:][pairing.references]]
        scores = score_images(pool[chosen], synthetic=synthetic, references=references, progress=quiet)
        found.append(judge_pairs(scores.features, delta=0.0, seed=seed).test)
    return found


def test_p_values_are_uniform_where_any_picture_of_the_pool_is_as_likely_released():
    found = repeated(odds=1.0)
    assert kstest([test.p_value for test in found], "uniform").pvalue > 0.001
    refuted = np.mean([test.epsilon.value > 0 for test in found])
    assert refuted <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / REPETITIONS)


def test_the_true_epsilon_is_refuted_in_one_release_of_forty_at_most():
    """Replacing a member changes the odds of two pictures: the release is private with twice the log of the odds."""
    odds = 3.0
    bounds = np.array([test.epsilon.value for test in repeated(odds=odds)])
    assert np.mean(bounds > 2 * np.log(odds)) <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / REPETITIONS)
    assert np.mean(bounds > 0) > 0.5


def test_p_values_that_are_not_uniform_fail_their_check(monkeypatch):
    features = np.random.default_rng(0).normal(size=(80, 4))
    assert checks.shuffled(features, seed=0).passed
    monkeypatch.setattr(checks, "flipped_p_value", lambda differences, **_: 0.4 * (differences.sum() > 0))
    assert not checks.shuffled(features, seed=0).passed


def test_scores_that_find_no_copies_fail_their_check():
    features = np.random.default_rng(1).normal(size=(80, 4))
    assert not checks.copies_are_found(features, delta=0.0, seed=0).passed
    features[:40] += 3
    assert checks.copies_are_found(features, delta=0.0, seed=0).passed


NOTHING = DatasetTest(0.5, Estimate(0.5, 0.4, 0.6, ""), Estimate(0.0, 0.0, 0.0, ""), 1.0)
TOLD = dataclasses.replace(NOTHING, p_value=0.001)
BOUND = dataclasses.replace(NOTHING, epsilon=Estimate(0.3, 0.3, 0.5, ""))


@pytest.mark.parametrize(
    ("test", "blind", "copies", "answer"),
    [
        (NOTHING, True, True, "no trace"),
        (TOLD, True, True, "trace"),
        (BOUND, True, True, "trace"),
        (TOLD, False, True, "not enough evidence"),
        (NOTHING, False, True, "not enough evidence"),
        (NOTHING, True, False, "not enough evidence"),
        (TOLD, True, False, "trace"),
    ],
)
def test_no_answer_stands_on_a_check_that_failed(test, blind, copies, answer):
    found = (AuditCheck("blind", blind, "", voids=True), AuditCheck("copies", copies, "", voids=False))
    assert answer_of(test, found) == answer
