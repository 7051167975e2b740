"""Differences between cells on shared examples."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve
from tckr_bench.results.run_files import cell_folder, read_results

from tckr_bench.judging import metric_names
from tckr_bench.judging.paired import paired_differences, unpaired_difference
from tckr_bench.records import Estimate
from tckr_bench.results.evidence import EVIDENCE_FILE, read_evidence


@pytest.fixture(scope="module")
def cells(whole_run):
    records = read_results(whole_run).records
    return [read_evidence(cell_folder(whole_run, record) / EVIDENCE_FILE) for record in records[:2]]


def test_a_cell_differs_from_itself_by_nothing(cells):
    found = paired_differences(cells[0], cells[0])
    assert set(found) == {metric_names.ACCURACY, metric_names.AUC, metric_names.TPR, metric_names.AOP}
    for metric in (metric_names.AUC, metric_names.TPR, metric_names.AOP):
        assert (found[metric].value, found[metric].low, found[metric].high) == (0, 0, 0)


def test_values_agree_with_an_independent_reference(cells):
    found = paired_differences(cells[1], cells[0])
    aucs, tprs, accuracies = [], [], []
    for cell in (cells[1], cells[0]):
        attack = cell.attacks["lira"]
        aucs.append(roc_auc_score(attack.members, attack.scores))
        alarms, hits, _ = roc_curve(attack.members, attack.scores, drop_intermediate=False)
        tprs.append(hits[alarms <= 0.01 + 1e-12].max())
        accuracies.append(np.mean(cell.test_logits.argmax(axis=1) == cell.test_labels))
    assert found[metric_names.AUC].value == pytest.approx(aucs[0] - aucs[1])
    assert found[metric_names.TPR].value == pytest.approx(tprs[0] - tprs[1])
    assert found[metric_names.ACCURACY].value == pytest.approx(accuracies[0] - accuracies[1])
    aops = [accuracy / (2 * max(auc, 0.5)) ** 2 for accuracy, auc in zip(accuracies, aucs, strict=True)]
    assert found[metric_names.AOP].value == pytest.approx(aops[0] - aops[1])


def test_swapping_the_cells_turns_the_difference_round(cells):
    there, back = paired_differences(cells[1], cells[0]), paired_differences(cells[0], cells[1])
    for metric, estimate in there.items():
        assert (-back[metric].value, -back[metric].high, -back[metric].low) == pytest.approx(
            (estimate.value, estimate.low, estimate.high)
        )


def test_pairing_narrows_the_interval_where_scores_go_together(cells):
    attack = cells[0].attacks["lira"]
    jitter = np.random.default_rng(0).normal(0, 0.2, len(attack.scores))
    close = dataclasses.replace(attack, scores=attack.scores + jitter)
    other = dataclasses.replace(cells[0], attacks={"lira": close})
    paired = paired_differences(other, cells[0])[metric_names.AUC]
    auc = Estimate(0.6, 0.56, 0.64, "")
    unpaired = unpaired_difference(auc, auc)
    assert paired.high - paired.low < (unpaired.high - unpaired.low) / 2


def test_other_test_examples_are_not_paired(cells):
    other = dataclasses.replace(cells[1], test_labels=np.roll(cells[1].test_labels, 1))
    assert paired_differences(other, cells[0]) == {}


def test_another_challenge_pairs_accuracy_only(cells):
    attack = cells[1].attacks["lira"]
    other = dataclasses.replace(cells[1], attacks={"lira": dataclasses.replace(attack, members=~attack.members)})
    assert list(paired_differences(other, cells[0])) == [metric_names.ACCURACY]


def test_canaries_are_left_out(cells):
    attack = cells[0].attacks["lira"]
    planted = np.zeros(len(attack.scores), dtype=bool)
    planted[[0, -1]] = True
    changed = attack.scores.copy()
    changed[[0, -1]] = (1e9, -1e9)
    marked = [
        dataclasses.replace(cells[0], attacks={"lira": dataclasses.replace(attack, scores=scores, canaries=planted)})
        for scores in (changed, attack.scores)
    ]
    assert paired_differences(*marked)[metric_names.AUC].value == 0


def test_unpaired_by_hand():
    # independent errors add in quadrature: 0.03 and 0.04 make 0.05
    difference = unpaired_difference(Estimate(0.7, 0.67, 0.73, ""), Estimate(0.6, 0.56, 0.64, ""))
    assert (difference.value, difference.low, difference.high) == pytest.approx((0.1, 0.05, 0.15))
