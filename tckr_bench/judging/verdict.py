"""Answer whether a private dataset may be replaced by a synthetic one, under limits that are named beforehand.

The answer is *yes* where every upper 95 % bound is within its limit, *no* where a lower one is beyond, and *not enough
evidence* otherwise. It is never better than *not enough evidence* where no attack repeats the whole pipeline, as an
attacker may, or where the design of the run flatters the row; and nothing but *not enough evidence* where a gate of the
dataset failed, because then the measurements themselves cannot be trusted. A yes needs every limit kept, so that it
errs in 2.5 % of cases at most, however many limits there are; a no needs one broken, and errs in 2.5 % for each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tckr_bench.errors import RunError, nearest
from tckr_bench.judging import metric_names
from tckr_bench.judging.caveats import adaptive_attacks
from tckr_bench.judging.criteria import TPR_METRICS, Criteria
from tckr_bench.judging.obstacles import attacks_of, obstacles_of
from tckr_bench.judging.remarks import remarks_of
from tckr_bench.judging.sample_size import by_square_root, fewest_others, for_paired_difference, for_proportion
from tckr_bench.records import Estimate, attacks_on
from tckr_bench.text import plain, short_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from tckr_bench.judging.rows import CellKey, DatasetBoard, Leaderboard, Row
    from tckr_bench.records import CellEvidence, CellRecord

Answer = Literal["yes", "no", "not enough evidence"]
Standing = Literal["within", "beyond", "undecided", "unknown"]

RULE_OF_WORST = "highest of {} attacks, lower end as if errors fell off exponentially (Bonferroni)"


@dataclass(frozen=True)
class Need:
    """What would settle an open question, if the value observed held.

    `examples` is None where no number up to ten million would; `on_limit` says that this is because the value sits on
    the limit. `others` counts the non-members that go with as many members.
    """

    settles: Literal["within", "beyond"]
    unit: Literal["test images", "members"]
    now: int
    examples: int | None
    others: int | None = None
    on_limit: bool = False


@dataclass(frozen=True)
class LimitComparison:
    """One measurement against its limit; fractions, 0 to 1. `attacks` reached it, `tried` were tried."""

    metric: str
    limit: float
    standing: Standing
    estimate: Estimate | None = None
    attacks: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    need: Need | None = None


@dataclass(frozen=True)
class Basis:
    """How much a row's measurements rest on; `shadows` are shadow models, or trainings of them where `trainings`."""

    test_images: int
    members: int
    others: int
    shadows: int
    trainings: bool
    seeds: int


@dataclass(frozen=True)
class Judgement:
    """The answer for one method on one dataset.

    Attributes:
        comparisons: the loss of accuracy, then what the worst attack reaches.
        adaptive: the attacks that repeat the whole pipeline.
        doubts: why the measurement cannot be trusted at all.
        obstacles: why it cannot support a yes.
        gates: the gates of the dataset that passed.
        remarks: what the measurements do not cover.
    """

    dataset: str
    method: str
    answer: Answer
    comparisons: tuple[LimitComparison, ...]
    basis: Basis
    adaptive: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def tried(self) -> bool:
        """Whether any attack was made on the classifier."""
        return any(comparison.tried for comparison in self.comparisons)


@dataclass(frozen=True)
class DatasetAnswer:
    """The answer for one dataset: that of the method judged, and what it would be for the other synthetic methods.

    `judged` is None where the dataset has no synthetic method, or not the one named; `named` says that the method was
    named beforehand, and not chosen as the best.
    """

    dataset: str
    answer: Answer
    judged: Judgement | None
    others: tuple[Judgement, ...]
    named: bool


