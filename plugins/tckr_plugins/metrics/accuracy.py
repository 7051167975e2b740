"""Accuracy of the cell's classifier on the real test images, alone and against the real-data teacher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.stats import paired_difference, wilson
from tckr_bench.stats.classification import correct
from tckr_plugins.metrics.measurements import measurement

if TYPE_CHECKING:
    from tckr_bench.records import CellEvidence, Measurement


class Accuracy:
    """Share of real test images classified right, 0 to 1, with Wilson's interval; CAS for a student."""

    higher_is_better = True

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement; none without test images."""
        count = len(evidence.test_labels)
        if not count:
            return []
        right = int(correct(evidence.test_logits, evidence.test_labels).sum())
        return [measurement("accuracy", wilson(right, count), examples=count)]


class AccuracyGap:
    """Accuracy of the teacher minus that of the cell, -1 to 1: positive is what the replacement loses.

    Both are judged on the same images, so the interval is a paired one (Bonett and Price 2012). The teacher's
    own cell has a gap of exactly 0.
    """

    higher_is_better = False

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement; none without test images or without a teacher's outputs on them."""
        count = len(evidence.test_labels)
        if not count or len(evidence.teacher_logits) != count:
            return []
        teacher = correct(evidence.teacher_logits, evidence.test_labels)
        cell = correct(evidence.test_logits, evidence.test_labels)
        return [measurement("accuracy-gap", paired_difference(teacher, cell), examples=count)]
