"""The page of a method and the page of a dataset, whole HTML documents that ask for nothing outside themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.judging import reported
from tckr_bench.leaderboard.site.dataset_view import dataset_view
from tckr_bench.leaderboard.site.frame import Crumb, render, static
from tckr_bench.leaderboard.site.links import INDEX, dataset_link, method_link
from tckr_bench.leaderboard.site.measurements import columns_on
from tckr_bench.leaderboard.site.method_view import method_view
from tckr_bench.text import plain

if TYPE_CHECKING:
    from tckr_bench.leaderboard.site.sources import Sources
    from tckr_bench.leaderboard.standings import Entry, Standings

DEPTH = 2
_ROOT = "../" * DEPTH
_STYLES = "pages.css"
_COPY = "copy.js"


def method_page(entry: Entry, standings: Standings, *, sources: Sources) -> str:
    """Return the page of an entry.

    Curves are drawn from the scores that `sources` lead to, pictures shown from the files there; where one is missing
    the page says so.
    """
    track = standings.track
    view = method_view(entry, standings, sources=sources)
    return render(
        "method.html",
        title=f"{view.name}: {plain(track.title)}",
        depth=DEPTH,
        what=sources.what,
        crumbs=(Crumb(plain(track.title), INDEX), Crumb(view.name)),
        styles=(static(_STYLES),),
        scripts=(static(_COPY),),
        view=view,
        headings=[plain(column.title) for column in columns_on(standings)],
        dataset_links=[_ROOT + dataset_link(track.name, name) for name in entry.results],
    )


def dataset_page(name: str, standings: Standings, *, sources: Sources) -> str:
    """Return the page of a dataset of a track; differences and curves are computed from the scores of `sources`."""
    track = standings.track
    view = dataset_view(name, standings, sources=sources)
    return render(
        "dataset.html",
        title=f"{view.name}: {plain(track.title)}",
        depth=DEPTH,
        what=sources.what,
        crumbs=(Crumb(plain(track.title), INDEX), Crumb(view.name)),
        styles=(static(_STYLES),),
        view=view,
        headings=[plain(column.title) for column in columns_on(standings)],
        method_links=[_ROOT + method_link(track.name, line.slug) for line in view.lines],
        words=_reported_words(),
    )


def _reported_words() -> dict[str, str | tuple[str, ...]]:
    return {
        "title": reported.TITLE,
        "label": reported.LABEL,
        "paper": reported.PAPER,
        "differences": reported.differences(),
        "headings": reported.headings(),
    }
