"""What each miniature is made of: its public images, its prompts, and the sizes of its networks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Describe one miniature.

    Attributes:
        shares: of the training, by source (Fashion-MNIST, CIFAR-100, digits); a source of share 0 is not read.
        prompt_shares: how often a prompt is "{class}: {caption}", "{class}", "{superclass}: {caption}" or
            "{superclass}"; what is missing to 1 is the share of empty prompts.
        autoencoder_channels: of its levels; each level but the last halves the side.
        latent_channels: of the latents, 8x8.
        unet_channels: of its two levels, 8x8 and 4x4.
        text_width: of the text encoder, and of what the U-Net attends to.
        maximum_length: of a prompt, in tokens.
        half_autoencoder: train the autoencoder in bfloat16 where the processor computes it.
        half_files: save the weights in float16, to halve the package.
    """

    shares: tuple[float, float, float]
    prompt_shares: tuple[float, float, float, float]
    autoencoder_channels: tuple[int, ...]
    latent_channels: int
    unet_channels: tuple[int, int]
    text_width: int
    maximum_length: int
    half_autoencoder: bool = False
    half_files: bool = False


RECIPES = {
    "miniature": Recipe(
        shares=(0.6, 0.3, 0.1),
        prompt_shares=(0.7, 0.2, 0.0, 0.0),
        autoencoder_channels=(16, 32, 64),
        latent_channels=4,
        unet_channels=(48, 96),
        text_width=128,
        maximum_length=40,
    ),
    "mini-natural": Recipe(
        shares=(0.0, 1.0, 0.0),
        prompt_shares=(0.5, 0.15, 0.15, 0.1),
        autoencoder_channels=(24, 48, 96),
        latent_channels=8,
        unet_channels=(48, 128),
        text_width=160,
        maximum_length=48,
        half_autoencoder=True,
        half_files=True,
    ),
}
