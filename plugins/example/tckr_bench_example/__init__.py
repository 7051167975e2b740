"""An example plugin: registers an attack and a captioner, and imports nothing heavy to do so."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field

from tckr_bench.components import AttackComponent, CaptionerComponent, Options, lazily
from tckr_bench.hookspecs import hookimpl


class MarginOptions(Options):
    """Options of the margin attack."""

    temperature: float = Field(default=1.0, gt=0, description="divides the logits before the softmax")


class BrightnessOptions(Options):
    """Options of the brightness captioner."""

    threshold: int = Field(default=128, ge=0, le=255, description="mean pixel value from which an image is bright")


MARGIN = AttackComponent(
    "margin",
    version="1",
    options=MarginOptions,
    load=lazily("tckr_bench_example.components", "MarginAttack"),
    summary="a model is surer of what it was trained on; needs neither labels nor shadow models",
)
BRIGHTNESS = CaptionerComponent(
    "brightness",
    version="1",
    options=BrightnessOptions,
    load=lazily("tckr_bench_example.components", "BrightnessCaptioner"),
    summary="'<class name>: a bright (or dark) picture'",
)


@hookimpl
def register_attacks(register: Callable[[AttackComponent], None]) -> None:
    """Register the attack."""
    register(MARGIN)


@hookimpl
def register_captioners(register: Callable[[CaptionerComponent], None]) -> None:
    """Register the captioner."""
    register(BRIGHTNESS)
