"""The tables of a dataset's privacy audit: every attack against every row, and what each finds in detail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.judging.caveats import adaptive_attacks
from tckr_bench.judging.quantities import quantity_of, titled
from tckr_bench.show.shown import ABSENT, Shown, bound, measured
from tckr_bench.text import listing, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tckr_bench.judging.rows import DatasetBoard, Risk, Row
    from tckr_bench.records import Estimate, Surface

BLOCKS: tuple[tuple[str, str, tuple[Surface, ...]], ...] = (
    (
        "attacks on the classifier",
        "which every row releases; the worst of these is a row's measurement",
        ("classifier",),
    ),
    (
        "diagnostic: if these were released too",
        "the generator, the synthetic images or the captions; no row's measurement counts them",
        ("generator", "images", "captions"),
    ),
    (
        "test of the challenge",
        "no model is looked at: above 0.5, members differ from non-members beforehand, and no measurement above counts",
        ("data",),
    ),
)
DETAILS = (
    "tpr-at-10-fpr",
    metric_names.TPR,
    "tpr-at-0-1-fpr",
    "advantage",
    metric_names.FOUND,
    "epsilon-lower-gaussian",
    "worst-class-auc",
    "worst-decile-auc",
    "auc-between-trainings",
    "audit-canary-auc",
    "audit-canary-tpr-at-1-fpr",
    "audit-canary-epsilon-lower",
    "canary-auc",
)
"""What is known of an attack on a row, beside its AUC."""
BOUNDS = (metric_names.FOUND, "epsilon-lower-gaussian", "audit-canary-epsilon-lower")
PUBLISHED_ATTACK = "lira-paper"
"""What the labels of its variants begin with; the paper reports the best of them, chosen on the evaluation data."""
FROM_SHADOWS = (
    "worst-decile-auc",
    "auc-between-trainings",
    *(name for name in DETAILS if name.startswith("audit")),
)
"""What only an attack knows whose shadow models repeat the row's own training."""


@dataclass(frozen=True)
class AuditedAttack:
    """An attack, what it looks at, and its AUC on each row."""

    label: str
    surface: str
    cells: tuple[Shown, ...]


@dataclass(frozen=True)
class AuditBlock:
    """Attacks of one kind, under a title and a remark."""

    title: str
    remark: str
    lines: tuple[AuditedAttack, ...]


@dataclass(frozen=True)
class DetailTable:
    """What attacks find in each row, named with a remark; a row without any is left out, and so is a column."""

    title: str
    headings: tuple[str, ...]
    lines: tuple[tuple[str, str, tuple[Shown, ...]], ...]


@dataclass(frozen=True)
class Audit:
    """The audit of one dataset.

    Attributes:
        rows: the names of the rows, as the columns of the blocks.
        blocks: attack by attack, the AUC on every row.
        worst: what the worst attack on each row finds, in detail.
        each: the same of every attack.
        copies: how many synthetic images repeat a training image.
    """

    rows: tuple[str, ...]
    blocks: tuple[AuditBlock, ...]
    worst: DetailTable
    each: tuple[DetailTable, ...]
    copies: DetailTable


def audit_of(board: DatasetBoard, names: Mapping[str, str]) -> Audit:
    """Return the tables of a dataset's audit; of a run without the measurements they show, they are empty."""
    rows = [row for row in board.rows if row.status != "failed"]
    known = {row.method.name: names[row.method.name] for row in rows}
    attacked = [(row, risk) for row in rows if (risk := row.risk(metric_names.AUC)) is not None]
    tables = [
        _table(label, [(known[row.method.name], "", _of_attack(row, label)) for row in rows])
        for label in board.threat_models
    ]
    return Audit(
        rows=tuple(known.values()),
        blocks=tuple(block for entry in BLOCKS if (block := _block(board, rows, *entry)).lines),
        worst=_table("", [(known[row.method.name], _labels(risk), _of_worst(row, risk)) for row, risk in attacked]),
        each=tuple(table for table in tables if table.headings),
        copies=_copies(rows, names),
    )


