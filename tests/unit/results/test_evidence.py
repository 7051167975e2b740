"""Laws of evidence as arrays and words: nothing is lost, nothing is there twice, and nonsense is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tckr_bench.records import (
    AttackScores,
    CellEvidence,
    Copies,
    PrivacyGuarantee,
    ShadowAudit,
    ThreatModel,
)
from tckr_bench.results.evidence import flatten_evidence, restore_evidence


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


def test_what_is_taken_apart_is_put_together_again(evidence):
    assert same(restore_evidence(*flatten_evidence(evidence)), evidence)


def test_what_attacks_have_in_common_is_there_once(evidence):
    names = list(flatten_evidence(evidence)[0])
    assert sum(name.endswith("/members") for name in names) == 1
    assert sum(name.endswith("/scores") for name in names) == 3


def test_the_same_evidence_is_described_in_the_same_words(evidence):
    assert flatten_evidence(evidence)[1] == flatten_evidence(evidence)[1]


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
def test_a_header_that_makes_no_sense_is_refused(header, evidence):
    with pytest.raises(ValueError, match=r"\S"):
        restore_evidence(flatten_evidence(evidence)[0], header)
