"""Model families that are recognised by name: what one image costs, and what they were trained on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.records import Pretraining

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFERENCE_SIDE = 224
_DECODER = 0.476e12  # the autoencoder's decoder, 128-256-512-512 channels, at the reference side
_TEXT = 0.045e12  # the text encoder of Stable Diffusion 2 on one prompt

_LAION = "images scraped from the web (LAION-5B subsets, as its authors say); any public image may have been among them"


@dataclass(frozen=True)
class Family:
    """A family of models with one U-Net architecture.

    The floating-point operations of one pass of the U-Net are `linear` x p + `quadratic` x p^2, where p is the number
    of pixels over 224 x 224: counted with torch's FlopCounterMode on the published architectures at 224 and 1024
    pixels. Convolutions grow with p, self-attention with p^2.
    """

    name: re.Pattern[str]
    native_side: int
    linear: float
    quadratic: float


_FAMILIES = (
    Family(re.compile(r"stable-diffusion-2(-1)?-base"), 512, 0.1363e12, 0.0042e12),
    Family(re.compile(r"stable-diffusion-2(-1)?"), 768, 0.1363e12, 0.0042e12),
    Family(re.compile(r"stable-diffusion-v?1-[1-5]"), 512, 0.1353e12, 0.0042e12),
    Family(re.compile(r"sdxl-turbo"), 512, 0.3235e12, 0.0),
    Family(re.compile(r"(stable-diffusion-xl|sdxl)-base-1\.0"), 1024, 0.3235e12, 0.0),
)


def operations_per_image(model: str, *, steps: int, guidance: float, image_size: int | None) -> float | None:
    """Return the floating-point operations of one image of a model known by name, else None.

    With guidance above 1 every step passes the U-Net twice, with the prompt and without. Stable Diffusion 2 at 224
    pixels, 20 steps, guided: 5.6 TFLOP of the U-Net and 0.5 of decoder and text encoder.

    >>> round(operations_per_image("somebody/stable-diffusion-2", steps=20, guidance=2, image_size=224) / 1e12, 1)
    6.1
    >>> operations_per_image("miniature", steps=20, guidance=2, image_size=None)
    """
    family = _family(model)
    if family is None:
        return None
    pixels = ((image_size or family.native_side) / _REFERENCE_SIDE) ** 2
    passes = steps * (2 if guidance > 1 else 1)
    return passes * (family.linear * pixels + family.quadratic * pixels**2) + _DECODER * pixels + _TEXT


def pretraining_by_name(model: str) -> Pretraining | None:
    """Return what a model known by name has seen: images of the web, so nothing can be ruled out; else None."""
    nothing: Mapping[str, tuple[str, ...]] = {}
    return None if _family(model) is None else Pretraining(nothing, (), _LAION, known=False)


def _family(model: str) -> Family | None:
    """Return the family that the last part of a path or hub id names."""
    last = model.rstrip("/").rsplit("/", 1)[-1].lower()
    return next((family for family in _FAMILIES if family.name.fullmatch(last)), None)
