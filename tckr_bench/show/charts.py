"""Charts as Vega-Lite specifications and as inline SVG: accuracy against attacks, ROC curves, histograms of scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.show.chart_parts import (
    COLOUR,
    GUESSING,
    INK,
    LEGEND_LINE,
    MUTED,
    PAPER,
    RULE,
    SERIES,
    in_pixels,
    inline_svg,
    legend,
    shortened,
    specification,
    step_line,
    words_at,
)
from tckr_bench.show.label_places import Box, Spot, place_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.records import Role
    from tckr_bench.show.chart_parts import Spec, Style

    Ends = tuple[float, float, float]

_ROLES = ("baseline", "defended", "method", "control")
_SHAPES = ("diamond", "square", "circle", "triangle-up")
_WIDTHS = {"baseline": 2.2, "defended": 1.8, "method": 1.8, "control": 1.2}
_DASHES = ([6, 3], [1.5, 2], [9, 3, 2, 3], [4, 2])
"""Line styles that tell controls, all grey, from each other, and defences from methods."""
_MEMBERS: Style = {"stroke": SERIES[1], "strokeWidth": 10, "strokeOpacity": 0.55}
_OTHERS: Style = {"stroke": INK, "strokeWidth": 1.5}
_FRONT: Style = {"stroke": RULE, "strokeWidth": 5}
_MARKER: Style = {"type": "point", "filled": True, "size": 110, "opacity": 1, "stroke": PAPER, "strokeWidth": 1}
_PANEL = (410, 330)
_ROC_PANEL = (440, 330)
_HALF_LINE = 29
"""Characters of the longest label of a legend in two columns beneath a ROC panel."""
_HISTOGRAM_PANEL = (205, 132)
_MARGIN = 0.12
LABELLED = 8
"""In a panel with more points than this, only those of its front and of real data are named."""
LOWEST_RATE = 1e-3
_DOTS = 130
"""Places in a decade of a logarithmic axis that can be told apart: a panel's pixels."""
BINS = 40
HISTOGRAM_TAIL = 0.005


@dataclass(frozen=True)
class Point:
    """A method in the chart: accuracy, and the attack's AUC and TPR at 1 % FPR, as (value, low, high), fractions."""

    label: str
    role: Role
    accuracy: Ends
    auc: Ends
    colour: str
    tpr: Ends | None = None


@dataclass(frozen=True)
class Curve:
    """A ROC curve: false and true positive rates, (k,) each, rising."""

    label: str
    role: Role
    false_positive_rates: npt.NDArray[np.float64]
    true_positive_rates: npt.NDArray[np.float64]
    colour: str


@dataclass(frozen=True)
class ScoreSample:
    """An attack's scores of members and of non-members, (n,) each."""

    label: str
    members: npt.NDArray[np.float64]
    others: npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Place:
    """A point in a panel: its attack's success and its accuracy there, as (value, low, high) in units of the axes."""

    point: Point
    success: Ends
    accuracy: Ends


@dataclass(frozen=True)
class _Panel:
    """One way to measure an attack: what its axes are called, what guessing reaches, and where the points are."""

    heading: str
    title: str | None
    guessing: float
    places: Sequence[_Place]


@dataclass(frozen=True)
class _Scale:
    """A linear axis: the values at its ends, and its length in pixels.

    It is fixed here and not by Vega-Lite, since names are placed in pixels.
    """

    low: float
    high: float
    pixels: int

    @classmethod
    def around(cls, values: Sequence[float], *, pixels: int) -> _Scale:
        """Return the axis that shows these values with some room on both sides."""
        low, high = min(values), max(values)
        room = _MARGIN * (high - low) or 0.5
        return cls(low - room, high + room, pixels)

    def pixel(self, value: float) -> float:
        """Return how far from the axis's beginning a value lies."""
        return self.pixels * (value - self.low) / (self.high - self.low)

    def encoding(self, field: str, title: str | None) -> Spec:
        """Return the channel that places a field on this axis."""
        scale = {"domain": [self.low, self.high], "nice": False, "zero": False}
        return {"field": field, "type": "quantitative", "title": title, "scale": scale}


def tradeoff_svg(points: Sequence[Point], *, front: bool = True) -> str:
    """Draw what `tradeoff_spec` describes."""
    return inline_svg(tradeoff_spec(points, front=front), name="Accuracy against the attacks' success")


def roc_svg(curves: Sequence[Curve]) -> str:
    """Draw what `roc_spec` describes."""
    return inline_svg(roc_spec(curves), name="ROC curves of the attack")


def histogram_svg(samples: Sequence[ScoreSample]) -> str:
    """Draw what `histogram_spec` describes."""
    return inline_svg(histogram_spec(samples), name="Scores of members and of non-members")


