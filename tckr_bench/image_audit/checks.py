"""The controls of an audit: what must find nothing, and what must be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.controls.challenge import CROSS_VALIDATED
from tckr_bench.controls.checks import Z_CHECK
from tckr_bench.image_audit.judging import judge_pairs
from tckr_bench.image_audit.outcome import AuditCheck
from tckr_bench.image_audit.pairing import CONFIDENCE
from tckr_bench.image_audit.scoring import unlabelled
from tckr_bench.plugin.protocols import Context, ReleaseEvidence
from tckr_bench.plugin.registry import default_registry
from tckr_bench.seeds import derive_seed
from tckr_bench.stats import auc_interval, flipped_p_value, pair_weights, rank_features

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.plugin.protocols import ReleaseAttack
    from tckr_bench.records import Floats, Images

SHUFFLES = 200
_SHUFFLED_DRAWS = 199
_LEVEL = 0.001
"""How often a sound audit may fail a check."""
TELLING = "so a difference between the two folders would be taken for a trace"


def blind_to_pictures(examples: Images, *, progress: Callable[[float], None]) -> AuditCheck:
    """Fail folders whose images can be told apart without any synthetic image, by what they show or how they were made.

    `examples` are the training images of the pairs and then their hold-out images.
    """
    registry = default_registry()
    blind: ReleaseAttack = registry.load(registry.use("attack", "blind", label="blind", options={}))
    members = np.arange(len(examples)) < len(examples) // 2
    evidence = ReleaseEvidence(examples, unlabelled(examples).labels, ("",), members=members)
    found = auc_interval(blind.score(evidence, context=Context(progress=progress)).scores, members)
    allowed = CROSS_VALIDATED * Z_CHECK * found.error
    passed = abs(found.value - 0.5) <= allowed
    verb = "is" if passed else "is not"
    reason = f"without the synthetic images the AUC {found.value:.3f} {verb} within {allowed:.3f} of guessing (0.5)"
    return AuditCheck("same pictures", passed, reason + ("" if passed else f", {TELLING}"), voids=True)


def blind_to_files(files: Floats, *, seed: int) -> AuditCheck:
    """Fail folders whose images can be told apart by width, height and bytes alone.

    `files` (2 p, 3) are those of the training images of p pairs and then of their hold-out images.
    """
    features = np.concatenate([rank_features(column) for column in files.T], axis=1)
    test = judge_pairs(features, delta=0.0, seed=derive_seed("image-audit-files", seed)).test
    passed = test.p_value > _LEVEL
    sign = "above" if passed else "not above"
    reason = f"by width, height and bytes alone p = {test.p_value:.4f}, {sign} {_LEVEL:g}"
    return AuditCheck("same files", passed, reason + ("" if passed else f", {TELLING}"), voids=True)


def shuffled(features: Floats, *, seed: int) -> AuditCheck:
    """Fail a test whose p-values are not uniform where it is drawn by lot which image of a pair was trained on."""
    from scipy.stats import kstest

    generator = np.random.default_rng(derive_seed("image-audit-shuffled", seed))
    pairs = len(features) // 2
    differences, taught = features[:pairs] - features[pairs:], pairs // 2
    found = []
    for draw in range(SHUFFLES):
        turned = differences * generator.choice([-1.0, 1.0], size=(pairs, 1))
        told = turned[taught:] @ pair_weights(turned[:taught])
        found.append(flipped_p_value(told, draws=_SHUFFLED_DRAWS, seed=derive_seed("shuffled", seed, draw)))
    below = sum(value <= 1 - CONFIDENCE for value in found)
    passed = bool(kstest(found, "uniform").pvalue > _LEVEL)
    verb = "are" if passed else "are not"
    reason = f"p-values {verb} uniform over {SHUFFLES} drawings by lot; {below} at most {1 - CONFIDENCE:g}"
    return AuditCheck("training and hold-out shuffled", passed, reason, voids=True)


def copies_are_found(features: Floats, *, delta: float, seed: int) -> AuditCheck:
    """Fail an audit that does not find training images which were released as they are.

    `features` (2 p, k) are of p pairs, by scores that took the training images themselves for the synthetic ones.
    """
    test = judge_pairs(features, delta=delta, seed=derive_seed("image-audit-copies", seed)).test
    passed = test.p_value <= 1 - CONFIDENCE
    found = f"p = {test.p_value:.4f}, AUC {test.auc.value:.3f}, epsilon at least {test.epsilon.value:.2f}"
    reason = f"training images in place of the synthetic ones give {found}"
    return AuditCheck("copies are found", passed, reason, voids=False)
