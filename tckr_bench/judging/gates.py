"""Judge the controls: methods, and tests of the challenge, whose answer is known before the run.

Every check allows for chance at a level of about one false alarm in a thousand (z = 3.3), with the standard
error implied by the saved 95 % interval: at the 95 % level a sound run would be called untrustworthy once in
a dozen. A control is judged seed by seed; one seed that fails fails it.

Results of format 1 know neither the control `outsider` nor attacks that look for copies, test the challenge or tell how
far trainings differ; nothing of the kind is asked of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tckr_bench.records import CellRecord, Measurement
    from tckr_bench.results.files import SavedRun
    from tckr_bench.results.records import Gate, ResultRecord

CONTROLS = ("memorizer", "noise", "overfit", "untrained")
OUTSIDER = "outsider"
COPY_ATTACK = "nearest-copy"
AUC, BETWEEN_TRAININGS = "auc-mia", "auc-between-trainings"
Z_95 = 1.959964
Z_CHECK = 3.3
CANARY_FLOOR = 0.9
COPY_FLOOR = 0.99
CROSS_VALIDATED = 1.5
"""How much further than DeLong's error the AUC of scores learnt by cross-validation may stray: the examples share the
models that score them. On 360 challenges whose members were drawn at random it strayed 1.20 to 1.41 times as far."""
FIXED_POINTS = 6
"""Of k clusters named at random as k classes, more than 6 are right once in 10,000 (Poisson, mean 1)."""

Outcome = tuple[bool, str]


@dataclass(frozen=True)
class Verdict:
    """Whether a control behaved as it must, and the numbers that say so, in one line."""

    control: str
    passed: bool
    reason: str


@dataclass(frozen=True)
class _Trial:
    """The records of a dataset, and what a control of it is judged by."""

    records: Sequence[CellRecord]
    primary: str
    control_limits: Mapping[tuple[str, str, int], float]
    results_format: int


def standard_error(measurement: Measurement) -> float:
    """Return the standard error implied by a measurement's 95 % interval.

    >>> from tckr_bench.records import Measurement
    >>> round(standard_error(Measurement("auc-mia", 0.5, 0.48040036, 0.51959964, "DeLong", 100)), 6)
    0.01
    """
    return (measurement.high - measurement.low) / (2 * Z_95)


def spread_allowed(spread: Measurement) -> float:
    """Return how far one training may lie from the mean, at the level of `Z_CHECK`, by a spread that few told.

    Few trainings tell their standard deviation roughly, for which Student's quantile allows: 4.09 for sixteen.

    >>> from tckr_bench.records import Measurement
    >>> round(spread_allowed(Measurement("auc-between-trainings", 0.01, 0.007, 0.015, "chi-square", examples=16)), 4)
    0.0409
    """
    from scipy.special import ndtr, stdtrit

    return float(stdtrit(max(1, spread.examples - 1), ndtr(Z_CHECK))) * max(0.0, spread.value)


def judge_controls(
    records: Sequence[CellRecord],
    primary: str,
    *,
    control_limits: Mapping[tuple[str, str, int], float],
    results_format: int,
) -> tuple[Verdict, ...]:
    """Judge the controls of one dataset, then its tests of the challenge; a control that is missing does not pass."""
    trial = _Trial(records, primary, control_limits, results_format)
    verdicts: list[Verdict] = []
    for control in _asked(trial):
        own = [record for record in records if record.method.role == "control" and _is(record.method.name, control)]
        names = list(dict.fromkeys(record.method.name for record in own))
        if not names:
            verdicts.append(Verdict(control, passed=False, reason="was not run"))
        for name in names:
            cells = [record for record in own if record.method.name == name]
            verdicts.append(_worst(name, cells, [_judge(control, cell, trial) for cell in cells]))
    return (*verdicts, *_tests_of_the_challenge(trial))


def _asked(trial: _Trial) -> tuple[str, ...]:
    """Return the controls a run must have; with epochs chosen on the test set, nothing is held out for an outsider."""
    outside = trial.results_format > 1 and any(record.protocol == "sound" for record in trial.records)
    return (*CONTROLS, *((OUTSIDER,) if outside else ()))


def _tests_of_the_challenge(trial: _Trial) -> list[Verdict]:
    """Judge the attacks that see the data alone: if they succeed, no other attack's measurement means anything."""
    verdicts = []
    for label in labels_of(trial.records, surface="data"):
        cells = {record.seed: record for record in reversed(trial.records) if label in record.threat_models}
        judged = [_challenge_is_fair(cell, label) for _, cell in sorted(cells.items())]
        verdicts.append(_worst(label, [cell for _, cell in sorted(cells.items())], judged))
    return verdicts


