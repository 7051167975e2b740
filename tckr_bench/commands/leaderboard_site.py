"""`tckr-bench leaderboard build` and `tckr-bench leaderboard serve`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.commands.console import Screen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tckr_bench.leaderboard.tracks import Track


def build(results: Path, out: Path, *, tracks: Sequence[Track] | None = None) -> Path:
    """Render the site of all records below `results` into `out`; say where its index lies and return it.

    `tracks` are those there are; the ones that ship if not given.

    Raises:
        LeaderboardError: the records cannot be read, or `out` holds something that is no site.
        StoreError: the pages cannot be written.
    """
    from tckr_bench.leaderboard.frame import boards_of
    from tckr_bench.leaderboard.site.build import build_site

    screen = Screen()
    boards = boards_of(results, tracks=tracks)
    if boards.left_out:
        screen.warn(boards.left_out)
    index = build_site(boards.standings, results=results, out=out)
    pages = sum(1 for _ in out.rglob("*.html"))
    screen.say(f"{pages} pages: {index}")
    return index


def serve(out: Path, *, port: int = 0, open_browser: bool = True) -> None:
    """Serve a built site on the loopback address until Ctrl-C.

    Raises:
        LeaderboardError: there is no site, or the port is taken.
    """
    import webbrowser

    from tckr_bench.leaderboard.site.server import LOOPBACK, site_server

    screen = Screen()
    with site_server(out, port=port) as server:
        address = f"http://{LOOPBACK}:{server.server_port}/"
        screen.say(f"{address} shows {out} to this machine alone; Ctrl-C ends it.")
        if open_browser:
            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            screen.say("Ended.")
