"""Charts of the pages as inline SVG without style attributes, which the pages' security policy forbids.

ROC curves are the only measurements computed here, from the saved scores; everything else is drawn from the standings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tckr_bench.errors import TckrError
from tckr_bench.judging import metric_names, rows
from tckr_bench.show import charts, drawing
from tckr_bench.text import plain, short_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tckr_bench.leaderboard.standings import DatasetResult, Entry, Standings
    from tckr_bench.records import AttackScores, CellEvidence, Estimate, Role
    from tckr_bench.results.records import ResultRecord
    from tckr_bench.show.charts import Curve, Ends, Point

SHORT = 34
_HEAD = 8
LABELLED = 8
"""In a chart with more points than this, only those of the front and of real data are named."""
_OWN: tuple[tuple[str, Role], ...] = ((drawing.SERIES[0], "method"), (drawing.SERIES[1], "defended"))
_REAL: tuple[tuple[str, Role], ...] = ((drawing.INK, "baseline"), (drawing.MUTED, "control"))
"""Colour and kind of line of the declared and of the worst attack: solid and broken."""
_STYLE = re.compile(r'\sstyle="([^"]*)"')
_LINES = re.compile(r"\s*\n\s*")
_PLACES = re.compile(r'\s(?:d|x|y|transform)="[^"]*"')
_DECIMALS = re.compile(r"(\.\d\d)\d+")
_PRESENTATION = re.compile(r"[a-z-]+")


@dataclass(frozen=True)
class Chart:
    """A chart as inline SVG, or a sentence that says why there is none; `about` says in words what is drawn."""

    svg: str = ""
    about: str = ""
    absent: str = ""


def styleless(svg: str) -> str:
    """Return SVG with every style attribute turned into attributes of its own, which no policy forbids.

    >>> styleless('<path style="fill: none; stroke-width: 0.8"/>')
    '<path fill="none" stroke-width="0.8"/>'
    """
    return _STYLE.sub(_attributes, _terse(svg))


def _terse(svg: str) -> str:
    """Return SVG without indentation and with coordinates to a hundredth of a point; a third of the bytes are gone."""
    on_one_line = _LINES.sub(" ", svg)
    return _PLACES.sub(lambda found: _DECIMALS.sub(r"\1", found.group()), on_one_line)


def _attributes(found: re.Match[str]) -> str:
    parts = [part.partition(":") for part in found.group(1).split(";") if part.strip()]
    pairs = [(name.strip(), value.strip()) for name, _, value in parts]
    assert all(_PRESENTATION.fullmatch(name) for name, _ in pairs), "matplotlib writes presentation properties"
    return "".join(f' {name}="{value}"' for name, value in pairs)


def shortened(text: str) -> str:
    """Return a name that fits into a chart; of a long one, its beginning and its end.

    >>> shortened("short"), len(shortened("x" * 99))
    ('short', 34)
    """
    shown = plain(text)
    return shown if len(shown) <= SHORT else f"{shown[:_HEAD]}…{shown[_HEAD + 1 - SHORT :]}"


def roc_chart(result: DatasetResult, standings: Standings, *, results: Path, identity: str) -> Chart:
    """Draw the ROC curves of an entry's declared and worst attack, the real-data baseline's beside them."""
    own = _evidence(result.record, results)
    if isinstance(own, str):
        return Chart(absent=own)
    teacher = teacher_of(result, standings)
    beside = _evidence(teacher.record, results) if teacher is not None else None
    curves = _curves(result, own, name="this entry", looks=_OWN)
    if teacher is not None and beside is not None and not isinstance(beside, str):
        curves += _curves(teacher, beside, name="real data", looks=_REAL)
    if not curves:
        return Chart(absent="The saved scores hold neither the declared attack nor the worst one.")
    svg = styleless(charts.roc_svg(curves, identity=identity))
    names = "; ".join(curve.label for curve in curves)
    return Chart(svg=svg, about=f"ROC curves on logarithmic axes: {names}.")


def teacher_of(result: DatasetResult, standings: Standings) -> DatasetResult | None:
    """Return the real-data baseline of a result's submission and dataset, with its classifier where there are more."""
    record = result.record
    if record.method.role == "baseline":
        return None
    baselines = {
        found.record.method.name: found
        for entry in standings.entries
        for found in [entry.results.get(record.dataset)]
        if found is not None and found.record.submission == record.submission and entry.method.role == "baseline"
    }
    row = rows.baseline_for(record.method, [found.row for found in baselines.values()])
    return None if row is None else baselines[row.method.name]