def tradeoff_spec(points: Sequence[Point], *, front: bool = True) -> Spec:
    """Describe accuracy against AUC and, where known, TPR at 1 % FPR, with both 95 % intervals and the Pareto front.

    Shape tells real data, defences and methods apart; up to `LABELLED` points are named. Without `front`, none is
    drawn.
    """
    first = [_Place(point, point.auc, _percent(point.accuracy)) for point in points]
    second = [_Place(point, _percent(point.tpr), _percent(point.accuracy)) for point in points if point.tpr]
    panels = [
        _Panel("AUC of the worst attack (0.5 is guessing)", "accuracy on real test images, %", 0.5, first),
        _Panel("members the worst attack finds at 1 % false alarms, %", None, 1.0, second),
    ]
    return specification(
        {"hconcat": [_tradeoff_view(panel, front=front) for panel in panels if panel.places], "spacing": 28}
    )


def _percent(ends: Ends) -> Ends:
    return 100 * ends[0], 100 * ends[1], 100 * ends[2]


def _tradeoff_view(panel: _Panel, *, front: bool) -> Spec:
    """Describe a panel: the front, what guessing gives, intervals, markers and names, the last on top."""
    places = panel.places
    across = _Scale.around([panel.guessing, *(end for place in places for end in place.success)], pixels=_PANEL[0])
    up = _Scale.around([end for place in places for end in place.accuracy], pixels=_PANEL[1])
    x, y = across.encoding("x", panel.heading), up.encoding("y", panel.title)
    reach = {"x": {**x, "field": "left"}, "x2": {"field": "right"}, "y": y}
    rise = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
    shape = {"field": "role", "type": "nominal", "legend": None, "scale": {"domain": _ROLES, "range": _SHAPES}}
    steps = pareto_front([(place.success[0], place.accuracy[0]) for place in places], panel.guessing)
    return {
        "width": across.pixels,
        "height": up.pixels,
        "data": {"values": [_row(place) for place in places]},
        "layer": [
            *([step_line(_FRONT, steps, x=x, y=y)] if front else []),
            {"data": {"values": [{"x": panel.guessing}]}, "mark": {"type": "rule", **GUESSING}, "encoding": {"x": x}},
            {"mark": "rule", "encoding": {**reach, "stroke": COLOUR}},
            {"mark": "rule", "encoding": {**rise, "stroke": COLOUR}},
            {"mark": _MARKER, "encoding": {"x": x, "y": y, "fill": COLOUR, "shape": shape}},
            *_names([_spot(place, across, up, steps=steps, all_named=len(places) <= LABELLED) for place in places]),
        ],
    }


def _row(place: _Place) -> Spec:
    (x, left, right), (y, low, high) = place.success, place.accuracy
    own = {"role": place.point.role, "colour": place.point.colour}
    return {"x": x, "left": left, "right": right, "y": y, "low": low, "high": high, **own}


def _spot(place: _Place, across: _Scale, up: _Scale, *, steps: Sequence[tuple[float, float]], all_named: bool) -> Spot:
    """Return where a point lies in pixels, with its name if it has one here."""
    (x, left, right), (y, low, high) = place.success, place.accuracy
    named = all_named or place.point.role == "baseline" or (x, y) in steps
    sides = [across.pixel(left), up.pixels - up.pixel(high), across.pixel(right), up.pixels - up.pixel(low)]
    name = shortened(place.point.label) if named else ""
    return Spot(name, place.point.colour, across.pixel(x), up.pixels - up.pixel(y), Box(*sides))


def _names(spots: Sequence[Spot]) -> list[Spec]:
    """Describe the names of points, and lines to those that had to move away."""
    found = place_labels(spots, width=_PANEL[0], height=_PANEL[1])
    leads = [
        {"x": place.spot.x, "y": place.spot.y, "x2": place.lead[0], "y2": place.lead[1]}
        for place in found
        if place.lead
    ]
    lead = {channel: in_pixels(channel) for channel in ("x", "y", "x2", "y2")}
    texts = [{"x": place.x, "y": place.y, "text": place.spot.label, "colour": place.spot.colour} for place in found]
    return [
        {"data": {"values": leads}, "mark": {"type": "rule", "stroke": MUTED, "strokeWidth": 0.7}, "encoding": lead},
        words_at(texts),
    ]


def pareto_front(places: Sequence[tuple[float, float]], guessing: float) -> list[tuple[float, float]]:
    """Return the places (attack's success, accuracy) that none other beats in both, by rising success.

    Success below that of guessing counts as guessing, but is drawn where it is.

    >>> pareto_front([(0.6, 84.0), (0.52, 80.0), (0.55, 79.0)], 0.5)
    [(0.52, 80.0), (0.6, 84.0)]
    """
    front: list[tuple[float, float]] = []
    for success, accuracy in sorted(places, key=lambda place: (max(place[0], guessing), -place[1])):
        if not front or accuracy > front[-1][1]:
            front.append((success, accuracy))
    return sorted(front)


