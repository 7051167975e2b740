"""Rows whose epochs the test set chose, or whose generator knew the data, are marked and ranked apart."""

from __future__ import annotations

import csv
import dataclasses
import io
import re

import pytest
from rich.console import Console

from tckr_bench.judging.caveats import caveats
from tckr_bench.judging.rows import row_of
from tckr_bench.leaderboard.site.report import write_report
from tckr_bench.results.files import read_run
from tckr_bench.show.compare import compare
from tckr_bench.show.formats import csv_text
from tckr_bench.show.limits import MARKS
from tckr_bench.show.tables import board_sheet, leaderboard_group, leaderboard_markdown


def leaderboard_with(made, changes):
    """A sound run with changes to the records of some methods, by name."""
    cells = made.stated_cells()
    return made.leaderboard_of(dataclasses.replace(record, **changes.get(name, {})) for name, record in cells.items())


@pytest.fixture
def names(made):
    """Full names of the best, the second and the third method of the stated run by AOP."""
    stated = leaderboard_with(made, {}).boards[0]
    return [row.method.name for row in stated.rows if row.method.role == "method"]


def test_rows_chosen_on_the_test_set_are_not_ranked_and_dominate_nobody(made, names):
    sound = made.stated_cells()
    better = {"measurements": made.measurements_for(0.99, 0.5), "protocol": "paper"}
    board = leaderboard_with(made, {names[0]: better}).boards[0]
    found = {row.method.name: row for row in board.rows}
    assert (found[names[0]].rank, found[names[0]].pareto) == (None, False)
    assert board.best.method.name == names[1]
    without = made.leaderboard_of(record for name, record in sound.items() if name != names[0]).boards[0]
    for row in without.rows:
        same = found[row.method.name]
        assert (same.rank, same.rank_low, same.rank_high, same.pareto) == (
            row.rank,
            row.rank_low,
            row.rank_high,
            row.pareto,
        )


def test_without_a_sound_row_there_is_no_best_one(made, names):
    board = leaderboard_with(made, {name: {"protocol": "paper"} for name in names}).boards[0]
    assert board.best is None
    assert [row.method.name for row in board.candidates if row.rank] == ["teacher"]


def test_one_seed_on_the_test_set_makes_the_row_so(made, names):
    record = made.stated_cells()[names[0]]
    again = dataclasses.replace(record, seed=1, protocol="paper", contamination="images")
    row = row_of([dataclasses.replace(record, contamination="unknown"), again], "lira")
    assert (row.protocol, row.contamination) == ("paper", "images")


LIMITS = [
    ("protocol", "paper"),
    ("contamination", "images"),
    ("contamination", "classes"),
    ("contamination", "unknown"),
]


@pytest.mark.parametrize(("field", "value"), LIMITS)
def test_a_limit_is_marked_and_explained_everywhere(made, names, field, value):
    board = leaderboard_with(made, {names[1]: {field: value}})
    sign, words = MARKS[value]
    console = Console(width=100, file=io.StringIO(), color_system=None)
    console.print(leaderboard_group(board))
    shown = console.file.getvalue()
    assert f"{sign}: {words}" in shown
    assert max(map(len, shown.splitlines())) <= 100
    written = leaderboard_markdown(board)
    assert written.count(words) == 2, "once at the row, once in the legend"
    rows = {row["method"]: row for row in csv.DictReader(io.StringIO(csv_text(board_sheet(board))))}
    assert rows[names[1]][field] == value
    assert rows[names[0]][field] == ("sound" if field == "protocol" else "")
    assert len(caveats(board)) == len(caveats(leaderboard_with(made, {}))) + 1


@pytest.mark.parametrize("value", [None, "none"])
def test_a_clean_row_has_no_mark_and_no_legend(made, names, value):
    plain = leaderboard_markdown(leaderboard_with(made, {}))
    assert leaderboard_markdown(leaderboard_with(made, {name: {"contamination": value} for name in names})) == plain
    assert not any(words in plain for _, words in MARKS.values())


def test_the_page_and_comparisons_mark_them(run_copy, made):
    spared = made.synthetic("none", "soft").name

    def limit(record):
        limited = record.method.role == "method" and record.method.name != spared
        return dataclasses.replace(record, protocol="paper", contamination="classes") if limited else record

    before = write_report(run_copy).parent
    (dataset,) = (path.relative_to(before) for path in before.glob("datasets/*/*.html"))
    assert "epochs chosen on the test set" not in (before / dataset).read_text()
    made.change_run(run_copy, limit)
    page = (write_report(run_copy).parent / dataset).read_text()
    methods = sum(record.protocol == "paper" for record in read_run(run_copy).records)
    for key in ("paper", "classes"):
        assert len(re.findall(f'<span class="mark warn"[^>]*>{MARKS[key][1]}</span>', page)) == methods + 1
    rows = compare([str(run_copy)]).datasets[0].rows
    noted = [row for row in rows if row.note]
    assert len(noted) == methods
    assert all(row.note == "epochs chosen on the test set; generator pretrained on these classes" for row in noted)
