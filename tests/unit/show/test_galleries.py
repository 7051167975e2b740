"""Which pictures a report shows, and in what order."""

from __future__ import annotations

import shutil

import pytest
from tckr_bench.results.run_files import cell_folder

from tckr_bench.results.evidence import COPIES_FILE, SAMPLES_FILE, read_samples, write_samples
from tckr_bench.results.verify import verified
from tckr_bench.show import galleries
from tckr_bench.show.galleries import MOST_COPIES, MOST_PAIRS
from tckr_bench.show.render import verified_leaderboard


@pytest.fixture(scope="module")
def run(audited, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures") / "run"
    shutil.copytree(audited, folder)
    return folder


@pytest.fixture(scope="module")
def board(run):
    return verified_leaderboard(verified(run)).boards[0]


def names(board):
    return {row.method.name: row.method.name for row in board.rows}


def repeated(path, times):
    """Make a file hold its pictures several times over, numbered in their captions."""
    pictures = read_samples(path)
    count = times * len(pictures.prompts)
    arrays = {name: getattr(pictures, name).repeat(times, axis=0) for name in ("real", "synthetic", "labels")}
    write_samples(type(pictures)(prompts=tuple(map(str, range(count))), **arrays), path)


def captions(found, name):
    return [pair.caption for gallery in found.galleries if gallery.method == name for pair in gallery.pairs]


def test_few_samples_are_all_shown_and_many_are_spread_from_first_to_last(run, board, made):
    name = made.synthetic("none", "soft").name
    assert len(captions(galleries.samples(run, board, names(board)), name)) == 5
    record = next(row.records[0] for row in board.rows if row.method.name == name)
    repeated(cell_folder(run, record) / SAMPLES_FILE, 20)
    shown = [int(caption) for caption in captions(galleries.samples(run, board, names(board)), name)]
    assert (len(shown), shown[0], shown[-1]) == (MOST_PAIRS, 0, 99)
    assert shown == sorted(set(shown))


def test_of_copies_the_first_are_shown_as_they_come_surest_first(run, board):
    record = next(row.records[0] for row in board.rows if row.method.name == "memorizer")
    repeated(cell_folder(run, record) / COPIES_FILE, 4)
    shown = captions(galleries.copies(run, board, names(board)), "memorizer")
    assert shown == [str(index) for index in range(MOST_COPIES)]


def test_rows_without_pictures_have_no_gallery(run, board):
    assert {gallery.method for gallery in galleries.copies(run, board, names(board)).galleries} == {
        row.method.name for row in board.rows if (cell_folder(run, row.records[0]) / COPIES_FILE).exists()
    }
    assert galleries.copies(run, board, names(board)).faults == ()
