"""What the charts of a dataset show: points, curves and scores of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.judging.paired import ordinary, worst_attacks_of
from tckr_bench.results.verify import key_of
from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tckr_bench.judging.rows import DatasetBoard, Row
    from tckr_bench.records import AttackScores, Estimate, Role
    from tckr_bench.results.verify import Verified
    from tckr_bench.show.charts import Curve, Ends, Point, ScoreSample


@dataclass(frozen=True)
class Plots:
    """The charts of a dataset as inline SVG, empty where there is nothing to show."""

    tradeoff: str
    roc: str
    histograms: str


def plots_of(found: Verified, board: DatasetBoard, *, names: Mapping[str, str], identity: str) -> Plots:
    """Draw a dataset's charts; controls other than the memorizer are left to the tables."""
    from tckr_bench.show import charts, drawing

    rows = [row for row in board.rows if row.status != "failed" and (row.method.role != "control" or _memorizes(row))]
    shown: list[tuple[str, Role]] = [(row.method.name, row.method.role) for row in rows]
    palette = drawing.colours(shown)
    points = [point for row in rows if (point := _point(row, names, palette)) is not None]
    attacked = [(row, scores) for row in rows if (scores := _worst_scores(found, row)) is not None]
    curves = [_curve(row, scores, name=_name(row, names), colour=palette[row.method.name]) for row, scores in attacked]
    samples = [_sample(scores, _name(row, names)) for row, scores in attacked if row in _telling(board)]
    return Plots(
        tradeoff=charts.tradeoff_svg(points, identity=f"{identity}s", front=board.trusted) if points else "",
        roc=charts.roc_svg(curves, identity=f"{identity}r") if curves else "",
        histograms=charts.histogram_svg(samples, identity=f"{identity}h") if samples else "",
    )


def _memorizes(row: Row) -> bool:
    return row.method.name.startswith("memorizer")


def _name(row: Row, names: Mapping[str, str]) -> str:
    return "real data" if row.method.role == "baseline" else names[row.method.name]


def _telling(board: DatasetBoard) -> list[Row]:
    """Return one row of each kind: real data, the first defence, the best or first method, the memorizer."""
    kinds: dict[str, Row] = {}
    for row in (*((board.best,) if board.best else ()), *board.rows):
        if row.status != "failed" and (row.method.role != "control" or _memorizes(row)):
            kinds.setdefault(row.method.role, row)
    return list(kinds.values())


def _point(row: Row, names: Mapping[str, str], palette: Mapping[str, str]) -> Point | None:
    from tckr_bench.show.charts import Point

    accuracy, auc, tpr = row.get(metric_names.ACCURACY), row.risk(metric_names.AUC), row.risk(metric_names.TPR)
    if row.method.role == "control" or accuracy is None or auc is None:
        return None
    rate = _ends(tpr.estimate) if tpr else None
    colour = palette[row.method.name]
    return Point(_name(row, names), row.method.role, _ends(accuracy), _ends(auc.estimate), colour, rate)


def _ends(estimate: Estimate) -> Ends:
    return estimate.value, estimate.low, estimate.high


def _worst_scores(found: Verified, row: Row) -> AttackScores | None:
    """Return what a row's worst attack made of its first seed, canaries left out; None without evidence."""
    record = next(record for record in row.records if record.status == "ok")
    evidence = found.evidence.get(key_of(record))
    return ordinary(evidence.attacks.get(worst_attacks_of(record).auc)) if evidence else None


def _curve(row: Row, attack: AttackScores, *, name: str, colour: str) -> Curve:
    from tckr_bench import stats
    from tckr_bench.show.charts import Curve

    roc = stats.roc_curve(attack.scores, attack.members)
    return Curve(name, row.method.role, roc.false_positive_rates, roc.true_positive_rates, colour)


def _sample(attack: AttackScores, name: str) -> ScoreSample:
    from tckr_bench.show.charts import ScoreSample

    label = f"{name}, {plain(attack.attack)}"
    return ScoreSample(label, attack.scores[attack.members], attack.scores[~attack.members])
