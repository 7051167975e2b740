"""Evidence of a cell taken apart for a file, and put together again: what every measurement is recomputed from."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from tckr_bench.records import AttackScores, CellEvidence, Copies, PrivacyGuarantee, ShadowAudit, ThreatModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy.typing as npt


def flatten_evidence(evidence: CellEvidence) -> tuple[dict[str, npt.NDArray[Any]], str]:
    """Return evidence as named arrays, each content once, and the JSON text of all the rest."""
    tensors: dict[str, Any] = {
        "test_labels": evidence.test_labels,
        "test_logits": evidence.test_logits,
        "teacher_logits": evidence.teacher_logits,
    }
    for label, attack in evidence.attacks.items():
        tensors |= {f"attack/{label}/{name}": array for name, array in _arrays(attack)}
    threat_models = {label: asdict(attack.threat_model) for label, attack in evidence.attacks.items()}
    # The order is part of the evidence: of equal attacks the first is named as the worst.
    header = {"primary_attack": evidence.primary_attack, "threat_models": threat_models, "order": list(threat_models)}
    shared = _share(tensors)
    header["same"] = shared
    if evidence.guarantee is not None:
        header["guarantee"] = asdict(evidence.guarantee)
    kept = {name: tensor for name, tensor in tensors.items() if name not in shared}
    return kept, json.dumps(header, sort_keys=True)


def _arrays(attack: AttackScores) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the arrays of an attack under their names in the file."""
    yield from (("scores", attack.scores), ("members", attack.members), ("canaries", attack.canaries))
    if attack.labels is not None:
        yield "labels", attack.labels
    for name, part in (("audit", attack.audit), ("copies", attack.copies)):
        if part is not None:
            yield from ((f"{name}/{key}", array) for key, array in vars(part).items() if array is not None)


def _share(tensors: Mapping[str, npt.NDArray[Any]]) -> dict[str, str]:
    """Return which tensors repeat an earlier one: the attacks of a cell have the same members, labels and canaries."""
    first: dict[tuple[str, bytes], str] = {}
    names = {name: first.setdefault((str(array.dtype), array.tobytes()), name) for name, array in tensors.items()}
    return {name: same for name, same in names.items() if name != same and tensors[name].shape == tensors[same].shape}


def restore_evidence(arrays: Mapping[str, npt.NDArray[Any]], text: str) -> CellEvidence:
    """Return the evidence that `flatten_evidence` took apart.

    Raises:
        ValueError: the parts do not make up evidence.
    """
    try:
        header = json.loads(text)
        tensors = {**arrays, **{name: arrays[same] for name, same in header.get("same", {}).items()}}
        models = TypeAdapter(dict[str, ThreatModel]).validate_python(header["threat_models"])
        return CellEvidence(
            test_labels=tensors["test_labels"],
            test_logits=tensors["test_logits"],
            teacher_logits=tensors["teacher_logits"],
            attacks={label: _attack(label, models[label], tensors) for label in _order(header, models)},
            primary_attack=str(header["primary_attack"]),
            guarantee=TypeAdapter(PrivacyGuarantee | None).validate_python(header.get("guarantee")),
        )
    except (KeyError, ValueError, TypeError, AttributeError, ValidationError, RecursionError) as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _order(header: Mapping[str, Any], models: Mapping[str, ThreatModel]) -> list[str]:
    """Return the labels of the attacks in the order they were saved in."""
    order = list(header["order"])
    if sorted(order) != sorted(models):
        raise ValueError("its order of attacks does not name each of them once")
    return order


def _attack(label: str, model: ThreatModel, tensors: Mapping[str, npt.NDArray[Any]]) -> AttackScores:
    """Return the scores of an attack from the arrays of a file."""
    prefix = f"attack/{label}/"
    own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    audit, copies = (
        {name.removeprefix(part): tensor for name, tensor in own.items() if name.startswith(part)}
        for part in ("audit/", "copies/")
    )
    return AttackScores(
        attack=label,
        scores=own["scores"],
        members=own["members"],
        canaries=own["canaries"],
        threat_model=model,
        labels=own.get("labels"),
        audit=ShadowAudit(**audit) if audit else None,
        copies=Copies(**copies) if copies else None,
    )
