"""Differences between cells on shared examples."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from tckr_bench.judging import metric_names
from tckr_bench.judging.paired import Side, WorstAttacks, paired_differences, unpaired_difference, worst_attacks_of
from tckr_bench.records import Estimate
from tckr_bench.results.examination import scores_of
from tckr_bench.results.files import read_run
from tckr_bench.results.records import cells_of

EVERY = {metric_names.ACCURACY, metric_names.WORST_AUC, metric_names.WORST_TPR, metric_names.AOP}


@pytest.fixture(scope="module")
def cells(whole_run):
    """The teacher and a student, each under the attacks that get furthest with it."""
    run = read_run(whole_run)
    records = sorted(run.records, key=lambda record: record.method.role != "baseline")[:2]
    return [Side(scores_of(run.folder, record, 0), worst_attacks_of(cells_of(record)[0])) for record in records]


def with_attack(side, label, **changes):
    """A side on which one attack has other arrays."""
    attack = dataclasses.replace(side.evidence.attacks[label], **changes)
    attacks = {**side.evidence.attacks, label: attack}
    return dataclasses.replace(side, evidence=dataclasses.replace(side.evidence, attacks=attacks))


def worst_of(side):
    return side.evidence.attacks[side.worst.auc]


def test_a_cell_differs_from_itself_by_nothing(cells):
    found = paired_differences(cells[0], cells[0])
    assert set(found) == EVERY
    for metric in EVERY - {metric_names.ACCURACY}:
        assert (found[metric].value, found[metric].low, found[metric].high) == (0, 0, 0)


def test_values_agree_with_an_independent_reference(cells):
    found = paired_differences(cells[1], cells[0])
    aucs, tprs, accuracies = [], [], []
    for side in (cells[1], cells[0]):
        cell = side.evidence
        attack = cell.attacks[side.worst.auc]
        aucs.append(roc_auc_score(attack.members, attack.scores))
        attack = cell.attacks[side.worst.tpr]
        alarms, hits, _ = roc_curve(attack.members, attack.scores, drop_intermediate=False)
        tprs.append(hits[alarms <= 0.01 + 1e-12].max())
        accuracies.append(np.mean(cell.test_logits.argmax(axis=1) == cell.test_labels))
    assert found[metric_names.WORST_AUC].value == pytest.approx(aucs[0] - aucs[1])
    assert found[metric_names.WORST_TPR].value == pytest.approx(tprs[0] - tprs[1])
    assert found[metric_names.ACCURACY].value == pytest.approx(accuracies[0] - accuracies[1])
    aops = [accuracy / (2 * max(auc, 0.5)) ** 2 for accuracy, auc in zip(accuracies, aucs, strict=True)]
    assert found[metric_names.AOP].value == pytest.approx(aops[0] - aops[1])


def test_swapping_the_cells_turns_the_difference_round(cells):
    there, back = paired_differences(cells[1], cells[0]), paired_differences(cells[0], cells[1])
    for metric, estimate in there.items():
        assert (-back[metric].value, -back[metric].high, -back[metric].low) == pytest.approx(
            (estimate.value, estimate.low, estimate.high)
        )


def test_each_cell_is_taken_under_its_own_worst_attack(cells):
    own, reference = cells[1].evidence, cells[0].evidence
    sides = Side(own, WorstAttacks("loss", "lira")), Side(reference, WorstAttacks("lira", "loss"))
    found = paired_differences(*sides)
    aucs = [roc_auc_score(attack.members, attack.scores) for attack in (own.attacks["loss"], reference.attacks["lira"])]
    assert found[metric_names.WORST_AUC].value == pytest.approx(aucs[0] - aucs[1])
    accuracies = [np.mean(cell.test_logits.argmax(axis=1) == cell.test_labels) for cell in (own, reference)]
    aops = [accuracy / (2 * max(auc, 0.5)) ** 2 for accuracy, auc in zip(accuracies, aucs, strict=True)]
    assert found[metric_names.AOP].value == pytest.approx(aops[0] - aops[1])


def test_a_cell_without_a_worst_attack_is_paired_in_accuracy_alone(cells):
    unknown = dataclasses.replace(cells[1], worst=WorstAttacks("", ""))
    assert list(paired_differences(unknown, cells[0])) == [metric_names.ACCURACY]


def test_pairing_narrows_the_interval_where_scores_go_together(cells):
    attack = worst_of(cells[0])
    jitter = np.random.default_rng(0).normal(0, 0.2, len(attack.scores))
    other = with_attack(cells[0], cells[0].worst.auc, scores=attack.scores + jitter)
    paired = paired_differences(other, cells[0])[metric_names.WORST_AUC]
    auc = Estimate(0.6, 0.56, 0.64, "")
    unpaired = unpaired_difference(auc, auc)
    assert paired.high - paired.low < (unpaired.high - unpaired.low) / 2


def test_other_test_examples_are_not_paired(cells):
    rolled = dataclasses.replace(cells[1].evidence, test_labels=np.roll(cells[1].evidence.test_labels, 1))
    assert paired_differences(dataclasses.replace(cells[1], evidence=rolled), cells[0]) == {}


def test_another_challenge_pairs_accuracy_only(cells):
    other = cells[1]
    for label in {other.worst.auc, other.worst.tpr}:
        other = with_attack(other, label, members=~other.evidence.attacks[label].members)
    assert list(paired_differences(other, cells[0])) == [metric_names.ACCURACY]


def test_canaries_are_left_out(cells):
    attack, label = worst_of(cells[0]), cells[0].worst.auc
    planted = np.zeros(len(attack.scores), dtype=bool)
    planted[[0, -1]] = True
    changed = attack.scores.copy()
    changed[[0, -1]] = (1e9, -1e9)
    marked = [with_attack(cells[0], label, scores=scores, canaries=planted) for scores in (changed, attack.scores)]
    assert paired_differences(*marked)[metric_names.WORST_AUC].value == 0


def test_unpaired_by_hand():
    # independent errors add in quadrature: 0.03 and 0.04 make 0.05
    difference = unpaired_difference(Estimate(0.7, 0.67, 0.73, ""), Estimate(0.6, 0.56, 0.64, ""))
    assert (difference.value, difference.low, difference.high) == pytest.approx((0.1, 0.05, 0.15))
