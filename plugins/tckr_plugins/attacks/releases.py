"""Attacks on what may be released beside the classifier: their options and registration; nothing heavy is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from tckr_bench.components import AttackOptions, Component

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import ReleaseAttack

Timestep = Annotated[int, Field(ge=0)]


class ReleaseAttackOptions(AttackOptions):
    """Options of every attack on a release."""

    shadows: int = Field(default=0, ge=0, le=0, description="always 0: the attack compares with no shadow models")


class DenoisingLossOptions(ReleaseAttackOptions):
    """Options of `denoising-loss`."""

    timesteps: tuple[Timestep, ...] = Field(
        default=(100, 200, 300), min_length=1, description="of the training schedule; errors are averaged over them"
    )
    draws: int = Field(default=4, ge=1, le=1024, description="noises to average over at each timestep")
    seed: int = Field(default=0, ge=0, description="of the noises")


class SecmiOptions(ReleaseAttackOptions):
    """Options of `secmi`."""

    timesteps: tuple[Timestep, ...] = Field(
        default=(100,), min_length=1, description="of the training schedule; errors are averaged over them"
    )


class PiaOptions(ReleaseAttackOptions):
    """Options of `pia`."""

    timesteps: tuple[Timestep, ...] = Field(
        default=(200,), min_length=1, description="of the training schedule; errors are averaged over them"
    )


class NearestCopyOptions(ReleaseAttackOptions):
    """Options of `nearest-copy`."""

    space: Literal["pixels", "features"] = Field(
        default="pixels", description="what is compared: pixels, or their lowest frequencies alone"
    )
    calibrate: bool = Field(
        default=False, description="subtract the distance to the nearest image of the validation split, which it needs"
    )
    most_images: int = Field(default=50_000, ge=1, description="synthetic images looked at, the first ones")


class DomiasOptions(ReleaseAttackOptions):
    """Options of `domias`."""

    components: int = Field(default=16, ge=1, le=192, description="dimensions in which densities are estimated")
    most_images: int = Field(default=50_000, ge=1, description="synthetic images looked at, the first ones")


class BlindOptions(ReleaseAttackOptions):
    """Options of `blind`."""

    folds: int = Field(default=5, ge=2, le=100, description="parts of which each is judged by what the others teach")
    seed: int = Field(default=0, ge=0, description="of the dealing into parts")


def register_release_attacks(register: Callable[[Component[ReleaseAttack]], None]) -> None:
    """Register the attacks on generators, synthetic images and captions, and the test of the challenge itself."""
    for component in (*_on_generators(), *_on_images(), _on_captions(), _on_data()):
        register(component)


def _on_generators() -> list[Component[ReleaseAttack]]:
    return [
        Component(
            name="denoising-loss",
            version="1",
            options=DenoisingLossOptions,
            load=_load_denoising_loss,
            summary="minus the adapted generator's denoising error, should it be released (Carlini et al. 2023)",
            surface="generator",
        ),
        Component(
            name="secmi",
            version="1",
            options=SecmiOptions,
            load=_load_secmi,
            summary="minus the generator's error of a deterministic step there and back (SecMI, Duan et al. 2023)",
            surface="generator",
        ),
        Component(
            name="pia",
            version="1",
            options=PiaOptions,
            load=_load_pia,
            summary="minus the generator's error against its own noise of time 0 (PIA, Kong et al. 2023)",
            surface="generator",
        ),
    ]


def _on_images() -> list[Component[ReleaseAttack]]:
    return [
        Component(
            name="nearest-copy",
            version="1",
            options=NearestCopyOptions,
            load=_load_nearest_copy,
            summary="minus the distance to the nearest synthetic image, should the images be released; counts copies",
            surface="images",
        ),
        Component(
            name="domias",
            version="1",
            options=DomiasOptions,
            load=_load_domias,
            summary="how much denser synthetic images lie there than real ones (DOMIAS, van Breugel et al. 2023)",
            surface="images",
        ),
    ]


def _on_captions() -> Component[ReleaseAttack]:
    return Component(
        name="caption-match",
        version="1",
        options=ReleaseAttackOptions,
        load=_load_caption_match,
        summary="whether the example's caption is among the prompts, should they be released; rare ones tell more",
        surface="captions",
    )


def _on_data() -> Component[ReleaseAttack]:
    return Component(
        name="blind",
        version="1",
        options=BlindOptions,
        load=_load_blind,
        summary="no attack: whether members differ from non-members without any model; 0.5 on a sound challenge",
        surface="data",
    )


def _load_nearest_copy(options: NearestCopyOptions) -> ReleaseAttack:
    from tckr_plugins.attacks.copies import NearestCopyAttack

    return NearestCopyAttack(space=options.space, calibrate=options.calibrate, most_images=options.most_images)


def _load_domias(options: DomiasOptions) -> ReleaseAttack:
    from tckr_plugins.attacks.domias import DomiasAttack

    return DomiasAttack(components=options.components, most_images=options.most_images)


def _load_caption_match(_options: ReleaseAttackOptions) -> ReleaseAttack:
    from tckr_plugins.attacks.caption_match import CaptionMatchAttack

    return CaptionMatchAttack()


def _load_blind(options: BlindOptions) -> ReleaseAttack:
    from tckr_plugins.attacks.blind import BlindTest

    return BlindTest(folds=options.folds, seed=options.seed)


def _load_denoising_loss(options: DenoisingLossOptions) -> ReleaseAttack:
    from tckr_plugins.attacks.denoising import DenoisingAttack

    return DenoisingAttack("denoising", timesteps=options.timesteps, draws=options.draws, seed=options.seed)


def _load_secmi(options: SecmiOptions) -> ReleaseAttack:
    from tckr_plugins.attacks.denoising import DenoisingAttack

    return DenoisingAttack("secmi", timesteps=options.timesteps)


def _load_pia(options: PiaOptions) -> ReleaseAttack:
    from tckr_plugins.attacks.denoising import DenoisingAttack

    return DenoisingAttack("pia", timesteps=options.timesteps)
