"""Built-in membership-inference attacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tckr_bench.components import AttackOptions, Component, ShadowAttackOptions
from tckr_bench.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Attack


class LossOptions(AttackOptions):
    """Options of `loss`."""

    shadows: int = Field(default=0, ge=0, le=0, description="always 0: the attack compares with nothing")


class LiraOptions(ShadowAttackOptions):
    """Options of `lira`."""

    variance: Literal["fixed", "per-example"] = Field(
        default="fixed",
        description="pool the variance over the examples (better with few shadows), or estimate it for each",
    )


@hookimpl
def register_attacks(register: Callable[[Component[Attack]], None]) -> None:
    """Register the built-in attacks."""
    register(
        Component(
            name="loss",
            version="1",
            options=LossOptions,
            load=_load_loss,
            summary="minus the cross-entropy: members are fitted better; needs no shadow models",
        )
    )
    register(
        Component(
            name="lira",
            version="1",
            options=LiraOptions,
            load=_load_lira,
            summary="likelihood ratio against shadow models trained with and without the example (LiRA)",
        )
    )


def _load_loss(_options: LossOptions) -> Attack:
    from tckr_plugins.attacks.loss import LossAttack

    return LossAttack()


def _load_lira(options: LiraOptions) -> Attack:
    from tckr_plugins.attacks.lira import LiraAttack

    return LiraAttack(variance=options.variance)
