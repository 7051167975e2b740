"""The server: pages to this machine, and nothing else to anybody."""

import dataclasses
import http.client
import threading
from pathlib import Path

import pytest
from made_standings import made_standings

from tckr_bench.commands import leaderboard_site
from tckr_bench.commands.leaderboard import ResultsPlace
from tckr_bench.errors import LeaderboardError
from tckr_bench.leaderboard.frame import Boards
from tckr_bench.leaderboard.site.build import MARKER
from tckr_bench.leaderboard.site.server import HEADERS, site_server


@pytest.fixture
def folder(tmp_path):
    site = tmp_path / "site"
    (site / "methods" / "made").mkdir(parents=True)
    (site / MARKER).write_text("ours")
    (site / "index.html").write_text("the index")
    (site / "methods" / "made" / "a.html").write_text("a method")
    (site / "methods" / "made" / "notes.txt").write_text("not a page")
    (tmp_path / "secret.html").write_text("secret")
    (site / "out.html").symlink_to(tmp_path / "secret.html")
    return site


@pytest.fixture
def ask(folder):
    with site_server(folder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def asked(path, method="GET", **headers):
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            body = answer.read().decode()
            connection.close()
            return answer, body

        yield asked
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "text"), [("/", "the index"), ("/index.html?x=1", "the index"), ("/methods/made/a.html", "a method")]
)
def test_pages_are_served_as_pages_with_strict_headers(ask, path, text):
    answer, body = ask(path)
    assert (answer.status, body) == (200, text)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "Python" not in answer.headers["Server"]


@pytest.mark.parametrize(
    "path",
    [
        "/methods/",
        "/methods/made",
        "/methods/made/notes.txt",
        f"/{MARKER}",
        "/../secret.html",
        "/%2e%2e/secret.html",
        "/out.html",
        "/none.html",
        "//etc/passwd",
    ],
)
def test_nothing_but_pages_inside_is_served(ask, path):
    answer, body = ask(path)
    assert answer.status == 404
    assert "secret" not in body.replace("secret.html", "")
    assert "a.html" not in body


def test_a_name_of_another_host_is_refused(ask):
    assert ask("/", Host="evil.example")[0].status == 403
    assert ask("/", Host="localhost:1")[0].status == 200


def test_nothing_can_be_sent_to_it(ask):
    assert ask("/", method="POST")[0].status == 501
    assert ask("/", method="HEAD")[1] == ""


def test_it_listens_on_the_loopback_address_alone(folder):
    with site_server(folder) as server:
        assert server.server_address[0] == "127.0.0.1"


def test_a_folder_without_a_site_and_a_port_that_is_taken_are_named(folder, tmp_path):
    with pytest.raises(LeaderboardError, match="leaderboard build"):
        site_server(tmp_path)
    with site_server(folder) as server, pytest.raises(LeaderboardError, match=str(server.server_port)):
        site_server(folder, port=server.server_port)


@pytest.fixture
def board(monkeypatch):
    """Made standings in the place of records, and no charting library."""
    board = made_standings(1, 5)
    monkeypatch.setattr(leaderboard_site, "_boards", lambda place, screen: Boards((board,), (), Path("none")))
    monkeypatch.setattr("tckr_bench.leaderboard.site.index.vega_bundle", lambda: "// charts")
    monkeypatch.setattr("http.server.ThreadingHTTPServer.serve_forever", _interrupted)
    return board


def test_what_is_not_there_or_stale_is_built_first_and_what_is_current_is_not(board, tmp_path, monkeypatch):
    out = tmp_path / "site"
    index = out / "index.html"

    def served():
        leaderboard_site.serve(ResultsPlace(tmp_path / "none"), out, open_browser=False)
        return index.stat().st_mtime_ns

    first = served()
    assert served() == first
    index.write_text("kept where nothing changed")
    served()
    assert index.read_text() == "kept where nothing changed"
    other = dataclasses.replace(board, track=dataclasses.replace(board.track, summary="another"))
    monkeypatch.setattr(leaderboard_site, "_boards", lambda place, screen: Boards((other,), (), Path("none")))
    served()
    assert "another" in index.read_text()
    (out / MARKER).write_text("of an older version")
    index.write_text("old")
    served()
    assert index.read_text() != "old"


def test_a_folder_that_is_no_site_is_left_alone(board, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(LeaderboardError, match="something else"):
        leaderboard_site.serve(ResultsPlace(tmp_path / "none"), tmp_path, open_browser=False)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_ctrl_c_ends_it_quietly_and_no_browser_is_opened_unasked(board, tmp_path, monkeypatch, capsys):
    opened, place = [], ResultsPlace(tmp_path / "none")
    monkeypatch.setattr("webbrowser.open", opened.append)
    leaderboard_site.serve(place, tmp_path / "site", open_browser=False)
    assert opened == []
    leaderboard_site.serve(place, tmp_path / "site", open_browser=True)
    assert len(opened) == 1
    assert "127.0.0.1" in capsys.readouterr().out


def _interrupted(self):
    raise KeyboardInterrupt