def _block(
    board: DatasetBoard, rows: Sequence[Row], title: str, remark: str, surfaces: tuple[Surface, ...]
) -> AuditBlock:
    lines = [
        AuditedAttack(plain(label), model.surface, tuple(_auc(row, label) for row in rows))
        for label, model in board.threat_models.items()
        if model.surface in surfaces
    ]
    published = [label for label in board.threat_models if label.startswith(PUBLISHED_ATTACK)]
    if "classifier" in surfaces and len(published) > 1:
        cells = tuple(measured(quantity_of(metric_names.PUBLISHED), row.get(metric_names.PUBLISHED)) for row in rows)
        lines.append(AuditedAttack(f"best of {len(published)}, as published", "classifier", cells))
    return AuditBlock(title, remark, tuple(lines))


def _auc(row: Row, label: str) -> Shown:
    """Show an attack's AUC on a row, marked where it is the row's worst attack or repeats the row's pipeline."""
    estimate, risk = row.get(metric_names.AUC, label), row.risk(metric_names.AUC)
    if estimate is None:
        return ABSENT
    worst = risk is not None and label in risk.attacks
    marks = ["worst"] * worst + ["adaptive"] * (label in adaptive_attacks(row))
    return replace(measured(quantity_of(metric_names.AUC), estimate), mark=", ".join(marks), strong=worst)


Cells = dict[str, Shown]


def _labels(risk: Risk) -> str:
    return plain(" or ".join(risk.attacks))


def _of_worst(row: Row, risk: Risk) -> Cells:
    """Show what a row's worst attack finds, and what the audit of its shadow models adds."""
    cells = {
        metric_names.AUC: measured(quantity_of(metric_names.WORST_AUC), risk.estimate),
        **_of_attack(row, risk.attacks[0]),
    }
    rate = row.risk(metric_names.TPR)
    if rate is not None:
        note = "" if rate.attacks == risk.attacks else _labels(rate)
        cells[metric_names.TPR] = measured(quantity_of(metric_names.WORST_TPR), rate.estimate, note=note)
    audited = next((other for other in adaptive_attacks(row) if _is_audited(row, other)), None)
    for metric in FROM_SHADOWS:
        if audited is not None and cells[metric] == ABSENT:
            cells[metric] = _cell(row, metric, audited, note=plain(audited))
    return cells


def _is_audited(row: Row, label: str) -> bool:
    return any(row.get(metric, label) for metric in FROM_SHADOWS)


def _of_attack(row: Row, label: str) -> Cells:
    return {metric: _cell(row, metric, label) for metric in DETAILS}


def _cell(row: Row, metric: str, label: str, *, note: str = "") -> Shown:
    quantity = quantity_of(metric)
    show = bound if metric in BOUNDS else measured
    return show(quantity, row.get(metric, label), note=note)


def _table(title: str, lines: Sequence[tuple[str, str, Cells]]) -> DetailTable:
    """Make a table of the columns and lines in which anything stands."""
    headings = {metric: titled(quantity_of(metric)) for metric in (metric_names.AUC, *DETAILS)}
    kept = [key for key in headings if any(cells.get(key, ABSENT) != ABSENT for *_, cells in lines)]
    filled = [(name, remark, tuple(cells.get(key, ABSENT) for key in kept)) for name, remark, cells in lines]
    known = tuple(line for line in filled if any(cell != ABSENT for cell in line[2]))
    return DetailTable(plain(title), tuple(headings[key] for key in kept), known)


def _copies(rows: Sequence[Row], names: Mapping[str, str]) -> DetailTable:
    """Tell by row how many synthetic images repeat a training image, or nearly do; searches that agree stand once."""
    rates = ("duplicate-rate", "near-duplicate-rate")
    searches: dict[tuple[Estimate | None, ...], str] = {}
    for label in dict.fromkeys(label for row in rows for metric, label in row.estimates if metric in rates):
        searches.setdefault(tuple(row.get(metric, label) for row in rows for metric in rates), label)
    lines = []
    for row in rows:
        cells = [
            measured(quantity_of(metric), row.get(metric, label)) for label in searches.values() for metric in rates
        ]
        if any(cell != ABSENT for cell in cells):
            lines.append((names[row.method.name], "", tuple(cells)))
    headings = tuple(titled(quantity_of(metric)) for metric in rates) * len(searches) if lines else ()
    return DetailTable(plain(listing(list(searches.values()))), headings, tuple(lines))
