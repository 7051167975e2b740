"""What many images show together that one does not: whether a whole dataset was used, and how much of it comes out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tckr_bench.components import MetricComponent, NoOptions
from tckr_plugins.late import stats
from tckr_plugins.metrics.measurements import challenges, enough_of_each, measurement
from tckr_plugins.metrics.quantities import rate

if TYPE_CHECKING:
    from tckr_bench.records import CellEvidence, Measurement

SET_SIZE = 100
FALSE_CLAIMS = 0.01


class DatasetPower:
    """How often the owner of 100 members proves their use by an attack's scores, at 1 % false claims.

    The owner compares the scores of 100 members with those of 100 images of the same source that were kept back, by
    the one-sided rank test of Mann and Whitney at a level of 1 %. With N = 200 images in two equal parts its power is,
    with A the area under the attack's ROC curve, Phi(sqrt(3 N) (A - 1/2) - z), z the 99th percentile of a standard
    normal distribution: 1 % for a blind attack, 13 % at an area of 0.55, 55 % at 0.6. The interval is that of A,
    carried through.
    A student may keep too little of any one image for an attack to name it, and enough of all of them for this.
    Source: Noether 1987, Sample Size Determination for Some Common Nonparametric Tests (the power); Maini
    et al. 2021, Dataset Inference (the test of many scores at once), arXiv 2502.02970 (distilled students).
    """

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack with members and non-members enough."""
        found = []
        for attack, scores, members in challenges(evidence, canaries=False):
            if enough_of_each(members):
                area = stats.auc_interval(scores, members)
                value, low, high = (rank_test_power(end) for end in (area.value, area.low, area.high))
                power = replace(area, value=value, low=low, high=high, method=f"{area.method} of the AUC")
                found.append(measurement("dataset-power", power, examples=len(scores), attack=attack))
        return found


class MembersExtracted:
    """Share of members nearer to a released synthetic image than any non-member is: drawn out, by all appearances.

    A member counts where the score of an attack that looks for copies is above that of every non-member. If no image
    was learned by heart, members / (non-members + 1) of them are by chance, one where there are as many of either; the
    interval's method says how many it is and how many were found. The interval is that of the share at this limit. It
    counts members, where `duplicate-rate` counts synthetic images: of a thousand copies of one member it counts one. A
    non-member with a copy of its own, as in a dataset that repeats itself, hides all that are farther.
    With more synthetic images per prompt (a cardinality of 10, say) more come out; the rows of a board tell how many at
    which cost.
    Source: Carlini et al. 2023, Extracting Training Data from Diffusion Models (a member is extracted that lies within
    a distance of a generated image; their limit is fixed, or a share of the distances to neighbours).
    """

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack that looked for copies; `examples` counts members and non-members."""
        found = []
        for attack, scores, members in challenges(evidence, canaries=False):
            copies = evidence.attacks[attack].copies
            if copies is None or not len(copies.to_members):
                continue
            total, others = int(members.sum()), int((~members).sum())
            count = int((scores[members] > scores[~members].max()).sum())
            share = stats.wilson(count, total)
            told = f"{share.method}; {count:,} of {total:,} members, {total / (others + 1):.1f} by chance"
            found.append(
                measurement("members-extracted", replace(share, method=told), examples=len(members), attack=attack)
            )
        return found


def rank_test_power(area: float, *, size: int = SET_SIZE, level: float = FALSE_CLAIMS) -> float:
    """Return the power of the rank test of so many members and non-members each, from the AUC between them, 0 to 1.

    Source: Noether 1987, with equal parts: the variance is that of no difference, so that it is exact at an area of 1/2
    and an approximation elsewhere.

    >>> [round(rank_test_power(area), 3) for area in (0.5, 0.55, 0.6, 0.7)]
    [0.01, 0.135, 0.549, 0.995]
    """
    from scipy.special import ndtr, ndtri

    return float(ndtr((6 * size) ** 0.5 * (area - 0.5) + ndtri(level)))


DATASET_POWER = MetricComponent(
    "dataset-power",
    version="1",
    options=NoOptions,
    load=lambda _options: DatasetPower(),
    summary="how often the owner of 100 members proves their use by an attack's scores, at 1 % false claims",
    quantities=(
        rate(
            "dataset-power", "sets of 100 proved", "sets of 100 members whose use an attack proves at 1 % false claims"
        ),
    ),
)
MEMBERS_EXTRACTED = MetricComponent(
    "members-extracted",
    version="1",
    options=NoOptions,
    load=lambda _options: MembersExtracted(),
    summary="share of members that come nearer to a synthetic image than any non-member",
    quantities=(
        rate(
            "members-extracted",
            "members extracted",
            "members nearer to a synthetic image than any non-member",
            digits=2,
        ),
    ),
)
