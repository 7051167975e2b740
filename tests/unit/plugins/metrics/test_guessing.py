"""Laws of the advantage and of the lower bounds of epsilon: which examples they rest on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tckr_bench.records import PrivacyGuarantee, ShadowAudit

NAMES = ["advantage", "epsilon-lower"]


def audit_of(*, models=8, canaries=50, shift=0.0, seed=0):
    generator = np.random.default_rng(seed)
    membership = np.stack([generator.permutation(models) < models // 2 for _ in range(canaries)], axis=1)
    scores = generator.normal(size=membership.shape) + shift * membership
    return ShadowAudit(np.array([0.5, 0.6]), np.zeros(600), scores, membership)


@pytest.mark.parametrize("name", NAMES)
def test_each_attack_on_whatever_surface_has_its_measurement(compute, attack_on, cell_with, name):
    attacks = {"a": attack_on(), "b": attack_on(surface="images", seed=1)}
    assert [(measurement.attack, measurement.examples) for measurement in compute(name, cell_with(attacks))] == [
        ("a", 600),
        ("b", 600),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_canaries_are_left_out(compute, attack_on, cell_with, name):
    plain = attack_on(shift=0.0)
    planted = replace(
        plain,
        scores=np.concatenate([plain.scores, [50.0] * 20, [-50.0] * 20]),
        members=np.concatenate([plain.members, [True] * 20, [False] * 20]),
        canaries=np.concatenate([plain.canaries, [True] * 40]),
    )
    assert compute(name, cell_with({"a": planted})) == compute(name, cell_with({"a": plain}))


@pytest.mark.parametrize("name", NAMES)
def test_twenty_members_and_twenty_others_are_needed(compute, attack_on, cell_with, name):
    assert len(compute(name, cell_with({"a": attack_on(size=20)}))) == 1
    assert compute(name, cell_with({"a": attack_on(size=19)})) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_blind_attack_gains_nothing_and_a_perfect_one_much(compute, attack_on, cell_with, name):
    (blind,) = compute(name, cell_with({"a": attack_on(shift=0.0)}))
    (perfect,) = compute(name, cell_with({"a": attack_on(shift=20.0)}))
    assert blind.low == 0.0
    assert perfect.low > 0.9


def test_a_larger_delta_refutes_less(compute, attack_on, cell_with):
    evidence = cell_with({"a": attack_on(shift=1.0)})
    (usual,), (larger,) = (compute("epsilon-lower", evidence, delta=delta) for delta in (1e-5, 0.05))
    assert larger.value < usual.value
    assert "at delta 1e-05" in usual.interval


def test_epsilon_on_canaries_is_judged_on_all_pairs_of_a_shadow_model_and_a_canary(compute, attack_on, cell_with):
    (measurement,) = compute(
        "audit-canary-epsilon-lower", cell_with({"a": attack_on(audit=audit_of(canaries=51, shift=20.0))})
    )
    assert measurement.value > 3
    assert measurement.examples == 408
    assert "408 of 408 guesses right about 408 examples" in measurement.interval


def test_gaussian_privacy_is_assumed_of_proved_trainings_alone(compute, attack_on, cell_with):
    """It refutes more than what holds for any mechanism, and of a training without noise it would mean nothing."""
    attacks = {"a": attack_on(shift=2.0)}
    proved = cell_with(attacks, guarantee=PrivacyGuarantee(8.0, 1e-5, "RDP"))
    (any_kind,), (gaussian,) = (compute(name, proved) for name in ("epsilon-lower", "epsilon-lower-gaussian"))
    assert gaussian.value > any_kind.value > 0
    assert gaussian.attack == "a"
    assert compute("epsilon-lower-gaussian", cell_with(attacks)) == []


def test_few_pairs_give_no_epsilon_on_canaries(compute, attack_on, cell_with):
    none = replace(audit_of(), canary_scores=np.zeros((8, 0)), canary_membership=np.zeros((8, 0), dtype=bool))
    for audit in (None, none, audit_of(models=2, canaries=19)):
        assert compute("audit-canary-epsilon-lower", cell_with({"a": attack_on(audit=audit)})) == []
    assert (
        len(compute("audit-canary-epsilon-lower", cell_with({"a": attack_on(audit=audit_of(models=2, canaries=20))})))
        == 1
    )
