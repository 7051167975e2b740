"""Which pictures a report shows, and in what order."""

from __future__ import annotations

import dataclasses
import shutil

import pytest
from tckr_bench.show.galleries import MOST_COPIES, MOST_PAIRS

from tckr_bench.judging.rows import verified_leaderboard
from tckr_bench.results.files import pictures_path
from tckr_bench.results.pictures import read_pictures, write_pictures
from tckr_bench.results.verify import verified
from tckr_bench.show import galleries


@pytest.fixture(scope="module")
def run(audited, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures") / "run"
    shutil.copytree(audited, folder)
    return folder


@pytest.fixture(scope="module")
def found(run):
    return verified(run)


@pytest.fixture(scope="module")
def board(found):
    return verified_leaderboard(found).boards[0]


def names(board):
    return {row.method.name: row.method.name for row in board.rows}


def pictures_of(found, name):
    return pictures_path(found.run.folder, next(it for it in found.run.records if it.method.name == name))


def repeated(path, kind, times):
    """Make a file hold its pictures of a kind several times over, numbered in their captions."""
    pairs = [pair for pair in read_pictures(path) if pair.kind == kind] * times
    write_pictures([dataclasses.replace(pair, caption=str(index)) for index, pair in enumerate(pairs)], path)


def captions(found, name):
    return [pair.caption for gallery in found.galleries if gallery.method == name for pair in gallery.pairs]


def test_few_samples_are_all_shown_and_many_are_spread_from_first_to_last(found, board, made):
    name = made.synthetic("none", "soft").name
    assert len(captions(galleries.samples(found.run, board, names(board)), name)) == 5
    repeated(pictures_of(found, name), "sample", 12)
    shown = [int(caption) for caption in captions(galleries.samples(found.run, board, names(board)), name)]
    assert (len(shown), shown[0], shown[-1]) == (MOST_PAIRS, 0, 59)
    assert shown == sorted(set(shown))


def test_of_copies_the_first_are_shown_as_they_come_surest_first(found, board):
    repeated(pictures_of(found, "memorizer"), "copy", 4)
    shown = captions(galleries.copies(found.run, board, names(board)), "memorizer")
    assert shown == [str(index) for index in range(MOST_COPIES)]


def test_rows_without_pictures_have_no_gallery(found, board, made):
    shown = galleries.copies(found.run, board, names(board))
    soft, hard = (made.synthetic("lora", labels).name for labels in ("soft", "hard"))
    assert {gallery.method for gallery in shown.galleries} == {soft, hard, "memorizer"}
    assert shown.faults == ()


def test_a_link_out_of_the_run_is_a_fault_and_is_not_followed(found, board, tmp_path):
    path = pictures_of(found, "memorizer")
    path.rename(tmp_path / "elsewhere.parquet")
    path.symlink_to(tmp_path / "elsewhere.parquet")
    shown = galleries.copies(found.run, board, names(board))
    path.unlink()
    (tmp_path / "elsewhere.parquet").rename(path)
    assert "memorizer" not in {gallery.method for gallery in shown.galleries}
    assert any("lies outside the run" in fault for fault in shown.faults)
