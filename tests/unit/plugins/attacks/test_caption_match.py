"""Laws of the caption-match attack: rare captions betray, common ones do not, and orders say nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, ttest_1samp
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity
from tckr_plugins.attacks.caption_match import CaptionMatchAttack, match_scores, similarities

from tckr_bench.errors import NotApplicableError
from tckr_bench.plugin.protocols import Context, ReleaseEvidence
from tckr_bench.stats import auc

SIDE = 500
MEMBERS = np.arange(2 * SIDE) < SIDE


def evidence(captions, released):
    count = len(captions)
    return ReleaseEvidence(
        np.zeros((count, 8, 8, 3), dtype=np.uint8),
        np.zeros(count, dtype=np.int64),
        ("one", "other"),
        prompts=tuple(captions),
        released_prompts=tuple(released),
    )


def scores(captions, released):
    return CaptionMatchAttack().score(evidence(captions, released), context=Context()).scores


def drawn(seed, shares, count=2 * SIDE):
    """Return captions 'object 0', 'object 1' and so on, drawn by their shares."""
    kinds = np.random.default_rng(seed).choice(len(shares), size=count, p=np.asarray(shares) / np.sum(shares))
    return [f"object {kind}" for kind in kinds]


def test_the_scores_of_a_hand_computed_case():
    captions = ["a dog", "a cat", "a cat", "the sun", "dog a"]
    found = scores(captions, ["a cat", "a dog", "a bird"])
    one, two = 1 - 0.8**3, 1 - 0.6**3  # of a fifth of the images and of two fifths, one of three at least
    assert np.exp(-found[:3]) == pytest.approx([one, two, two])
    assert found[3:] == pytest.approx([-2.0, -1.0])


@pytest.mark.parametrize("share", [1e-9, 0.01, 0.3])
@pytest.mark.parametrize("released", [1, 30, 1000])
def test_the_chance_of_a_match_is_that_of_one_success_at_least(share, released):
    found = match_scores(np.array([share]), released=released)
    assert found == pytest.approx(-binom.logsf(0, released, share), rel=1e-6)


def test_the_rarer_a_released_caption_the_likelier_a_member_and_any_is_likelier_than_none():
    shares = np.arange(1, 101) / 100
    found = match_scores(shares, released=200)
    assert (np.diff(found) <= 0).all()
    assert (np.diff(found[:50]) < 0).all()
    assert found[-1] == 0.0
    everybody = scores(["the same"] * 9 + ["the other same", "same the"], ["the same"] * 3)
    assert everybody[:9].min() > everybody[9:].max()
    assert everybody[10] > everybody[9]


def test_captions_of_ones_own_betray_all_members():
    captions = [f"picture {index}" for index in range(2 * SIDE)]
    assert auc(scores(captions, captions[:SIDE]), MEMBERS) == 1.0


@pytest.mark.parametrize("classes", [1, 2, 20])
def test_captions_that_name_the_class_alone_betray_nobody(classes):
    """Though by chance the sides have a little more of one class or another, which a count would exploit."""
    aucs = []
    for seed in range(40):
        captions = drawn(seed, np.linspace(1, 2, classes))
        aucs.append(auc(scores(captions, captions[:SIDE]), MEMBERS))
    assert classes == 1 or ttest_1samp(aucs, 0.5).pvalue > 0.01
    assert np.mean(aucs) == pytest.approx(0.5, abs=0.01)


def test_a_release_of_other_images_captions_betrays_nobody():
    aucs = []
    for seed in range(30):
        captions = drawn(seed, 1 / np.arange(1, 2001), count=3 * SIDE)
        aucs.append(auc(scores(captions[: 2 * SIDE], captions[2 * SIDE :]), MEMBERS))
    assert ttest_1samp(aucs, 0.5).pvalue > 0.01


@pytest.mark.parametrize("kinds", [300, 3000])
def test_it_reaches_the_attack_that_knows_how_common_each_caption_is(kinds):
    """Zipf's law; the best test of whether a caption is found, q known, is by -log P(found | non-member)."""
    shares = 1 / np.arange(1, kinds + 1)
    shares /= shares.sum()
    captions = drawn(0, shares)
    known = np.array([shares[int(text.split()[1])] for text in captions])
    found = np.isin(captions, captions[:SIDE])
    optimal = auc(np.where(found, 1 / (1 - (1 - known) ** SIDE), 0.0), MEMBERS)
    reached = auc(scores(captions, captions[:SIDE]), MEMBERS)
    assert optimal > 0.6
    assert reached >= optimal - 0.01
    assert reached > auc(found.astype(float), MEMBERS) + 0.01  # rarity tells more than being found