@dataclass(frozen=True)
class RunAnswer:
    """The answer for a run: no if it is for any dataset, yes if it is for all."""

    answer: Answer
    criteria: Criteria
    datasets: tuple[DatasetAnswer, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return a row per dataset, synthetic method and limit; numbers are fractions, what is missing is NaN."""
        import pandas as pd

        cells = ["dataset", "method", "judged", "answer", "metric", "limit"]
        rows = [
            (
                *(entry.dataset, judged.method, judged is entry.judged, judged.answer, part.metric, part.limit),
                *(getattr(part.estimate, bound, math.nan) for bound in ("value", "low", "high")),
                *(part.standing, " or ".join(part.attacks)),
            )
            for entry in self.datasets
            for judged in ((entry.judged, *entry.others) if entry.judged else entry.others)
            for part in judged.comparisons
        ]
        return pd.DataFrame(rows, columns=[*cells, "value", "low", "high", "standing", "attacks"])


def answer_run(
    leaderboard: Leaderboard,
    criteria: Criteria,
    *,
    evidence: Mapping[CellKey, CellEvidence],
    method: str | None = None,
    datasets: Sequence[str] = (),
) -> RunAnswer:
    """Answer for datasets of a verified run: for the method named, by default for the best ranked of each dataset.

    Without ranks, where a gate failed, the method that would come first takes the place of the best.

    Args:
        leaderboard: `rows.verified_leaderboard` of the run.
        criteria: the limits.
        evidence: what the measurements were recomputed from, by cell; counts examples.
        method: a synthetic method, by its full or its short name.
        datasets: by name; all of the run's if none is given.

    Raises:
        RunError: the run has no such method or dataset; names the nearest.
    """
    known = [board.dataset for board in leaderboard.boards]
    for name in datasets:
        if name not in known:
            raise RunError(f"the run has no dataset '{plain(name)}'{nearest(name, known)}")
    full = _full_name(leaderboard, method) if method else None
    boards = [board for board in leaderboard.boards if not datasets or board.dataset in datasets]
    answers = tuple(_answer_dataset(board, criteria, evidence=evidence, method=full) for board in boards)
    return RunAnswer(overall([entry.answer for entry in answers]), criteria, answers)


def _full_name(leaderboard: Leaderboard, method: str) -> str:
    methods = [entry for entry in leaderboard.methods if entry.role == "method"]
    short, _ = short_names(leaderboard.methods)
    names = {short[entry.name]: entry.name for entry in methods} | {entry.name: entry.name for entry in methods}
    if method not in names:
        raise RunError(f"the run has no synthetic method '{plain(method)}'{nearest(method, map(plain, names))}")
    return names[method]


def _answer_dataset(
    board: DatasetBoard, criteria: Criteria, *, evidence: Mapping[CellKey, CellEvidence], method: str | None
) -> DatasetAnswer:
    rows = [row for row in board.rows if row.method.role == "method" and method in (None, row.method.name)]
    rows.sort(key=lambda row: row.status == "failed")  # the order of the board otherwise
    judged = [judge(board, row, criteria, basis=basis_of(row, evidence)) for row in rows]
    answer = judged[0].answer if judged else "not enough evidence"
    return DatasetAnswer(board.dataset, answer, judged[0] if judged else None, tuple(judged[1:]), method is not None)


def judge(board: DatasetBoard, row: Row, criteria: Criteria, *, basis: Basis) -> Judgement:
    """Judge whether a row of a board keeps to the criteria; pure, from the measurements alone.

    Args:
        board: the dataset's board; whatever makes it untrustworthy leaves no other answer than not enough evidence.
        row: a synthetic method's.
        criteria: the limits.
        basis: how many examples the measurements rest on, for saying how many would do.
    """
    comparisons = tuple(_compare(row, criteria, basis))
    failed = (f"no seed of the method has measurements ({'; '.join(row.failures)})",) if row.status == "failed" else ()
    doubts = (*failed, *board.reasons)
    obstacles = tuple(obstacles_of(row, criteria))
    standings = {comparison.standing for comparison in comparisons}
    answer: Answer = "not enough evidence"
    if not doubts and "beyond" in standings:
        answer = "no"
    elif not doubts and not obstacles and standings == {"within"}:
        answer = "yes"
    return Judgement(
        dataset=row.dataset,
        method=row.method.name,
        answer=answer,
        comparisons=comparisons,
        basis=basis,
        adaptive=adaptive_attacks(row),
        doubts=doubts,
        obstacles=obstacles,
        gates=tuple(gate.name for gate in board.gates if gate.passed),
        remarks=remarks_of(row),
    )


def overall(answers: Sequence[Answer]) -> Answer:
    """Return the answer for several datasets together: no if any is no, yes if all are yes.

    >>> overall(["yes", "not enough evidence"]), overall(["no", "not enough evidence"]), overall(["yes", "yes"])
    ('not enough evidence', 'no', 'yes')
    """
    order: tuple[Answer, ...] = ("no", "not enough evidence", "yes")
    return min(answers, key=order.index, default="not enough evidence")


def basis_of(row: Row, evidence: Mapping[CellKey, CellEvidence]) -> Basis:
    """Count what a row's measurements rest on, the least of its seeds; without evidence half of them are members."""
    finished = [record for record in row.records if record.status == "ok"]
    counts = [_members_and_others(record, evidence) for record in finished]
    tests = [
        measurement.examples
        for record in finished
        for measurement in record.measurements
        if measurement.metric == metric_names.ACCURACY
    ]
    labels = attacks_of(row)
    audited = [
        measurement.examples
        for record in finished
        for measurement in record.measurements
        if measurement.metric == "auc-between-trainings" and measurement.attack in labels
    ]
    trained = [sum(step.stages for step in record.cost if step.kind == "shadow") for record in finished]
    return Basis(
        test_images=min(tests, default=0),
        members=min((members for members, _ in counts), default=0),
        others=min((others for _, others in counts), default=0),
        shadows=max(audited) if audited else min(trained, default=0),
        trainings=not audited,
        seeds=len(row.seeds),
    )


def _members_and_others(record: CellRecord, evidence: Mapping[CellKey, CellEvidence]) -> tuple[int, int]:
    found = evidence.get((record.dataset, record.method.name, record.seed))
    labels = attacks_on([record], surface="classifier")
    if found is not None:
        attacks = [found.attacks[label] for label in labels if label in found.attacks]
        sides = [(~attack.canaries & attack.members, ~attack.canaries & ~attack.members) for attack in attacks]
        if sides:
            members, others = (min(int(side[place].sum()) for side in sides) for place in (0, 1))
            return members, others
    examples = [
        measurement.examples
        for measurement in record.measurements
        if measurement.metric == metric_names.AUC and measurement.attack in labels
    ]
    half = min(examples, default=0) // 2
    return half, half


def worst_estimate(row: Row, metric: str) -> tuple[Estimate, tuple[str, ...]] | None:
    """Return the highest that any attack on a row's classifier reaches, 0 to 1, and which attacks do.

    For rates of false alarms without a measurement of the worst attack it is the highest of the attacks' own, by a rule
    that is cautious: the upper end is the highest of the upper ends; the lower ends are moved away from their values
    until none of k lies above its truth more often than in 2.5 % of cases, by Bonferroni and as if errors fell off
    exponentially, which those of proportions do at most. None where an attack, or a seed, lacks its measurement.
    """
    if metric in metric_names.WORST:
        risk = row.risk(metric)
        return None if risk is None or risk.estimate.seeds < len(row.seeds) else (risk.estimate, risk.attacks)
    found = {label: row.get(metric, label) for label in attacks_of(row)}
    known = {label: entry for label, entry in found.items() if entry is not None and entry.seeds == len(row.seeds)}
    if not known or len(known) < len(found):
        return None
    label = max(known, key=lambda name: known[name].value)
    widened = 1 + math.log(len(known)) / -math.log(0.025)
    low = max(entry.value - widened * (entry.value - entry.low) for entry in known.values())
    high = max(entry.high for entry in known.values())
    value = known[label].value
    words = RULE_OF_WORST.format(len(known)) if len(known) > 1 else known[label].method
    return Estimate(value, min(value, max(0.0, low)), high, words, known[label].seeds, known[label].spread), (label,)


def _compare(row: Row, criteria: Criteria, basis: Basis) -> list[LimitComparison]:
    gap = row.get(metric_names.GAP, "")
    gap = gap if gap is not None and gap.seeds == len(row.seeds) else None
    limits = [(TPR_METRICS[limit.fpr], limit.tpr) for limit in criteria.max_tprs]
    limits += [] if criteria.max_auc is None else [(metric_names.AUC, criteria.max_auc)]
    return [
        _against(metric_names.GAP, criteria.max_accuracy_drop, (gap, ()) if gap else None, basis=basis),
        *(
            _against(metric, limit, worst_estimate(row, metric), basis=basis, tried=tuple(attacks_of(row)))
            for metric, limit in limits
        ),
    ]


def _against(
    metric: str,
    limit: float,
    found: tuple[Estimate, tuple[str, ...]] | None,
    *,
    basis: Basis,
    tried: tuple[str, ...] = (),
) -> LimitComparison:
    if found is None:
        return LimitComparison(metric, limit, "unknown", tried=tried)
    estimate, attacks = found
    if estimate.high <= limit:
        return LimitComparison(metric, limit, "within", estimate, attacks, tried)
    if estimate.low > limit:
        return LimitComparison(metric, limit, "beyond", estimate, attacks, tried)
    return LimitComparison(metric, limit, "undecided", estimate, attacks, tried, _need(metric, limit, estimate, basis))


def _need(metric: str, limit: float, estimate: Estimate, basis: Basis) -> Need:
    """Return how many examples would settle an open comparison; roughly, for the rate observed need not hold."""
    value, settles = estimate.value, "within" if estimate.value < limit else "beyond"
    bound = estimate.high if settles == "within" else estimate.low
    now = max(1, basis.test_images if metric == metric_names.GAP else basis.members)
    if metric == metric_names.GAP:
        enough = for_paired_difference(value, estimate.low, estimate.high, limit=limit, count=now)
    elif metric == metric_names.AUC:
        enough = by_square_root(value, bound, limit, count=now)
    else:
        enough = for_proportion(value, bound, limit, count=now)
        fpr = next(fpr for fpr, name in TPR_METRICS.items() if name == metric)
        if settles == "beyond":
            enough = max(enough, fewest_others(fpr) * now / max(1, basis.others))
    examples = None if math.isinf(enough) else max(math.ceil(enough), now + 1)
    others = None if examples is None or metric == metric_names.GAP else math.ceil(examples * basis.others / now)
    return Need(
        settles="within" if settles == "within" else "beyond",
        unit="test images" if metric == metric_names.GAP else "members",
        now=now,
        examples=examples,
        others=others,
        on_limit=math.isclose(value, limit, abs_tol=1e-12),
    )
