"""Attack: one membership score per challenge example, from what the attacker is taken to see."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from pydantic import TypeAdapter

from tckr_bench.errors import NotApplicableError
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import AttackScores, ChallengeParameters, Copies, ShadowAudit, ShadowData, ThreatModel
from tckr_bench.stages.arrays import read_arrays, write_arrays
from tckr_bench.stages.audit import audit_shadows
from tckr_bench.stages.challenge import Challenge, build_challenge
from tckr_bench.stages.prepare import read_prepared
from tckr_bench.stages.release import attack_release
from tckr_bench.stages.shadows import FEWEST_TO_AUDIT, gather_evidence, only

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.plugin.protocols import Attack, Context
    from tckr_bench.records import Scores
    from tckr_bench.stages.request import StageRequest

SCORES_FILE = "scores.safetensors"
THREAT_MODEL_FILE = "threat_model.json"
REASON_FILE = "not_applicable.json"


@dataclass(frozen=True)
class AttackParameters:
    """What the target and its shadow models were trained on.

    Attributes:
        challenge: the challenge of the shadow models and, where `planted`, of the target.
        planted: whether the target itself was trained on the challenge's canaries; if not, they are left out of its
            scores.
        shadow_data: what the shadow models were trained on.
        adaptive: whether they repeat everything the target's training did.
        synthetic_count: how many synthetic images the target learned from; None where it saw real ones.
    """

    challenge: ChallengeParameters = field(default_factory=ChallengeParameters)
    planted: bool = False
    shadow_data: ShadowData = "halves"
    adaptive: bool = False
    synthetic_count: int | None = None


def run(request: StageRequest, folder: Path, context: Context) -> None:
    """Write scores, membership, labels, canaries and the threat model, or why the attack does not apply."""
    parameters = request.parse(AttackParameters)
    challenge = build_challenge(read_prepared(request.input("data")), parameters.challenge)
    try:
        if request.components["attack"].surface == "classifier":
            found = _attack_classifier(request, parameters, challenge)
        else:
            count = parameters.synthetic_count
            found = attack_release(request, challenge, count=count, folder=folder, context=context)
    except NotApplicableError as error:
        (folder / REASON_FILE).write_text(json.dumps(str(error)), encoding="utf-8")
        return
    _write(found, folder)
    context.progress(1.0)


def read_scores(folder: Path, *, label: str) -> AttackScores | None:
    """Read the scores an attack left; None where it did not apply."""
    if (folder / REASON_FILE).exists():
        return None
    arrays = read_arrays(folder / SCORES_FILE)
    threat_model = TypeAdapter(ThreatModel).validate_json((folder / THREAT_MODEL_FILE).read_bytes())
    audit = {name.removeprefix("audit/"): array for name, array in arrays.items() if name.startswith("audit/")}
    copies = {name.removeprefix("copies/"): array for name, array in arrays.items() if name.startswith("copies/")}
    return AttackScores(
        attack=label,
        scores=arrays["scores"],
        members=arrays["members"],
        canaries=arrays["canaries"],
        threat_model=threat_model,
        labels=arrays["labels"],
        audit=ShadowAudit(**audit) if audit else None,
        copies=Copies(**copies) if copies else None,
    )


def _attack_classifier(request: StageRequest, parameters: AttackParameters, challenge: Challenge) -> AttackScores:
    use = request.components["attack"]
    attack: Attack = default_registry().load(use)
    evidence = gather_evidence(request, parameters.shadow_data, challenge)
    kept = np.ones_like(challenge.canaries) if parameters.planted else ~challenge.canaries
    scores = checked(attack.score(only(evidence, kept)), int(kept.sum()))
    shadows = len(evidence.shadow_membership)
    auditable = parameters.adaptive and parameters.shadow_data == "halves" and shadows >= FEWEST_TO_AUDIT
    return AttackScores(
        attack=use.label,
        scores=scores,
        members=challenge.members[kept],
        canaries=challenge.canaries[kept],
        threat_model=replace(attack.threat_model, surface="classifier", adaptive=parameters.adaptive and shadows > 0),
        labels=evidence.labels[kept],
        audit=audit_shadows(attack, evidence, challenge) if auditable and not parameters.planted else None,
    )


def checked(scores: Scores, count: int) -> Scores:
    """Return an attack's scores as float64.

    Raises:
        ValueError: there is not one finite score per example.
    """
    found = np.asarray(scores, dtype=np.float64)
    if found.shape != (count,) or not np.isfinite(found).all():
        raise ValueError(f"the attack must return {count} finite scores, it returned shape {found.shape}")
    return found


def _write(found: AttackScores, folder: Path) -> None:
    arrays = {"scores": found.scores, "members": found.members, "canaries": found.canaries}
    assert found.labels is not None, "every attack here knows the labels"
    arrays["labels"] = found.labels
    for name, part in (("audit", found.audit), ("copies", found.copies)):
        if part is not None:
            arrays |= {f"{name}/{key}": array for key, array in vars(part).items()}
    write_arrays(folder / SCORES_FILE, arrays)
    (folder / THREAT_MODEL_FILE).write_text(json.dumps(asdict(found.threat_model)), encoding="utf-8")