def roc_spec(curves: Sequence[Curve]) -> Spec:
    """Describe ROC curves on logarithmic axes from a rate of 0.001, with the diagonal of guessing and a legend."""
    x = _rate("x", "false positive rate (share of non-members accused)")
    y = _rate("y", "true positive rate (share of members found)")
    diagonal = step_line({**GUESSING, "interpolate": "linear"}, [(LOWEST_RATE, LOWEST_RATE), (1, 1)], x=x, y=y)
    styles = _styles(curves)
    # controls lie beneath: most of them follow the diagonal
    order = sorted(zip(curves, styles, strict=True), key=lambda drawn: drawn[0].role != "control")
    lines = [step_line(style, zip(*_visible(curve), strict=True), x=x, y=y) for curve, style in order]
    labels = [*(curve.label for curve in curves), "guessing"]
    columns = 2 if max(map(len, labels)) <= _HALF_LINE else 1
    width, height = _ROC_PANEL
    key = legend(labels, [*styles, GUESSING], top=height + 64, columns=columns, apart=width // 2)
    return specification({"width": width, "height": height, "layer": [diagonal, *lines, *key]})


def _rate(field: str, title: str) -> Spec:
    axis = {"values": [0.001, 0.01, 0.1, 1], "format": "~g", "title": title}
    scale = {"type": "log", "domain": [LOWEST_RATE, 1], "nice": False}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def _styles(curves: Sequence[Curve]) -> list[Style]:
    """Return how each curve is drawn: controls and defences are told apart by dashes, each kind by itself."""
    styles: list[Style] = []
    for index, curve in enumerate(curves):
        before = sum(other.role == curve.role for other in curves[:index])
        dashed = curve.role in ("control", "defended")
        dash = {"strokeDash": _DASHES[before % len(_DASHES)]} if dashed else {}
        styles.append({"stroke": curve.colour, "strokeWidth": _WIDTHS[curve.role], **dash})
    return styles


def _visible(curve: Curve) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the steps of a curve that lie on the axes and that can be told apart: (m,) each.

    A step is dropped if the next begins at the same dot, or if it rises by less than one.
    """
    import numpy as np

    rates = np.stack([curve.false_positive_rates, curve.true_positive_rates])
    start = (rates <= LOWEST_RATE).sum(axis=1).max()
    kept = np.maximum(rates[:, max(0, start - 1) :], LOWEST_RATE)
    across = np.round(_DOTS * np.log10(kept[0]))
    last = np.append(across[1:] != across[:-1], True)
    last[0] = True  # where a curve rises from the axis
    kept = kept[:, last]
    up = np.round(_DOTS * np.log10(kept[1]))
    rising = np.append(True, up[1:] != up[:-1])
    rising[-1] = True
    return kept[0, rising], kept[1, rising]


def histogram_spec(samples: Sequence[ScoreSample]) -> Spec:
    """Describe an attack's scores of members (filled) and of non-members (outlined), a panel for each sample."""
    columns = 2 if len(samples) > 1 else 1
    views = [_histogram_view(sample, titled=index % columns == 0) for index, sample in enumerate(samples)]
    sides = legend(["members", "non-members"], [_MEMBERS, _OTHERS], top=0, columns=2, apart=120)
    key = {"width": 240, "height": LEGEND_LINE, "layer": sides}
    panels = {"concat": views, "columns": columns, "bounds": "flush", "spacing": {"row": 60, "column": 44}}
    return specification({"vconcat": [key, panels], "spacing": 12})


def _histogram_view(sample: ScoreSample, *, titled: bool) -> Spec:
    edges, members, others = _shares(sample)
    x = {"field": "x", "type": "quantitative", "title": None, "scale": {"domain": [edges[0], edges[-1]], "nice": False}}
    y = {"field": "y", "type": "quantitative", "title": "share of examples, %" if titled else None}
    filled = step_line(
        {"type": "area", "fill": SERIES[1], "fillOpacity": 0.55},
        zip(edges, [*members, members[-1]], strict=True),
        x=x,
        y=y,
    )
    outline = step_line(_OTHERS, zip([edges[0], *edges, edges[-1]], [0, *others, others[-1], 0], strict=True), x=x, y=y)
    return {
        "width": _HISTOGRAM_PANEL[0],
        "height": _HISTOGRAM_PANEL[1],
        "title": {"text": shortened(sample.label), "limit": _HISTOGRAM_PANEL[0] + 36},
        "layer": [filled, outline],
    }


def _shares(sample: ScoreSample) -> tuple[list[float], list[float], list[float]]:
    """Return the edges of bins, and the percentage of members and of non-members in each; tails in the outermost."""
    import numpy as np

    together = np.concatenate([sample.members, sample.others])
    low, high = np.quantile(together, [HISTOGRAM_TAIL, 1 - HISTOGRAM_TAIL])
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    members, others = (
        (100 * np.histogram(np.clip(side, edges[0], edges[-1]), edges)[0] / len(side)).tolist()
        for side in (sample.members, sample.others)
    )
    return edges.tolist(), members, others
