"""CLiD, the conditional likelihood discrepancy: a member's own caption helps the generator more than others' do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tckr_bench.components import AttackComponent, Options
from tckr_bench.records import DenoisingProbe, ReleaseOutcome
from tckr_plugins.attacks.denoising import OF_A_RELEASED_GENERATOR, Timestep, denoiser_of, mean_of, part_of
from tckr_plugins.late import np

if TYPE_CHECKING:
    from tckr_bench.components import Context, ReleaseEvidence
    from tckr_bench.records import Floats

Reduction = Literal["empty", "parts"]
PARTS = 3  # of a caption, as published


class ClidOptions(Options):
    """Options of `clid`."""

    timesteps: tuple[Timestep, ...] = Field(
        default=(100, 200, 300), min_length=1, description="of the training schedule; errors are averaged over them"
    )
    draws: int = Field(default=4, ge=1, le=1024, description="noises to average over at each timestep")
    seed: int = Field(default=0, ge=0, description="of the noises, the same for every caption of an image")
    reduction: Reduction = Field(
        default="empty",
        description="what the caption is compared with: the empty one, or that and each third of the caption, at 2.5 "
        "times the cost",
    )
    weight: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="of the discrepancy; the rest is the weight of the denoising error under the caption itself",
    )


class ClidAttack:
    """Score each example by how much worse the adapted generator denoises it without its caption than with it.

    Formula: L(x, c) = mean_t e_t(x, c) / mean_x' e_t(x', c'), e_t(x, c) = |e - e_theta(z_t, t, c)|^2 as in
    `denoising-loss`, c the example's own caption and c' the others'; D(x) = mean_r [L(x, r) - L(x, c)] over reduced
    captions r, with the same noises and the same divisor, an estimate of log p(x | c) - log p(x | r) but for a factor.
    s(x) = w S(D(x)) - (1 - w) S(L(x, c)), where S takes off the median over the examples and divides by their
    interquartile range, and w is `weight`. A model learns by heart an image *given its text* before it learns the image
    alone by heart, and an image that is easy with its caption is easy without: the difference is less misled by it.
    Source: Zhai et al. 2024, Membership Inference on Text-to-Image Diffusion Models via Conditional Likelihood
    Discrepancy, arXiv 2405.14800 (CLiD_th, by a threshold). Differences: the published code fits S and w on a generator
    of the attacker's own, whose members it knows; here S is fitted on the examples, and w is given. It asks at times
    485, 495 and 505 with one noise; here a time's errors are divided by their mean first, so that none counts for more.
    Threat model: as of `denoising-loss`: the adapted generator is released, not the classifier alone; the attacker runs
    it with any caption and owns the example and the captioner. No shadow models. A diagnostic of such a release.
    """

    threat_model = OF_A_RELEASED_GENERATOR

    def __init__(
        self,
        *,
        timesteps: tuple[int, ...] = (100, 200, 300),
        draws: int = 4,
        seed: int = 0,
        reduction: Reduction = "empty",
        weight: float = 1.0,
    ) -> None:
        self.probes = tuple(DenoisingProbe("denoising", timestep, draws, seed) for timestep in timesteps)
        self.reduction = reduction
        self.weight = weight

    def score(self, evidence: ReleaseEvidence, *, context: Context) -> ReleaseOutcome:
        """Return the weighed discrepancy of each example, (n,) float64.

        Raises:
            NotApplicableError: the generator is no diffusion model, or of a kind that cannot be asked.
            TckrError: a timestep is not in its schedule.
        """
        generator = denoiser_of(evidence)
        captions = (evidence.prompts, *reduced_captions(evidence.prompts, self.reduction))
        errors = np.zeros((len(captions), len(evidence.labels)))
        steps = [(probe, index) for probe in self.probes for index in range(len(captions))]
        divisor = 1.0
        for done, (probe, index) in enumerate(steps):
            part = part_of(context, done, of=len(steps))
            found = generator.denoising_errors(evidence.images, captions[index], probe=probe, context=part)
            if index == 0:
                divisor = mean_of(found)
            errors[index] += found / divisor / len(self.probes)
        own, discrepancy = errors[0], errors[1:].mean(axis=0) - errors[0]
        scores = self.weight * robustly_scaled(discrepancy) - (1 - self.weight) * robustly_scaled(own)
        return ReleaseOutcome(scores)


def reduced_captions(captions: tuple[str, ...], reduction: Reduction) -> list[tuple[str, ...]]:
    """Return what each caption (n) is compared with, one tuple of n per reduction: nothing, or its thirds and nothing.

    >>> reduced_captions(("a red dog",), "parts")
    [('a r',), ('ed ',), ('dog',), ('',)]
    """
    cuts = [
        tuple(text[len(text) * part // PARTS : len(text) * (part + 1) // PARTS] for text in captions)
        for part in range(PARTS)
    ]
    return [*(cuts if reduction == "parts" else []), ("",) * len(captions)]


def robustly_scaled(values: Floats) -> Floats:
    """Return values (n,) less their median, over their interquartile range where they have one.

    >>> robustly_scaled(np.array([1.0, 2.0, 3.0, 4.0, 90.0])).tolist()
    [-1.0, -0.5, 0.0, 0.5, 43.5]
    """
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    scaled: Floats = (values - middle) / (high - low if high > low else 1.0)
    return scaled


CLID = AttackComponent(
    "clid",
    version="1",
    options=ClidOptions,
    load=lambda options: ClidAttack(
        timesteps=options.timesteps,
        draws=options.draws,
        seed=options.seed,
        reduction=options.reduction,
        weight=options.weight,
    ),
    summary="how much the caption helps the adapted generator denoise the image (CLiD, Zhai et al. 2024)",
    surface="generator",
)
