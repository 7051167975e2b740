"""Laws of the attacks on a released generator: what it was overfitted to is found, timesteps count alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image
from tckr_plugins.attacks.denoising import DenoisingAttack

from tckr_bench.errors import NotApplicableError, OptionError
from tckr_bench.plugin.protocols import Context, ReleaseEvidence
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import DenoisingProbe, Prompts
from tckr_bench.stats import auc
from tckr_bench.testing import FakeDiffusionGenerator, fake_images

ATTACKS = ("denoising-loss", "secmi", "pia", "rediffuse", "clid")
SIDE = 8
MEMBERS = np.arange(2 * SIDE) < SIDE


def load(family, name, **options):
    registry = default_registry()
    return registry.load(registry.use(family, name, label=name, options=options))


class TellingGenerator(FakeDiffusionGenerator):
    """Answers each probe by what it is told for the timestep; keeps what it was asked."""

    def __init__(self, answers):
        self._answers = answers
        self.asked = []

    def denoising_errors(self, images, prompts, *, probe, context):
        self.asked.append((probe, tuple(prompts), context.device))
        context.progress(0.5)
        context.progress(1.0)
        return np.array(self._answers[probe.timestep], dtype=float)


def evidence(generator, *, images=None, prompts=None):
    images = fake_images(3).images if images is None else images
    prompts = tuple(f"text {index}" for index in range(len(images))) if prompts is None else prompts
    labels = np.zeros(len(images), dtype=np.int64)
    return ReleaseEvidence(images, labels, ("one", "other"), prompts=prompts, generator=generator)


def test_the_score_of_a_hand_computed_case():
    generator = TellingGenerator({100: [1, 2, 3], 200: [30, 10, 20]})
    outcome = DenoisingAttack("denoising", timesteps=(100, 200)).score(evidence(generator), context=Context())
    assert outcome.scores == pytest.approx([-(0.5 + 1.5) / 2, -(1.0 + 0.5) / 2, -(1.5 + 1.0) / 2])
    assert outcome.nearest is None


def test_no_timestep_counts_for_more_than_another():
    even, uneven = ({1: [1, 2, 3], 2: [scale * error for error in (3, 1, 1)]} for scale in (1, 1e6))
    attack = DenoisingAttack("pia", timesteps=(1, 2))
    one, other = (attack.score(evidence(TellingGenerator(told)), context=Context()).scores for told in (even, uneven))
    assert one == pytest.approx(other)


def test_no_error_at_all_gives_finite_scores():
    scores = DenoisingAttack("pia", timesteps=(1,)).score(evidence(TellingGenerator({1: [0] * 3})), context=Context())
    assert not scores.scores.any()


def test_probes_are_what_the_options_say():
    generator = TellingGenerator({5: [1, 2, 3], 6: [1, 2, 3]})
    drawn = {"draws": 7, "seed": 8}
    for name, options in (("denoising-loss", drawn), ("secmi", {}), ("pia", {}), ("rediffuse", drawn)):
        load("attack", name, timesteps=[5, 6], **options).score(evidence(generator), context=Context("a device"))
    texts = ("text 0", "text 1", "text 2")
    expected = [("denoising", 7, 8), ("secmi", 1, 0), ("pia", 1, 0), ("rediffuse", 7, 8)]
    assert generator.asked == [
        (DenoisingProbe(kind, timestep, draws, seed), texts, "a device")
        for kind, draws, seed in expected
        for timestep in (5, 6)
    ]


def test_progress_goes_from_probe_to_probe():
    seen = []
    generator = TellingGenerator({1: [1] * 3, 2: [1] * 3})
    DenoisingAttack("pia", timesteps=(1, 2)).score(evidence(generator), context=Context(progress=seen.append))
    assert seen == [0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("kind", ["noise", "memorizer", "folder"])
def test_other_generators_are_not_applicable(name, kind, tmp_path):
    for word in ("one", "other"):
        (tmp_path / word).mkdir()
        Image.fromarray(fake_images(1).images[0]).save(tmp_path / word / "1.png")
    generator = load("generator", kind, **({"path": str(tmp_path)} if kind == "folder" else {}))
    with pytest.raises(NotApplicableError, match=f"a {type(generator).__name__} has no denoiser to ask") as caught:
        load("attack", name).score(evidence(generator), context=Context())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("options", [{"timesteps": []}, {"timesteps": [-1]}, {"timesteps": [1.5]}])
def test_wrong_options_are_refused(name, options):
    with pytest.raises(OptionError, match=f"option '{next(iter(options))}.*' of component '{name}' cannot be"):
        load("attack", name, **options)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_that_compares_with_no_shadow_models_takes_none(name):
    with pytest.raises(OptionError, match=f"'{name}' has no option 'shadows'"):
        load("attack", name, shadows=1)


@pytest.mark.parametrize(("name", "options"), [("denoising-loss", {"draws": 0}), ("secmi", {"draws": 2})])
def test_wrong_draws_are_refused(name, options):
    with pytest.raises(OptionError, match="draws"):
        load("attack", name, **options)


def pictures():
    """Coarse patterns that have nothing in common."""
    coarse = np.random.default_rng(0).integers(0, 256, (2 * SIDE, 4, 4, 3)).astype(np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


TEXTS = tuple(f"picture {'abcdefghijklmnop'[index]}" for index in range(2 * SIDE))


@pytest.fixture(scope="module")
def overfitted(tiny_model, tmp_path_factory):
    """The tiny model, with an autoencoder whose latents differ, and weights overfitted to the members."""
    folder = tmp_path_factory.mktemp("overfitted")
    pipeline = StableDiffusionPipeline.from_pretrained(tiny_model, safety_checker=None)
    last = pipeline.vae.quant_conv
    with torch.no_grad():
        last.weight[:4] *= 35  # else all images have nearly the same latents
        last.bias[:4] = 0
        last.weight[4:] = 0
        last.bias[4:] = -20
    pipeline.save_pretrained(folder / "model")
    generator = load("generator", "stable-diffusion", model=str(folder / "model"))
    prompts = Prompts(TEXTS[:SIDE] * 2, np.zeros(2 * SIDE, dtype=np.int64), np.arange(2 * SIDE))
    adapter = load("adapter", "full", steps=100, batch_size=2 * SIDE, learning_rate=0.01, prompt_dropout=0)
    images = np.concatenate([pictures()[:SIDE]] * 2)
    (folder / "weights").mkdir()
    adapter.adapt(generator, images, prompts, weights=folder / "weights", seed=0, context=Context())
    return folder


# The decoder has random weights, and shows differences of latents badly.
CLEARER = {"rediffuse": {"timesteps": [300]}}


@pytest.mark.parametrize("name", ATTACKS)
def test_what_a_generator_was_overfitted_to_is_found(name, overfitted):
    generator = load("generator", "stable-diffusion", model=str(overfitted / "model"))
    attack = load("attack", name, **CLEARER.get(name, {}))
    given = evidence(generator, images=pictures(), prompts=TEXTS)
    before = auc(attack.score(given, context=Context()).scores, MEMBERS)
    generator.restore(overfitted / "weights")
    after = auc(attack.score(given, context=Context()).scores, MEMBERS)
    assert after > 0.9
    assert after > before + 0.1
