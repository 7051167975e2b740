"""Laws of the built-in metrics: which examples a measurement rests on, and that its interval holds it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tckr_bench.records import AttackScores, CellEvidence, ThreatModel
from tckr_bench.stats import auc, tpr_interval, wilson
from tckr_bench.testing import fake_cell_evidence

THREAT = ThreatModel(sees="outputs", owns="labels")
OF_THE_CELL = {"best-published-auc", "accuracy", "accuracy-gap", "epsilon-accounted", "match-shortfall"}


def logits_that_are(right):
    """Two-class logits for examples of class 0 that are right where asked."""
    return np.where(right[:, None], [[1.0, 0.0]], [[0.0, 1.0]]).astype(np.float32)


def attack_scores(*, canaries=40, seed=0):
    """300 members one deviation above 300 non-members, and far-off canaries, every other one a member."""
    generator = np.random.default_rng(seed)
    members = np.concatenate([np.arange(600) < 300, np.arange(canaries) % 2 == 0])
    planted = np.arange(600 + canaries) >= 600
    scores = generator.normal(size=600 + canaries) + members + 50.0 * planted * np.where(members, 1, -1)
    return AttackScores("lira", scores, members, planted, THREAT)


def cell(*, attacks=None, right=700, teacher_right=800, count=1000):
    return CellEvidence(
        test_labels=np.zeros(count, dtype=np.int64),
        test_logits=logits_that_are(np.arange(count) < right),
        teacher_logits=logits_that_are(np.arange(count) < teacher_right),
        attacks={"lira": attack_scores()} if attacks is None else attacks,
        primary_attack="lira",
    )


def test_every_metric_gives_one_measurement_of_its_name_that_holds_its_value(components, compute):
    evidence = fake_cell_evidence()
    own = {
        "canary-auc": replace(evidence, attacks={"lira": attack_scores()}, primary_attack="lira"),
        "best-published-auc": replace(evidence, attacks={"lira-paper": evidence.attacks["fake"]}),
    }
    for name in components:
        (measurement,) = compute(name, own.get(name, evidence))
        assert measurement.metric == name
        assert measurement.low <= measurement.value <= measurement.high
        assert measurement.interval
        assert measurement.examples > 0
        assert bool(measurement.attack) != (name in OF_THE_CELL), name


def test_every_measurement_is_seeded(components, compute):
    evidence = fake_cell_evidence()
    other = fake_cell_evidence(seed=1).attacks["fake"]
    audit = replace(other.audit, canary_scores=other.audit.canary_scores.round())
    tied = replace(other, scores=other.scores.round(), audit=audit)  # some break ties by lot and draw nothing else
    evidence = replace(evidence, attacks={**evidence.attacks, "other": tied})
    drawn = [name for name, component in components.items() if "seed" in component.options.model_fields]
    assert len(drawn) > 3
    for name in drawn:
        first, again, other = (compute(name, evidence, seed=seed) for seed in (0, 0, 1))
        assert first == again, name
        assert first != other, name


def test_accuracy_has_wilsons_interval(compute):
    (measurement,) = compute("accuracy", cell())
    reference = wilson(700, 1000)
    assert (measurement.value, measurement.low, measurement.high) == (0.7, reference.low, reference.high)
    assert measurement.examples == 1000


def test_accuracy_gap_is_positive_where_the_replacement_loses(compute):
    (measurement,) = compute("accuracy-gap", cell())
    assert measurement.value == pytest.approx(0.1)
    assert 0 < measurement.low < 0.1 < measurement.high
    (none,) = compute("accuracy-gap", cell(right=800))
    assert none.value == 0.0
    assert none.low < 0 < none.high


def test_canaries_count_among_themselves_only(compute):
    saved = attack_scores()
    ordinary = ~saved.canaries
    (measurement,) = compute("auc-mia", cell())
    assert measurement.examples == 600
    assert measurement.value == pytest.approx(auc(saved.scores[ordinary], saved.members[ordinary]))
    (canary,) = compute("canary-auc", cell())
    assert (canary.examples, canary.value) == (40, 1.0)
    assert 0.8 < canary.low < 1.0


def test_there_is_no_canary_measurement_without_canaries(compute):
    assert compute("canary-auc", cell(attacks={"lira": attack_scores(canaries=0)})) == []
    assert compute("canary-auc", cell(attacks={"lira": attack_scores(canaries=1)})) == []  # none was held out


def test_each_attack_has_its_own_measurement(compute):
    both = {"lira": attack_scores(), "loss": attack_scores(seed=1)}
    for name in ("auc-mia", "canary-auc", "tpr-at-1-fpr"):
        assert [measurement.attack for measurement in compute(name, cell(attacks=both))] == ["lira", "loss"]


def test_tpr_takes_at_most_one_false_alarm_in_a_hundred(compute):
    saved = attack_scores()
    ordinary = saved.scores[:300], saved.scores[300:600]
    cut = np.sort(ordinary[1])[-4]  # above the fourth highest of 300 non-members: three false alarms, 1 %
    (measurement,) = compute("tpr-at-1-fpr", cell())
    hits = int((ordinary[0] > cut).sum())
    assert measurement.value == pytest.approx(hits / 300)
    assert f"{hits} of 300 members, 3 of 300 non-members (realised FPR of 1.00 %)" in measurement.interval


@pytest.mark.parametrize(("name", "fpr"), [("tpr-at-10-fpr", 0.1), ("tpr-at-1-fpr", 0.01), ("tpr-at-0-1-fpr", 0.001)])
def test_a_rate_of_false_alarms_needs_non_members_to_allow_one(compute, attack_on, cell_with, name, fpr):
    enough = attack_on(size=round(1 / fpr))
    (measurement,) = compute(name, cell_with({"a": enough}))
    assert measurement.value == tpr_interval(enough.scores, enough.members, fpr=fpr).value
    assert compute(name, cell_with({"a": attack_on(size=round(1 / fpr) - 1)})) == []


def test_a_constant_score_finds_nobody_and_is_blind(compute):
    saved = attack_scores(canaries=0)
    blind = AttackScores("blind", np.zeros(600), saved.members, saved.canaries, THREAT)
    evidence = cell(attacks={"blind": blind})
    assert compute("tpr-at-1-fpr", evidence)[0].value == 0.0
    (measurement,) = compute("auc-mia", evidence)
    assert measurement.value == 0.5
    assert measurement.low < 0.5 < measurement.high
    assert compute("aop", evidence)[0].value == 0.7


def test_aop_of_a_perfect_attack_is_a_quarter_of_the_accuracy(compute):
    saved = attack_scores(canaries=0)
    perfect = AttackScores("perfect", saved.members.astype(np.float64), saved.members, saved.canaries, THREAT)
    (measurement,) = compute("aop", cell(attacks={"perfect": perfect}))
    assert measurement.value == pytest.approx(0.7 / 4)
    assert measurement.low < measurement.value < measurement.high  # the accuracy still varies


def test_aop_of_an_attack_that_is_worse_than_blind_is_the_accuracy(compute):
    saved = attack_scores(canaries=0)
    reversed_ = AttackScores("reversed", -saved.scores, saved.members, saved.canaries, THREAT)
    (measurement,) = compute("aop", cell(attacks={"reversed": reversed_}))
    accuracy = wilson(700, 1000)
    assert measurement.value == 0.7
    assert [measurement.low, measurement.high] == pytest.approx([accuracy.low, accuracy.high], abs=0.005)


def test_metrics_are_silent_without_evidence(components, compute):
    nothing = cell(attacks={}, count=0)
    for name in components:
        assert compute(name, nothing) == []
    members_only = AttackScores("odd", np.zeros(4), np.ones(4, dtype=bool), np.zeros(4, dtype=bool), THREAT)
    for name in components:
        assert compute(name, cell(attacks={"odd": members_only})) == [] or name in OF_THE_CELL
