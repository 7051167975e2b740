"""Laws of the pure functions, and the published AOP table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tckr_bench.stats import classification as metrics

logits_and_labels = st.integers(1, 20).flatmap(
    lambda count: st.tuples(
        arrays.arrays(np.float32, (count, 4), elements=st.floats(-50, 50, width=32)),
        arrays.arrays(np.int64, count, elements=st.integers(0, 3)),
    )
)


@settings(deadline=None)
@given(logits_and_labels)
def test_accuracy_agrees_with_sklearn(world):
    from sklearn.metrics import accuracy_score

    logits, labels = world
    assert metrics.accuracy(logits, labels) == pytest.approx(accuracy_score(labels, logits.argmax(axis=1)))


@settings(deadline=None)
@given(logits_and_labels)
def test_agreement_is_symmetric_and_full_with_itself(world):
    logits, _ = world
    other = logits[::-1].copy()
    assert metrics.agreement(logits, other) == metrics.agreement(other, logits)
    assert metrics.agreement(logits, 2 * logits) == 1.0


def test_a_diverged_classifier_is_wrong_everywhere():
    assert metrics.accuracy(np.full((4, 3), np.nan, dtype=np.float32), np.zeros(4, dtype=np.int64)) == 0.0


@settings(deadline=None)
@given(logits_and_labels)
def test_log_likelihood_agrees_with_torch(world):
    torch = pytest.importorskip("torch")
    logits, labels = world
    loss = torch.nn.functional.cross_entropy(
        torch.tensor(logits, dtype=torch.float64), torch.tensor(labels), reduction="none"
    )
    np.testing.assert_allclose(metrics.log_likelihood(logits, labels), -loss.numpy(), atol=1e-12)


def test_log_likelihood_of_confident_outputs_stays_finite():
    logits = np.array([[1000.0, 0.0]], dtype=np.float32)
    assert metrics.log_likelihood(logits, np.array([1])).tolist() == [-1000.0]


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0, 1))
def test_aop_rewards_accuracy_and_never_exceeds_it(accuracy, auc):
    found = metrics.accuracy_over_privacy(accuracy, auc)
    assert accuracy / 4 - 1e-12 <= found <= accuracy
    assert metrics.accuracy_over_privacy(accuracy, min(auc, 0.5)) == accuracy


def published():
    path = Path(__file__).parents[3] / "shared" / "paper" / "reported.json"
    if not path.is_file():
        pytest.skip("the published measurements are not at hand")
    rows = []
    for name, dataset in json.loads(path.read_text(encoding="utf-8"))["datasets"].items():
        rows += [(name, row["acc"], row["auc"], row["aop"]) for row in (dataset["teacher"], dataset["student"])]
        by_size = dataset["student_by_cardinality"]
        columns = (by_size["accuracy"], by_size["auc_mia"], by_size["aop"])
        rows += [(name, *row) for row in zip(*columns, strict=True)]
    return rows


def test_aop_reproduces_the_published_measurements():
    rows = published()
    far = [
        (name, accuracy, auc, aop)
        for name, accuracy, auc, aop in rows
        if abs(100 * metrics.accuracy_over_privacy(accuracy / 100, auc / 100) - aop) > 0.05
    ]
    assert len(rows) >= 80
    assert all(row[0] == "food101" for row in far), far  # one plotted value is a misprint
    assert len(far) <= 1
