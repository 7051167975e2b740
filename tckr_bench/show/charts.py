"""Charts of a report: accuracy against the attacks' success, ROC curves, and histograms of scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tckr_bench.show.drawing import (
    GUESSING,
    INK,
    MUTED,
    PAPER,
    RULE,
    SERIES,
    canvas,
    inline_svg,
    label_points,
    literal,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.records import Role

    Ends = tuple[float, float, float]

_MARKERS = {"baseline": "D", "defended": "s", "method": "o", "control": "^"}
_WIDTHS = {"baseline": 1.8, "defended": 1.5, "method": 1.5, "control": 1.0}
_DASHES = ((0, (5, 2)), (0, (1, 1.5)), (0, (7, 2, 1.5, 2)), (0, (3, 1.5)))
"""Line styles that tell controls, all grey, from each other, and defences from methods."""
LOWEST_RATE = 1e-3
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
class _Panel:
    """One way to measure an attack: what its axis is called, what guessing reaches, and each point's place on it."""

    heading: str
    guessing: float
    places: tuple[tuple[Point, Ends], ...]


def tradeoff_svg(points: Sequence[Point], *, identity: str, front: bool = True) -> str:
    """Draw accuracy against AUC and, where known, TPR at 1 % FPR, with both 95 % intervals and the Pareto front.

    Shape tells real data, defences and methods apart, and each is named; without `front`, none is drawn.
    """
    panels = [_Panel("AUC of the attack (0.5 is guessing)", 0.5, tuple((point, point.auc) for point in points))]
    found = tuple(
        (point, (100 * point.tpr[0], 100 * point.tpr[1], 100 * point.tpr[2])) for point in points if point.tpr
    )
    panels += [_Panel("members found at 1 % false alarms, % (1 is guessing)", 1.0, found)] if found else []
    figure, drawn = canvas(5.6 * len(panels), 4.4, columns=len(panels))
    for axes, panel in zip(drawn, panels, strict=True):
        _draw_panel(axes, panel, front=front)
    drawn[0].set_ylabel("accuracy on real test images, %")
    figure.canvas.draw()
    for axes, panel in zip(drawn, panels, strict=True):
        names = [(point.label, point.colour) for point, _ in panel.places]
        label_points(axes, names, [(across, _accuracy(point)) for point, across in panel.places])
    return inline_svg(figure, identity=identity, title="Accuracy against the attacks' success")


def _accuracy(point: Point) -> Ends:
    value, low, high = point.accuracy
    return 100 * value, 100 * low, 100 * high


def _draw_panel(axes: Any, panel: _Panel, *, front: bool) -> None:  # noqa: ANN401 - matplotlib has no types
    for point, (x, left, right) in panel.places:
        y, low, high = _accuracy(point)
        axes.errorbar(
            [x],
            [y],
            xerr=[[max(0.0, x - left)], [max(0.0, right - x)]],
            yerr=[[max(0.0, y - low)], [max(0.0, high - y)]],
            fmt=_MARKERS[point.role],
            color=point.colour,
            markeredgecolor=PAPER,
            markeredgewidth=0.8,
            markersize=8,
            elinewidth=1.0,
            zorder=4,
        )
    if front:
        steps = pareto_front([(across[0], _accuracy(point)[0]) for point, across in panel.places], panel.guessing)
        axes.plot(*zip(*steps, strict=True), color=RULE, linewidth=5, drawstyle="steps-post", zorder=2)
    axes.axvline(panel.guessing, color=MUTED, linewidth=0.8, linestyle=GUESSING, zorder=1)
    axes.set_xlabel(panel.heading)
    axes.margins(0.12, 0.14)


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


