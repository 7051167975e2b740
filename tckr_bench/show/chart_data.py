"""What charts show of rows: points in the trade-off, ROC curves, and samples of scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.controls import control_of
from tckr_bench.judging import metric_names
from tckr_bench.judging.paired import ordinary, worst_attacks_of
from tckr_bench.results.verify import key_of
from tckr_bench.show import charts
from tckr_bench.show.chart_parts import colours
from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tckr_bench.judging.rows import DatasetBoard, Row
    from tckr_bench.records import AttackScores, Estimate, Role
    from tckr_bench.show.charts import Curve, Ends, Point, ScoreSample
    from tckr_bench.show.contrasts import Evidence

MOST_CURVES = 16
"""Curves that a legend can be read with."""


@dataclass(frozen=True)
class ScoreCharts:
    """What attacks make of the examples of a dataset, as inline SVG, empty where there are no scores."""

    roc: str
    histograms: str


def score_charts(evidence: Evidence, board: DatasetBoard, *, names: Mapping[str, str]) -> ScoreCharts:
    """Draw what the worst attack on each row made of the examples; of many rows the first, most controls left out.

    The histograms are of one row of each kind.
    """
    rows = [row for row in board.rows if is_charted(row)]
    rows, telling = rows[:MOST_CURVES], _telling(board)
    palette = colours([(row.method.name, row.method.role) for row in rows])
    shown = [(row, _name(row, names), palette[row.method.name]) for row in rows]
    curves, samples = [], []
    for row, name, colour in shown:
        scores = _worst_scores(evidence, row)
        if scores is not None:
            curves.append(curve_of(scores, name, role=row.method.role, colour=colour))
            samples += [_sample(scores, name)] if row in telling else []
    return ScoreCharts(
        roc=charts.roc_svg(curves) if curves else "",
        histograms=charts.histogram_svg(samples) if samples else "",
    )


def point_of(row: Row, *, name: str, colour: str) -> Point | None:
    """Return a row's point in the trade-off, or None for a control and where no attack or accuracy is known."""
    accuracy, auc, tpr = row.get(metric_names.ACCURACY), row.risk(metric_names.AUC), row.risk(metric_names.TPR)
    if row.method.role == "control" or accuracy is None or auc is None:
        return None
    rate = _ends(tpr.estimate) if tpr else None
    return charts.Point(name, row.method.role, _ends(accuracy), _ends(auc.estimate), colour, rate)


def curve_of(attack: AttackScores, label: str, *, role: Role, colour: str) -> Curve:
    """Return the ROC curve of an attack, computed from its scores."""
    from tckr_bench import stats

    roc = stats.roc_curve(attack.scores, attack.members)
    return charts.Curve(label, role, roc.false_positive_rates, roc.true_positive_rates, colour)


def is_charted(row: Row) -> bool:
    """Return whether charts show a row: all that have measurements, of the controls those that say they are shown."""
    control = control_of(row.method)
    return row.status != "failed" and (control.charted if control else row.method.role != "control")


def _name(row: Row, names: Mapping[str, str]) -> str:
    return "real data" if row.method.role == "baseline" else names[row.method.name]


def _telling(board: DatasetBoard) -> list[Row]:
    """Return one row of each kind: real data, the first defence, the best or first method, a charted control."""
    kinds: dict[str, Row] = {}
    for row in (*((board.best,) if board.best else ()), *board.rows):
        if is_charted(row):
            kinds.setdefault(row.method.role, row)
    return list(kinds.values())


def _ends(estimate: Estimate) -> Ends:
    return estimate.value, estimate.low, estimate.high


def _worst_scores(evidence: Evidence, row: Row) -> AttackScores | None:
    """Return what a row's worst attack made of its first seed, canaries left out; None without evidence."""
    record = next(record for record in row.records if record.status == "ok")
    cell = evidence.get(key_of(record))
    return ordinary(cell.attacks.get(worst_attacks_of(record).auc)) if cell else None


def _sample(attack: AttackScores, name: str) -> ScoreSample:
    label = f"{name}, {plain(attack.attack)}"
    return charts.ScoreSample(label, attack.scores[attack.members], attack.scores[~attack.members])
