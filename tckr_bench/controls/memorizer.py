"""The control `memorizer`: releases the training images as synthetic ones. It must look no safer than real data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tckr_bench.controls.api import Control, ControlOptions, ControlOutcome
from tckr_bench.controls.checks import AUC, Z_CHECK, find
from tckr_bench.records import Method, attacks_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tckr_bench.controls.api import Parts, Trial
    from tckr_bench.records import CellEvidence, CellRecord, Labels, Measurement

GENERATOR = "memorizer"
"""The generator that returns the real images."""
BETWEEN_TRAININGS = "auc-between-trainings"
COPY_ATTACK = "nearest-copy"
COPY_FLOOR = 0.99


def methods(parts: Parts, _: ControlOptions) -> tuple[Method, ...]:
    """Return a student of the training images themselves."""
    generator = parts.use("generator", GENERATOR, label="memorizer", options={})
    adapter = parts.use("adapter", "memorize", label="memorize", options={})
    return (
        Method(
            "memorizer", "control", parts.classifier, captioner=parts.captioner, generator=generator, adapter=adapter
        ),
    )


def checks(trial: Trial) -> Iterator[ControlOutcome]:
    """Yield whether members are found as the teacher's are, and by every attack that looks for copies among images."""
    yield _as_found_as_teacher(trial)
    yield from copies_found(trial, floor=COPY_FLOOR)


def copies_found(trial: Trial, *, floor: float) -> Iterator[ControlOutcome]:
    """Yield whether the released members are found by every attack that looks for copies among images.

    Args:
        trial: of a control that releases the members, its limit the share of them it releases.
        floor: the least AUC where all are released.
    """
    for label in attacks_on(trial.records, surface="images"):
        if label.startswith(COPY_ATTACK):
            yield _found_by(trial, label, floor=floor)


def spread_allowed(spread: Measurement) -> float:
    """Return how far one training may lie from the mean, at the level of `Z_CHECK`, by a spread that few told.

    Few trainings tell their standard deviation roughly, for which Student's quantile allows: 4.09 for sixteen.

    >>> from tckr_bench.records import Measurement
    >>> round(spread_allowed(Measurement("auc-between-trainings", 0.01, 0.007, 0.015, "chi-square", examples=16)), 4)
    0.0409
    """
    from scipy.special import ndtr, stdtrit

    return float(stdtrit(max(1, spread.examples - 1), ndtr(Z_CHECK))) * max(0.0, spread.value)


def _as_found_as_teacher(trial: Trial) -> ControlOutcome:
    """Fail a memorizer only if it looks safer than the teacher whose training images it releases.

    Both are single trainings, so their difference has the variance between trainings twice: that of the attack turned
    on each shadow model, the larger one where both cells have it. A few shadow models tell it roughly, for which
    Student's quantile allows. Without it only the choice of examples is allowed for.
    """
    cell, teacher, primary = trial.cell, trial.teacher, trial.primary
    own, reference = find(cell, AUC, primary), find(teacher, AUC, primary)
    if own is None or reference is None:
        return ControlOutcome(passed=False, reason=f"has no AUC of the attack {primary} to set beside the teacher's")
    spreads = [spread for part in (cell, teacher) if (spread := find(part, BETWEEN_TRAININGS, primary)) is not None]
    between = max((spread_allowed(spread) for spread in spreads), default=0.0)
    sampling = math.hypot(own.error, reference.error)
    allowed = math.hypot(Z_CHECK * sampling, math.sqrt(2) * between)
    passed = own.value >= reference.value - allowed
    verb = "no safer than" if passed else "looks safer than"
    reason = ", as trainings differ" if between else ""
    return ControlOutcome(
        passed,
        f"{verb} the teacher: AUC {own.value:.3f} against {reference.value:.3f} "
        f"(chance allows {allowed:.3f} less{reason})",
    )


def _found_by(trial: Trial, attack: str, *, floor: float) -> ControlOutcome:
    """Fail a control whose training images are not found among the images it releases.

    Where classes are uneven it does not release them all: those it keeps are found as often as not, which the floor
    follows, less the error of the measurement.
    """
    measurement = find(trial.cell, AUC, attack)
    if measurement is None:
        return ControlOutcome(passed=False, reason=f"has no AUC of the attack {attack}")
    released = 1.0 if trial.limit is None else trial.limit
    least = floor if released >= 1 else (1 + released) / 2 * floor - Z_CHECK * measurement.error
    passed = measurement.value >= least
    verb, bound = ("found", "at least") if passed else ("missed", "less than")
    kept = "" if released >= 1 else f" ({100 * released:.0f} % of the members released)"
    return ControlOutcome(passed, f"copies {verb}: AUC {measurement.value:.3f}, {bound} {least:.3g}{kept}")


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


def limit(record: CellRecord, evidence: CellEvidence) -> float:
    """Return the share of the members that it releases."""
    attack = evidence.attacks.get(evidence.primary_attack)
    if attack is None or attack.labels is None:
        return 1.0
    return released_share(attack.labels[attack.members & ~attack.canaries], record.method.cardinality)


MEMORIZER = Control(
    name="memorizer",
    summary="releases the training images themselves",
    expectation="attacks must find as much as on real data",
    methods=methods,
    checks=checks,
    options=ControlOptions,
    limit=limit,
    charted=True,
)
