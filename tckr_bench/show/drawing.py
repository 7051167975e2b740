"""What every chart of a report is drawn with: colours, axes, labels that keep out of each other's way, inline SVG.

Matplotlib's object-oriented API, the same bytes for the same figures. Colours are written as placeholders and replaced
by CSS variables, so that one drawing serves light and dark pages.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.records import Role

    Box = tuple[float, float, float, float]

INK, MUTED, RULE, PAPER = "#010101", "#020202", "#030303", "#040404"
_VARIABLES = {INK: "--ink", MUTED: "--muted", RULE: "--rule", PAPER: "--paper"}
SERIES = tuple(f"#0500{index:02x}" for index in range(1, 7))
_VARIABLES |= {colour: f"--series-{index}" for index, colour in enumerate(SERIES, start=1)}
GUESSING = (0, (2, 3))
"""Line style of what guessing would give."""


def colours(labels_and_roles: Sequence[tuple[str, Role]]) -> dict[str, str]:
    """Give each method and each defence a colour of its own (in turn), the baseline ink and every control grey."""
    own = [label for role in ("method", "defended") for label, other in labels_and_roles if other == role]
    chosen = {label: SERIES[index % len(SERIES)] for index, label in enumerate(own)}
    fixed = {"baseline": INK, "control": MUTED}
    return {label: chosen.get(label, fixed.get(role, MUTED)) for label, role in labels_and_roles}


def canvas(width: float, height: float, *, rows: int = 1, columns: int = 1) -> tuple[Any, list[Any]]:
    """Return a figure of that many inches with restrained axes, row by row; no state of pyplot is touched."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    figure.patch.set_alpha(0)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in panels:
        _restrain(axes)
    return figure, panels


def _restrain(axes: Any) -> None:  # noqa: ANN401 - matplotlib has no types
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


def label_points(
    axes: Any,  # noqa: ANN401 - matplotlib has no types
    labels: Sequence[tuple[str, str]],
    places: Sequence[tuple[tuple[float, float, float], tuple[float, float, float]]],
) -> None:
    """Write labels, each with its colour, where they cover the fewest markers, intervals and other labels.

    `places` are the points in units of the axes: (value, low, high) along each of the two axes. The figure must have
    been drawn once.
    """
    taken: list[Box] = []
    centres = [axes.transData.transform((x[0], y[0])) for x, y in places]
    frame = axes.get_window_extent()
    taken += [(x - 6, y - 6, x + 6, y + 6) for x, y in centres]
    for (across, up), (x, y) in zip(places, centres, strict=True):
        left, low = axes.transData.transform((across[1], up[1]))
        right, high = axes.transData.transform((across[2], up[2]))
        taken += [(left, y - 1, right, y + 1), (x - 1, low, x + 1, high)]
    for (text, colour), (x, y) in zip(labels, centres, strict=True):
        size = 6.1 * len(text) * axes.figure.dpi / 72 * 0.92, 13 * axes.figure.dpi / 72
        box, place = _free_place((x, y), size, taken, (frame.x0, frame.y0, frame.x1, frame.y1))
        taken.append(box)
        axes.annotate(
            literal(text),
            xy=(x, y),
            xycoords="figure pixels",
            xytext=place,
            textcoords="figure pixels",
            color=colour,
            fontsize=10,
            va="center",
            ha="left",
            annotation_clip=False,
            zorder=6,
            arrowprops=_leader(x, y, box),
        )


def _leader(x: float, y: float, box: Box) -> dict[str, Any] | None:
    """Return a thin line from a point to a label that had to move away, or None if it stands beside it."""
    distance = max(box[0] - x, x - box[2], box[1] - y, y - box[3])
    return {"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkB": 5} if distance > 14 else None


def _free_place(
    point: tuple[float, float], size: tuple[float, float], taken: Sequence[Box], frame: Box
) -> tuple[Box, tuple[float, float]]:
    """Return the first place around a point that covers least, as a box and as the text's left middle."""
    (x, y), (width, height) = point, size
    best: tuple[float, Box] | None = None
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


def _overlap(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)


def literal(text: str) -> str:
    """Return a label that matplotlib neither takes for mathematics nor hides for a leading underscore."""
    return "\u200b" * text.startswith("_") + plain(text).replace("$", r"\$")


def inline_svg(figure: Any, *, identity: str, title: str) -> str:  # noqa: ANN401 - matplotlib has no types
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
