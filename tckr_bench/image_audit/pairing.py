"""Who is compared with whom: training and hold-out images in random pairs, half of which teach and half are judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.errors import DatasetError
from tckr_bench.image_audit.outcome import PairCounts
from tckr_bench.seeds import derive_seed
from tckr_bench.stats import pair_epsilon, smallest_p_value

if TYPE_CHECKING:
    from tckr_bench.records import Indices

CONFIDENCE = 0.975
"""Of the test and of the bound on epsilon each, so that both hold with 95 %."""
FEWEST_PAIRS = 20
MOST_PAIRS = 10_000
"""More take long and tell hardly more."""
_REFERENCES = 4
"""One in so many hold-out images is set aside, at least, to tell how near an image lies to others like it anyway."""


@dataclass(frozen=True)
class Pairing:
    """Which training image is paired with which hold-out image, (pairs,) each, and the references, at random."""

    members: Indices
    others: Indices
    references: Indices


def count_pairs(train: int, holdout: int, *, delta: float) -> PairCounts:
    """Return how many pairs so many images make.

    Raises:
        DatasetError: there are fewer than `FEWEST_PAIRS`; says what they could tell at the most.
    """
    references = min(max(-(-holdout // _REFERENCES), holdout - train), MOST_PAIRS)
    pairs = min(train, holdout - references, MOST_PAIRS)
    judged = pairs - pairs // 2
    if pairs < FEWEST_PAIRS:
        needed = -(-FEWEST_PAIRS * _REFERENCES // (_REFERENCES - 1))
        most = f"no p-value below {smallest_p_value(judged):.2g}" if judged > 0 else "no p-value at all"
        raise DatasetError(
            f"{train} training and {holdout} hold-out images are too few: half of their {max(pairs, 0)} pairs is "
            f"judged, which allows {most}; give at least {FEWEST_PAIRS} training and {needed} hold-out images"
        )
    largest = pair_epsilon(np.ones(judged), delta=delta, confidence=CONFIDENCE).value
    return PairCounts(pairs, judged, references, smallest_p_value(judged), largest)


def pair_up(train: int, holdout: int, *, counts: PairCounts, seed: int) -> Pairing:
    """Pair images at random; the first half of the pairs teaches.

    >>> pairing = pair_up(30, 40, counts=count_pairs(30, 40, delta=0.0), seed=0)
    >>> len(pairing.members), len(pairing.others), len(pairing.references)
    (30, 30, 10)
    """
    generator = np.random.default_rng(derive_seed("image-audit", seed))
    members, others = generator.permutation(train), generator.permutation(holdout)
    references, rest = others[: counts.references], others[counts.references :]
    return Pairing(members[: counts.pairs], rest[: counts.pairs], references)
