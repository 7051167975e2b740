"""A site of hostile records is written into its own folder and nowhere else."""

from __future__ import annotations

import os
from dataclasses import replace

from hostile_files import markup, names
from hostile_files.writing import written_paths

from tckr_bench.leaderboard.site.build import build_site
from tckr_bench.leaderboard.site.sources import Sources
from tckr_bench.leaderboard.standings import standings_of
from tckr_bench.results.files import scan_runs

HOSTILE = (0, 4, 11, 21, 25)


def boards_of(world, sample, root):
    """Put some hostile submissions into a folder of results, a track each, and return their standings."""
    texts = [*markup.labelled(), *markup.everywhere(sample)]
    cases = [*(texts[place] for place in HOSTILE), texts[-3], *names.linked()][:12]
    tracks = [replace(world.track, name=f"t{number}", title="<b>") for number in range(len(cases))]
    for case, track in zip(cases, tracks, strict=True):
        case.change(world.place(root, track.name))
    records = [record for run in scan_runs(root)[0] for record in run.records]
    boards = [standings_of([record for record in records if record.track == track.name], track) for track in tracks]
    return [board for board in boards if board.entries]


def state_of(folder):
    return {path: path.lstat().st_mtime_ns for path in folder.rglob("*")}


def test_a_site_of_hostile_records_is_written_inside_its_folder_alone(world, sample, tmp_path):
    root, out = tmp_path / "results", tmp_path / "pages" / "site"
    boards = boards_of(world, sample, root)
    before = state_of(root)
    with written_paths() as written:
        build_site(boards, sources=Sources(root), out=out)
    assert len(boards) > len(HOSTILE)
    assert out in written
    # pages are made beside their place, then moved to it; differences are remembered in the store
    made = (str(out), f"{out.parent}/.site-", os.environ["TCKR_BENCH_STORE"])
    assert [path for path in written if path != out.parent and not str(path).startswith(made)] == []
    assert list(out.parent.iterdir()) == [out]
    assert state_of(root) == before
    assert [path for path in out.rglob("*") if path.is_symlink() or not path.name.isprintable()] == []
