"""Options of every attack that compares with shadow models, and what it declares of them."""

from __future__ import annotations

from pydantic import Field

from tckr_bench.components import Options, Shadows


class ShadowOptions(Options):
    """How many shadow models, and what they repeat."""

    shadows: int = Field(
        default=16,
        ge=2,
        le=4096,
        description="shadow models, each trained on a random half of the challenge examples",
    )
    adaptive: bool = Field(
        default=False,
        description="shadow models repeat the whole pipeline of the target (caption, adapt, generate, teacher, "
        "student) on their half, instead of learning from the real images",
    )


def shadows_of(options: ShadowOptions) -> Shadows:
    """Return the shadow models that the options ask for."""
    return Shadows(options.shadows, adaptive=options.adaptive)
