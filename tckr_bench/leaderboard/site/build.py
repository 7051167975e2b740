"""Render the whole site into a folder, at once or not at all."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.errors import LeaderboardError, storage_error
from tckr_bench.leaderboard.site.index import index_page
from tckr_bench.leaderboard.site.links import INDEX, dataset_link, method_link
from tckr_bench.results.memory import memory_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tckr_bench.leaderboard.site.run_view import RunView
    from tckr_bench.leaderboard.site.sources import Sources
    from tckr_bench.leaderboard.standings import Standings

MARKER = ".tckr-bench-site"
"""A file that says that a folder is a site of ours, which may be replaced, and what it was built from."""


def build_site(
    standings: Sequence[Standings],
    *,
    sources: Sources,
    out: Path,
    run: RunView | None = None,
    beside: Mapping[str, str] | None = None,
) -> Path:
    """Render the site of some tracks into `out` and return its index.

    The pages are written beside `out` and put in its place in one step, so that pages of before are gone and a build
    that fails leaves them as they were.

    Args:
        standings: the tracks, in the order they are shown.
        sources: where the records, their scores and their pictures lie.
        out: a folder that is new, empty, or a site built before.
        run: what is said of a run, where the records are those of one.
        beside: further files, by name, that go with the pages.

    Raises:
        LeaderboardError: `out` holds something else, or there is no track.
        StoreError: the pages cannot be written.
    """
    if not standings:
        raise LeaderboardError("there is no track to show: give the records of one at least")
    _check_free(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        try:
            for name, text in _pages(standings, sources, run):
                _write(made / name, text)
            for name, text in {**(beside or {}), MARKER: _marker(standings)}.items():
                _write(made / name, text)
            made.chmod(0o755)
            _swap(made, out)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise storage_error(error, f"writing the site {out}") from error
    return out / INDEX


def is_current(standings: Sequence[Standings], out: Path) -> bool:
    """Return whether a site was built of these records and tracks, by this version and code of the program."""
    try:
        return (out / INDEX).is_file() and (out / MARKER).read_text(encoding="utf-8") == _marker(standings)
    except (OSError, UnicodeDecodeError):
        return False


def _marker(standings: Sequence[Standings]) -> str:
    tracks = (board.track for board in standings)
    made_of = memory_key(digest_of(standings), *tracks, rooms=("judging", "show", "leaderboard"))
    return f"Made by tckr-bench, and replaced whole by the next build.\n{made_of}\n"


def _pages(standings: Sequence[Standings], sources: Sources, run: RunView | None) -> Iterator[tuple[str, str]]:
    from tckr_bench.leaderboard.site.pages import dataset_page, method_page

    yield INDEX, index_page(standings, digest=digest_of(standings), run=run)
    for board in standings:
        for entry in board.entries:
            yield method_link(board.track.name, entry.slug), method_page(entry, board, sources=sources)
        for dataset in board.track.datasets:
            yield dataset_link(board.track.name, dataset), dataset_page(dataset, board, sources=sources)


def digest_of(standings: Sequence[Standings]) -> str:
    """Return the sha256 of the records that the standings rest on, as the check of the records prints it."""
    from tckr_bench.leaderboard.verification import verified_digest

    return verified_digest(
        [found.record for board in standings for entry in board.entries for found in entry.results.values()]
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _check_free(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise LeaderboardError(f"the site cannot be built at {out}: it is no folder; choose another place")
    if out.is_dir() and any(out.iterdir()) and not (out / MARKER).is_file():
        raise LeaderboardError(
            f"the site cannot be built at {out}: the folder holds something else; choose a new or an empty one"
        )


def _swap(made: Path, out: Path) -> None:
    """Put a folder in the place of another; what was there is deleted only when the new one stands."""
    if not out.exists():
        made.rename(out)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}-old-", dir=out.parent))
    out.rename(old / "site")
    try:
        made.rename(out)
    except OSError:
        (old / "site").rename(out)
        raise
    finally:
        if out.exists():
            shutil.rmtree(old, ignore_errors=True)
