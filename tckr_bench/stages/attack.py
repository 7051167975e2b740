"""Attack: one membership score per challenge example, from logits alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from tckr_bench.plugins import default_registry
from tckr_bench.records import AttackEvidence, AttackScores, ThreatModel
from tckr_bench.stages.arrays import read_arrays, write_arrays
from tckr_bench.stages.challenge import ChallengeParameters, build_challenge, shadow_mask
from tckr_bench.stages.prepare import read_prepared
from tckr_bench.stages.train import read_predictions

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.components import Attack, Context
    from tckr_bench.stages.request import StageRequest

SCORES_FILE = "scores.safetensors"
THREAT_MODEL_FILE = "threat_model.json"


@dataclass(frozen=True)
class AttackParameters:
    """The challenge the target and its shadow models were trained for."""

    challenge: ChallengeParameters = field(default_factory=ChallengeParameters)


def run(request: StageRequest, folder: Path, context: Context) -> None:
    """Score every challenge example and write scores, membership, canaries and the threat model."""
    import numpy as np

    parameters = request.parse(AttackParameters)
    challenge = build_challenge(read_prepared(request.input("data")), parameters.challenge)
    target = read_predictions(request.input("target")).challenge
    shadows = [read_predictions(shadow).challenge for shadow in request.inputs.get("shadows", ())]
    masks = [shadow_mask(len(target), index) for index in range(len(shadows))]
    evidence = AttackEvidence(
        target_logits=target,
        labels=challenge.examples.labels,
        shadow_logits=np.stack(shadows) if shadows else np.empty((0, *target.shape), np.float32),
        shadow_membership=np.stack(masks) if masks else np.empty((0, len(target)), bool),
    )
    attack: Attack = default_registry().load(request.components["attack"])
    scores = np.asarray(attack.score(evidence), dtype=np.float64)
    if scores.shape != (len(target),) or not np.isfinite(scores).all():
        raise ValueError(f"the attack must return {len(target)} finite scores, it returned shape {scores.shape}")
    write_arrays(folder / SCORES_FILE, {"scores": scores, "members": challenge.members, "canaries": challenge.canaries})
    (folder / THREAT_MODEL_FILE).write_text(json.dumps(asdict(attack.threat_model)), encoding="utf-8")
    context.progress(1.0)


def read_scores(folder: Path, *, label: str) -> AttackScores:
    """Read the scores an attack left."""
    arrays = read_arrays(folder / SCORES_FILE)
    threat_model = TypeAdapter(ThreatModel).validate_json((folder / THREAT_MODEL_FILE).read_bytes())
    return AttackScores(label, arrays["scores"], arrays["members"], arrays["canaries"], threat_model)
