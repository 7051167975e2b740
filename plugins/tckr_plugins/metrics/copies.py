"""How many synthetic images repeat a training image, exactly or nearly, altered or not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tckr_bench.components import MetricComponent, NoOptions
from tckr_plugins.late import np, stats
from tckr_plugins.metrics.measurements import measurement
from tckr_plugins.metrics.quantities import rate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tckr_bench.records import Bools, CellEvidence, Copies, Measurement, Members

SAME = 0.5
"""Root mean squared difference of pixels, of 255, that rounding explains."""
BY_CHANCE = 0.01


class DuplicateRate:
    """Share of synthetic images that differ from a training image by rounding only, and more from any non-member.

    Differences are those that an attack saved. `nearest-copy` undoes an alteration first: a mirrored copy counts here,
    and one of another brightness does. One that was moved by parts of a pixel, cropped or saved as JPEG may differ by
    more than rounding, and then counts as a near repeat alone.
    """

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack that looked for copies; `examples` counts synthetic images."""
        return [
            _rate("duplicate-rate", (near.to_members <= SAME) & (near.to_members < near.to_others), attack)
            for attack, near, _members in _searches(evidence)
        ]


class NearDuplicateRate:
    """Share of synthetic images nearer to a training image than all but 1 % would come by chance.

    Chance is what the distances to non-members show, found by the same search for alterations. Of more members than
    non-members the nearest is nearer even if no image is a copy: with a share q of the synthetic images within some
    distance of one of n, about 1 - (1 - q)^(m / n) are within that distance of one of m. So the limit is the quantile q
    of the distances to non-members for which that is 1 %; with equal numbers, their first percentile. A rate of 1 % is
    therefore what chance alone gives. That takes images near different real ones: images unlike any, such as noise, all
    lie nearest the same few, and their rate says on which side those happen to be.
    """

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack that looked for copies; `examples` counts synthetic images."""
        found = []
        for attack, near, members in _searches(evidence):
            share = 1 - (1 - BY_CHANCE) ** ((~members).sum() / members.sum())
            limit = float(np.quantile(near.to_others, share))
            rate = _rate("near-duplicate-rate", near.to_members < limit, attack)
            told = f"{rate.interval}; nearer than {limit:.1f} of 255, {100 * BY_CHANCE:g} % by chance"
            found.append(replace(rate, interval=told))
        return found


def _searches(evidence: CellEvidence) -> Iterator[tuple[str, Copies, Members]]:
    """Yield (attack, copies, members) per attack that looked at synthetic images."""
    for attack, saved in evidence.attacks.items():
        if saved.copies is not None and len(saved.copies.to_members) and 0 < saved.members.sum() < len(saved.members):
            yield attack, saved.copies, saved.members


def _rate(metric: str, found: Bools, attack: str) -> Measurement:
    return measurement(metric, stats.wilson(int(found.sum()), len(found)), examples=len(found), attack=attack)


DUPLICATE_RATE = MetricComponent(
    "duplicate-rate",
    version="1",
    options=NoOptions,
    load=lambda _options: DuplicateRate(),
    summary="share of synthetic images that repeat a training image",
    quantities=(rate("duplicate-rate", "repeats", "synthetic images that repeat a training image", digits=2),),
)
NEAR_DUPLICATE_RATE = MetricComponent(
    "near-duplicate-rate",
    version="1",
    options=NoOptions,
    load=lambda _options: NearDuplicateRate(),
    summary="share nearer to a training image than chance explains",
    quantities=(
        rate(
            "near-duplicate-rate",
            "near repeats",
            "synthetic images nearer to a training image than chance explains",
            digits=2,
        ),
    ),
)
