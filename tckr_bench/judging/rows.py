"""The rows of a run, dataset by dataset, each with its rank: pure, from measurements alone.

A row is a method on a dataset over its seeds. Its privacy is that of the worst attack on its classifier, wherever it is
shown; the attack that was declared beforehand is a detail with a name of its own. Rows are ranked by the one rule of
`ranking`: all that release something, real data and defences among them, share ranks where chance may have put them in
order. Controls are not ranked, nor are rows whose epochs were chosen on the test set, nor any that cannot be trusted.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from tckr_bench import controls
from tckr_bench.judging.estimates import combine
from tckr_bench.judging.gates import judge_gates
from tckr_bench.judging.inheritance import judged_cells
from tckr_bench.judging.measured import measured_of, over_trainings, usable_measurements
from tckr_bench.judging.metric_names import (
    ACCURACY,
    AOP,
    AUC,
    FOUND,
    OF_WORST,
    PROVED,
    SHORTFALL,
    WORST,
)
from tckr_bench.judging.ranking import Candidate, places_of
from tckr_bench.records import MATCHED_WITHIN
from tckr_bench.results.records import cells_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tckr_bench.records import (
        CellRecord,
        Contamination,
        DatasetDescription,
        Estimate,
        Gate,
        Measurement,
        Method,
        Role,
        ThreatModel,
        TrainingProtocol,
    )
    from tckr_bench.results.files import SavedRun
    from tckr_bench.results.records import ResultRecord
    from tckr_bench.results.verify import Verified

EVALUATION_STAGES = ("shadow", "shadow-caption", "shadow-adapt", "shadow-generate", "attack", "measure")
"""Kinds of stages that evaluate a method, whole shadow pipelines among them; every other kind is of its pipeline."""
ROLE_ORDER = {"baseline": 0, "defended": 1, "method": 2, "control": 3}
FAMILIES: Mapping[Role, str] = {
    "baseline": "real data",
    "defended": "defence",
    "method": "synthetic",
    "control": "control",
}
"""What kind of thing a method releases, by its role."""
_WORST_FIRST: tuple[Contamination, ...] = ("images", "classes", "unknown", "none")
CellKey = tuple[str, str, int]


@dataclass(frozen=True)
class Risk:
    """How far the worst attack on a row's classifier gets, in an interval that allows for having tried them all.

    `attacks` are the labels of those that reached it; more than one where they differ between seeds.
    """

    estimate: Estimate
    attacks: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """A method on a dataset, over its seeds.

    `failures` names what failed, per seed; `status` is `failed` if no seed has measurements, `partial` if some have
    not. Costs are CPU seconds of all stages a seed rests on, whether shared or not, averaged over seeds: those of the
    pipeline (to a trained classifier), and those of its evaluation (shadow models, attacks, metrics); `images` are the
    synthetic ones generated per seed. `rank` is shared
    by rows that chance may have put in order; `rank_low` to `rank_high` is where 95 % of a bootstrap put it.
    """

    dataset: str
    method: Method
    status: Literal["ok", "partial", "failed"]
    records: tuple[CellRecord, ...]
    estimates: Mapping[tuple[str, str], Estimate]
    primary_attack: str
    pipeline_seconds: float
    evaluation_seconds: float
    images: int = 0
    failures: tuple[str, ...] = ()
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    pareto: bool = False
    worst_attacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def get(self, metric: str, attack: str = "") -> Estimate | None:
        """Return an estimate; of an attack where the metric has one per attack."""
        return self.estimates.get((metric, attack))

    def risk(self, metric: str) -> Risk | None:
        """Return what the worst attack reaches in AUC or TPR; None where it was not measured."""
        worst = self.estimates.get((WORST[metric], ""))
        return None if worst is None else Risk(worst, self.worst_attacks[WORST[metric]])

    @property
    def found_epsilon(self) -> Estimate | None:
        """The largest epsilon that the worst attack rules out, in nats: low is that bound, high its estimate."""
        risk = self.risk(AUC)
        return None if risk is None else self.get(FOUND, risk.attacks[0])

    @property
    def unmatched(self) -> str:
        """Why a matched defence is not known to reach the accuracy it should; empty where it is, or none is due."""
        if not self.method.matched or self.get(PROVED) is None:
            return ""
        short = self.get(SHORTFALL)
        if short is None:
            return "match not recorded"
        return "" if short.value <= MATCHED_WITHIN + 1e-9 else "accuracy not matched"

    @property
    def protocol(self) -> TrainingProtocol:
        """How epochs were chosen: `paper`, on the test set, if any seed did so."""
        return "paper" if any(record.protocol == "paper" for record in self.records) else "sound"

    @property
    def contamination(self) -> Contamination | None:
        """The worst that is known of the base generator's pretraining over the seeds; None without a generator."""
        found = {record.contamination for record in self.records}
        return next((kind for kind in _WORST_FIRST if kind in found), None)

    @property
    def same_outputs(self) -> tuple[str, ...]:
        """Methods whose outputs its own determine, with some seed, and whose worst attack counts as its own."""
        return tuple(dict.fromkeys(name for record in self.records for name in record.same_outputs))

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds that have measurements."""
        return tuple(record.seed for record in self.records if record.status == "ok")

    @property
    def description(self) -> DatasetDescription | None:
        """What the row was measured on."""
        return next((record.description for record in self.records if record.description is not None), None)


@dataclass(frozen=True)
class DatasetBoard:
    """Everything of one dataset; unless `trusted`, no row of it may be believed, and `reasons` says why."""

    dataset: str
    rows: tuple[Row, ...]
    gates: tuple[Gate, ...]
    reasons: tuple[str, ...]
    description: DatasetDescription | None = None
    splits: Mapping[str, int] = field(default_factory=dict)
    threat_models: Mapping[str, ThreatModel] = field(default_factory=dict)

    @property
    def trusted(self) -> bool:
        """Whether every control is there and behaved as it must."""
        return not self.reasons

    @property
    def candidates(self) -> tuple[Row, ...]:
        """Baselines, defences and methods, in order."""
        return tuple(row for row in self.rows if row.method.role != "control")

    @property
    def controls(self) -> tuple[Row, ...]:
        """Rows whose answer is known."""
        return tuple(row for row in self.rows if row.method.role == "control")

    def baseline_of(self, row: Row) -> Row | None:
        """Return the real-data baseline with the row's classifier, or the only one there is."""
        return baseline_for(row.method, [entry for entry in self.rows if entry.method.role == "baseline"])

    @property
    def best(self) -> Row | None:
        """The best ranked synthetic method; of several that share its rank the one with the highest AOP."""
        return next((row for row in self.rows if row.rank is not None and row.method.role == "method"), None)


