"""Laws of files of low-rank weights: every published layout is read to its last tensor, every wrong file is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tckr_plugins.generators.architecture import STABLE_DIFFUSION_2, random_unet
from tckr_plugins.generators.lora_files import check_lora_file
from tckr_plugins.generators.models import LORA_FILE
from tckr_plugins.generators.restoring import AdaptedWeights, apply_weights

from tckr_bench.errors import TckrError
from tckr_bench.plugin.registry import default_registry

LAYER = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q"
PUBLISHED = Path(__file__).parents[4] / "../shared/paper/lora/lora_sd2_cifar10.safetensors"
LAYOUTS = {
    "diffusers": (f"unet.{LAYER}.lora.down.weight", f"unet.{LAYER}.lora.up.weight"),
    "peft in diffusers": (f"unet.{LAYER}.lora_A.weight", f"unet.{LAYER}.lora_B.weight"),
    "peft": (f"base_model.model.{LAYER}.lora_A.weight", f"base_model.model.{LAYER}.lora_B.weight"),
    "attention processors": (
        LAYER.replace(".to_q", ".processor.to_q_lora.down.weight"),
        LAYER.replace(".to_q", ".processor.to_q_lora.up.weight"),
    ),
    "kohya": (
        f"lora_unet_{LAYER.replace('.', '_')}.lora_down.weight",
        f"lora_unet_{LAYER.replace('.', '_')}.lora_up.weight",
    ),
}


def load(model):
    registry = default_registry()
    return registry.load(registry.use("generator", "stable-diffusion", label="sd", options={"model": str(model)}))


def factors(rank=2, width=8):
    random = torch.Generator().manual_seed(0)
    return torch.randn(rank, width, generator=random), torch.randn(width, rank, generator=random)


def weight(generator):
    return generator.pipeline.unet.get_submodule(LAYER).weight.detach().clone()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_adds_the_product_of_its_factors(tiny_model, tmp_path, layout):
    down, up = factors()
    save_file(dict(zip(LAYOUTS[layout], (down, up), strict=True)), tmp_path / LORA_FILE)
    generator = load(tiny_model)
    before = weight(generator)
    report = check_lora_file(tmp_path / LORA_FILE, generator.pipeline)
    assert (report.tensors, report.matched) == (2, 2)
    generator.restore(tmp_path)
    assert torch.allclose(weight(generator), before + up @ down, atol=1e-6)


def test_kohyas_alpha_scales_the_update(tiny_model, tmp_path):
    down, up = factors()
    alpha = LAYOUTS["kohya"][0].replace("lora_down.weight", "alpha")
    tensors = dict(zip(LAYOUTS["kohya"], (down, up), strict=True)) | {alpha: torch.tensor(1.0)}
    save_file(tensors, tmp_path / LORA_FILE)
    generator = load(tiny_model)
    before = weight(generator)
    generator.restore(tmp_path)
    assert torch.allclose(weight(generator), before + up @ down * (1 / 2), atol=1e-6)


def test_dora_scales_each_output_to_its_magnitude(tiny_model, tmp_path):
    down, up = factors()
    magnitude = torch.linspace(1, 2, 8)
    names = LAYOUTS["peft in diffusers"]
    tensors = {names[0]: down, names[1]: up, f"unet.{LAYER}.lora_magnitude_vector": magnitude}
    save_file(tensors, tmp_path / LORA_FILE)
    generator = load(tiny_model)
    changed = weight(generator) + up @ down
    assert check_lora_file(tmp_path / LORA_FILE, generator.pipeline).matched == 3
    generator.restore(tmp_path)
    expected = magnitude[:, None] * changed / changed.norm(dim=1, keepdim=True)
    assert torch.allclose(weight(generator), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({f"unet.{LAYER}.lora_A.weight": (2, 9), f"unet.{LAYER}.lora_B.weight": (9, 2)}, "made for another base model"),
        ({f"unet.{LAYER}.lora_A.weight": (2, 8)}, "no counterpart"),
        ({f"unet.{LAYER}.lora_A.weight": (2, 8), f"unet.{LAYER}.lora_B.weight": (8, 3)}, "rank 2"),
        ({"unet.elsewhere.lora_A.weight": (2, 8), "unet.elsewhere.lora_B.weight": (8, 2)}, "belong to no layer"),
        ({"text_encoder.layer.lora_A.weight": (2, 8)}, "also changes the text encoder"),
        ({"features.0.weight": (2, 8)}, "belong to no layer"),
        ({"lora_unet_nothing.lora_down.weight": (2, 8)}, "LoRA file"),
        ({}, "empty"),
    ],
)
def test_a_file_that_would_not_be_used_whole_is_one_sentence(tiny_model, tmp_path, tensors, message):
    save_file({name: torch.ones(shape) for name, shape in tensors.items()}, tmp_path / LORA_FILE)
    with pytest.raises(TckrError, match=message) as caught:
        load(tiny_model).restore(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_one_sentence(tiny_model, tmp_path):
    (tmp_path / LORA_FILE).write_bytes(b"\x80\x04not safetensors")
    with pytest.raises(TckrError, match="cannot be read as safetensors"):
        load(tiny_model).restore(tmp_path)


def true_unet():
    return json.loads((STABLE_DIFFUSION_2 / "unet" / "config.json").read_text())


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="the published LoRA file is not at hand")
def test_the_published_file_fits_stable_diffusion_2_alone(tiny_model):
    report = check_lora_file(PUBLISHED, true_unet())
    assert (report.tensors, report.matched) == (256, 256)
    with pytest.raises(TckrError, match="made for another base model"):
        check_lora_file(PUBLISHED, {**true_unet(), "cross_attention_dim": 768}).require_fit()


@pytest.mark.slow
@pytest.mark.skipif(not PUBLISHED.is_file(), reason="the published LoRA file is not at hand")
def test_the_published_file_changes_the_true_network_as_its_factors_say():
    from diffusers import StableDiffusionPipeline

    network = random_unet(dtype=torch.bfloat16)
    given = dict.fromkeys(("vae", "text_encoder", "tokenizer", "scheduler", "safety_checker"))
    pipeline = StableDiffusionPipeline(**given, unet=network, feature_extractor=None, requires_safety_checker=False)
    layer = network.get_submodule(LAYER)
    before = layer.weight.detach().clone()
    apply_weights(AdaptedWeights(lora=PUBLISHED), pipeline)
    tensors = load_file(PUBLISHED)
    update = tensors[f"unet.{LAYER}.lora.up.weight"] @ tensors[f"unet.{LAYER}.lora.down.weight"]
    expected = (before.float() + update).to(torch.bfloat16)
    changed = network.get_submodule(LAYER).weight
    assert not torch.equal(changed, before)
    assert np.allclose(changed.float().detach(), expected.float(), atol=4e-3)
