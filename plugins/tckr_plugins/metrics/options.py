"""Options that several metrics have."""

from __future__ import annotations

from pydantic import Field

from tckr_bench.components import Options


class SeedOptions(Options):
    """Options of the metrics that draw something at random."""

    seed: int = Field(default=0, ge=0, description="seed of what is drawn at random")


class EpsilonOptions(SeedOptions):
    """Options of the lower bounds of epsilon."""

    delta: float = Field(default=1e-5, ge=0, lt=1, description="delta of the differential privacy that is refuted")


class GaussianEpsilonOptions(EpsilonOptions):
    """Options of the lower bound of epsilon under Gaussian privacy, which has an epsilon above delta 0 alone."""

    delta: float = Field(default=1e-5, gt=0, lt=1, description="delta of the differential privacy that is refuted")


class ResamplingOptions(SeedOptions):
    """Options of the metrics whose interval is a bootstrap."""

    replicates: int = Field(default=1000, ge=100, le=100_000, description="bootstrap resamples")