def roc_svg(curves: Sequence[Curve], *, identity: str) -> str:
    """Draw ROC curves on logarithmic axes from a rate of 0.001, with the diagonal of guessing."""
    figure, (axes,) = canvas(6.2, 4.0)
    axes.set(xscale="log", yscale="log", xlim=(LOWEST_RATE, 1), ylim=(LOWEST_RATE, 1.15))
    axes.plot([LOWEST_RATE, 1], [LOWEST_RATE, 1], color=MUTED, linewidth=0.8, linestyle=GUESSING, zorder=1)
    styles = _styles(curves)
    for curve, style in zip(curves, styles, strict=True):
        alarms, hits = _thinned(curve)
        axes.plot(
            alarms,
            hits,
            drawstyle="steps-post",
            color=curve.colour,
            linewidth=_WIDTHS[curve.role],
            linestyle=style,
            zorder=3 if curve.role == "control" else 4,
        )
    axes.set_xlabel("false positive rate (share of non-members accused)")
    axes.set_ylabel("true positive rate (share of members found)")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    _legend(axes, curves, styles)
    return inline_svg(figure, identity=identity, title="ROC curves of the attack")


def histogram_svg(samples: Sequence[ScoreSample], *, identity: str) -> str:
    """Draw an attack's scores of members (filled) and of non-members (outlined), a panel for each sample."""
    columns = 2 if len(samples) > 1 else 1
    rows = -(-len(samples) // columns)
    figure, panels = canvas(6.2, 0.5 + 2.0 * rows, rows=rows, columns=columns)
    for axes in panels[len(samples) :]:
        axes.set_visible(False)
    for axes, sample in zip(panels, samples, strict=False):
        _draw_histogram(axes, sample)
    for axes in panels[::columns]:
        axes.set_ylabel("share of examples, %")
    _name_sides(figure)
    return inline_svg(figure, identity=identity, title="Scores of members and of non-members")


def _styles(curves: Sequence[Curve]) -> list[Any]:
    apart = {role: [curve.label for curve in curves if curve.role == role] for role in ("control", "defended")}
    return [
        _DASHES[apart[curve.role].index(curve.label) % len(_DASHES)] if curve.role in apart else "solid"
        for curve in curves
    ]


def _thinned(curve: Curve) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return a curve's points without those that lie on the same dot of the drawing as the one before."""
    import numpy as np

    floor = LOWEST_RATE / 10
    alarms, hits = (np.maximum(part, floor) for part in (curve.false_positive_rates, curve.true_positive_rates))
    dots = np.stack([np.round(140 * np.log10(part)) for part in (alarms, hits)])
    kept = np.ones(len(alarms), dtype=bool)
    kept[1:-1] = (dots[:, 1:-1] != dots[:, :-2]).any(axis=0)
    return alarms[kept], hits[kept]


def _legend(axes: Any, curves: Sequence[Curve], styles: Sequence[Any]) -> None:  # noqa: ANN401 - matplotlib has no types
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [],
            [],
            color=curve.colour,
            linewidth=_WIDTHS[curve.role],
            linestyle=style,
            label=literal(curve.label),
        )
        for curve, style in zip(curves, styles, strict=True)
    ]
    handles.append(Line2D([], [], color=MUTED, linewidth=0.8, linestyle=GUESSING, label="guessing"))
    axes.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        frameon=False,
        fontsize=10,
        labelcolor=INK,
    )


def _draw_histogram(axes: Any, sample: ScoreSample) -> None:  # noqa: ANN401 - matplotlib has no types
    import numpy as np

    together = np.concatenate([sample.members, sample.others])
    low, high = np.quantile(together, [HISTOGRAM_TAIL, 1 - HISTOGRAM_TAIL])
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    members, others = (
        100 * np.histogram(np.clip(side, edges[0], edges[-1]), edges)[0] / len(side)
        for side in (sample.members, sample.others)
    )
    axes.stairs(members, edges, fill=True, color=SERIES[1], alpha=0.55, zorder=2)
    axes.stairs(others, edges, color=INK, linewidth=1.2, zorder=3)
    axes.set_title(literal(sample.label), fontsize=10, color=INK, loc="left")


def _name_sides(figure: Any) -> None:  # noqa: ANN401 - matplotlib has no types
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    sides = [Patch(color=SERIES[1], alpha=0.55, label="members"), Line2D([], [], color=INK, label="non-members")]
    figure.legend(handles=sides, loc="outside upper right", ncols=2, frameon=False, fontsize=10, labelcolor=INK)