def test_captions_that_were_said_a_little_differently_still_betray():
    random = np.random.default_rng(1)
    words = [f"word{index}" for index in range(400)]
    captions = [" ".join(random.choice(words, size=8)) for _ in range(2 * SIDE)]
    released = [f"{text.rsplit(' ', 1)[0]} {random.choice(words)}" for text in captions[:SIDE]]
    assert auc(scores(captions, released), MEMBERS) > 0.99


def test_neither_the_order_of_the_release_nor_that_of_the_examples_matters():
    captions = drawn(2, 1 / np.arange(1, 201), count=600)
    captions[::3] = [f"{text} again" for text in captions[::3]]
    released = captions[:300:2]
    found = scores(captions, released)
    order = np.random.default_rng(0).permutation(600)
    assert np.array_equal(scores(captions, sorted(released)), found)
    assert np.array_equal(scores([captions[index] for index in order], released), found[order])
    assert (found > 0).any()
    assert (found < 0).any()


def test_equal_captions_have_equal_scores():
    captions = drawn(3, np.ones(50), count=300)
    found = scores(captions, captions[:20])
    assert len(set(zip(captions, found.tolist(), strict=True))) == len(Counter(captions))


def test_similarities_agree_with_a_straightforward_reference():
    random = np.random.default_rng(4)
    words = [f"w{index}" for index in range(60)]
    texts = [" ".join(random.choice(words, size=random.integers(2, 9))) for _ in range(900)]
    queries, among = texts[:600], texts[600:]
    weighed = TfidfVectorizer().fit(set(texts))
    expected = cosine_similarity(weighed.transform(queries), weighed.transform(among)).max(axis=1)
    np.testing.assert_allclose(similarities(queries, among), expected, atol=1e-12)


def test_texts_without_words_and_words_of_one_letter_are_compared_too():
    assert similarities(["!", "5", "B"], ["?", "5", "b"]) == pytest.approx([0, 1, 1])
    assert similarities(["!"], ["?"]).tolist() == [0.0]


def test_what_is_lacking_is_said():
    whole = evidence(["a dog"], ["a dog"])
    for given in (replace(whole, prompts=()), replace(whole, released_prompts=())):
        with pytest.raises(NotApplicableError, match="no captions"):
            CaptionMatchAttack().score(given, context=Context())


def test_random_words_of_a_file_are_not_applicable_though_they_would_tell_every_member():
    """A member has its words in the file, and nobody could write them of a non-member: that is no attack."""
    random = np.random.default_rng(5)
    words = [" ".join(random.choice(list("abcdefgh"), size=12)) for _ in range(2 * SIDE)]
    assert auc(scores(words, words[:SIDE]), MEMBERS) > 0.95
    with pytest.raises(NotApplicableError, match="these were read from a file: whoever holds them knows the members"):
        CaptionMatchAttack().score(replace(evidence(words, words[:SIDE]), caption_basis="file"), context=Context())


def test_captions_of_a_whole_class_are_not_applicable():
    whole = replace(evidence(["a dog"], ["a dog"]), caption_basis="class")
    with pytest.raises(NotApplicableError, match="the same for a whole class"):
        CaptionMatchAttack().score(whole, context=Context())
