"""What pairs of a training and a hold-out image tell, the first half teaching and the second judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.image_audit.outcome import DatasetTest
from tckr_bench.image_audit.pairing import CONFIDENCE
from tckr_bench.stats import auc_interval, flipped_p_value, pair_epsilon, pair_weights, promising_share

if TYPE_CHECKING:
    from tckr_bench.records import Floats


@dataclass(frozen=True)
class JudgedPairs:
    """What was found, and the scores of the judged training and hold-out images, (judged,) each."""

    test: DatasetTest
    members: Floats
    others: Floats


def judge_pairs(features: Floats, *, delta: float, seed: int) -> JudgedPairs:
    """Test whether the members of pairs can be told, and bound epsilon from below.

    A scorer is fitted to the first half of the pairs, which also tell how many guesses to make; the second half is
    judged by it. The steps are those of dataset inference: features of many attacks, a scorer, one test of all
    examples. Where its source takes Welch's t-test, the coins of the pairs are flipped, which is exact for any scores.

    Args:
        features: (2 p, k), of the members of p pairs and then, in the same order, of their non-members.
        delta: of the privacy that the bound is of.
        seed: of the flips.

    Source: Dubiński et al. 2025, CDI: Copyrighted Data Identification in Diffusion Models (arXiv 2411.12858).
    """
    pairs = len(features) // 2
    differences = features[:pairs] - features[pairs:]
    taught = pairs // 2
    weights = pair_weights(differences[:taught])
    share = promising_share(differences[:taught], delta=delta, confidence=CONFIDENCE)
    told = differences[taught:] @ weights
    scores = features @ weights
    members, others = scores[taught:pairs], scores[pairs + taught :]
    test = DatasetTest(
        p_value=flipped_p_value(told, seed=seed),
        auc=auc_interval(np.concatenate([members, others]), np.arange(2 * len(told)) < len(told)),
        epsilon=pair_epsilon(told, share=share, delta=delta, confidence=CONFIDENCE),
        share=share,
    )
    return JudgedPairs(test, members, others)
