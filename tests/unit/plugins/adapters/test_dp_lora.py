"""Laws of private LoRA: what an image adds to a step is clipped, noise covers it, the report says what it proves."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from tckr_plugins.adapters import dp_lora
from tckr_plugins.adapters.examples import Examples, FrozenTextEncoding
from tckr_plugins.adapters.lora import low_rank_updates
from tckr_plugins.adapters.options import DpLoraOptions
from tckr_plugins.privacy.accounting import Sampling, epsilon_of
from torch.nn import functional

from tckr_bench.errors import TckrError
from tckr_bench.plugin.protocols import Context

LORA_FILE = "pytorch_lora_weights.safetensors"


@pytest.fixture(scope="module")
def generator(lab, tiny_model):
    return lab.stable_diffusion(tiny_model)


@contextmanager
def steps_on(lab, generator, **options):
    """Private steps of a U-Net whose low-rank weights are all random, so that all have gradients."""
    pipeline, options = generator.pipeline, DpLoraOptions(**options)
    pipeline.unet.requires_grad_(requires_grad=False)
    random = torch.Generator().manual_seed(3)
    images, prompts = lab.dark_images()
    with low_rank_updates(pipeline.unet, options, random=random, adapter="dp-lora") as trainable:
        for value in trainable.parameters:
            value.data = 0.2 * torch.randn(value.shape, generator=random)
        examples = Examples(pipeline, images, prompts, flip=options.flip)
        encoding = FrozenTextEncoding(pipeline, prompts.texts, torch.float32)
        yield dp_lora.PrivateAdapterSteps(pipeline, examples, encoding, options=options, random=random)


def views(steps, chosen):
    """What the next call of `clipped_sums` will draw of the examples, each on its own."""
    draws, random = steps._options.draws, torch.Generator()
    random.set_state(steps._viewing.get_state())
    rows = torch.tensor([index for index in chosen for _ in range(draws)], dtype=torch.int64)
    batch = steps._examples.batch(rows, steps._options.prompt_dropout, levels=1000, random=random)
    return [batch.part(slice(at, at + draws)) for at in range(0, len(rows), draws)]


def loss_of(steps, batch):
    """The mean loss of a velocity model, written out (Salimans and Ho 2022, appendix D)."""
    signal = steps._scheduler.alphas_cumprod[batch.timesteps].view(-1, 1, 1, 1)
    noisy = signal.sqrt() * batch.latents + (1 - signal).sqrt() * batch.noise
    velocity = signal.sqrt() * batch.noise - (1 - signal).sqrt() * batch.latents
    return functional.mse_loss(steps._unet(noisy, batch.timesteps, steps._encoding(batch.texts))[0], velocity)


def gradient_of(steps, loss):
    return torch.cat([part.flatten() for part in torch.autograd.grad(loss, list(steps._parameters.values()))])


def flat(steps, sums):
    return torch.cat([sums[name].flatten() for name in steps._parameters])


@pytest.mark.parametrize("draws", [1, 3])
@pytest.mark.parametrize("share", [0.01, 1.0, 1e6])
def test_sums_are_those_of_examples_computed_one_by_one_and_clipped(lab, generator, monkeypatch, draws, share):
    monkeypatch.setattr(dp_lora, "ROWS_AT_ONCE", 6)  # several parts, the last of them smaller
    chosen = [0, 1, 2, 4, 5, 6, 7]
    with steps_on(lab, generator, draws=draws, flip=True) as steps:
        each = torch.stack([gradient_of(steps, loss_of(steps, view)) for view in views(steps, chosen)])
        norms = each.norm(dim=1, keepdim=True)
        clip_norm = share * float(norms.median())
        assert share != 1.0 or (norms < clip_norm).any() != (norms < clip_norm).all()
        steps._options = steps._options.model_copy(update={"clip_norm": clip_norm})
        found = flat(steps, steps.clipped_sums(torch.tensor(chosen)))
    expected = (each * (clip_norm / norms).clamp(max=1)).sum(dim=0)
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize("draws", [1, 4])
def test_an_example_adds_the_clip_norm_at_most_however_many_its_draws(lab, generator, draws):
    with steps_on(lab, generator, draws=draws, clip_norm=1e-3) as steps:
        alone = flat(steps, steps.clipped_sums(torch.tensor([2])))
    assert 0.9e-3 < float(alone.norm()) <= 1e-3 * (1 + 1e-5)


def test_without_clipping_and_noise_a_step_is_one_of_the_mean_gradient(lab, generator):
    options = {"draws": 2, "clip_norm": 1e6, "learning_rate": 0.01}
    with steps_on(lab, generator, **options) as steps:
        batches, values = views(steps, range(8)), list(steps._parameters.values())
        mean = torch.stack([loss_of(steps, view) for view in batches]).mean()
        plain = [value.detach().clone().requires_grad_() for value in values]
        for copy, gradient in zip(plain, torch.autograd.grad(mean, values), strict=True):
            copy.grad = gradient
        torch.optim.Adam(plain, lr=0.01).step()
        steps.run(Sampling(1.0, 1), noise_multiplier=0.0, context=Context())
        for value, copy in zip(values, plain, strict=True):
            size = float(copy.grad.abs().max())
            assert torch.allclose(value.grad, copy.grad, rtol=1e-3, atol=1e-4 * size)
            told = copy.grad.abs() > 1e-3 * size  # the first step of Adam is the gradient's sign, rounded or not
            assert torch.allclose(value[told], copy[told], atol=1e-5)


class Released:
    """Takes down what is drawn, what each step adds up before noise, and what it hands to the optimiser."""

    def __init__(self, monkeypatch):
        self.sizes, self.sums, self.gradients = [], [], []
        clipped_sums, release = dp_lora.PrivateAdapterSteps.clipped_sums, dp_lora.PrivateAdapterSteps._release

        def noted_sums(steps, chosen):
            self.sizes.append(len(chosen))
            return clipped_sums(steps, chosen)

        def noted(steps, sums, **given):
            self.sums.append(flat(steps, sums))
            release(steps, sums, **given)
            self.gradients.append(flat(steps, {name: value.grad for name, value in steps._parameters.items()}))

        monkeypatch.setattr(dp_lora.PrivateAdapterSteps, "clipped_sums", noted_sums)
        monkeypatch.setattr(dp_lora.PrivateAdapterSteps, "_release", noted)


def test_a_step_that_draws_nobody_is_noise_alone(lab, generator, tmp_path, monkeypatch):
    seen = Released(monkeypatch)
    written = lab.adapt(generator, tmp_path, "dp-lora", data=lab.dark_images(2), batch_size=1, steps=12)
    assert {0, 1, 2} == set(seen.sizes)  # of either image with probability 1/2
    for size, total, gradient in zip(seen.sizes, seen.sums, seen.gradients, strict=True):
        assert bool(total.any()) == bool(size)
        assert gradient.any()
    assert LORA_FILE in written


def test_noise_has_the_deviation_that_the_accountant_is_told(lab, generator, tmp_path, monkeypatch):
    seen = Released(monkeypatch)
    options = {"noise_multiplier": 2.5, "clip_norm": 0.4, "learning_rate": 1e-9}
    report = report_of(lab.adapt(generator, tmp_path, "dp-lora", **options))
    noise = torch.cat([4 * gradient - total for gradient, total in zip(seen.gradients, seen.sums, strict=True)])
    assert report["noise_multiplier"] == 2.5
    assert float(noise.std()) == pytest.approx(2.5 * 0.4, rel=0.03)
    assert abs(float(noise.mean())) < 4 * 1.0 / math.sqrt(len(noise))
    half = len(noise) // 2
    assert abs(float(torch.corrcoef(torch.stack([noise[:half], noise[half : 2 * half]]))[0, 1])) < 0.05


def test_noise_comes_from_the_seed(lab, generator, tmp_path, monkeypatch):
    noises = []
    for seed in (5, 5, 6):
        seen = Released(monkeypatch)
        lab.adapt(generator, tmp_path / f"{len(noises)}", "dp-lora", seed=seed, steps=1)
        noises.append(4 * seen.gradients[0] - seen.sums[0])
        monkeypatch.undo()
    assert torch.equal(noises[0], noises[1])
    assert abs(float(torch.corrcoef(torch.stack([noises[0], noises[2]]))[0, 1])) < 0.1


def report_of(written):
    return json.loads(written["adaptation.json"])


def test_the_report_is_what_opacus_accounts_step_by_step(lab, generator, tmp_path):
    from opacus.accountants import RDPAccountant

    reports = [
        report_of(lab.adapt(generator, tmp_path / f"{steps}", "dp-lora", noise_multiplier=1.5, steps=steps))
        for steps in (2, 4, 8)
    ]
    for report in reports:
        accountant = RDPAccountant()
        for _ in range(report["steps"]):
            accountant.step(noise_multiplier=1.5, sample_rate=4 / 8)
        assert report["epsilon"] == pytest.approx(accountant.get_epsilon(delta=1e-5), rel=0.01)
        sampling = Sampling(report["sampling_rate"], report["steps"])
        assert report["epsilon"] == epsilon_of(1.5, sampling=sampling, delta=report["delta"])
    assert [report["steps"] for report in reports] == [2, 4, 8]
    assert reports[0]["epsilon"] < reports[1]["epsilon"] < reports[2]["epsilon"]


def test_the_budget_is_kept_and_counts_every_epoch(lab, generator, tmp_path, monkeypatch):
    seen = Released(monkeypatch)
    options = {"epsilon": 3.0, "noise_multiplier": 0.0, "steps": None, "epochs": 3}
    report = report_of(lab.adapt(generator, tmp_path, "dp-lora", **options))
    assert len(seen.sums) == report["steps"] == 6  # eight images in batches of four, three times
    assert 2.9 <= report["epsilon"] <= 3.0
    assert report["noise_multiplier"] > 0


def test_the_report_tells_nothing_of_the_images(lab, generator, tmp_path):
    images, prompts = lab.dark_images()
    dark, light = (
        lab.adapt(generator, tmp_path / name, "dp-lora", data=(shown, prompts))
        for name, shown in (("dark", images), ("light", 255 - images))
    )
    assert dark["adaptation.json"] == light["adaptation.json"]
    assert dark[LORA_FILE] != light[LORA_FILE]
    assert set(dark) == {"adaptation.json", LORA_FILE}


def test_what_is_restored_computes_what_was_trained(lab, tiny_model, tmp_path, monkeypatch):
    noisy, level = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([10, 900])
    trained, run = [], dp_lora.PrivateAdapterSteps.run

    def noted(steps, *given, **named):
        run(steps, *given, **named)
        with torch.no_grad():
            trained.append(steps._unet(noisy, level, steps._encoding(["cat: 1", "dog: 0"]))[0])

    monkeypatch.setattr(dp_lora.PrivateAdapterSteps, "run", noted)
    generator = lab.stable_diffusion(tiny_model)
    lab.adapt(generator, tmp_path, "dp-lora", alpha=8.0)
    encoding = FrozenTextEncoding(generator.pipeline, ["cat: 1", "dog: 0"], torch.float32)
    with torch.no_grad():
        plain = generator.pipeline.unet(noisy, level, encoding(["cat: 1", "dog: 0"]))[0]
        generator.restore(tmp_path)
        restored = generator.pipeline.unet(noisy, level, encoding(["cat: 1", "dog: 0"]))[0]
    assert (plain - trained[0]).abs().max() > 0.01
    assert torch.allclose(restored, trained[0], atol=2e-5)


def fail_above(monkeypatch, limit, *, spared=0):
    """Let the accelerator hold the gradients of at most `limit` examples, but for the first parts of a step."""
    clipped_gradients, sizes = dp_lora.clipped_gradients, []

    def failing(unet, losses_of, *, clip_norm):
        found = clipped_gradients(unet, losses_of, clip_norm=clip_norm)
        sizes.append(len(found[1]))
        if sizes[-1] > limit and len(sizes) > spared:
            raise torch.OutOfMemoryError("no memory")
        return found

    monkeypatch.setattr(dp_lora, "clipped_gradients", failing)
    return sizes


def test_where_memory_runs_out_smaller_parts_add_up_to_the_same(lab, generator, tmp_path, monkeypatch):
    sums = []
    for limit in (100, 1):
        monkeypatch.setattr(dp_lora, "ROWS_AT_ONCE", 8)
        sizes = fail_above(monkeypatch, limit, spared=1)
        seen = Released(monkeypatch)
        lab.adapt(generator, tmp_path / f"{limit}", "dp-lora", draws=4, steps=1, batch_size=6)
        sums.append(seen.sums[0])
        monkeypatch.undo()
    assert sizes == [2, 2, *[1] * seen.sizes[0]]  # the second part fails, and the first is done again
    assert torch.allclose(*sums, atol=1e-6)


def test_no_memory_for_one_image_is_one_sentence(lab, generator, tmp_path, monkeypatch):
    fail_above(monkeypatch, 0)
    with pytest.raises(TckrError, match=r"training of one image; lower the option 'draws' of the adapter 'dp-lora'"):
        lab.adapt(generator, tmp_path, "dp-lora")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"epsilon": 1e-9, "delta": 1e-300, "noise_multiplier": 0.0, "batch_size": 8},
            r"no noise keeps .* raise epsilon or delta$",
        ),
        ({"delta": 0.2}, r"one of 8 training images to be published; lower it well below 1\.2e-01$"),
        ({"targets": ("to_nowhere",)}, "option 'targets' of the adapter 'dp-lora'"),
        ({"targets": ("to_q", "conv1")}, "linear projections only, .* set its option 'targets'"),
        ({"noise_multiplier": 1e6, "learning_rate": 1.0, "alpha": 1e300}, "diverged; lower the option 'learning_rate'"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(lab, generator, tmp_path, options, said):
    before = {name: value.clone() for name, value in generator.pipeline.unet.state_dict().items()}
    with pytest.raises(TckrError, match=said):
        lab.adapt(generator, tmp_path, "dp-lora", **options)
    after = generator.pipeline.unet.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert not list(tmp_path.iterdir())


def test_mirror_images_are_learned_where_asked_for(lab, generator, tmp_path):
    plain, mirrored = (lab.adapt(generator, tmp_path / f"{flip}", "dp-lora", flip=flip) for flip in (False, True))
    assert plain[LORA_FILE] != mirrored[LORA_FILE]


def test_progress_rises_to_one(lab, generator, tmp_path):
    seen = []
    lab.adapt(generator, tmp_path, "dp-lora", steps=3, context=Context(progress=seen.append))
    assert seen == pytest.approx(np.arange(1, 4) / 3)
