"""Words and numbers as the board prints them; text of a result file is hostile until it came through here."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tckr_bench.records import Method

MINUS = "−"
NOTHING = "·"
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&#@!$:])")
_IF_ALONE = ("generator", "adapter", "labels", "cardinality")
_FORMULA = ("=", "+", "-", "@")
_LATEX = {
    **{character: f"\\{character}" for character in "{}$&#_%"},
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    '"': r"{\char34}",
    "[": "{[}",
    "]": "{]}",
    "·": r"\textperiodcentered{}",
    "×": r"$\times$",
    "ε": r"$\varepsilon$",
    MINUS: "$-$",
    "\ufffd": "?",
}
"""What LaTeX would read as a command or an argument, or set as another glyph."""
_LIGATURE = re.compile(r"([-',])(?=\1)")


def plain(text: str) -> str:
    r"""Return the text on one line, with control, escape and direction-changing characters made visible.

    >>> plain("a\x1b[31mb") == "a\N{REPLACEMENT CHARACTER}[31mb"
    True
    """
    return "".join(character if character.isprintable() else "\ufffd" for character in " ".join(text.split()))


def markdown(text: str) -> str:
    r"""Return the text so that Markdown shows it as it stands, in a table cell too.

    >>> markdown("a|b")
    'a\\|b'
    """
    return _MARKDOWN.sub(r"\\\1", plain(text)).replace("www.", "www\\.")


def spreadsheet(text: str) -> str:
    r"""Return the text so that no spreadsheet takes it for a formula, nor one that reads wide signs as narrow ones.

    >>> spreadsheet("=1+1"), spreadsheet("\N{FULLWIDTH EQUALS SIGN}1+1") == "'\N{FULLWIDTH EQUALS SIGN}1+1"
    ("'=1+1", True)
    """
    shown = plain(text)
    return f"'{shown}" if unicodedata.normalize("NFKC", shown[:1]).startswith(_FORMULA) else shown


def csv_cell(cell: float | str) -> str:
    """Return a cell of a CSV file: numbers at full precision, texts safe for spreadsheets.

    >>> csv_cell(0.1), csv_cell("=1+1")
    ('0.1', "'=1+1")
    """
    return spreadsheet(cell) if isinstance(cell, str) else repr(float(cell))


def latex(text: str) -> str:
    r"""Return the text so that LaTeX sets it as it stands, in a table cell too.

    >>> latex("50 % of a_b & c")
    '50 \\% of a\\_b \\& c'
    """
    return _LIGATURE.sub(r"\1{}", "".join(_LATEX.get(character, character) for character in plain(text)))


def signed(value: float, digits: int) -> str:
    """Return a number with a typographic minus and no negative zero.

    >>> signed(-0.04, 1), signed(-1.26, 1)
    ('0.0', '−1.3')
    """
    shown = f"{value:.{digits}f}"
    if float(shown) == 0:
        shown = f"{0:.{digits}f}"
    return shown.replace("-", MINUS)


def percent(value: float, digits: int = 1) -> str:
    """Return a fraction in per cent, without the sign.

    >>> percent(0.842)
    '84.2'
    """
    return signed(100 * value, digits)


def span(low: float, high: float, *, scale: float = 1, digits: int = 3) -> str:
    """Return an interval as `low to high`.

    >>> span(0.009, 0.033, scale=100, digits=1)
    '0.9 to 3.3'
    """
    return f"{signed(scale * low, digits)} to {signed(scale * high, digits)}"


def duration(seconds: float) -> str:
    """Return a duration in at most two units.

    >>> duration(4.21), duration(75), duration(7384)
    ('4.2 s', '1 min 15 s', '2 h 3 min')
    """
    if not math.isfinite(seconds):
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def size(count: float) -> str:
    """Return a number of bytes in the decimal unit that reads best.

    >>> size(999), size(2_500_000)
    ('999 B', '2.5 MB')
    """
    if count < 1000:
        return f"{count:.0f} B"
    unit = 0
    while count >= 1000 and unit < 4:
        count, unit = count / 1000, unit + 1
    return f"{count:.1f} {('B', 'kB', 'MB', 'GB', 'TB')[unit]}"


def listing(parts: Sequence[str]) -> str:
    """Join words as a sentence does.

    >>> listing(["a", "b", "c"])
    'a, b and c'
    """
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1] if parts else ""


def _axes(method: Method) -> dict[str, str]:
    """Return what a method is made of, by the axis of the matrix it varies along."""
    uses = {"captioner": method.captioner, "generator": method.generator, "adapter": method.adapter}
    axes = {axis: use.label for axis, use in uses.items() if use is not None}
    return {
        **axes,
        "classifier": method.classifier.label,
        "labels": method.labels,
        "cardinality": _times(method),
    }


def _times(method: Method) -> str:
    return f"{method.cardinality:g}x"


def short_names(methods: Iterable[Method]) -> tuple[dict[str, str], dict[str, str]]:
    """Name methods by what tells them apart.

    Returns:
        The short name of each method by its full name, and what all synthetic methods have in common by axis.
        Baselines and controls keep their names; where short names would not be unique, full names stay.
    """
    by_name = {method.name: method for method in methods}
    axes = {name: _axes(method) for name, method in by_name.items() if method.role == "method"}
    names = {name: plain(name) for name in by_name}
    if not axes:
        return names, {}
    keys = list(dict.fromkeys(key for parts in axes.values() for key in parts))
    shared = {
        key: value
        for key in keys
        for value in [next(iter(axes.values())).get(key)]
        if value is not None and all(parts.get(key) == value for parts in axes.values())
    }
    telling = [key for key in keys if key not in shared] or list(_IF_ALONE)
    short = {name: plain(" · ".join(parts[key] for key in telling if key in parts)) for name, parts in axes.items()}
    others = {name for name in names if name not in axes}
    if len(set(short.values())) < len(short) or set(short.values()) & others or not all(short.values()):
        return names, {key: plain(value) for key, value in shared.items()}
    return {**names, **short}, {key: plain(value) for key, value in shared.items()}


def describe(method: Method, shared: Mapping[str, str]) -> str:
    """Say in words what tells a method from the others: `adapter lora, soft labels, 1x`."""
    axes = _axes(method)
    telling = [axis for axis in axes if axis not in shared] or [axis for axis in _IF_ALONE if axis in axes]
    words = {"labels": "{} labels", "cardinality": "{} the real size"}
    return plain(", ".join(words.get(axis, axis + " {}").format(axes[axis]) for axis in telling))