@dataclass(frozen=True)
class Leaderboard:
    """The boards of a run, one per dataset, in the order of the matrix."""

    matrix: str
    track: str
    primary_attack: str
    boards: tuple[DatasetBoard, ...]

    @property
    def methods(self) -> tuple[Method, ...]:
        """Every method once, in order of appearance."""
        return tuple({row.method.name: row.method for board in self.boards for row in board.rows}.values())


class OfMethod(Protocol):
    """What a method has on a board: a row, or an entry over several datasets."""

    @property
    def method(self) -> Method:
        """The method."""


OfMethodT = TypeVar("OfMethodT", bound=OfMethod)


def baseline_for(method: Method, baselines: Sequence[OfMethodT]) -> OfMethodT | None:
    """Return the baseline that shares the method's classifier, else the only baseline, else none."""
    same = [row for row in baselines if row.method.classifier.label == method.classifier.label]
    if same:
        return same[0]
    return baselines[0] if len(baselines) == 1 else None


def build_leaderboard(
    run: SavedRun,
    *,
    control_limits: Mapping[CellKey, float],
    doubts: Mapping[str, Sequence[str]] | None = None,
    outlines: Mapping[CellKey, tuple[float, ...]] | None = None,
) -> Leaderboard:
    """Rank a run dataset by dataset, and judge its controls.

    Args:
        run: its records.
        control_limits: how far controls may go by their own evidence, by cell.
        doubts: further reasons, by dataset, why its rows cannot be trusted.
        outlines: of the outputs of cells, by which rows that determine one another are known.
    """
    names = dict.fromkeys(record.dataset for record in run.records)
    boards = tuple(
        _board(
            [record for record in run.records if record.dataset == name],
            control_limits=control_limits,
            doubts=tuple((doubts or {}).get(name, ())),
            outlines=outlines or {},
        )
        for name in names
    )
    information = run.information
    return Leaderboard(information.matrix, information.track, information.primary_attack, boards)


def verified_leaderboard(found: Verified) -> Leaderboard:
    """Build the leaderboard of a verified run; a dataset with a measurement that does not match is not trusted."""
    doubts = {dataset: [doubt] for dataset, doubt in doubts_of(found).items()}
    return build_leaderboard(found.run, control_limits=found.control_limits, doubts=doubts, outlines=found.outlines)


