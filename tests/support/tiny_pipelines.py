"""Random pipelines of every kind, of a few thousand weights each, in the diffusers folder format."""

import string

import torch
from diffusers import (
    AutoencoderDC,
    AutoencoderKL,
    DDIMScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    PixArtAlphaPipeline,
    PixArtTransformer2DModel,
    SanaPipeline,
    SanaTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from tckr_plugins.generators.architecture import byte_tokenizer
from tckr_plugins.generators.pipelines import quiet
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    Gemma2Config,
    Gemma2Model,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
)

WIDTH = 16


def letter_tokenizer(length):
    letters = ["<pad>", "</s>", "<unk>", "<s>", *string.printable]
    backend = Tokenizer(models.WordLevel({letter: index for index, letter in enumerate(letters)}, unk_token="<unk>"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=length
    )


def clip(kind, tokenizer):
    return kind(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=WIDTH,
            projection_dim=WIDTH,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=tokenizer.model_max_length,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def t5(tokenizer):
    return T5EncoderModel(
        T5Config(vocab_size=len(tokenizer), d_model=WIDTH, d_kv=8, d_ff=WIDTH, num_layers=1, num_heads=2)
    )


def autoencoder(channels=4, levels=2, **options):
    return AutoencoderKL(
        block_out_channels=(8,) * levels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        latent_channels=channels,
        norm_num_groups=4,
        **options,
    )


def xl(scheduler=None):
    words = byte_tokenizer(24)
    return StableDiffusionXLPipeline(
        vae=autoencoder(),
        text_encoder=clip(CLIPTextModel, words),
        text_encoder_2=clip(CLIPTextModelWithProjection, words),
        tokenizer=words,
        tokenizer_2=byte_tokenizer(24),
        unet=UNet2DConditionModel(
            sample_size=8,
            block_out_channels=(8, 16),
            layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            attention_head_dim=(2, 4),
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            transformer_layers_per_block=(1, 2),
            projection_class_embeddings_input_dim=6 * 8 + WIDTH,
            cross_attention_dim=2 * WIDTH,
            norm_num_groups=4,
        ),
        scheduler=scheduler or EulerDiscreteScheduler(beta_schedule="scaled_linear", steps_offset=1),
    )


def turbo():
    return xl(EulerAncestralDiscreteScheduler(timestep_spacing="trailing"))


def sd3():
    words, letters = byte_tokenizer(24), letter_tokenizer(24)
    return StableDiffusion3Pipeline(
        transformer=SD3Transformer2DModel(
            sample_size=8,
            patch_size=1,
            in_channels=4,
            num_layers=1,
            attention_head_dim=8,
            num_attention_heads=2,
            caption_projection_dim=16,
            joint_attention_dim=2 * WIDTH,
            pooled_projection_dim=2 * WIDTH,
            out_channels=4,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=autoencoder(shift_factor=0.06, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=clip(CLIPTextModelWithProjection, words),
        tokenizer=words,
        text_encoder_2=clip(CLIPTextModelWithProjection, words),
        tokenizer_2=byte_tokenizer(24),
        text_encoder_3=T5EncoderModel(
            T5Config(vocab_size=len(letters), d_model=2 * WIDTH, d_kv=8, d_ff=WIDTH, num_layers=1, num_heads=2)
        ),
        tokenizer_3=letters,
    )


def pixart():
    letters = letter_tokenizer(24)
    return PixArtAlphaPipeline(
        transformer=PixArtTransformer2DModel(
            sample_size=8,
            num_layers=1,
            patch_size=2,
            attention_head_dim=8,
            num_attention_heads=2,
            caption_channels=WIDTH,
            in_channels=4,
            cross_attention_dim=16,
            out_channels=8,
        ),
        scheduler=DDIMScheduler(),
        vae=autoencoder(),
        text_encoder=t5(letters),
        tokenizer=letters,
    )


def sana():
    letters = letter_tokenizer(400)
    return SanaPipeline(
        transformer=SanaTransformer2DModel(
            patch_size=1,
            in_channels=4,
            out_channels=4,
            num_layers=1,
            num_attention_heads=2,
            attention_head_dim=4,
            num_cross_attention_heads=2,
            cross_attention_head_dim=4,
            cross_attention_dim=8,
            caption_channels=8,
            sample_size=8,
        ),
        vae=AutoencoderDC(
            in_channels=3,
            latent_channels=4,
            attention_head_dim=2,
            encoder_block_types=("ResBlock", "EfficientViTBlock"),
            decoder_block_types=("ResBlock", "EfficientViTBlock"),
            encoder_block_out_channels=(8, 8),
            decoder_block_out_channels=(8, 8),
            encoder_qkv_multiscales=((), (5,)),
            decoder_qkv_multiscales=((), (5,)),
            encoder_layers_per_block=(1, 1),
            decoder_layers_per_block=(1, 1),
            downsample_block_type="conv",
            upsample_block_type="interpolate",
            decoder_norm_types="rms_norm",
            decoder_act_fns="silu",
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=7.0),
        text_encoder=Gemma2Model(
            Gemma2Config(
                head_dim=8,
                hidden_size=8,
                intermediate_size=16,
                num_attention_heads=2,
                num_hidden_layers=1,
                num_key_value_heads=2,
                vocab_size=len(letters),
                attn_implementation="eager",
                pad_token_id=0,
                eos_token_id=1,
                bos_token_id=3,
            )
        ),
        tokenizer=letters,
    )


def flux():
    words, letters = byte_tokenizer(24), letter_tokenizer(24)
    return FluxPipeline(
        transformer=FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            pooled_projection_dim=WIDTH,
            axes_dims_rope=(4, 4, 8),
            guidance_embeds=True,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=autoencoder(shift_factor=0.06, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=clip(CLIPTextModel, words),
        tokenizer=words,
        text_encoder_2=t5(letters),
        tokenizer_2=letters,
    )


KINDS = {"sdxl": xl, "sdxl-turbo": turbo, "sd3": sd3, "pixart": pixart, "sana": sana, "flux": flux}


def save_pipeline(kind, folder):
    """Save a random pipeline, the same one each time, and return its folder."""
    with quiet(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        KINDS[kind]().save_pretrained(folder)
    return folder