def labels_of(records: Sequence[CellRecord], *, surface: str) -> list[str]:
    """Return the labels of the attacks that look at a surface, in order of appearance."""
    models = (item for record in records for item in record.threat_models.items())
    return list(dict.fromkeys(label for label, model in models if model.surface == surface))


def _is(name: str, control: str) -> bool:
    return name == control or name.startswith(f"{control}-")


def _worst(name: str, cells: Sequence[CellRecord], judged: Sequence[Outcome]) -> Verdict:
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


def _judge(control: str, cell: CellRecord, trial: _Trial) -> Outcome:
    if cell.status == "failed":
        return False, f"its cell failed ({cell.failure or 'no reason given'})"
    primary = trial.primary
    copies = [
        lambda label=label: _copies_found(cell, label, trial.control_limits) for label in _looking_for_copies(trial)
    ]
    checks: dict[str, list[Callable[[], Outcome]]] = {
        "memorizer": [lambda: _as_found_as(cell, _teacher_of(cell, trial.records), primary), *copies],
        "noise": [lambda: _chance_accuracy(cell, trial.control_limits), lambda: _finds_nothing(cell, primary)],
        "overfit": [lambda: _canaries_found(cell, primary)],
        "untrained": [lambda: _finds_nothing(cell, primary)],
        OUTSIDER: [lambda: _finds_nothing(cell, primary)],
    }
    outcomes = [check() for check in checks[control]]
    failed = [reason for passed, reason in outcomes if not passed]
    return (False, "; ".join(failed)) if failed else (True, "; ".join(reason for _, reason in outcomes))


def _looking_for_copies(trial: _Trial) -> list[str]:
    if trial.results_format < 2:
        return []
    return [label for label in labels_of(trial.records, surface="images") if label.startswith(COPY_ATTACK)]


def find(record: CellRecord | None, metric: str, attack: str = "") -> Measurement | None:
    """Return a record's measurement, if it has it and all of it is finite."""
    for measurement in record.measurements if record is not None else ():
        if (measurement.metric, measurement.attack) == (metric, attack):
            return (
                measurement if all(map(math.isfinite, (measurement.low, measurement.value, measurement.high))) else None
            )
    return None


def _teacher_of(cell: CellRecord, records: Sequence[CellRecord]) -> CellRecord | None:
    teachers = [record for record in records if record.method.role == "baseline" and record.seed == cell.seed]
    same = [record for record in teachers if record.method.classifier.label == cell.method.classifier.label]
    return same[0] if same else teachers[0] if len(teachers) == 1 else None


def _finds_nothing(cell: CellRecord, attack: str, *, stray: float = 1.0) -> Outcome:
    measurement = find(cell, AUC, attack)
    if measurement is None:
        return False, f"has no AUC of the attack {attack}"
    allowed = stray * Z_CHECK * standard_error(measurement)
    passed = abs(measurement.value - 0.5) <= allowed
    verb = "is" if passed else "is not"
    return passed, f"AUC {measurement.value:.3f} {verb} within {allowed:.3f} of guessing (0.5)"


def _challenge_is_fair(cell: CellRecord, attack: str) -> Outcome:
    """Fail a challenge whose members can be told from its non-members without looking at any model."""
    passed, reason = _finds_nothing(cell, attack, stray=CROSS_VALIDATED)
    if passed:
        return True, f"without any model, members look like non-members: {reason}"
    return False, f"members can be told from non-members without any model, so no attack's measurement counts: {reason}"


def _as_found_as(cell: CellRecord, teacher: CellRecord | None, primary: str) -> Outcome:
    """Fail a memorizer only if it looks safer than the teacher whose training images it releases.

    Both are single trainings, so their difference has the variance between trainings twice: that of the attack turned
    on each shadow model, the larger one where both cells have it. A few shadow models tell it roughly, for which
    Student's quantile allows. Without it only the choice of examples is allowed for.
    """
    own, reference = find(cell, AUC, primary), find(teacher, AUC, primary)
    if own is None or reference is None:
        return False, f"has no AUC of the attack {primary} to set beside the teacher's"
    spreads = [spread for part in (cell, teacher) if (spread := find(part, BETWEEN_TRAININGS, primary)) is not None]
    between = max((spread_allowed(spread) for spread in spreads), default=0.0)
    sampling = math.hypot(standard_error(own), standard_error(reference))
    allowed = math.hypot(Z_CHECK * sampling, math.sqrt(2) * between)
    passed = own.value >= reference.value - allowed
    verb = "no safer than" if passed else "looks safer than"
    reason = ", as trainings differ" if between else ""
    return passed, (
        f"{verb} the teacher: AUC {own.value:.3f} against {reference.value:.3f} "
        f"(chance allows {allowed:.3f} less{reason})"
    )


