"""Charts of entries: the ROC curves of one, and all of a dataset in the trade-off of accuracy and privacy.

ROC curves are the only measurements computed here, from the saved scores; everything else is drawn from the standings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.errors import TckrError
from tckr_bench.judging import metric_names, rows
from tckr_bench.show import charts
from tckr_bench.show.chart_data import curve_of, point_of
from tckr_bench.show.chart_parts import INK, MUTED, SERIES, colours, shortened
from tckr_bench.text import plain, short_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.leaderboard.site.sources import Sources
    from tckr_bench.leaderboard.standings import DatasetResult, Entry, Standings
    from tckr_bench.records import CellEvidence, Role
    from tckr_bench.results.records import ResultRecord
    from tckr_bench.show.charts import Curve

_OWN: tuple[tuple[str, Role], ...] = ((SERIES[0], "method"), (SERIES[1], "defended"))
_REAL: tuple[tuple[str, Role], ...] = ((INK, "baseline"), (MUTED, "control"))
"""Colour and kind of line of the declared and of the worst attack: solid and broken."""


@dataclass(frozen=True)
class Chart:
    """A chart as inline SVG, or a sentence that says why there is none; `about` says in words what is drawn."""

    svg: str = ""
    about: str = ""
    absent: str = ""


def roc_chart(result: DatasetResult, standings: Standings, *, sources: Sources) -> Chart:
    """Draw the ROC curves of an entry's declared and worst attack, the real-data baseline's beside them."""
    own = _evidence(result.record, sources)
    if isinstance(own, str):
        return Chart(absent=own)
    teacher = teacher_of(result, standings)
    beside = _evidence(teacher.record, sources) if teacher is not None else None
    curves = _curves(result, own, name="this entry", looks=_OWN)
    if teacher is not None and beside is not None and not isinstance(beside, str):
        curves += _curves(teacher, beside, name="real data", looks=_REAL)
    if not curves:
        return Chart(absent="The saved scores hold neither the declared attack nor the worst one.")
    svg = charts.roc_svg(curves)
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


def _evidence(record: ResultRecord, sources: Sources) -> CellEvidence | str:
    """Return what the first finished seed's measurements rest on, or a sentence that says why it is not at hand."""
    from tckr_bench.results.examination import scores_of

    seed = next((seed for seed in record.seeds if seed.scores is not None), None)
    if seed is None:
        return "No seed finished, so there are no scores to draw curves from."
    try:
        return scores_of(sources.folder_of(record), record, seed.seed)
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
            found.append(curve_of(attack, f"{what}, {words[label]}", role=role, colour=colour))
    return found


def _worst(record: ResultRecord) -> str:
    """Return the attack that gets furthest in AUC with the first finished seed, or nothing where none is known."""
    measurements = next((seed.measurements for seed in record.seeds if seed.scores is not None), ())
    return next(
        (measurement.attack for measurement in measurements if measurement.metric == metric_names.WORST_AUC), ""
    )


def tradeoff_chart(results: Sequence[tuple[Entry, DatasetResult]]) -> Chart:
    """Draw accuracy against the worst attack's success, for every trusted entry on a dataset that is no control."""
    shown = [(entry, result) for entry, result in results if result.record.trusted and entry.method.role != "control"]
    palette = colours([(entry.slug, entry.method.role) for entry, _ in shown])
    names, _ = short_names([entry.method for entry, _ in shown])
    points = [
        point
        for entry, result in shown
        if (point := point_of(result.row, name=names[entry.method.name], colour=palette[entry.slug]))
    ]
    if not points:
        return Chart(absent="No entry on this dataset has trusted measurements of accuracy and of an attack.")
    svg = charts.tradeoff_svg(points)
    return Chart(
        svg=svg, about=f"Accuracy against the worst attack's success for {len(points)} entries; see the table."
    )