def _evidence(record: ResultRecord, results: Path) -> CellEvidence | str:
    """Return what the first finished seed's measurements rest on, or a sentence that says why it is not at hand."""
    from tckr_bench.results.examination import scores_of
    from tckr_bench.results.files import submission_folder

    seed = next((seed for seed in record.seeds if seed.scores is not None), None)
    if seed is None:
        return "No seed finished, so there are no scores to draw curves from."
    try:
        return scores_of(submission_folder(results, record), record, seed.seed)
    except TckrError as error:
        return f"No curve is drawn: {plain(str(error))}."


def _curves(
    result: DatasetResult, evidence: CellEvidence, *, name: str, looks: Sequence[tuple[str, Role]]
) -> list[Curve]:
    """Return the curves of the declared attack and, where it is another, of the worst; canaries left out.

    `looks` are colour and kind of line of either.
    """
    from tckr_bench.judging.paired import ordinary

    declared, worst = evidence.primary_attack, _worst(result.record) or evidence.primary_attack
    words = {worst: "worst", declared: "declared and worst" if declared == worst else "declared"}
    found = []
    for label, (colour, role) in zip((declared, *({worst} - {declared})), looks, strict=False):
        attack = ordinary(evidence.attacks.get(label))
        if attack is not None:
            what = shortened(f"{name}: {plain(label)}")
            found.append(_curve(attack, f"{what}, {words[label]}", role=role, colour=colour))
    return found


def _worst(record: ResultRecord) -> str:
    """Return the attack that gets furthest in AUC with the first finished seed, or nothing where none is known."""
    measurements = next((seed.measurements for seed in record.seeds if seed.scores is not None), ())
    return next(
        (measurement.attack for measurement in measurements if measurement.metric == metric_names.WORST_AUC), ""
    )


def _curve(attack: AttackScores, label: str, *, role: Role, colour: str) -> Curve:
    from tckr_bench import stats

    roc = stats.roc_curve(attack.scores, attack.members)
    return charts.Curve(label, role, roc.false_positive_rates, roc.true_positive_rates, colour)


def tradeoff_chart(results: Sequence[tuple[Entry, DatasetResult]], *, identity: str) -> Chart:
    """Draw accuracy against the worst attack's success, for every trusted entry on a dataset that is no control."""
    shown = [(entry, result) for entry, result in results if result.record.trusted and entry.method.role != "control"]
    palette = drawing.colours([(entry.slug, entry.method.role) for entry, _ in shown])
    names, _ = short_names([entry.method for entry, _ in shown])
    points = [
        point
        for entry, result in shown
        if (point := _point(result, name=names[entry.method.name], colour=palette[entry.slug]))
    ]
    if not points:
        return Chart(absent="No entry on this dataset has trusted measurements of accuracy and of an attack.")
    svg = styleless(charts.tradeoff_svg(_named(points), identity=identity))
    return Chart(
        svg=svg, about=f"Accuracy against the worst attack's success for {len(points)} entries; see the table."
    )


def _point(result: DatasetResult, *, name: str, colour: str) -> Point | None:
    accuracy, auc, tpr = (
        result.row.get(metric_names.ACCURACY),
        result.row.risk(metric_names.AUC),
        result.row.risk(metric_names.TPR),
    )
    if accuracy is None or auc is None:
        return None
    rate = _ends(tpr.estimate) if tpr else None
    return charts.Point(shortened(name), result.row.method.role, _ends(accuracy), _ends(auc.estimate), colour, rate)


def _ends(estimate: Estimate) -> Ends:
    return estimate.value, estimate.low, estimate.high


def _named(points: Sequence[Point]) -> list[Point]:
    """Return points with names only where they fit: of many, real data and those that nothing else beats."""
    if len(points) <= LABELLED:
        return list(points)
    front = set(charts.pareto_front([(point.auc[0], point.accuracy[0]) for point in points], 0.5))
    return [
        point if point.role == "baseline" or (point.auc[0], point.accuracy[0]) in front else replace(point, label="")
        for point in points
    ]
