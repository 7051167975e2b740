"""How the card of an exported dataset shows text and numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tckr_bench.text import NOTHING, markdown, plain, signed, span

if TYPE_CHECKING:
    from tckr_bench.records import Estimate

CODE_FENCE = "```"
_HARMLESS_COLON = re.compile(r"\\:(?= )|(?<=\d)\\:(?=\d)")


class Ready(str):
    """Markdown that is shown as it stands, for nothing in it came unescaped from a run."""

    __slots__ = ()


def shown(value: Any) -> str:  # noqa: ANN401 - whatever a template shows
    r"""Return a value as Markdown that shows it as it stands; what is `Ready` is not touched.

    A colon before a space or between digits begins neither a link nor anything else, and is left readable.

    >>> shown("a*b: http://c"), shown(Ready("*a*")), shown("at 3:04")
    ('a\\*b: http\\://c', '*a*', 'at 3:04')
    """
    return value if isinstance(value, Ready) else _HARMLESS_COLON.sub(":", markdown(str(value)))


def code(text: str) -> Ready:
    """Return text as a code span; a backtick in it, which would end the span, becomes an apostrophe.

    >>> code("tckr-bench run")
    '`tckr-bench run`'
    """
    return Ready("`" + (plain(text).replace("`", "'") or " ") + "`")


def found(estimate: Estimate | None, *, scale: float = 100, digits: int = 1) -> str:
    """Return a measurement with its 95 % interval.

    >>> from tckr_bench.records import Estimate
    >>> found(Estimate(0.81, 0.8, 0.82, "Wilson"))
    '81.0 (80.0 to 82.0)'
    """
    if estimate is None:
        return NOTHING
    return f"{signed(scale * estimate.value, digits)} ({span(estimate.low, estimate.high, scale=scale, digits=digits)})"
