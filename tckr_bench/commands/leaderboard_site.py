"""`tckr-bench leaderboard build` and `tckr-bench leaderboard serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.commands.console import Screen

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.commands.leaderboard import ResultsPlace
    from tckr_bench.leaderboard.frame import Boards


def build(place: ResultsPlace, out: Path) -> Path:
    """Render the site of all records of a place into `out`; say where its index lies and return it.

    Raises:
        LeaderboardError: the records cannot be read, or `out` holds something that is no site.
        StoreError: the pages cannot be written.
    """
    screen = Screen()
    return _built(_boards(place, screen), out, screen=screen)


def serve(place: ResultsPlace, out: Path, *, port: int = 0, open_browser: bool = True) -> None:
    """Serve the site of all records of a place on the loopback address until Ctrl-C; what is stale is built first.

    Raises:
        LeaderboardError: the records cannot be read, `out` holds something that is no site, or the port is taken.
        StoreError: the pages cannot be written.
    """
    import webbrowser

    from tckr_bench.leaderboard.site.build import is_current
    from tckr_bench.leaderboard.site.server import LOOPBACK, site_server

    screen = Screen()
    boards = _boards(place, screen)
    if not is_current(boards.standings, out):
        screen.say("Building the site ...")
        _built(boards, out, screen=screen)
    with site_server(out, port=port) as server:
        address = f"http://{LOOPBACK}:{server.server_port}/"
        screen.say(f"{address} shows {out} to this machine alone; Ctrl-C ends it.")
        if open_browser:
            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            screen.say("Ended.")


def _boards(place: ResultsPlace, screen: Screen) -> Boards:
    from tckr_bench.leaderboard.frame import boards_of

    boards = boards_of(place.results, tracks=place.known_tracks())
    for note in boards.notes:
        screen.warn(note)
    return boards


def _built(boards: Boards, out: Path, *, screen: Screen) -> Path:
    from tckr_bench.leaderboard.site.build import build_site
    from tckr_bench.leaderboard.site.sources import Sources

    index = build_site(boards.standings, sources=Sources(boards.root), out=out)
    pages = sum(1 for _ in out.rglob("*.html"))
    screen.say(f"{pages} pages: {index}")
    return index
