"""Laws of saved evidence: what is written is read, nothing is stored twice, and hostile files are refused."""

import dataclasses

import numpy as np
import pytest
from safetensors import safe_open

from tckr_bench.errors import RunError
from tckr_bench.records import (
    AttackScores,
    CellEvidence,
    Copies,
    PrivacyGuarantee,
    ShadowAudit,
    ThreatModel,
)
from tckr_bench.results.evidence import read_evidence, write_evidence


def scores(label, seed, **changes):
    generator = np.random.default_rng(seed)
    found = AttackScores(
        attack=label,
        scores=generator.normal(size=6),
        members=np.array([True, True, True, False, False, False]),
        canaries=np.zeros(6, dtype=bool),
        threat_model=ThreatModel("logits", "nothing", adaptive=label == "adaptive", surface="classifier"),
        labels=np.array([0, 1, 0, 1, 0, 1]),
    )
    return dataclasses.replace(found, **changes)


@pytest.fixture
def evidence():
    generator = np.random.default_rng(0)
    audit = ShadowAudit(
        generator.uniform(size=4),
        generator.normal(size=6),
        generator.normal(size=(4, 2)),
        generator.random((4, 2)) < 0.5,
    )
    copies = Copies(generator.uniform(size=5), generator.uniform(size=5))
    attacks = {
        "loss": scores("loss", 1),
        "adaptive": scores("adaptive", 2, audit=audit),
        "nearest-copy": scores("nearest-copy", 3, copies=copies),
    }
    logits = generator.normal(size=(2, 4, 2)).astype(np.float32)
    guarantee = PrivacyGuarantee(8.0, 1e-5, "RDP")
    return CellEvidence(np.array([0, 1, 1, 0]), logits[0], logits[1], attacks, "loss", guarantee)


def same(first, second):
    if dataclasses.is_dataclass(first):
        return type(first) is type(second) and all(
            same(getattr(first, f.name), getattr(second, f.name)) for f in dataclasses.fields(first)
        )
    if isinstance(first, dict):
        return list(first) == list(second) and all(same(first[key], second[key]) for key in first)
    return np.array_equal(first, second)


def test_what_is_written_is_read(evidence, tmp_path):
    write_evidence(evidence, tmp_path / "e.safetensors")
    assert same(read_evidence(tmp_path / "e.safetensors"), evidence)


def test_what_attacks_have_in_common_is_stored_once(evidence, tmp_path):
    write_evidence(evidence, tmp_path / "e.safetensors")
    with safe_open(tmp_path / "e.safetensors", framework="numpy") as file:
        names = list(file.keys())
    assert sum(name.endswith("/members") for name in names) == 1
    assert sum(name.endswith("/scores") for name in names) == 3


def test_the_same_evidence_gives_the_same_bytes(evidence, tmp_path):
    for name in ("a", "b"):
        write_evidence(evidence, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "header",
    [
        '{"same": {"test_labels": "nowhere"}, "threat_models": {}, "primary_attack": ""}',
        '{"threat_models": {}, "primary_attack": "", "order": ["loss"]}',
        '{"threat_models": {}, "primary_attack": "", "order": 3}',
        '{"same": []}',
        "[]",
        "{",
        "7",
    ],
)
def test_a_header_that_makes_no_sense_is_refused(header, tmp_path):
    from safetensors.numpy import save_file

    save_file({"x": np.zeros(1)}, tmp_path / "e", metadata={"evidence": header})
    with pytest.raises(RunError, match="not a file of evidence"):
        read_evidence(tmp_path / "e")
