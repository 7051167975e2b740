"""Saved per-example evidence of a cell: what every figure on the board is recomputed from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from tckr_bench.errors import RunError
from tckr_bench.records import AttackScores, CellEvidence, ThreatModel

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.records import Images, Labels

EVIDENCE_FILE = "evidence.safetensors"
SAMPLES_FILE = "samples.safetensors"


@dataclass(frozen=True)
class Samples:
    """Real images beside the synthetic ones made from their captions: (n, height, width, 3) uint8 each."""

    real: Images
    synthetic: Images
    labels: Labels
    prompts: tuple[str, ...]


def write_evidence(evidence: CellEvidence, path: Path) -> None:
    """Write a cell's evidence as one safetensors file, the same bytes for the same evidence."""
    from safetensors.numpy import save_file

    tensors: dict[str, Any] = {
        "test_labels": evidence.test_labels,
        "test_logits": evidence.test_logits,
        "teacher_logits": evidence.teacher_logits,
    }
    for label, attack in evidence.attacks.items():
        tensors[f"attack/{label}/scores"] = attack.scores
        tensors[f"attack/{label}/members"] = attack.members
        tensors[f"attack/{label}/canaries"] = attack.canaries
    threat_models = {label: asdict(attack.threat_model) for label, attack in sorted(evidence.attacks.items())}
    header = {"primary_attack": evidence.primary_attack, "threat_models": threat_models}
    save_file(tensors, path, metadata={"evidence": json.dumps(header, sort_keys=True)})


def read_evidence(path: Path) -> CellEvidence:
    """Read what `write_evidence` wrote.

    Raises:
        RunError: the file is missing, damaged or not evidence.
    """
    tensors, metadata = _read(path)
    try:
        header = json.loads(metadata["evidence"])
        models = TypeAdapter(dict[str, ThreatModel]).validate_python(header["threat_models"])
        attacks = {
            label: AttackScores(
                attack=label,
                scores=tensors[f"attack/{label}/scores"],
                members=tensors[f"attack/{label}/members"],
                canaries=tensors[f"attack/{label}/canaries"],
                threat_model=model,
            )
            for label, model in models.items()
        }
        return CellEvidence(
            test_labels=tensors["test_labels"],
            test_logits=tensors["test_logits"],
            teacher_logits=tensors["teacher_logits"],
            attacks=attacks,
            primary_attack=str(header["primary_attack"]),
        )
    except (KeyError, ValueError, TypeError, ValidationError) as error:
        raise RunError(f"{path} is not a file of evidence ({error}); run the matrix again") from error


def write_samples(samples: Samples, path: Path) -> None:
    """Write pairs of real and synthetic images as one safetensors file."""
    from safetensors.numpy import save_file

    tensors = {"real": samples.real, "synthetic": samples.synthetic, "labels": samples.labels}
    save_file(tensors, path, metadata={"prompts": json.dumps(samples.prompts)})


def read_samples(path: Path) -> Samples:
    """Read what `write_samples` wrote.

    Raises:
        RunError: the file is missing, damaged or not a file of samples.
    """
    tensors, metadata = _read(path)
    try:
        prompts = TypeAdapter(tuple[str, ...]).validate_json(metadata["prompts"])
        return Samples(tensors["real"], tensors["synthetic"], tensors["labels"], prompts)
    except (KeyError, ValidationError) as error:
        raise RunError(f"{path} is not a file of samples ({error}); run the matrix again") from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise RunError(f"{path} cannot be read ({error}); run the matrix again") from error
