"""Charts of a report: matplotlib's object-oriented API, the same bytes for the same figures.

Colours are written as placeholders and replaced by CSS variables, so that one drawing serves light and dark
pages.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tckr_bench.board.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.records import Images, Role

INK, MUTED, RULE, PAPER = "#010101", "#020202", "#030303", "#040404"
_VARIABLES = {INK: "--ink", MUTED: "--muted", RULE: "--rule", PAPER: "--paper"}
SERIES = tuple(f"#0500{index:02x}" for index in range(1, 7))
_VARIABLES |= {colour: f"--series-{index}" for index, colour in enumerate(SERIES, start=1)}
_MARKERS = {"baseline": "D", "method": "o", "control": "^"}
_WIDTHS = {"baseline": 1.8, "method": 1.5, "control": 1.0}
_SOLID, _GUESSING = "solid", (0, (2, 3))
_DASHES = ((0, (5, 2)), (0, (1, 1.5)), (0, (7, 2, 1.5, 2)), (0, (3, 1.5)))
"""Line styles that tell the controls, all grey, from each other."""
_SIZE = (6.2, 4.0)
LOWEST_RATE = 1e-3


@dataclass(frozen=True)
class Point:
    """A method in the scatter: accuracy and AUC as (value, low, high), fractions."""

    label: str
    role: Role
    accuracy: tuple[float, float, float]
    auc: tuple[float, float, float]
    colour: str


@dataclass(frozen=True)
class Curve:
    """A ROC curve: false and true positive rates, (k,) each, rising."""

    label: str
    role: Role
    false_positive_rates: npt.NDArray[np.float64]
    true_positive_rates: npt.NDArray[np.float64]
    colour: str


def colours(labels_and_roles: Sequence[tuple[str, Role]]) -> dict[str, str]:
    """Give each method a colour of its own (in turn), the baseline ink and every control grey."""
    methods = [label for label, role in labels_and_roles if role == "method"]
    chosen = {label: SERIES[index % len(SERIES)] for index, label in enumerate(methods)}
    fixed = {"baseline": INK, "control": MUTED}
    return {label: chosen.get(label, fixed.get(role, MUTED)) for label, role in labels_and_roles}


def beyond_frame(points: Sequence[Point]) -> list[Point]:
    """Return the controls so far from the baseline and methods that showing them would squeeze all others together."""
    kept = [point for point in points if point.role != "control"]
    if not kept:
        return []
    accuracies, aucs = [point.accuracy[0] for point in kept], [point.auc[0] for point in kept]
    tall, wide = max(max(accuracies) - min(accuracies), 0.05), max(max(aucs) - min(aucs), 0.05)

    def far(point: Point) -> bool:
        down = min(accuracies) - point.accuracy[0]
        aside = max(point.auc[0] - max(aucs), min(aucs) - point.auc[0])
        return max(down, point.accuracy[0] - max(accuracies)) > tall or aside > wide

    return [point for point in points if point.role == "control" and far(point)]


def scatter_svg(points: Sequence[Point], *, identity: str) -> str:
    """Draw accuracy against AUC with both 95 % intervals; shape tells baseline, method and control apart."""
    figure, axes = _canvas()
    outside = beyond_frame(points)
    shown = [point for point in points if point not in outside]
    for point in shown:
        (auc, auc_low, auc_high), (accuracy, low, high) = point.auc, point.accuracy
        axes.errorbar(
            [auc],
            [100 * accuracy],
            xerr=[[max(0.0, auc - auc_low)], [max(0.0, auc_high - auc)]],
            yerr=[[max(0.0, 100 * (accuracy - low))], [max(0.0, 100 * (high - accuracy))]],
            fmt=_MARKERS[point.role],
            color=point.colour,
            markerfacecolor=PAPER if point.role == "control" else point.colour,
            markersize=7 if point.role != "control" else 6,
            elinewidth=1.0,
            zorder=4 if point.role != "control" else 3,
        )
    axes.axvline(0.5, color=MUTED, linewidth=0.8, linestyle=_GUESSING, zorder=1)
    axes.set_xlabel("AUC of the attack (0.5 is guessing; further left is safer)")
    axes.set_ylabel("accuracy on real test images, %")
    axes.margins(0.12, 0.12)
    figure.canvas.draw()
    _label_points(axes, shown)
    return _svg(figure, identity=identity, title="Accuracy against the attack's AUC")


def roc_svg(curves: Sequence[Curve], *, identity: str) -> str:
    """Draw ROC curves on logarithmic axes from a rate of 0.001, with the diagonal of guessing."""
    figure, axes = _canvas()
    axes.set(xscale="log", yscale="log", xlim=(LOWEST_RATE, 1), ylim=(LOWEST_RATE, 1.15))
    axes.plot([LOWEST_RATE, 1], [LOWEST_RATE, 1], color=MUTED, linewidth=0.8, linestyle=_GUESSING, zorder=1)
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
    return _svg(figure, identity=identity, title="ROC curves of the attack")


def _canvas() -> tuple[Any, Any]:
    """Return a figure with one restrained pair of axes; no state of pyplot is touched."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, layout="constrained")
    FigureCanvasSVG(figure)
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(RULE)
    axes.tick_params(which="both", colors=MUTED, labelcolor=MUTED, labelsize=10, length=3)
    axes.grid(color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(INK)
        label.set_fontsize(10.5)
    return figure, axes


def _label_points(axes: Any, points: Sequence[Point]) -> None:  # noqa: ANN401 - matplotlib has no types
    """Write each point's label where it covers the fewest markers and other labels."""
    taken: list[tuple[float, float, float, float]] = []
    centres = [axes.transData.transform((point.auc[0], 100 * point.accuracy[0])) for point in points]
    frame = axes.get_window_extent()
    taken += [(x - 6, y - 6, x + 6, y + 6) for x, y in centres]
    for point, (x, y) in zip(points, centres, strict=True):
        left, low = axes.transData.transform((point.auc[1], 100 * point.accuracy[1]))
        right, high = axes.transData.transform((point.auc[2], 100 * point.accuracy[2]))
        taken += [(left, y - 1, right, y + 1), (x - 1, low, x + 1, high)]
    order = sorted(range(len(points)), key=lambda index: (points[index].role == "control", index))
    for index in order:
        point, (x, y) = points[index], centres[index]
        width, height = 6.1 * len(point.label) * axes.figure.dpi / 72 * 0.92, 13 * axes.figure.dpi / 72
        box, place = _free_place(x, y, width, height, taken, (frame.x0, frame.y0, frame.x1, frame.y1))
        taken.append(box)
        axes.annotate(
            _literal(point.label),
            xy=(x, y),
            xycoords="figure pixels",
            xytext=place,
            textcoords="figure pixels",
            color=point.colour,
            fontsize=10,
            va="center",
            ha="left",
            annotation_clip=False,
            zorder=6,
            arrowprops=_leader(x, y, box),
        )


def _leader(x: float, y: float, box: tuple[float, float, float, float]) -> dict[str, Any] | None:
    """Return a thin line from a point to a label that had to move away, or None if it stands beside it."""
    distance = max(box[0] - x, x - box[2], box[1] - y, y - box[3])
    return {"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkB": 5} if distance > 14 else None


def _free_place(
    x: float,
    y: float,
    width: float,
    height: float,
    taken: Sequence[tuple[float, float, float, float]],
    frame: tuple[float, float, float, float],
) -> tuple[tuple[float, float, float, float], tuple[float, float]]:
    """Return the first place around (x, y) that covers least, as a box and as the text's left middle."""
    best: tuple[float, tuple[float, float, float, float]] | None = None
    for distance in (0, 1, 2, 3, 4):
        for right, up in (
            (1, 0.75),
            (1, -0.75),
            (-1, 0.75),
            (-1, -0.75),
            (0, 1.2),
            (0, -1.2),
            (1, 0),
            (-1, 0),
        ):
            left = x + 9 if right > 0 else x - 9 - width if right < 0 else x - width / 2
            bottom = y + up * height * (1 + distance) - height / 2
            box = (left, bottom, left + width, bottom + height)
            covered = sum(_overlap(box, other) for other in taken)
            outside = width * height - _overlap(box, frame)
            cost = covered + 3 * outside + 0.02 * distance * width * height
            if best is None or cost < best[0] - 1e-6:
                best = (cost, box)
    assert best is not None, "at least one place was tried"
    box = best[1]
    return box, (box[0], (box[1] + box[3]) / 2)


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)


