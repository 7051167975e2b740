"""Options of the attacks on a classifier."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tckr_bench.components import AttackOptions, ShadowAttackOptions

PaperVariant = Literal[
    "offline-stable-global",
    "offline-stable-per-example",
    "offline-unstable-global",
    "offline-unstable-per-example",
    "offline-margin-global",
    "offline-margin-per-example",
    "online-stable-global",
    "online-stable-per-example",
    "online-unstable-global",
    "online-unstable-per-example",
    "online-margin-global",
    "online-margin-per-example",
]
"""What `lira-paper` can be: <mode>-<form of phi>-<variance>."""


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


class BavariaOptions(ShadowAttackOptions):
    """Options of `bavaria`."""

    mode: Literal["online", "offline"] = Field(
        default="online", description="use shadow models trained with and without the example, or those without alone"
    )
    predictive: Literal["t", "n"] = Field(
        default="t",
        description="Student's t, which knows how uncertain mean and variance are, or a Gaussian with that variance",
    )


class CalibratedLossOptions(ShadowAttackOptions):
    """Options of `calibrated-loss`."""


class QuantileRegressionOptions(ReferenceFreeOptions):
    """Options of `quantile-regression`."""

    regression: Literal["gaussian", "quantile"] = Field(
        default="gaussian", description="predict the mean and deviation of a non-member's confidence, or its quantile"
    )
    level: float = Field(default=0.95, gt=0, lt=1, description="which quantile, where a quantile is predicted")


class LiraPaperOptions(ShadowAttackOptions):
    """Options of `lira-paper`."""

    shadows: int = Field(
        default=16,
        ge=2,
        le=4096,
        multiple_of=2,
        description="shadow models, in pairs of IN and OUT, each trained on a part of the test split; 256 in the paper",
    )
    adaptive: Literal[False] = Field(default=False, description="always false: the published shadows are not adaptive")
    shadow_data: Literal["test-split"] = Field(
        default="test-split", description="always the test split, as published: no shadow model ever sees a member"
    )
    variant: PaperVariant = Field(
        default="online-stable-global",
        description="which of the twelve published variants; the paper reports the best on its evaluation data",
    )
