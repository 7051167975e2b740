"""Laws of the measurements for those at risk most: the class, and the tenth that shadow models point out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tckr_bench.records import ShadowAudit
from tckr_bench.stats import auc, auc_interval


def audit_with(vulnerability):
    return ShadowAudit(np.array([0.5]), vulnerability, np.zeros((1, 0)), np.zeros((1, 0), dtype=bool))


def test_the_class_an_attack_tells_apart_best_is_named(compute, attack_on, cell_with):
    saved = attack_on(shift=0.2)
    labels = np.arange(600) % 5
    scores = saved.scores + 2.0 * (labels == 3) * saved.members
    (measurement,) = compute("worst-class-auc", cell_with({"a": replace(saved, scores=scores, labels=labels)}))
    chosen = labels == 3
    assert measurement.value == pytest.approx(auc(scores[chosen], saved.members[chosen]))
    assert measurement.interval.startswith("class 3;")
    assert measurement.examples == 120


def test_having_looked_at_every_class_lowers_the_lower_end(compute, attack_on, cell_with):
    saved = attack_on(shift=0.5)
    (several,) = compute("worst-class-auc", cell_with({"a": replace(saved, labels=np.arange(600) % 10)}))
    chosen = np.arange(600) % 10 == int(several.interval.split(";")[0].removeprefix("class "))
    alone = auc_interval(saved.scores[chosen], saved.members[chosen])
    assert several.value == pytest.approx(alone.value)
    assert several.low < alone.low
    (one,) = compute("worst-class-auc", cell_with({"a": replace(saved, labels=np.zeros(600, dtype=np.int64))}))
    whole = auc_interval(saved.scores, saved.members)
    assert (one.value, one.low, one.high) == pytest.approx((whole.value, whole.low, whole.high))


def test_small_classes_are_left_out(compute, attack_on, cell_with):
    saved = attack_on()
    labels = np.zeros(600, dtype=np.int64)
    labels[:19] = labels[300:400] = 1  # 19 members, 100 others
    scores = saved.scores + 50.0 * (labels == 1) * saved.members
    (measurement,) = compute("worst-class-auc", cell_with({"a": replace(saved, scores=scores, labels=labels)}))
    assert measurement.interval.startswith("class 0;")
    assert compute("worst-class-auc", cell_with({"a": replace(saved, labels=np.arange(600) % 300)})) == []


def test_classes_need_labels_and_canaries_have_none_of_interest(compute, attack_on, cell_with):
    assert compute("worst-class-auc", cell_with({"a": attack_on(labels=None)})) == []
    saved = attack_on(labels=np.arange(600) % 2)
    planted = replace(
        saved,
        scores=np.concatenate([[50.0] * 30, [-50.0] * 30, saved.scores]),
        members=np.concatenate([[True] * 30, [False] * 30, saved.members]),
        canaries=np.concatenate([[True] * 60, saved.canaries]),
        labels=np.concatenate([[7] * 60, saved.labels]),
    )
    assert compute("worst-class-auc", cell_with({"a": planted})) == compute("worst-class-auc", cell_with({"a": saved}))


def test_the_tenth_that_shadow_models_point_out_is_judged(compute, attack_on, cell_with):
    vulnerability = np.random.default_rng(1).normal(size=600)
    saved = attack_on(audit=audit_with(vulnerability))
    (measurement,) = compute("worst-decile-auc", cell_with({"a": saved}))
    chosen = vulnerability >= np.sort(vulnerability)[-60]
    reference = auc_interval(saved.scores[chosen], saved.members[chosen])
    assert (measurement.value, measurement.low, measurement.high) == (reference.value, reference.low, reference.high)
    assert measurement.examples == 60


def test_the_tenth_leaves_canaries_out(compute, attack_on, cell_with):
    vulnerability = np.random.default_rng(1).normal(size=600)
    saved = attack_on(audit=audit_with(vulnerability))
    planted = replace(
        saved,
        scores=np.concatenate([[50.0] * 30, saved.scores]),
        members=np.concatenate([[True] * 30, saved.members]),
        canaries=np.concatenate([[True] * 30, saved.canaries]),
    )
    assert compute("worst-decile-auc", cell_with({"a": planted})) == compute(
        "worst-decile-auc", cell_with({"a": saved})
    )


def test_the_tenth_needs_an_audit_and_twenty_of_each(compute, attack_on, cell_with):
    assert compute("worst-decile-auc", cell_with({"a": attack_on()})) == []
    members_first = audit_with(-np.arange(600.0))  # the 60 examples most at risk are all members
    assert compute("worst-decile-auc", cell_with({"a": attack_on(audit=members_first)})) == []
