"""How far controls may go by their own evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tckr_bench.records import CellEvidence, CellRecord, Labels, Logits

RENAMINGS = 20_000
CHANCE_TAIL = 5e-4
LIMITED = ("noise", "memorizer")


def has_limit(record: CellRecord) -> bool:
    """Return whether a cell is of a control that its evidence sets a limit: `noise` and `memorizer`."""
    return record.status == "ok" and record.method.role == "control" and record.method.name.startswith(LIMITED)


def control_limit(record: CellRecord, evidence: CellEvidence) -> float:
    """Return the largest accuracy ignorance explains, of `noise`; of `memorizer` the share of members it releases."""
    if record.method.name.startswith("noise"):
        return chance_limit(evidence.test_logits, evidence.test_labels)
    attack = evidence.attacks.get(evidence.primary_attack)
    if attack is None or attack.labels is None:
        return 1.0
    return released_share(attack.labels[attack.members & ~attack.canaries], record.method.cardinality)


def released_share(labels: Labels, cardinality: float) -> float:
    """Return the share of the training images that a class-balanced sequence holds.

    A class takes each of its images once before it begins again, so that one with more than its part of the sequence
    is not released whole. The classes of the members stand for those of the training set.

    Args:
        labels: classes of the members, (n,).
        cardinality: length of the sequence in training sets.

    >>> import numpy as np
    >>> released_share(np.array([0, 0, 0, 1]), 1)  # four images, two of each class: one of class 0 stays out
    0.75
    >>> released_share(np.array([0, 0, 1, 1]), 1)
    1.0
    """
    import numpy as np

    counts = np.unique(labels, return_counts=True)[1]
    if not len(counts):
        return 1.0
    return min(1.0, float(np.minimum(counts / counts.sum(), cardinality / len(counts)).sum()))


def chance_limit(logits: Logits, labels: Labels) -> float:
    """Return the accuracy that an ignorant classifier exceeds about once in 2,000 times.

    Ignorance is taken as: any renaming of the classifier's outputs was as likely as the one observed. An
    ignorant network still maps alike images to alike outputs, so its hits come in whole classes and spread
    far wider than a binomial count; renaming the outputs keeps that structure (a permutation test over class
    names).

    Measured: 40 small networks trained on noise reached 2 to 17 % on ten digits; a binomial check at z = 3.3 would
    have failed 8 of them, this one none.

    Args:
        logits: (n, classes).
        labels: (n,) class indices.

    >>> import numpy as np
    >>> always_first = np.eye(2)[[0, 0, 0, 0]]  # a constant answer: at best the largest class
    >>> chance_limit(always_first, np.array([0, 1, 1, 1]))
    0.75
    """
    import numpy as np

    classes = logits.shape[1]
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (labels, logits.argmax(axis=1)), 1)
    generator = np.random.default_rng(0)
    names = generator.permuted(np.tile(np.arange(classes), (RENAMINGS, 1)), axis=1)
    hits = table[np.arange(classes), names].sum(axis=1)
    return float(np.quantile(hits, 1 - CHANCE_TAIL, method="higher")) / len(labels)
