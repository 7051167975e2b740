"""An example plugin: registers an attack and a captioner, and imports nothing heavy to do so."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field

from tckr_bench.components import Attack, AttackOptions, Captioner, Component, Options
from tckr_bench.hookspecs import hookimpl


class MarginOptions(AttackOptions):
    """Options of the margin attack."""

    shadows: int = Field(default=0, ge=0, le=0, description="shadow models; this attack needs none")
    temperature: float = Field(default=1.0, gt=0, description="divides the logits before the softmax")


class BrightnessOptions(Options):
    """Options of the brightness captioner."""

    threshold: int = Field(default=128, ge=0, le=255, description="mean pixel value from which an image is bright")


def load_margin(options: MarginOptions) -> Attack:
    """Return the attack."""
    from tckr_bench_example.components import MarginAttack

    return MarginAttack(options.temperature)


def load_brightness(options: BrightnessOptions) -> Captioner:
    """Return the captioner."""
    from tckr_bench_example.components import BrightnessCaptioner

    return BrightnessCaptioner(options.threshold)


MARGIN = Component(
    name="margin",
    version="1",
    options=MarginOptions,
    load=load_margin,
    summary="a model is surer of what it was trained on; needs neither labels nor shadow models",
)
BRIGHTNESS = Component(
    name="brightness",
    version="1",
    options=BrightnessOptions,
    load=load_brightness,
    summary="'<class name>: a bright (or dark) picture'",
)


@hookimpl
def register_attacks(register: Callable[[Component[Attack]], None]) -> None:
    """Register the attack."""
    register(MARGIN)


@hookimpl
def register_captioners(register: Callable[[Component[Captioner]], None]) -> None:
    """Register the captioner."""
    register(BRIGHTNESS)
