"""The control `noise`: a student of pictures that show nothing. What it knows, the harness has leaked to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.controls.api import Control, ControlOptions, ControlOutcome, Regime
from tckr_bench.controls.checks import Z_CHECK, find, finds_nothing
from tckr_bench.records import Method

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tckr_bench.controls.api import Parts, Trial
    from tckr_bench.records import CellEvidence, CellRecord, Labels, Logits

FIXED_POINTS = 6
"""Of k clusters named at random as k classes, more than 6 are right once in 10,000 (Poisson, mean 1)."""
RENAMINGS = 20_000
CHANCE_TAIL = 5e-4


def methods(parts: Parts, _: ControlOptions) -> tuple[Method, ...]:
    """Return a student of random pixels with the captions' labels."""
    noise = parts.use("generator", "noise", label="noise", options={"image_size": parts.image_size})
    none = parts.use("adapter", "none", label="none", options={})
    return (Method("noise", "control", parts.classifier, captioner=parts.captioner, generator=noise, adapter=none),)


def checks(trial: Trial) -> Iterator[ControlOutcome]:
    """Yield whether it knows no class, and no member."""
    yield _chance_accuracy(trial)
    yield finds_nothing(trial.cell, trial.primary)


def _chance_accuracy(trial: Trial) -> ControlOutcome:
    """Fail a student that knows more than ignorance explains.

    Predictions of an ignorant network are not independent coin flips: it gives whole classes the same wrong,
    or by luck right, name. The limit therefore comes from renaming its outputs at random, not from a binomial
    interval.
    """
    cell = trial.cell
    measurement = find(cell, "accuracy")
    classes = len(cell.description.class_names) if cell.description else 0
    if measurement is None or classes < 2:
        return ControlOutcome(passed=False, reason="has no accuracy, or its dataset no classes")
    limit = trial.limit
    if limit is None:
        limit = min(1.0, FIXED_POINTS / classes + Z_CHECK * measurement.error)
    passed = measurement.value <= limit
    verb = "is" if passed else "is not"
    return ControlOutcome(
        passed,
        f"accuracy {100 * measurement.value:.1f} % {verb} chance "
        f"(1 in {classes} on average, up to {100 * limit:.1f} % by luck)",
    )


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


def limit(_: CellRecord, evidence: CellEvidence) -> float:
    """Return the largest accuracy that ignorance explains."""
    return chance_limit(evidence.test_logits, evidence.test_labels)


NOISE = Control(
    name="noise",
    summary="knows nothing of the real images",
    expectation="attacks must find nothing, and its accuracy must be that of chance",
    methods=methods,
    checks=checks,
    options=ControlOptions,
    regime=lambda _: Regime(sees_members=False),
    limit=limit,
)
