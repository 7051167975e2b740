"""Accuracy of the cell's classifier on the real test images, alone and against the real-data teacher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import MetricComponent, NoOptions, Quantity
from tckr_plugins.late import classification, stats
from tckr_plugins.metrics.measurements import measurement

if TYPE_CHECKING:
    from tckr_bench.records import CellEvidence, Measurement


class Accuracy:
    """Share of real test images classified right, 0 to 1, with Wilson's interval; CAS for a student."""

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement; none without test images."""
        count = len(evidence.test_labels)
        if not count:
            return []
        right = int(classification.correct(evidence.test_logits, evidence.test_labels).sum())
        return [measurement("accuracy", stats.wilson(right, count), examples=count)]


class AccuracyGap:
    """Accuracy of the teacher minus that of the cell, -1 to 1: positive is what the replacement loses.

    Both are judged on the same images, so the interval is a paired one (Bonett and Price 2012). The teacher's
    own cell has a gap of exactly 0.
    """

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement; none without test images or without a teacher's outputs on them."""
        count = len(evidence.test_labels)
        if not count or len(evidence.teacher_logits) != count:
            return []
        teacher = classification.correct(evidence.teacher_logits, evidence.test_labels)
        cell = classification.correct(evidence.test_logits, evidence.test_labels)
        return [measurement("accuracy-gap", stats.paired_difference(teacher, cell), examples=count)]


ACCURACY = MetricComponent(
    "accuracy",
    version="1",
    options=NoOptions,
    load=lambda _options: Accuracy(),
    summary="share of real test images classified right (CAS for a student)",
    quantities=(
        Quantity(
            "accuracy",
            "accuracy",
            "share of real test images classified right (CAS)",
            unit="%",
            scale=100,
            digits=1,
            better="higher",
            low=0,
            high=1,
        ),
    ),
)
ACCURACY_GAP = MetricComponent(
    "accuracy-gap",
    version="1",
    options=NoOptions,
    load=lambda _options: AccuracyGap(),
    summary="accuracy of the real-data teacher minus the cell's",
    quantities=(
        Quantity(
            "accuracy-gap",
            "gap",
            "accuracy lost against the real-data baseline",
            unit="points",
            scale=100,
            digits=1,
            better="lower",
            low=-1,
            high=1,
        ),
    ),
)
