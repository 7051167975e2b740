"""Options of the attacks on a classifier."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tckr_bench.components import AttackOptions, ShadowAttackOptions


class ReferenceFreeOptions(AttackOptions):
    """Options of attacks that use no shadow models."""

    shadows: int = Field(default=0, ge=0, le=0, description="always 0: the attack compares with no shadow models")


class LiraOptions(ShadowAttackOptions):
    """Options of `lira`."""

    mode: Literal["online", "offline"] = Field(
        default="online", description="use shadow models trained with and without the example, or those without alone"
    )
    tail: Literal["one-sided", "two-sided"] = Field(
        default="one-sided",
        description="offline alone: only more confidence than the shadows' speaks for a member, or any deviation",
    )
    variance: Literal["fixed", "per-example"] = Field(
        default="fixed",
        description="pool the variance over the examples (better with few shadows), or estimate it for each",
    )
    queries: Literal["plain", "all"] = Field(
        default="plain",
        description="ask about the example alone, or its altered copies as well (augmented_queries in the matrix)",
    )


class RmiaOptions(ShadowAttackOptions):
    """Options of `rmia`."""

    mode: Literal["online", "offline"] = Field(
        default="online", description="use shadow models trained with and without the example, or those without alone"
    )
    gamma: float = Field(default=1.0, gt=0, description="by how much an example must outdo one of the population")
    offline_a: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="offline alone: 1 if training leaves probabilities as they are, 0 if it lifts them to 1",
    )
