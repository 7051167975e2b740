"""What the paper reports: measurements of others, shown beside a run's own and never among them.

`reported.csv` holds them: the paper's Table 2, and the plots of its repository for what the table leaves out.
"""

from __future__ import annotations

import csv
import functools
import io
from dataclasses import dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING, Literal, get_args

from tckr_bench.judging import metric_names
from tckr_bench.judging.quantities import number, quantity_of, titled
from tckr_bench.text import NOTHING, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.judging.rows import DatasetBoard
    from tckr_bench.records import LabelKind

DATA_FILE = "reported.csv"
PAPER = "Resmini, Lomurno, Sbrolli and Matteucci, Your Image Generator Is Your New Private Dataset (arXiv 2504.04582)"
TITLE = "Reported by the paper"
LABEL = "reported, not measured here"
DIFFERENCES = (
    "the full dataset was used, which may be more than this run's share of it",
    "images came from Stable Diffusion 2 at 224 pixels, adapted with LoRA on BLIP-2 captions",
    "the kept epoch is the one that did best on the test set",
    "the AUC is the best of 12 attack variants, picked on the data it is reported for",
    "there is one run of each and no interval",
)
"""How the paper's measurements came about; each makes them other than this program's."""
METRICS = (metric_names.ACCURACY, metric_names.AUC, metric_names.AOP)

Kind = Literal["teacher", "student"]
Prompt = Literal["", "caption", "description"]


@dataclass(frozen=True)
class ReportedMeasurement:
    """One measurement of the paper.

    Attributes:
        dataset: the name this program has for the dataset.
        kind: `teacher` learned from real images, `student` from synthetic ones.
        cardinality: synthetic images per real one; None for a teacher.
        labels: what the student learned: `hard` classes or the teacher's `soft` probabilities.
        prompt: what the images were generated from: the class name with a `caption` of each image, or with a
            `description` of the class; empty for a teacher.
        fine_tuning_fraction: share of the real images the generator was adapted to; None for a teacher.
        metric: `accuracy`, `auc-mia` or `aop`.
        value: the measurement as published, as a fraction.
        source: `table 2` of the paper, or a `plot` of its repository.
        corrected: what it must be where what was published is a misprint.
    """

    dataset: str
    kind: Kind
    cardinality: float | None
    labels: LabelKind
    prompt: Prompt
    fine_tuning_fraction: float | None
    metric: str
    value: float
    source: str
    corrected: float | None = None


@dataclass(frozen=True)
class ReportedRow:
    """A teacher or student of the paper as it is shown: what it is, and accuracy, AUC and AOP as text."""

    label: str
    cells: tuple[str, ...]
    ablation: bool


@dataclass(frozen=True)
class ReportedTable:
    """What the paper has on one dataset of a run; `notes` mark misprints."""

    dataset: str
    rows: tuple[ReportedRow, ...]
    notes: tuple[str, ...]


def headings() -> tuple[str, ...]:
    """Return what the cells of a reported row are of, with their units."""
    return tuple(titled(quantity_of(metric)) for metric in METRICS)


@functools.cache
def reported_measurements() -> tuple[ReportedMeasurement, ...]:
    """Return every measurement of the paper that ships with this program."""
    text = resources.files("tckr_bench.judging").joinpath(DATA_FILE).read_text(encoding="utf-8")
    return tuple(_measurement(row) for row in csv.DictReader(io.StringIO(text)))


def reported_on(dataset: str) -> tuple[ReportedMeasurement, ...]:
    """Return the paper's measurements on a dataset by its name here; none for a dataset the paper does not have.

    >>> [measurement.value for measurement in reported_on("cifar10") if measurement.kind == "teacher"]
    [0.9752, 0.5389, 0.8395]
    """
    return tuple(measurement for measurement in reported_measurements() if measurement.dataset == dataset)


def reported_table(board: DatasetBoard) -> ReportedTable | None:
    """Return what the paper reports on a board's dataset, or None.

    The dataset is recognised by what its description calls it, whatever label the matrix gave it.
    """
    name = board.description.name if board.description else board.dataset
    measurements = reported_on(name.replace("-", "_"))
    if not measurements:
        return None
    groups: dict[tuple[object, ...], list[ReportedMeasurement]] = {}
    for measurement in measurements:
        what = (
            measurement.kind,
            measurement.cardinality,
            measurement.labels,
            measurement.prompt,
            measurement.fine_tuning_fraction,
        )
        groups.setdefault(what, []).append(measurement)
    notes = tuple(_misprint(measurement) for measurement in measurements if measurement.corrected is not None)
    return ReportedTable(board.dataset, tuple(_row(group) for group in groups.values()), notes)


def differences() -> str:
    """Return in one sentence why the paper's measurements are not to be compared digit by digit."""
    return f"The paper's measurements are not like those measured here: {'; '.join(DIFFERENCES)}."


def _measurement(row: dict[str, str]) -> ReportedMeasurement:
    assert row["kind"] in get_args(Kind), f"{DATA_FILE} has the kind '{row['kind']}'"
    assert row["prompt"] in get_args(Prompt), f"{DATA_FILE} has the prompt '{row['prompt']}'"
    assert row["labels"] in ("hard", "soft"), f"{DATA_FILE} has the labels '{row['labels']}'"
    assert row["metric"] in METRICS, f"{DATA_FILE} has the metric '{row['metric']}'"
    numbers = {name: float(row[name]) if row[name] else None for name in _OPTIONAL}
    return ReportedMeasurement(
        dataset=row["dataset"],
        kind="teacher" if row["kind"] == "teacher" else "student",
        cardinality=numbers["cardinality"],
        labels="hard" if row["labels"] == "hard" else "soft",
        prompt="" if not row["prompt"] else "caption" if row["prompt"] == "caption" else "description",
        fine_tuning_fraction=numbers["fine_tuning_fraction"],
        metric=row["metric"],
        value=float(row["value"]),
        source=row["source"],
        corrected=numbers["corrected"],
    )


_OPTIONAL = ("cardinality", "fine_tuning_fraction", "corrected")


def _row(measurements: Sequence[ReportedMeasurement]) -> ReportedRow:
    first = measurements[0]
    shown = {measurement.metric: _shown(measurement) for measurement in measurements}
    ablation = first.kind == "student" and metric_names.AUC not in shown
    return ReportedRow(_label(first, ablation=ablation), tuple(shown.get(name, NOTHING) for name in METRICS), ablation)


def _label(measurement: ReportedMeasurement, *, ablation: bool) -> str:
    if measurement.kind == "teacher":
        return "teacher (real data)"
    parts = [f"student {measurement.cardinality:g}x", f"{measurement.labels} labels"]
    if ablation:
        assert measurement.fine_tuning_fraction is not None, "a student's generator was adapted to some share"
        parts += [f"{measurement.prompt} prompt", f"adapted to {100 * measurement.fine_tuning_fraction:g} %"]
    return ", ".join(parts)


def _shown(measurement: ReportedMeasurement) -> str:
    quantity = quantity_of(measurement.metric)
    published = replace(quantity, digits=quantity.digits + 1)  # the paper has no intervals, and one digit more
    return number(published, measurement.value) + ("*" if measurement.corrected is not None else "")


def _misprint(measurement: ReportedMeasurement) -> str:
    assert measurement.corrected is not None, "asked for misprints only"
    heading = quantity_of(measurement.metric).heading
    return (
        f"* {heading} at {measurement.cardinality:g}x is shown as published; it is a misprint for "
        f"{signed(measurement.corrected, 4)}, which follows from accuracy and AUC"
    )
