"""Judge the gates of a dataset: its controls, and the tests of its challenge.

What a control must do is its own (`tckr_bench.controls`); here its cells are found and judged seed by seed. One seed
that fails fails the gate, and so does a required control that was not run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tckr_bench.controls import ControlOutcome, Trial, asked_under, challenge, control_of, limit_rule, shadows
from tckr_bench.controls.api import join
from tckr_bench.records import Gate, attacks_on

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tckr_bench.controls import Control
    from tckr_bench.records import CellRecord
    from tckr_bench.results.files import SavedRun
    from tckr_bench.results.records import ResultRecord

    Limits = Mapping[tuple[str, str, int], float]


def judge_gates(records: Sequence[CellRecord], primary: str, *, limits: Limits) -> tuple[Gate, ...]:
    """Judge the controls of one dataset, then its tests of the challenge and of the shadow models.

    One that must not be missing fails if it is.

    Args:
        records: every cell of the dataset.
        primary: label of the attack declared before the run.
        limits: how far controls may go by their own evidence, by cell.
    """
    gates: list[Gate] = []
    for control in asked_under(record.protocol for record in records):
        gates += _gates_of_control(control, records, primary, limits=limits)
    for label in attacks_on(records, surface="data"):
        cells = {record.seed: record for record in reversed(records) if label in record.threat_models}
        judged = [(cell, challenge.is_fair(cell, label)) for _, cell in sorted(cells.items())]
        gates.append(_over_seeds(label, judged))
    among = shadows.lie_among(records)
    return (*gates, Gate(shadows.GATE, among.passed, among.reason)) if among else tuple(gates)


def _gates_of_control(
    control: Control[Any], records: Sequence[CellRecord], primary: str, *, limits: Limits
) -> list[Gate]:
    """Return a gate for each method of a control."""
    judged: dict[str, list[tuple[CellRecord, ControlOutcome]]] = {}
    for cell in records:
        if control_of(cell.method) is control:
            limit = limits.get((cell.dataset, cell.method.name, cell.seed))
            outcome = control.judge(Trial(cell, records, primary, limit))
            judged.setdefault(cell.method.name, []).append((cell, outcome))
    if not judged:
        return [Gate(control.name, passed=False, reason="was not run")] if control.required else []
    return [_over_seeds(name, found) for name, found in judged.items()]


def _over_seeds(name: str, judged: Sequence[tuple[CellRecord, ControlOutcome]]) -> Gate:
    """Join the seeds of a gate: what failed, if anything did, else what each found."""
    several = len(judged) > 1
    told = [
        ControlOutcome(outcome.passed, f"seed {cell.seed}: {outcome.reason}" if several else outcome.reason)
        for cell, outcome in judged
    ]
    joined = join(told)
    return Gate(name, joined.passed, joined.reason)


def with_gates(run: SavedRun) -> SavedRun:
    """Return a run whose records say how its controls came out, dataset by dataset.

    Raises:
        RunError: the scores of a control cannot be read.
    """
    from tckr_bench.results.examination import scores_of
    from tckr_bench.results.records import cells_of

    limits = {
        (cell.dataset, cell.method.name, cell.seed): rule(cell, scores_of(run.folder, record, cell.seed))
        for record in run.records
        for cell in cells_of(record)
        if (rule := limit_rule(cell)) is not None
    }
    names = dict.fromkeys(record.dataset for record in run.records)
    own = {name: [record for record in run.records if record.dataset == name] for name in names}
    gates = {name: gates_of(records, limits) for name, records in own.items()}
    return replace(run, records=tuple(replace(record, gates=gates[record.dataset]) for record in run.records))


def gates_of(records: Sequence[ResultRecord], limits: Limits) -> tuple[Gate, ...]:
    """Judge the gates of a run on one dataset, by the rules of this version of the program."""
    from tckr_bench.results.records import cells_of

    cells = [cell for record in records for cell in cells_of(record)]
    gates = judge_gates(cells, records[0].primary_attack, limits=limits)
    baselines = [cell for cell in cells if cell.method.role == "baseline" and cell.status == "ok"]
    return gates if baselines else (*gates, Gate("teacher", passed=False, reason="there is no real-data baseline"))
