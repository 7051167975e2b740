"""Words of records as the index shows them: on one line, harmless, and no longer than a table can bear."""

from __future__ import annotations

from tckr_bench.text import plain

MOST_LETTERS = 96


def short(text: str, most: int = MOST_LETTERS) -> str:
    r"""Return the text on one line, cut where it is longer than so many letters; the pages show it whole.

    >>> short("a\nb"), short("abcdef", 4)
    ('a b', 'abc…')
    """
    shown = plain(text)
    return shown if len(shown) <= most else shown[: most - 1].rstrip() + "…"
