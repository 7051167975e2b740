"""Laws of CLiD: a hand-computed case, a plain reference, a world whose likelihoods are known, what cancels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm
from tckr_plugins.attacks.clid import ClidAttack, reduced_captions, robustly_scaled

from tckr_bench.plugin.protocols import Context, ReleaseEvidence
from tckr_bench.records import DenoisingProbe
from tckr_bench.stats import auc_interval
from tckr_bench.testing import FakeDiffusionGenerator, fake_images


class ReadingGenerator(FakeDiffusionGenerator):
    """Answers by a function of the captions and the timestep; keeps what it was asked."""

    def __init__(self, errors):
        self._errors = errors
        self.asked = []

    def denoising_errors(self, images, prompts, *, probe, context):
        self.asked.append((probe, tuple(prompts), context.device))
        context.progress(1.0)
        return np.asarray(self._errors(tuple(prompts), probe.timestep), dtype=float)


def evidence(generator, prompts):
    images = fake_images(len(prompts), size=4).images
    labels = np.zeros(len(prompts), dtype=np.int64)
    return ReleaseEvidence(images, labels, ("one", "other"), prompts=tuple(prompts), generator=generator)


def score(attack, generator, prompts, *, context=None):
    return attack.score(evidence(generator, prompts), context=context or Context()).scores


CAPTIONS = ("abcdef", "ghi", "jk", "l", "")


def table(prompts, timestep):
    """Errors without a pattern: of the place in the list, the characters and the time."""
    return [1 + timestep + place + sum(map(ord, text)) % 7 for place, text in enumerate(prompts)]


def reference(prompts, *, timesteps, reduction, weight):
    """CLiD_th one example at a time, as the paper writes it down, with each time divided by its mean."""
    own, gaps = [], []
    means = {t: np.mean(table(prompts, t)) for t in timesteps}
    for place, text in enumerate(prompts):
        third = len(text) / 3
        cuts = [text[: int(third)], text[int(third) : int(2 * third)], text[int(2 * third) :]]
        against = [*(cuts if reduction == "parts" else []), ""]

        def loss(caption, place=place):
            row = ["?"] * place + [caption]
            return np.mean([table(row, t)[place] / means[t] for t in timesteps])

        own.append(loss(text))
        gaps.append(np.mean([loss(other) - loss(text) for other in against]))

    def scaled(values):
        low, high = np.percentile(values, 25), np.percentile(values, 75)
        return (np.array(values) - np.median(values)) / (high - low)

    return weight * scaled(gaps) - (1 - weight) * scaled(own)


def test_the_score_of_a_hand_computed_case():
    # With captions 1, 1, 1 (mean 1), without 1, 2, 5: gaps 0, 1, 4, median 1, quartiles 0.5 and 2.5.
    told = {True: [1, 1, 1], False: [1, 2, 5]}
    generator = ReadingGenerator(lambda prompts, _: told[any(prompts)])
    assert score(ClidAttack(timesteps=(9,)), generator, "abc") == pytest.approx([-0.5, 0, 1.5])


@pytest.mark.parametrize("reduction", ["empty", "parts"])
@pytest.mark.parametrize("weight", [1.0, 0.3, 0.0])
def test_every_form_agrees_with_a_straightforward_reference(reduction, weight):
    form = {"timesteps": (3, 50), "reduction": reduction, "weight": weight}
    found = score(ClidAttack(**form), ReadingGenerator(table), CAPTIONS)
    np.testing.assert_allclose(found, reference(CAPTIONS, **form), atol=1e-12)


def test_thirds_of_a_caption_are_all_of_it():
    *thirds, empty = reduced_captions(CAPTIONS, "parts")
    assert tuple(map("".join, zip(*thirds, strict=True))) == CAPTIONS
    assert [empty] == reduced_captions(CAPTIONS, "empty") == [("",) * len(CAPTIONS)]


def test_all_captions_of_an_image_are_asked_about_with_the_same_noises():
    generator = ReadingGenerator(table)
    score(ClidAttack(timesteps=(3, 50), draws=2, seed=7), generator, CAPTIONS, context=Context("a device"))
    assert generator.asked == [
        (DenoisingProbe("denoising", timestep, 2, 7), texts, "a device")
        for timestep in (3, 50)
        for texts in (CAPTIONS, ("",) * len(CAPTIONS))
    ]


def test_what_makes_an_image_easy_with_and_without_its_caption_cancels():
    easy = np.array([0.0, 10.0, 3.0, 7.0, 5.0])
    known = np.array([0.5, 0.4, 0.0, 0.1, 0.2])

    def errors(prompts, _timestep):
        return 1 + easy - known * np.array([bool(text) for text in prompts])

    found = score(ClidAttack(timesteps=(9,)), ReadingGenerator(errors), "abcde")
    assert found.argsort().tolist() == known.argsort().tolist()


def test_clid_reaches_the_optimum_of_a_world_in_which_only_the_caption_tells():
    # Errors are easiness, wide, plus noise; training lowers those under the own caption by a deviation of the noise.
    generator, count = np.random.default_rng(0), 2000
    members = np.arange(count) < count // 2
    easy = 100 + generator.normal(scale=10.0, size=count)
    noise = generator.normal(size=count)

    def errors(prompts, _timestep):
        return easy + (noise - members) * np.array([bool(text) for text in prompts])

    prompts = [f"image {index}" for index in range(count)]
    found = {
        weight: auc_interval(
            score(ClidAttack(timesteps=(9,), weight=weight), ReadingGenerator(errors), prompts), members
        )
        for weight in (0.0, 1.0)
    }
    assert found[1.0].low <= norm.cdf(1 / math.sqrt(2)) <= found[1.0].high
    assert found[0.0].value < 0.6  # the error under the caption alone drowns in how easy images are


def test_examples_that_are_all_alike_have_finite_scores():
    for weight in (0.0, 0.5, 1.0):
        found = score(ClidAttack(weight=weight), ReadingGenerator(lambda texts, _: [0] * len(texts)), "abc")
        assert not found.any()


def test_scaling_forgets_unit_and_origin():
    values = np.random.default_rng(0).normal(size=50)
    np.testing.assert_allclose(robustly_scaled(7 * values + 3), robustly_scaled(values), atol=1e-12)


def test_progress_goes_from_caption_to_caption():
    seen = []
    score(ClidAttack(timesteps=(1, 2)), ReadingGenerator(table), CAPTIONS, context=Context(progress=seen.append))
    assert seen == [0.25, 0.5, 0.75, 1.0]
