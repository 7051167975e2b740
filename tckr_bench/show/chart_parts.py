"""What charts are made of: colours, looks, steps, words in places given in pixels, legends, and inline SVG.

Colours are CSS variables of the page, so that one drawing serves light and dark. Labels come from submissions: they are
values of the data or titles, which Vega-Lite never evaluates; everything else in a specification is ours. Nothing is
clipped and no gradient is used, so that a drawing has no ids: any number of them may stand in a page.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tckr_bench.records import Role

    Spec = dict[str, Any]
    Style = Mapping[str, Any]

INK, MUTED, RULE, PAPER = "var(--ink)", "var(--muted)", "var(--rule)", "var(--paper)"
SERIES = tuple(f"var(--series-{index})" for index in range(1, 7))
CONFIG: Spec = {
    "background": None,
    "font": "sans-serif",
    "aria": False,
    "padding": {"left": 4, "right": 12, "top": 8, "bottom": 4},
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": 400,
        "gridColor": RULE,
        "domain": False,
        "tickColor": RULE,
        "labelPadding": 6,
        "titlePadding": 10,
        "tickCount": 6,
    },
    "title": {"color": INK, "fontSize": 12, "fontWeight": 400, "anchor": "start", "frame": "group", "offset": 6},
}
"""What every chart looks like, those that the index draws by itself too; its elements need no names of their own.

A page's style sheet gives the letters its own font; this one is what Vega measures, on every machine the same.
"""
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
GUESSING: Style = {"stroke": MUTED, "strokeWidth": 1, "strokeDash": [2, 3]}
COLOUR: Spec = {"field": "colour", "type": "nominal", "scale": None}
"""A channel whose values are colours."""
LEGEND_LINE, _LEGEND_MARK = 20, 26
"""Height of a line of a legend, and the space of its mark, in pixels."""
SHORT, _HEAD = 34, 8
"""Characters of the longest name of a point or a panel, and how many of them are its beginning."""
LONG = 60
"""Characters of the longest line of a legend."""


def colours(labels_and_roles: Sequence[tuple[str, Role]]) -> dict[str, str]:
    """Give each method and each defence a colour of its own (in turn), the baseline ink and every control grey."""
    own = [label for role in ("method", "defended") for label, other in labels_and_roles if other == role]
    chosen = {label: SERIES[index % len(SERIES)] for index, label in enumerate(own)}
    fixed = {"baseline": INK, "control": MUTED}
    return {label: chosen.get(label, fixed.get(role, MUTED)) for label, role in labels_and_roles}


def shortened(text: str, most: int = SHORT) -> str:
    """Return a name that fits into a chart; of a long one, its beginning and its end.

    >>> shortened("short"), len(shortened("x" * 99))
    ('short', 34)
    """
    shown = plain(text)
    return shown if len(shown) <= most else f"{shown[:_HEAD]}…{shown[_HEAD + 1 - most :]}"


def inline_svg(spec: Spec, *, name: str) -> str:
    """Draw a specification as an element with an accessible name, the same bytes each time."""
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(spec).removeprefix("<svg")
    return f'<svg role="img" aria-label="{escape(name)}"{drawn}'


def step_line(style: Style, points: Iterable[tuple[float, float]], *, x: Spec, y: Spec) -> Spec:
    """Describe a line that stays level up to each next point."""
    rows = [{"x": float(across), "y": float(up)} for across, up in points]
    mark = {"type": "line", "interpolate": "step-after", **style}
    return {"data": {"values": rows}, "mark": mark, "encoding": {"x": x, "y": y}}


def words_at(rows: Sequence[Spec]) -> Spec:
    """Describe text in places given in pixels, each with its colour."""
    mark = {"type": "text", "align": "left", "baseline": "middle", "fontSize": 12}
    encoding = {"x": in_pixels("x"), "y": in_pixels("y"), "text": {"field": "text", "type": "nominal"}, "fill": COLOUR}
    return {"data": {"values": list(rows)}, "mark": mark, "encoding": encoding}


def in_pixels(field: str) -> Spec:
    """Return a channel whose values are pixels."""
    return {"field": field, "type": "quantitative", "scale": None}


def legend(labels: Sequence[str], styles: Sequence[Style], *, top: int, columns: int, apart: int) -> list[Spec]:
    """Describe strokes and, beside them, words, row by row from a height in pixels; columns lie `apart`."""
    channels = {"x": in_pixels("x"), "y": in_pixels("y"), "x2": in_pixels("end")}
    layers, words = [], []
    for index, (label, style) in enumerate(zip(labels, styles, strict=True)):
        x, y = index % columns * apart, top + index // columns * LEGEND_LINE
        row = {"x": x, "y": y, "end": x + _LEGEND_MARK}
        layers.append({"data": {"values": [row]}, "mark": {"type": "rule", **style}, "encoding": channels})
        words.append({"x": x + _LEGEND_MARK + 8, "y": y, "text": shortened(label, LONG), "colour": INK})
    return [*layers, words_at(words)]


def specification(views: Spec) -> Spec:
    """Return views as a whole chart."""
    return {"$schema": SCHEMA, "config": CONFIG, **views}