def _copies_found(cell: CellRecord, attack: str, limits: Mapping[tuple[str, str, int], float]) -> Outcome:
    """Fail a memorizer whose training images are not found among the images it releases.

    Where classes are uneven it does not release them all: those it keeps are found as often as not, which the floor
    follows, less the error of the measurement.
    """
    measurement = find(cell, AUC, attack)
    if measurement is None:
        return False, f"has no AUC of the attack {attack}"
    released = limits.get((cell.dataset, cell.method.name, cell.seed), 1.0)
    floor = COPY_FLOOR if released >= 1 else (1 + released) / 2 * COPY_FLOOR - Z_CHECK * standard_error(measurement)
    passed = measurement.value >= floor
    verb, bound = ("found", "at least") if passed else ("missed", "less than")
    kept = "" if released >= 1 else f" ({100 * released:.0f} % of the members released)"
    return passed, f"copies {verb}: AUC {measurement.value:.3f}, {bound} {floor:.3g}{kept}"


def _canaries_found(cell: CellRecord, primary: str) -> Outcome:
    measurement = find(cell, "canary-auc", primary)
    if measurement is None:
        return False, f"has no canary AUC of the attack {primary}"
    passed = measurement.value >= CANARY_FLOOR
    verb = "found" if passed else "missed"
    bound = "at least" if passed else "less than"
    return passed, f"canaries {verb}: AUC {measurement.value:.3f}, {bound} {CANARY_FLOOR}"


def _chance_accuracy(cell: CellRecord, control_limits: Mapping[tuple[str, str, int], float]) -> Outcome:
    """Fail a noise student only if it knows more than ignorance explains.

    Predictions of an ignorant network are not independent coin flips: it gives whole classes the same wrong,
    or by luck right, name. The limit therefore comes from renaming its outputs at random, not from a binomial
    interval.
    """
    measurement = find(cell, "accuracy")
    classes = len(cell.description.class_names) if cell.description else 0
    if measurement is None or classes < 2:
        return False, "has no accuracy, or its dataset no classes"
    limit = control_limits.get((cell.dataset, cell.method.name, cell.seed))
    if limit is None:
        limit = min(1.0, FIXED_POINTS / classes + Z_CHECK * standard_error(measurement))
    passed = measurement.value <= limit
    verb = "is" if passed else "is not"
    return passed, (
        f"accuracy {100 * measurement.value:.1f} % {verb} chance "
        f"(1 in {classes} on average, up to {100 * limit:.1f} % by luck)"
    )


def with_gates(run: SavedRun) -> SavedRun:
    """Return a run whose records say how its controls came out, dataset by dataset.

    Raises:
        RunError: the scores of a control cannot be read.
    """
    from tckr_bench.results.examination import scores_of
    from tckr_bench.results.limits import control_limit, has_limit
    from tckr_bench.results.records import cells_of

    limits = {
        (cell.dataset, cell.method.name, cell.seed): control_limit(cell, scores_of(run.folder, record, cell.seed))
        for record in run.records
        for cell in cells_of(record)
        if has_limit(cell)
    }
    names = dict.fromkeys(record.dataset for record in run.records)
    own = {name: [record for record in run.records if record.dataset == name] for name in names}
    gates = {name: gates_of(records, limits) for name, records in own.items()}
    return replace(run, records=tuple(replace(record, gates=gates[record.dataset]) for record in run.records))


def gates_of(records: Sequence[ResultRecord], limits: Mapping[tuple[str, str, int], float]) -> tuple[Gate, ...]:
    """Judge the controls of a run on one dataset, by the rules of this version of the program."""
    from tckr_bench.results.records import Gate, cells_of

    cells = [cell for record in records for cell in cells_of(record)]
    verdicts = judge_controls(cells, records[0].primary_attack, control_limits=limits, results_format=2)
    gates = tuple(Gate(verdict.control, verdict.passed, verdict.reason) for verdict in verdicts)
    baselines = [cell for cell in cells if cell.method.role == "baseline" and cell.status == "ok"]
    return gates if baselines else (*gates, Gate("teacher", passed=False, reason="there is no real-data baseline"))
