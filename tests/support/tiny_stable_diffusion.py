"""A Stable Diffusion small enough for tests, whose parts know nothing."""

import json
import string


def _save_tokenizer(folder, length):
    from transformers import CLIPTokenizer

    characters = string.ascii_lowercase + string.digits + string.punctuation
    words = [*characters, *(character + "</w>" for character in characters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: index for index, word in enumerate(words)}
    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer.from_pretrained(str(folder), model_max_length=length)


def _text_encoder(tokenizer, length):
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=length,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def build_tiny_model(folder, *, prediction="v_prediction"):
    """Save a random StableDiffusionPipeline for 32x32 images, the same one each time."""
    import torch
    from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel

    folder.mkdir(parents=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        tokenizer = _save_tokenizer(folder / "words", length := 24)
        pipeline = StableDiffusionPipeline(
            vae=AutoencoderKL(
                block_out_channels=(8, 8, 8),
                down_block_types=("DownEncoderBlock2D",) * 3,
                up_block_types=("UpDecoderBlock2D",) * 3,
                latent_channels=4,
                norm_num_groups=4,
                sample_size=32,
            ),
            text_encoder=_text_encoder(tokenizer, length),
            tokenizer=tokenizer,
            unet=UNet2DConditionModel(
                sample_size=8,
                block_out_channels=(8, 16),
                down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
                up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
                layers_per_block=1,
                cross_attention_dim=16,
                attention_head_dim=2,
                norm_num_groups=4,
            ),
            scheduler=DPMSolverMultistepScheduler(prediction_type=prediction, steps_offset=1),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
    pipeline.save_pretrained(folder / "model")
    return folder / "model"
