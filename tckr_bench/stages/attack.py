"""Attack: one membership score per challenge example, from what the attacker is taken to see."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Generic

from pydantic import TypeAdapter

from tckr_bench.errors import NotApplicableError
from tckr_bench.plugin.protocols import ReleaseEvidence
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import AttackScores, ChallengeParameters, Copies, ShadowAudit, ShadowData, ThreatModel
from tckr_bench.results.pictures import PicturePair, write_pictures
from tckr_bench.results.soundness import fault_of_attack
from tckr_bench.stages.arrays import read_arrays, write_arrays
from tckr_bench.stages.audit import audit_canaries, audit_shadows
from tckr_bench.stages.challenge import Challenge, build_challenge, fewest_to_audit, shadow_group
from tckr_bench.stages.inapplicable import REASON_FILE, write_reason
from tckr_bench.stages.isolation import FAILURES_FILE, isolated, write_failures
from tckr_bench.stages.prepare import read_prepared
from tckr_bench.stages.release import PAIRS_FILE, attack_release, gather_release
from tckr_bench.stages.request import PlaceT
from tckr_bench.stages.scores import scores_of
from tckr_bench.stages.shadows import gather_evidence, only

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.plugin.protocols import Attack, Context
    from tckr_bench.records import AttackEvidence
    from tckr_bench.stages.isolation import ComponentFailure
    from tckr_bench.stages.prepare import Prepared
    from tckr_bench.stages.request import StageRequest

    Request = StageRequest["Inputs[Path]", "Parameters"]

SCORES_FILE = "scores.safetensors"
THREAT_MODEL_FILE = "threat_model.json"


@dataclass(frozen=True)
class Inputs(Generic[PlaceT]):
    """The prepared dataset, and what the attack looks at.

    Attributes:
        data: the prepared dataset.
        target: the trained classifier that is attacked.
        shadows: trained shadow models, in order.
        canary_shadows: trained shadow models that learned canaries as well, in order.
        images: chunks of synthetic images, in order.
        prompts: the captions of every challenge example.
        released: the captions that the synthetic images were made from.
        weights: of the adapted generator.
    """

    data: PlaceT
    target: PlaceT | None = None
    shadows: tuple[PlaceT, ...] = ()
    canary_shadows: tuple[PlaceT, ...] = ()
    images: tuple[PlaceT, ...] = ()
    prompts: PlaceT | None = None
    released: PlaceT | None = None
    weights: PlaceT | None = None


@dataclass(frozen=True)
class Parameters:
    """What the target and its shadow models were trained on.

    Attributes:
        challenge: the challenge of the target and its shadow models, with its canaries in both or in neither.
        canaries: the challenge of the shadow models that learned canaries.
        shadow_data: what the shadow models were trained on.
        adaptive: whether they repeat everything the target's training did.
        synthetic_count: how many synthetic images the target learned from; None where it saw real ones.
    """

    challenge: ChallengeParameters = field(default_factory=ChallengeParameters)
    canaries: ChallengeParameters = field(default_factory=ChallengeParameters)
    shadow_data: ShadowData = "challenge"
    adaptive: bool = False
    synthetic_count: int | None = None


def run(request: Request, folder: Path, context: Context) -> None:
    """Write scores, membership, labels, canaries and the threat model; or why the attack does not apply, or failed."""
    use, parameters = request.components["attack"], request.parameters
    prepared = read_prepared(request.inputs.data)
    challenge = build_challenge(prepared, parameters.challenge)
    evidence: AttackEvidence | ReleaseEvidence  # gathered first: a parent that cannot be read is no fault of the attack
    if use.surface == "classifier":
        evidence = _evidence(request, prepared, challenge)
    else:
        count = parameters.synthetic_count
        evidence = gather_release(request.inputs, prepared, challenge, components=request.components, count=count)
    failures: list[ComponentFailure] = []
    with isolated(use, failures):
        _attack(request, evidence, challenge, prepared=prepared, folder=folder, context=context)
    write_failures(failures, folder)
    context.progress(1.0)


def read_scores(folder: Path, *, label: str) -> AttackScores | None:
    """Read the scores an attack left; None where it did not apply, or failed."""
    if (folder / REASON_FILE).exists() or (folder / FAILURES_FILE).exists():
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


def _attack(
    request: Request,
    evidence: AttackEvidence | ReleaseEvidence,
    challenge: Challenge,
    *,
    prepared: Prepared,
    folder: Path,
    context: Context,
) -> None:
    """Make the attack and write what it found, pictures last.

    Raises:
        ValueError: what it returned cannot be what it says it is.
    """
    use = request.components["attack"]
    pairs: list[PicturePair] = []
    try:
        if isinstance(evidence, ReleaseEvidence):
            found, pairs = attack_release(use, evidence, challenge, context=context)
        else:
            found = _attack_classifier(request, evidence, challenge, prepared=prepared)
    except NotApplicableError as error:
        write_reason(str(error), folder)
        return
    fault = fault_of_attack(use.label, found)
    if fault:
        raise ValueError(fault)
    _write(found, folder)
    if pairs:
        write_pictures(pairs, folder / PAIRS_FILE)


def _evidence(request: Request, prepared: Prepared, challenge: Challenge) -> AttackEvidence:
    inputs = request.inputs
    assert inputs.target is not None, "an attack on a classifier has a target"
    data, validation = request.parameters.shadow_data, prepared.validation
    return gather_evidence(inputs.target, inputs.shadows, challenge, validation=validation, shadow_data=data)


def _attack_classifier(
    request: Request, evidence: AttackEvidence, challenge: Challenge, *, prepared: Prepared
) -> AttackScores:
    use, parameters = request.components["attack"], request.parameters
    attack: Attack = default_registry().load(use)
    scores = scores_of(attack, evidence)
    shadows = len(evidence.shadow_membership)
    enough = shadows >= fewest_to_audit(len(challenge.members), part=challenge.part)
    auditable = parameters.adaptive and parameters.shadow_data == "challenge" and enough
    return AttackScores(
        attack=use.label,
        scores=scores,
        members=challenge.members,
        canaries=challenge.canaries,
        threat_model=replace(attack.threat_model, surface="classifier", adaptive=parameters.adaptive and shadows > 0),
        labels=evidence.labels,
        audit=_audit(request, attack, evidence, challenge=challenge, prepared=prepared) if auditable else None,
    )


def _audit(
    request: Request, attack: Attack, evidence: AttackEvidence, *, challenge: Challenge, prepared: Prepared
) -> ShadowAudit:
    ordinary = only(evidence, ~challenge.canaries)
    audit, bank = audit_shadows(attack, ordinary, group=_group(challenge)), request.inputs.canary_shadows
    if not bank:
        return audit
    planted = build_challenge(prepared, request.parameters.canaries)
    found = gather_evidence(bank[0], bank, planted, validation=prepared.validation)
    scores, membership = audit_canaries(attack, found, planted.canaries, group=_group(planted))
    return replace(audit, canary_scores=scores, canary_membership=membership)


def _group(challenge: Challenge) -> int:
    return shadow_group(len(challenge.members), part=challenge.part)


def _write(found: AttackScores, folder: Path) -> None:
    arrays = {"scores": found.scores, "members": found.members, "canaries": found.canaries}
    assert found.labels is not None, "every attack here knows the labels"
    arrays["labels"] = found.labels
    for name, part in (("audit", found.audit), ("copies", found.copies)):
        if part is not None:
            arrays |= {f"{name}/{key}": array for key, array in vars(part).items() if array is not None}
    write_arrays(folder / SCORES_FILE, arrays)
    (folder / THREAT_MODEL_FILE).write_text(json.dumps(asdict(found.threat_model)), encoding="utf-8")
