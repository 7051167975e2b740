"""Attacks on a released generator: a diffusion model denoises the images it was adapted to better than others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from tckr_bench.components import AttackComponent, Context, DiffusionGenerator, Options
from tckr_bench.errors import NotApplicableError
from tckr_bench.records import DenoisingProbe, ReleaseOutcome, ThreatModel
from tckr_plugins.late import np

if TYPE_CHECKING:
    from typing import Literal

    from tckr_bench.components import ReleaseEvidence
    from tckr_bench.records import Floats


Timestep = Annotated[int, Field(ge=0)]


OF_A_RELEASED_GENERATOR = ThreatModel(
    sees="the adapted generator, if it is released (a diagnostic)",
    owns="the example and the captioner",
    surface="generator",
)


class DenoisingLossOptions(Options):
    """Options of `denoising-loss`."""

    timesteps: tuple[Timestep, ...] = Field(
        default=(100, 200, 300), min_length=1, description="of the training schedule; errors are averaged over them"
    )
    draws: int = Field(default=4, ge=1, le=1024, description="noises to average over at each timestep")
    seed: int = Field(default=0, ge=0, description="of the noises")


class SecmiOptions(Options):
    """Options of `secmi`."""

    timesteps: tuple[Timestep, ...] = Field(
        default=(100,), min_length=1, description="of the training schedule; errors are averaged over them"
    )


class PiaOptions(Options):
    """Options of `pia`."""

    timesteps: tuple[Timestep, ...] = Field(
        default=(200,), min_length=1, description="of the training schedule; errors are averaged over them"
    )


class RediffuseOptions(Options):
    """Options of `rediffuse`."""

    timesteps: tuple[Timestep, ...] = Field(
        default=(200,), min_length=1, description="of the training schedule; distances are averaged over them"
    )
    draws: int = Field(default=4, ge=1, le=1024, description="variations of an image to average at each timestep")
    seed: int = Field(default=0, ge=0, description="of the noises")


class DenoisingAttack:
    """Score each example by minus how badly the adapted generator denoises it, given its caption.

    Formula: s(x) = -mean_t e_t(x) / mean_x' e_t(x'), e_t(x) the error at timestep t; divided by the mean over the
    examples, no timestep counts for more than another. The error is one of four:
    `denoising`: |e - e_theta(z_t, t, c)|^2, z the image's latents, noised to z_t by e, drawn a few times. Source:
    Carlini et al. 2023, Extracting Training Data from Diffusion Models; Matsumoto et al. 2023, Membership Inference
    Attacks against Diffusion Models.
    `secmi`: |z_t - z'_t|^2, z_t reached from z by deterministic steps and z'_t from z_t by one more and one back.
    Source: Duan et al. 2023, Are Diffusion Models Vulnerable to Membership Inference Attacks?
    `pia`: |e_0 - e_theta(sqrt(abar_t) z + sqrt(1 - abar_t) e_0, t, c)|_4 with e_0 = e_theta(z, 0, c). Source: Kong et
    al. 2023, An Efficient Membership Inference Attack for the Diffusion Model by Proximal Initialization.
    `rediffuse`: |mean_k D(z_t^k) - D(z)|^2, z_t^k one of several noisings of z, denoised by deterministic steps, and D
    the decoder: what the model makes of a member is on average that member. Source: Li et al. 2024, Towards Black-Box
    Membership Inference Attack for Diffusion Models. It needs no more than variations of an image.
    Threat model: the adapted generator is released, not the classifier alone; the attacker runs it and owns the example
    and the captioner, so that it has the caption of members and non-members alike. No shadow models: an easy image
    looks like a member, which understates the risk. A diagnostic of such a release.
    """

    threat_model = OF_A_RELEASED_GENERATOR

    def __init__(
        self,
        kind: Literal["denoising", "secmi", "pia", "rediffuse"],
        *,
        timesteps: tuple[int, ...],
        draws: int = 1,
        seed: int = 0,
    ) -> None:
        self.probes = tuple(DenoisingProbe(kind, timestep, draws, seed) for timestep in timesteps)

    def score(self, evidence: ReleaseEvidence, *, context: Context) -> ReleaseOutcome:
        """Return minus the mean relative error of each example.

        Raises:
            NotApplicableError: the generator is no diffusion model, or of a kind that cannot be asked.
            TckrError: a timestep is not in its schedule.
        """
        generator = denoiser_of(evidence)
        total = np.zeros(len(evidence.labels))
        for done, probe in enumerate(self.probes):
            errors = generator.denoising_errors(
                evidence.images, evidence.prompts, probe=probe, context=part_of(context, done, of=len(self.probes))
            )
            total += errors / mean_of(errors)
        return ReleaseOutcome(-total / len(self.probes))


def denoiser_of(evidence: ReleaseEvidence) -> DiffusionGenerator:
    """Return the released generator, which can be asked how well it denoises an image.

    Raises:
        NotApplicableError: it is no diffusion model.
    """
    generator = evidence.generator
    if not isinstance(generator, DiffusionGenerator):
        raise NotApplicableError(
            f"a {type(generator).__name__} has no denoiser to ask; attacks on generators take a method with "
            "'stable-diffusion'"
        )
    return generator


def mean_of(errors: Floats) -> float:
    """Return the mean of errors (n,), never 0, to divide by.

    >>> mean_of(np.array([1.0, 3.0])), mean_of(np.zeros(2)) > 0
    (2.0, True)
    """
    return max(float(errors.mean()), float(np.finfo(np.float64).tiny))


def part_of(context: Context, done: int, *, of: int) -> Context:
    """Return the context of the next of several equal parts of the work, of which some are done."""
    return Context(context.device, lambda fraction: context.progress((done + fraction) / of))


DENOISING_LOSS = AttackComponent(
    "denoising-loss",
    version="1",
    options=DenoisingLossOptions,
    load=lambda options: DenoisingAttack(
        "denoising", timesteps=options.timesteps, draws=options.draws, seed=options.seed
    ),
    summary="minus the adapted generator's denoising error, should it be released (Carlini et al. 2023)",
    surface="generator",
)
SECMI = AttackComponent(
    "secmi",
    version="1",
    options=SecmiOptions,
    load=lambda options: DenoisingAttack("secmi", timesteps=options.timesteps),
    summary="minus the generator's error of a deterministic step there and back (SecMI, Duan et al. 2023)",
    surface="generator",
)
PIA = AttackComponent(
    "pia",
    version="1",
    options=PiaOptions,
    load=lambda options: DenoisingAttack("pia", timesteps=options.timesteps),
    summary="minus the generator's error against its own noise of time 0 (PIA, Kong et al. 2023)",
    surface="generator",
)
REDIFFUSE = AttackComponent(
    "rediffuse",
    version="1",
    options=RediffuseOptions,
    load=lambda options: DenoisingAttack(
        "rediffuse", timesteps=options.timesteps, draws=options.draws, seed=options.seed
    ),
    summary="minus how far the mean of the generator's variations lies from the image (ReDiffuse, Li et al. 2024)",
    surface="generator",
)
