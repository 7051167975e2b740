"""Attacks on what may be released beside a classifier: the generator, the synthetic images, the captions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.plugin.protocols import CopyAttack, ReleaseEvidence
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import AttackScores
from tckr_bench.results.pictures import PicturePair, write_pictures
from tckr_bench.stages.caption import read_prompts
from tckr_bench.stages.generate import read_generated
from tckr_bench.stages.prepare import read_prepared

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.plugin.protocols import Context, Generator, ReleaseAttack
    from tckr_bench.records import LabelledImages, ReleaseOutcome
    from tckr_bench.stages.challenge import Challenge
    from tckr_bench.stages.request import StageRequest

PAIRS_FILE = "pairs.parquet"
MOST_PAIRS = 8


def attack_release(
    request: StageRequest, challenge: Challenge, *, count: int | None, folder: Path, context: Context
) -> AttackScores:
    """Return the scores; pairs of examples and their nearest synthetic images are written where an attack finds them.

    `count` is how many synthetic images the target learned from.

    Raises:
        NotApplicableError: what was released does not allow the attack.
    """
    use = request.components["attack"]
    attack: ReleaseAttack = default_registry().load(use)
    evidence = _evidence(request, challenge, count=count)
    outcome = attack.score(evidence, context=context)
    scores = np.asarray(outcome.scores, dtype=np.float64)
    if scores.shape != challenge.members.shape or not np.isfinite(scores).all():
        raise ValueError(f"the attack must return {len(challenge.members)} finite scores, it returned {scores.shape}")
    copies = attack.copies(evidence, members=challenge.members) if isinstance(attack, CopyAttack) else None
    if outcome.nearest is not None and evidence.synthetic is not None:
        write_pictures(_pairs(evidence.synthetic, outcome, challenge), folder / PAIRS_FILE)
    return AttackScores(
        attack=use.label,
        scores=scores,
        members=challenge.members,
        canaries=np.zeros_like(challenge.members),
        threat_model=replace(attack.threat_model, surface=use.surface),
        labels=challenge.examples.labels,
        copies=copies,
    )


def _evidence(request: StageRequest, challenge: Challenge, *, count: int | None) -> ReleaseEvidence:
    prepared = read_prepared(request.input("data"))
    surface, inputs = request.components["attack"].surface, request.inputs
    synthetic = read_generated(inputs["images"], count=count)[0] if "images" in inputs else None
    return ReleaseEvidence(
        images=challenge.examples.images,
        labels=challenge.examples.labels,
        class_names=prepared.class_names,
        prompts=read_prompts(request.input("prompts")).texts if "prompts" in inputs else (),
        generator=_generator(request) if surface == "generator" else None,
        synthetic=synthetic,
        released_prompts=read_prompts(request.input("released")).texts if "released" in inputs else (),
        references=prepared.validation,
        members=challenge.members if surface == "data" else None,
    )


def _generator(request: StageRequest) -> Generator:
    generator: Generator = default_registry().load(request.components["generator"])
    generator.restore(request.input("weights"))
    return generator


def _pairs(synthetic: LabelledImages, outcome: ReleaseOutcome, challenge: Challenge) -> list[PicturePair]:
    """Return the examples an attack is surest of, each beside its nearest synthetic image, surest first."""
    assert outcome.nearest is not None, "asked for attacks that look for the nearest"
    pairs = []
    for index in np.argsort(-outcome.scores, kind="stable")[:MOST_PAIRS]:
        real, found = challenge.examples.images[index], synthetic.images[int(outcome.nearest[index])]
        side = "member" if challenge.members[index] else "not a member"
        caption = f"{side}, {_distance(real, found):.1f} of 255 apart"
        pairs.append(PicturePair("copy", int(challenge.examples.labels[index]), caption, real, found))
    return pairs


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """Return the root mean squared difference of two images, in 0-255; NaN where their sizes differ."""
    if one.shape != other.shape:
        return float("nan")
    return float(np.sqrt(np.mean((one.astype(np.float64) - other.astype(np.float64)) ** 2)))
