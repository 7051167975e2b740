"""Attacks on what may be released beside a classifier: the generator, the synthetic images, the captions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.plugin.protocols import CopyAttack, ReleaseEvidence
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import AttackScores, read_only
from tckr_bench.results.pictures import PicturePair
from tckr_bench.stages.caption import read_prompts
from tckr_bench.stages.generate import read_generated
from tckr_bench.stages.scores import checked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tckr_bench.plugin.protocols import Context, Generator, ReleaseAttack
    from tckr_bench.records import ComponentUse, LabelledImages, ReleaseOutcome
    from tckr_bench.stages.attack import Inputs
    from tckr_bench.stages.challenge import Challenge
    from tckr_bench.stages.prepare import Prepared

PAIRS_FILE = "pairs.parquet"
MOST_PAIRS = 8


def attack_release(
    use: ComponentUse, evidence: ReleaseEvidence, challenge: Challenge, *, context: Context
) -> tuple[AttackScores, list[PicturePair]]:
    """Return the scores, and pairs of examples and their nearest synthetic images where the attack finds them.

    Raises:
        NotApplicableError: what was released does not allow the attack.
    """
    attack: ReleaseAttack = default_registry().load(use)
    shown = read_only(evidence)
    outcome = attack.score(shown, context=context)
    outcome = replace(outcome, scores=checked(outcome.scores, len(challenge.members)))
    copies = attack.copies(shown, members=read_only(challenge.members)) if isinstance(attack, CopyAttack) else None
    found = AttackScores(
        attack=use.label,
        scores=outcome.scores,
        members=challenge.members,
        canaries=np.zeros_like(challenge.members),
        threat_model=replace(attack.threat_model, surface=use.surface),
        labels=challenge.examples.labels,
        copies=copies,
    )
    if outcome.nearest is None or evidence.synthetic is None:
        return found, []
    return found, _pairs(evidence.synthetic, outcome, challenge)


def gather_release(
    inputs: Inputs[Path],
    prepared: Prepared,
    challenge: Challenge,
    *,
    components: Mapping[str, ComponentUse],
    count: int | None,
) -> ReleaseEvidence:
    """Return what an attack on a release looks at, from its parents; the target learned from `count` images."""
    asked = read_prompts(inputs.prompts) if inputs.prompts is not None else None
    return ReleaseEvidence(
        images=challenge.examples.images,
        labels=challenge.examples.labels,
        class_names=prepared.class_names,
        prompts=asked.texts if asked is not None else (),
        generator=_generator(components["generator"], inputs.weights) if inputs.weights is not None else None,
        synthetic=read_generated(inputs.images, count=count)[0] if inputs.images else None,
        released_prompts=read_prompts(inputs.released).texts if inputs.released is not None else (),
        caption_basis=asked.basis if asked is not None else "image",
        references=prepared.validation,
        members=challenge.members if components["attack"].surface == "data" else None,
    )


def _generator(use: ComponentUse, weights: Path) -> Generator:
    generator: Generator = default_registry().load(use)
    generator.restore(weights)
    return generator


def _pairs(synthetic: LabelledImages, outcome: ReleaseOutcome, challenge: Challenge) -> list[PicturePair]:
    """Return the examples an attack is surest of, each beside its nearest synthetic image, surest first."""
    assert outcome.nearest is not None, "asked for attacks that look for the nearest"
    pairs = []
    for index in np.argsort(-outcome.scores, kind="stable")[:MOST_PAIRS]:
        real, found = challenge.examples.images[index], synthetic.images[int(outcome.nearest[index])]
        side = "member" if challenge.members[index] else "not a member"
        caption = f"{side}, {_distance(real, found):.1f} of 255 apart" if real.shape == found.shape else side
        pairs.append(PicturePair("copy", int(challenge.examples.labels[index]), caption, real, found))
    return pairs


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """Return the root mean squared difference of two images, of one size, in 0-255."""
    return float(np.sqrt(np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2)))