def doubts_of(found: Verified) -> dict[str, str]:
    """Return, by dataset, in what its files say more than its scores bear out; another reason not to trust it."""
    wrong: dict[str, int] = {}
    for mismatch in found.mismatches:
        wrong[mismatch.dataset] = wrong.get(mismatch.dataset, 0) + 1
    return {
        dataset: f"{count} {'measurement does' if count == 1 else 'measurements do'} not follow from the saved evidence"
        for dataset, count in wrong.items()
    }


def _board(
    records: Sequence[ResultRecord],
    *,
    control_limits: Mapping[CellKey, float],
    doubts: tuple[str, ...],
    outlines: Mapping[CellKey, tuple[float, ...]],
) -> DatasetBoard:
    primary, first = records[0].primary_attack, records[0]
    cells = [cell for record in records for cell in cells_of(record)]
    rows = {
        record.slug: row_of(judged_cells(record, records, outlines=outlines), primary, images=record.images_generated)
        for record in records
    }
    gates = judge_gates(cells, primary, limits=control_limits)
    baselines = [row for row in rows.values() if row.method.role == "baseline"]
    sound = any(row.status != "failed" for row in baselines)
    reasons = (
        *(() if sound else ("there is no real-data baseline to compare with",)),
        *(f"control {gate.name}: {gate.reason}" for gate in gates if not gate.passed),
        *doubts,
    )
    return DatasetBoard(
        dataset=first.dataset,
        rows=tuple(sorted(_placed(rows, baselines, trusted=not reasons), key=_order)),
        gates=gates,
        reasons=reasons,
        description=first.description,
        splits=first.splits,
        threat_models={label: model for record in records for label, model in record.threat_models.items()},
    )


def _placed(rows: Mapping[str, Row], baselines: Sequence[Row], *, trusted: bool) -> list[Row]:
    """Give the rows of a dataset their ranks, by name; nobody has one where they cannot be trusted."""
    places = places_of(
        [
            Candidate(name, (measured_of(row, baseline_for(row.method, baselines)),), trusted and takes_part(row))
            for name, row in rows.items()
        ]
    )
    placed = []
    for name, row in rows.items():
        place = places[name]
        rank = place.rank
        if rank is None:
            placed.append(row)
        else:
            ranked = replace(row, rank=rank.rank, rank_low=rank.low, rank_high=rank.high, pareto=place.pareto)
            placed.append(ranked)
    return placed


def takes_part(row: Row) -> bool:
    """Return whether a row is ranked with others: no control, not chosen on the test set, and measured."""
    known = row.get(ACCURACY) is not None and row.risk(AUC) is not None
    return row.method.role != "control" and row.protocol != "paper" and known


def row_of(records: Sequence[CellRecord], primary: str, *, images: int = 0) -> Row:
    """Return the row of one method on one dataset from its cells, one per seed, in order of seeds.

    `images` is how many synthetic ones were generated for each seed.
    """
    finished = [record for record in records if record.status == "ok"]
    measurements: dict[tuple[str, str], list[Measurement]] = {}
    worst_attacks: dict[str, tuple[str, ...]] = {}
    for record in finished:
        for key, measurement in usable_measurements(record).items():
            measurements.setdefault(key, []).append(measurement)
            if key[0] in OF_WORST:
                worst_attacks[key[0]] = tuple(dict.fromkeys((*worst_attacks.get(key[0], ()), measurement.attack)))
    failures = tuple(
        f"seed {record.seed}: {record.failure or 'no reason given'}" for record in records if record.status == "failed"
    )
    row = Row(
        dataset=records[0].dataset,
        method=records[0].method,
        status="failed" if not finished else "partial" if failures else "ok",
        records=tuple(records),
        estimates={key: combine(found) for key, found in measurements.items()},
        primary_attack=primary,
        pipeline_seconds=_seconds(finished or records, evaluation=False),
        evaluation_seconds=_seconds(finished or records, evaluation=True),
        images=images,
        failures=failures,
        worst_attacks=worst_attacks,
    )
    return over_trainings(row)


def _seconds(records: Sequence[CellRecord], *, evaluation: bool) -> float:
    costs = [
        [step.cpu_seconds for step in record.cost if (step.kind in EVALUATION_STAGES) == evaluation]
        for record in records
    ]
    return statistics.fmean(map(sum, costs))


def _order(row: Row) -> tuple[int, int, float, str]:
    """Order rows: by rank, then by AOP; what is not ranked after what is; controls last, in their own order."""
    if row.method.role == "control":
        return (2, controls.place_of(row.method), 0.0, row.method.name)
    weighed = row.get(AOP)
    value = -weighed.value if weighed else 1.0
    return (int(row.rank is None), row.rank or 0, value, row.method.name)
