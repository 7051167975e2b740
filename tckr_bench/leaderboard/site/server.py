"""Serve a built site to this machine alone: pages and nothing else, read only."""

from __future__ import annotations

from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tckr_bench.errors import LeaderboardError
from tckr_bench.leaderboard.site.build import MARKER
from tckr_bench.leaderboard.site.links import INDEX

if TYPE_CHECKING:
    from io import BufferedReader

LOOPBACK = "127.0.0.1"
NAMES = (LOOPBACK, "localhost")
HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What a page cannot say of itself; its own policy stands in the page."""


def site_server(out: Path, *, port: int = 0) -> ThreadingHTTPServer:
    """Return a server of a built site that listens on the loopback address; port 0 takes a free one.

    Raises:
        LeaderboardError: there is no site in `out`, or the port is taken.
    """
    if not (out / MARKER).is_file() or not (out / INDEX).is_file():
        raise LeaderboardError(f"there is no site in {out}: build it first with `tckr-bench leaderboard build`")
    folder = out.resolve()

    class Handler(_Pages):
        def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the base class
            super().__init__(*args, directory=str(folder), **kwargs)

    try:
        return ThreadingHTTPServer((LOOPBACK, port), Handler)
    except OSError as error:
        raise LeaderboardError(f"port {port} cannot be used: {error.strerror or error}; choose another") from error


class _Pages(SimpleHTTPRequestHandler):
    """Answers GET and HEAD for pages inside the folder; no listings, no other files, no other hosts' names."""

    def send_head(self) -> Any:  # noqa: ANN401 - as the base class
        # A page of another host must not reach this server under a name of its own.
        if self.headers.get("Host", "").rsplit(":", 1)[0] not in NAMES:
            return self._refuse(HTTPStatus.FORBIDDEN, "this server answers to 127.0.0.1 and localhost")
        path = Path(self.translate_path(self.path))
        path = path / INDEX if path.is_dir() else path
        inside = path.resolve().is_relative_to(self.directory)
        if not inside or path.suffix != ".html" or not path.is_file():
            return self._refuse(HTTPStatus.NOT_FOUND, "there is no such page")
        return self._page(path)

    def _page(self, path: Path) -> BufferedReader:
        file = path.open("rb")
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(path.stat().st_size))
        self.end_headers()
        return file

    def _refuse(self, status: HTTPStatus, words: str) -> None:
        self.send_error(status, words)

    def version_string(self) -> str:
        return "tckr-bench"

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as the base class
        """Say nothing: the terminal is for people."""
