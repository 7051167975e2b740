"""The site on disk: whole or as it was before, only where it may be, and never outside its folder."""

import re

import pytest
from made_standings import made_standings

from tckr_bench.errors import LeaderboardError, StoreError
from tckr_bench.leaderboard.site import build, index
from tckr_bench.leaderboard.site.build import MARKER, build_site
from tckr_bench.leaderboard.site.frame import content_policy, static
from tckr_bench.leaderboard.site.index import SCRIPT
from tckr_bench.leaderboard.site.links import dataset_link, file_name, method_link
from tckr_bench.leaderboard.site.names import short
from tckr_bench.leaderboard.site.sources import Sources

HOSTILE_NAMES = ("..", "../../etc/passwd", "a/b", "a\\b", "", ".hidden", "CON\x00", "ünï", "a" * 300, "A", "%2e%2e")


@pytest.fixture(autouse=True)
def _light(monkeypatch):
    """Leave out the charting library and the pages beside the index, which are not what is tested."""
    monkeypatch.setattr(index, "vega_bundle", lambda: "// charts")
    monkeypatch.setattr("tckr_bench.leaderboard.site.pages.method_page", lambda entry, board, sources: entry.slug)
    monkeypatch.setattr("tckr_bench.leaderboard.site.pages.dataset_page", lambda name, board, sources: name)


@pytest.fixture(scope="module")
def board():
    return made_standings(2, 6)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_site_has_an_index_and_a_page_per_method_and_dataset(board, tmp_path):
    out = tmp_path / "deep" / "site"
    assert build_site([board], sources=Sources(tmp_path), out=out) == out / "index.html"
    expected = [method_link("made", entry.slug) for entry in board.entries]
    expected += [dataset_link("made", name) for name in board.track.datasets]
    assert files(out) == sorted([MARKER, "index.html", *expected])
    assert list(out.parent.iterdir()) == [out]


def test_building_again_removes_pages_of_before(board, tmp_path):
    out = tmp_path / "site"
    build_site([board], sources=Sources(tmp_path), out=out)
    (out / "methods" / "made" / "stale.html").write_text("old")
    build_site([board], sources=Sources(tmp_path), out=out)
    assert not (out / "methods" / "made" / "stale.html").exists()
    assert list(tmp_path.iterdir()) == [out]


def test_a_build_that_fails_leaves_the_site_as_it_was(board, tmp_path, monkeypatch):
    out = tmp_path / "site"
    build_site([board], sources=Sources(tmp_path), out=out)
    before = {name: (out / name).read_bytes() for name in files(out)}

    def broken(name, board, sources):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tckr_bench.leaderboard.site.pages.dataset_page", broken)
    with pytest.raises(StoreError):
        build_site([board], sources=Sources(tmp_path), out=out)
    assert {name: (out / name).read_bytes() for name in files(out)} == before
    assert list(tmp_path.iterdir()) == [out]


def test_a_swap_that_fails_puts_the_old_site_back(board, tmp_path, monkeypatch):
    out = tmp_path / "site"
    build_site([board], sources=Sources(tmp_path), out=out)
    before = files(out)
    rename, calls = build.Path.rename, []

    def second_fails(self, target):
        calls.append(target)
        if len(calls) == 2:
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(build.Path, "rename", second_fails)
    with pytest.raises(StoreError):
        build_site([board], sources=Sources(tmp_path), out=out)
    assert files(out) == before


@pytest.mark.parametrize("kind", ["other", "file", "link"])
def test_what_is_not_a_site_is_never_touched(board, tmp_path, kind):
    out, other = tmp_path / "out", tmp_path / "other"
    other.mkdir()
    (other / "precious.txt").write_text("mine")
    if kind == "other":
        out = other
    elif kind == "file":
        out.write_text("mine")
    else:
        (other / MARKER).write_text("a site of ours, somewhere else")
        out.symlink_to(other)
    with pytest.raises(LeaderboardError, match="cannot be built"):
        build_site([board], sources=Sources(tmp_path), out=out)
    assert (other / "precious.txt").read_text() == "mine"


def test_an_empty_folder_may_become_a_site(board, tmp_path):
    (tmp_path / "site").mkdir()
    assert build_site([board], sources=Sources(tmp_path), out=tmp_path / "site").is_file()


def test_no_track_is_no_site(tmp_path):
    with pytest.raises(LeaderboardError, match="no track"):
        build_site([], sources=Sources(tmp_path), out=tmp_path / "site")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_no_name_leads_out_of_the_site(name):
    for link in (method_link(name, name), dataset_link(name, name)):
        assert re.fullmatch(r"(methods|datasets)(/[a-z0-9][a-z0-9._-]{0,130}){2}", link)
        assert ".." not in link


def test_names_that_differ_have_pages_that_differ():
    names = [*HOSTILE_NAMES, "a", "a-b", "A-B", "a b"]
    assert len({file_name(name) for name in names}) == len(names)


def test_the_policy_names_each_style_and_script_and_nothing_inline(board):
    page = index.index_page([board])
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    assert "unsafe" not in policy
    assert policy.startswith("default-src &#39;none&#39;")
    assert policy.count("sha256-") == len(re.findall(r"<style>|<script type=\"module\">", page)) == 4
    assert not re.search(r"""\s(style|on[a-z]+)=["']""", re.sub(r"(?s)<(script|style).*?</\1>", "", page))
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)


def test_another_script_has_another_policy():
    assert content_policy((), ("a",)) != content_policy((), ("b",))


@pytest.mark.parametrize("name", [*SCRIPT, "site.css", "index.css"])
def test_no_static_file_can_end_its_element_or_ask_for_another(name):
    text = static(name)
    assert "</" not in text
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|@import|url\(|fetch\(|import\(", text
    )


def test_words_of_records_are_cut_and_made_visible():
    assert short("a\u202eb\x1b", 10) == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    assert len(short("x" * 500)) == 96


def test_the_index_names_the_records_it_was_built_from(board, tmp_path):
    text = build_site([board], sources=Sources(tmp_path), out=tmp_path / "site").read_text()
    assert build.digest_of([board]) in text
    other = made_standings(2, 6, seed=1)
    assert build.digest_of([other]) != build.digest_of([board])
