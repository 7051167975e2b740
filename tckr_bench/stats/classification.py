"""Pure functions of a classifier's outputs, and the one number that weighs accuracy against privacy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tckr_bench.records import Bools, Floats, Labels, Logits


def correct(logits: Logits, labels: Labels) -> Bools:
    """Return which predictions are right, (n,); a row with a value that is not a number is wrong.

    >>> logits = np.array([[2.0, 1.0], [0.0, 1.0], [np.nan, 0.0]], dtype=np.float32)
    >>> correct(logits, np.array([0, 0, 0])).tolist()
    [True, False, False]
    """
    assert len(logits) == len(labels), "one label per row of logits"
    usable = ~np.isnan(logits).any(axis=1)
    right: Bools = usable & (logits.argmax(axis=1) == labels)
    return right


def accuracy(logits: Logits, labels: Labels) -> float:
    """Return the share of right predictions, 0 to 1; n is at least 1.

    >>> accuracy(np.array([[2.0, 1.0], [0.0, 1.0]], dtype=np.float32), np.array([0, 0]))
    0.5
    """
    return float(correct(logits, labels).mean())


def agreement(first: Logits, second: Logits) -> float:
    """Return the share of examples on which two classifiers predict the same class, right or wrong, 0 to 1.

    >>> first = np.array([[2.0, 1.0], [0.0, 1.0]], dtype=np.float32)
    >>> agreement(first, np.array([[0.1, 0.0], [9.0, 1.0]], dtype=np.float32))
    0.5
    """
    return accuracy(first, second.argmax(axis=1))


def log_likelihood(logits: Logits, labels: Labels) -> Floats:
    """Return log p(label) of each example in float64, (n,): minus its cross-entropy.

    >>> log_likelihood(np.array([[0.0, 0.0]], dtype=np.float32), np.array([1])).round(4).tolist()
    [-0.6931]
    """
    from scipy.special import log_softmax

    found = log_softmax(np.asarray(logits, dtype=np.float64), axis=1)
    picked: Floats = np.take_along_axis(found, labels[:, None], axis=1)[:, 0]
    return picked


def accuracy_over_privacy(accuracy: float, auc: float) -> float:
    """Return AOP = accuracy / (2 max(AUC, 0.5))^2, as fractions: the accuracy itself at an AUC of 0.5.

    Source: Resmini et al. 2025 (arXiv 2504.04582).

    >>> accuracy_over_privacy(0.8, 1.0), accuracy_over_privacy(0.8, 0.4)
    (0.2, 0.8)
    """
    return accuracy / (2 * max(auc, 0.5)) ** 2
