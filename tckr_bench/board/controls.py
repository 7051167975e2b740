"""Judge the controls: methods whose answer is known before the run.

Every check allows for chance at a level of about one false alarm in a thousand (z = 3.3), with the standard
error implied by the saved 95 % interval: at the 95 % level a sound run would be called untrustworthy once in
a dozen. A control is judged seed by seed; one seed that fails fails it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tckr_bench.records import CellRecord, Figure

CONTROLS = ("memorizer", "noise", "overfit", "untrained")
Z_95 = 1.959964
Z_CHECK = 3.3
CANARY_FLOOR = 0.9
FIXED_POINTS = 6
"""Of k clusters named at random as k classes, more than 6 are right once in 10,000 (Poisson, mean 1)."""


@dataclass(frozen=True)
class Verdict:
    """Whether a control behaved as it must, and the numbers that say so, in one line."""

    control: str
    passed: bool
    reason: str


def standard_error(figure: Figure) -> float:
    """Return the standard error implied by a figure's 95 % interval.

    >>> from tckr_bench.records import Figure
    >>> round(standard_error(Figure("auc-mia", 0.5, 0.48040036, 0.51959964, "DeLong", 100)), 6)
    0.01
    """
    return (figure.high - figure.low) / (2 * Z_95)


def judge_controls(
    records: Sequence[CellRecord], primary: str, *, chance_limits: Mapping[tuple[str, str, int], float]
) -> tuple[Verdict, ...]:
    """Judge the four controls of one dataset; one that is missing or failed does not pass."""
    verdicts: list[Verdict] = []
    for control in CONTROLS:
        own = [record for record in records if record.method.role == "control" and _is(record.method.name, control)]
        names = list(dict.fromkeys(record.method.name for record in own))
        if not names:
            verdicts.append(Verdict(control, passed=False, reason="was not run"))
        for name in names:
            cells = [record for record in own if record.method.name == name]
            judged = [_judge(control, cell, records, primary, chance_limits) for cell in cells]
            verdicts.append(_worst(name, cells, judged))
    return tuple(verdicts)


def _is(name: str, control: str) -> bool:
    return name == control or name.startswith(f"{control}-")


def _worst(name: str, cells: Sequence[CellRecord], judged: Sequence[tuple[bool, str]]) -> Verdict:
    """Join the seeds of a control: what failed, if anything did, else the first seed's numbers."""
    several = len(cells) > 1
    told = [
        (passed, f"seed {cell.seed}: {why}" if several else why)
        for cell, (passed, why) in zip(cells, judged, strict=True)
    ]
    failed = [why for passed, why in told if not passed]
    if failed:
        return Verdict(name, passed=False, reason="; ".join(failed))
    return Verdict(name, passed=True, reason="; ".join(why for _, why in told))


def _judge(
    control: str,
    cell: CellRecord,
    records: Sequence[CellRecord],
    primary: str,
    chance_limits: Mapping[tuple[str, str, int], float],
) -> tuple[bool, str]:
    if cell.status == "failed":
        return False, f"its cell failed ({cell.failure or 'no reason given'})"
    checks: dict[str, list[Callable[[], tuple[bool, str]]]] = {
        "memorizer": [lambda: _as_found_as(cell, _teacher_of(cell, records), primary)],
        "noise": [lambda: _chance_accuracy(cell, chance_limits), lambda: _finds_nothing(cell, primary)],
        "overfit": [lambda: _canaries_found(cell, primary)],
        "untrained": [lambda: _finds_nothing(cell, primary)],
    }
    outcomes = [check() for check in checks[control]]
    failed = [reason for passed, reason in outcomes if not passed]
    return (False, "; ".join(failed)) if failed else (True, "; ".join(reason for _, reason in outcomes))


def find(record: CellRecord | None, metric: str, attack: str = "") -> Figure | None:
    """Return a record's figure, if it has it and all of it is finite."""
    for figure in record.figures if record is not None else ():
        if (figure.metric, figure.attack) == (metric, attack):
            return figure if all(map(math.isfinite, (figure.low, figure.value, figure.high))) else None
    return None


def _teacher_of(cell: CellRecord, records: Sequence[CellRecord]) -> CellRecord | None:
    teachers = [record for record in records if record.method.role == "baseline" and record.seed == cell.seed]
    same = [record for record in teachers if record.method.classifier.label == cell.method.classifier.label]
    return same[0] if same else teachers[0] if len(teachers) == 1 else None


def _finds_nothing(cell: CellRecord, primary: str) -> tuple[bool, str]:
    figure = find(cell, "auc-mia", primary)
    if figure is None:
        return False, f"has no AUC of the attack {primary}"
    allowed = Z_CHECK * standard_error(figure)
    passed = abs(figure.value - 0.5) <= allowed
    verb = "is" if passed else "is not"
    return passed, f"AUC {figure.value:.3f} {verb} within {allowed:.3f} of guessing (0.5)"


def _as_found_as(cell: CellRecord, teacher: CellRecord | None, primary: str) -> tuple[bool, str]:
    """Fail a memorizer only if it looks safer than the teacher whose training images it releases."""
    own, reference = find(cell, "auc-mia", primary), find(teacher, "auc-mia", primary)
    if own is None or reference is None:
        return False, f"has no AUC of the attack {primary} to set beside the teacher's"
    allowed = Z_CHECK * math.hypot(standard_error(own), standard_error(reference))
    passed = own.value >= reference.value - allowed
    verb = "no safer than" if passed else "looks safer than"
    return passed, (
        f"{verb} the teacher: AUC {own.value:.3f} against {reference.value:.3f} (chance allows {allowed:.3f} less)"
    )


def _canaries_found(cell: CellRecord, primary: str) -> tuple[bool, str]:
    figure = find(cell, "canary-auc", primary)
    if figure is None:
        return False, f"has no canary AUC of the attack {primary}"
    passed = figure.value >= CANARY_FLOOR
    verb = "found" if passed else "missed"
    bound = "at least" if passed else "less than"
    return passed, f"canaries {verb}: AUC {figure.value:.3f}, {bound} {CANARY_FLOOR}"


def _chance_accuracy(cell: CellRecord, chance_limits: Mapping[tuple[str, str, int], float]) -> tuple[bool, str]:
    """Fail a noise student only if it knows more than ignorance explains.

    Predictions of an ignorant network are not independent coin flips: it gives whole classes the same wrong,
    or by luck right, name. The limit therefore comes from renaming its outputs at random, not from a binomial
    interval.
    """
    figure = find(cell, "accuracy")
    classes = len(cell.description.class_names) if cell.description else 0
    if figure is None or classes < 2:
        return False, "has no accuracy, or its dataset no classes"
    limit = chance_limits.get((cell.dataset, cell.method.name, cell.seed))
    if limit is None:
        limit = min(1.0, FIXED_POINTS / classes + Z_CHECK * standard_error(figure))
    passed = figure.value <= limit
    verb = "is" if passed else "is not"
    return passed, (
        f"accuracy {100 * figure.value:.1f} % {verb} chance "
        f"(1 in {classes} on average, up to {100 * limit:.1f} % by luck)"
    )
