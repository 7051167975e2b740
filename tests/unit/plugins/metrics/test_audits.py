"""Laws of the measurements from audited shadow models, and of what training proves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tckr_bench.records import Matching, PrivacyGuarantee, ShadowAudit
from tckr_bench.stats import auc

CANARY_NAMES = ["audit-canary-auc", "audit-canary-tpr-at-1-fpr"]


@pytest.fixture(scope="module")
def audit():
    generator = np.random.default_rng(0)
    membership = np.stack([generator.permutation(8) < 4 for _ in range(50)], axis=1)
    return ShadowAudit(
        aucs=np.array([0.6, 0.62, 0.58, 0.6]),
        vulnerability=np.zeros(600),
        canary_scores=generator.normal(size=(8, 50)) + 2.0 * membership,
        canary_membership=membership,
    )


def test_spread_between_trainings_is_the_standard_deviation_over_shadow_models(compute, attack_on, cell_with, audit):
    (measurement,) = compute("auc-between-trainings", cell_with({"a": attack_on(audit=audit), "b": attack_on()}))
    assert (measurement.attack, measurement.examples) == ("a", 4)
    assert measurement.value == pytest.approx(np.sqrt(0.0008 / 3))
    assert measurement.low < measurement.value < measurement.high


def test_one_training_has_no_spread(compute, attack_on, cell_with, audit):
    alone = attack_on(audit=replace(audit, aucs=np.array([0.6])))
    assert compute("auc-between-trainings", cell_with({"a": alone})) == []


def test_canaries_are_judged_over_all_pairs_of_model_and_canary(compute, attack_on, cell_with, audit):
    evidence = cell_with({"a": attack_on(audit=audit)})
    (area,) = compute("audit-canary-auc", evidence)
    scores, members = audit.canary_scores.ravel(), audit.canary_membership.ravel()
    assert area.value == pytest.approx(auc(scores, members))
    assert area.examples == 400
    (rate,) = compute("audit-canary-tpr-at-1-fpr", evidence)
    cut = np.sort(scores[~members])[-3]  # two false alarms among 200 pairs
    assert rate.value == pytest.approx((scores[members] > cut).mean())


@pytest.mark.parametrize("name", CANARY_NAMES)
def test_there_is_no_canary_measurement_without_canaries_in_and_out(compute, attack_on, cell_with, audit, name):
    none = replace(audit, canary_scores=np.zeros((8, 0)), canary_membership=np.zeros((8, 0), dtype=bool))
    out = replace(audit, canary_membership=np.zeros((8, 50), dtype=bool))
    for lacking in (None, none, out):
        assert compute(name, cell_with({"a": attack_on(audit=lacking)})) == []


def test_a_rate_on_canaries_needs_a_hundred_pairs_that_are_out(compute, attack_on, cell_with, audit):
    few = replace(audit, canary_scores=audit.canary_scores[:, :24], canary_membership=audit.canary_membership[:, :24])
    assert compute("audit-canary-tpr-at-1-fpr", cell_with({"a": attack_on(audit=few)})) == []
    assert len(compute("audit-canary-auc", cell_with({"a": attack_on(audit=few)}))) == 1


def test_the_proved_epsilon_has_no_interval_and_names_its_accountant(compute, cell_with):
    guarantee = PrivacyGuarantee(epsilon=3.9, delta=1e-5, accountant="prv")
    (measurement,) = compute("epsilon-accounted", cell_with({}, guarantee=guarantee))
    assert (measurement.low, measurement.value, measurement.high) == (3.9, 3.9, 3.9)
    assert measurement.interval == "accountant prv at delta 1e-05"
    assert compute("epsilon-accounted", cell_with({})) == []


def test_a_target_is_as_many_deviations_from_its_shadows_as_its_auc_lies_from_theirs(
    compute, attack_on, cell_with, audit
):
    attack = attack_on(audit=audit)
    (found,) = compute("auc-from-shadows", cell_with({"a": attack, "b": attack_on()}))
    assert (found.attack, found.examples) == ("a", 4)
    assert found.value == pytest.approx((auc(attack.scores, attack.members) - 0.6) / np.sqrt(0.0008 / 3))
    equal = attack_on(audit=replace(audit, aucs=np.full(4, 0.5)))
    assert compute("auc-from-shadows", cell_with({"a": equal})) == []


def test_the_proved_epsilon_says_in_words_what_it_leaves_out(compute, cell_with):
    guarantee = PrivacyGuarantee(3.9, 1e-5, "prv", leaves_out=("this", "that"))
    (measurement,) = compute("epsilon-accounted", cell_with({}, guarantee=guarantee))
    assert measurement.interval.endswith("; it leaves out this and that")


@pytest.mark.parametrize(("reached", "said"), [(0.796, "reached"), (0.794, "not reached"), (0.85, "reached")])
def test_a_matched_defence_says_whether_it_matches_and_both_accuracies(compute, cell_with, reached, said):
    guarantee = PrivacyGuarantee(807.0, 1e-5, "rdp", matching=Matching(0.8, reached, 7))
    (measurement,) = compute("match-shortfall", cell_with({}, guarantee=guarantee))
    assert measurement.value == pytest.approx(0.8 - reached)
    assert measurement.interval.startswith(f"{said}: {100 * reached:.1f} % of 80.0 % wanted on validation images")
    assert measurement.examples == 7
    unmatched = PrivacyGuarantee(8.0, 1e-5, "rdp")
    assert (
        compute("match-shortfall", cell_with({}, guarantee=unmatched))
        == compute("match-shortfall", cell_with({}))
        == []
    )
