"""Attacks on what may be released beside the classifier: their options and registration; nothing heavy is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tckr_bench.components import AttackOptions, Component

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import ReleaseAttack


class ReleaseAttackOptions(AttackOptions):
    """Options of every attack on a release."""

    shadows: int = Field(default=0, ge=0, le=0, description="always 0: the attack compares with no shadow models")


class NearestCopyOptions(ReleaseAttackOptions):
    """Options of `nearest-copy`."""

    space: Literal["pixels", "features"] = Field(
        default="pixels", description="what is compared: pixels, or their lowest frequencies alone"
    )
    calibrate: bool = Field(
        default=False, description="subtract the distance to the nearest image of the validation split, which it needs"
    )
    most_images: int = Field(default=50_000, ge=1, description="synthetic images looked at, the first ones")


class BlindOptions(ReleaseAttackOptions):
    """Options of `blind`."""

    folds: int = Field(default=5, ge=2, le=100, description="parts of which each is judged by what the others teach")
    seed: int = Field(default=0, ge=0, description="of the dealing into parts")


def register_release_attacks(register: Callable[[Component[ReleaseAttack]], None]) -> None:
    """Register the attacks on generators, synthetic images and captions, and the test of the challenge itself."""
    register(
        Component(
            name="nearest-copy",
            version="1",
            options=NearestCopyOptions,
            load=_load_nearest_copy,
            summary="minus the distance to the nearest synthetic image, should the images be released; counts copies",
            surface="images",
        )
    )
    register(
        Component(
            name="blind",
            version="1",
            options=BlindOptions,
            load=_load_blind,
            summary="no attack: whether members differ from non-members without any model; 0.5 on a sound challenge",
            surface="data",
        )
    )


def _load_nearest_copy(options: NearestCopyOptions) -> ReleaseAttack:
    from tckr_plugins.attacks.copies import NearestCopyAttack

    return NearestCopyAttack(space=options.space, calibrate=options.calibrate, most_images=options.most_images)


def _load_blind(options: BlindOptions) -> ReleaseAttack:
    from tckr_plugins.attacks.blind import BlindTest

    return BlindTest(folds=options.folds, seed=options.seed)