def _styles(curves: Sequence[Curve]) -> list[Any]:
    controls = [curve.label for curve in curves if curve.role == "control"]
    return [
        _DASHES[controls.index(curve.label) % len(_DASHES)] if curve.role == "control" else _SOLID for curve in curves
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
            label=_literal(curve.label),
        )
        for curve, style in zip(curves, styles, strict=True)
    ]
    handles.append(Line2D([], [], color=MUTED, linewidth=0.8, linestyle=_GUESSING, label="guessing"))
    axes.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        frameon=False,
        fontsize=10,
        labelcolor=INK,
    )


def _literal(text: str) -> str:
    """Return a label that matplotlib neither takes for mathematics nor hides for a leading underscore."""
    return "\u200b" * text.startswith("_") + plain(text).replace("$", r"\$")


def _svg(figure: Any, *, identity: str, title: str) -> str:  # noqa: ANN401 - matplotlib has no types
    """Return inline SVG: no header, no metadata, ids made unique by `identity`, colours as CSS variables."""
    import matplotlib as mpl

    written = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": identity, "svg.fonttype": "none", "axes.unicode_minus": True}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    svg = written.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{identity}-', svg)
    svg = re.sub(r"url\(#", f"url(#{identity}-", svg)
    svg = re.sub(r'xlink:href="#', f'xlink:href="#{identity}-', svg)
    svg = re.sub(r"'[^']*DejaVu[^;\"]*", "inherit", svg)
    for placeholder, variable in _VARIABLES.items():
        svg = svg.replace(placeholder, f"var({variable})")
    box = re.search(r'viewBox="[^"]*"', svg)
    assert box is not None, "matplotlib gives every drawing a view box"
    head = f'<svg class="chart" role="img" aria-label="{title}" {box.group()}>'
    return re.sub(r"<svg[^>]*>", head, svg, count=1).strip()


def pair_png(real: Images, synthetic: Images, *, height: int = 96) -> bytes:
    """Return a real and a synthetic image beside each other as PNG, enlarged without smoothing.

    Args:
        real: (height, width, 3) uint8.
        synthetic: the same; it may have another size.
        height: least height in pixels of the result; images are enlarged by whole factors to reach it.
    """
    import numpy as np
    from PIL import Image

    factors = [max(1, -(-height // part.shape[0])) for part in (real, synthetic)]
    enlarged = [
        part.repeat(factor, axis=0).repeat(factor, axis=1)
        for part, factor in zip((real, synthetic), factors, strict=True)
    ]
    tallest = max(part.shape[0] for part in enlarged)
    gap = max(2, tallest // 24)
    canvas = np.zeros((tallest, sum(part.shape[1] for part in enlarged) + gap, 4), dtype=np.uint8)
    left = 0
    for part in enlarged:
        canvas[: part.shape[0], left : left + part.shape[1], :3] = part
        canvas[: part.shape[0], left : left + part.shape[1], 3] = 255
        left += part.shape[1] + gap
    written = io.BytesIO()
    Image.fromarray(canvas, "RGBA").save(written, format="PNG", optimize=False, compress_level=9)
    return written.getvalue()
