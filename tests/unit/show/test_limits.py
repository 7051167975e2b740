"""Rows whose epochs the test set chose, or whose generator knew the data, are marked and ranked apart."""

from __future__ import annotations

import csv
import dataclasses
import io
import json

import pytest
from rich.console import Console
from tckr_bench.results.run_files import read_results, write_results

from tckr_bench.judging.caveats import caveats
from tckr_bench.judging.rows import build_leaderboard
from tckr_bench.show.compare import compare
from tckr_bench.show.render import render_report
from tckr_bench.show.tables import MARKS, leaderboard_csv, leaderboard_group, leaderboard_markdown


def leaderboard_with(made, changes):
    """A sound run with changes to the records of some methods, by name."""
    cells = made.stated_cells()
    return build_leaderboard(
        made.results_of(dataclasses.replace(record, **changes.get(name, {})) for name, record in cells.items())
    )


@pytest.fixture
def names(made):
    """Full names of the best, the second and the third method of the stated run by AOP."""
    stated = leaderboard_with(made, {}).boards[0]
    return [row.method.name for row in stated.rows if row.rank]


def ranks(leaderboard):
    return [(row.method.name, row.rank) for row in leaderboard.boards[0].rows if row.method.role == "method"]


def test_paper_rows_are_never_ranked_with_sound_ones(made, names):
    assert ranks(leaderboard_with(made, {names[0]: {"protocol": "paper"}})) == [
        (names[1], 1),
        (names[2], 2),
        (names[0], 1),
    ]
    mixed = leaderboard_with(made, {names[0]: {"protocol": "paper"}}).boards[0]
    assert mixed.best.method.name == names[1]
    every = leaderboard_with(made, {name: {"protocol": "paper"} for name in names})
    assert ranks(every) == [(name, place) for place, name in enumerate(names, start=1)]


def test_paper_rows_dominate_no_sound_one(made, names):
    sound = leaderboard_with(made, {}).boards[0]
    fronts = {row.method.name: row.pareto for row in sound.rows}
    better = {"measurements": made.measurements_for(0.99, 0.5), "protocol": "paper"}
    mixed = leaderboard_with(made, {names[0]: better}).boards[0]
    after = {row.method.name: row.pareto for row in mixed.rows}
    assert after[names[0]]
    assert {name: after[name] for name in fronts if name != names[0] and fronts[name]} == {
        name: True for name in fronts if name != names[0] and fronts[name]
    }


def test_one_seed_on_the_test_set_makes_the_row_so(made, names):
    record = made.stated_cells()[names[0]]
    again = dataclasses.replace(record, seed=1, protocol="paper", contamination="images")
    first = dataclasses.replace(record, contamination="unknown")
    row = made.leaderboard_of([first, again]).boards[0].rows[0]
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
    rows = {row["method"]: row for row in csv.DictReader(io.StringIO(leaderboard_csv(board)))}
    assert rows[names[1]][field] == value
    assert rows[names[0]][field] == ("sound" if field == "protocol" else "")
    assert len(caveats(board)) == len(caveats(leaderboard_with(made, {}))) + 1


@pytest.mark.parametrize("value", [None, "none"])
def test_a_clean_row_has_no_mark_and_no_legend(made, names, value):
    plain = leaderboard_markdown(leaderboard_with(made, {}))
    assert leaderboard_markdown(leaderboard_with(made, {name: {"contamination": value} for name in names})) == plain
    assert not any(words in plain for _, words in MARKS.values())


def limit(run, **changes):
    results = read_results(run)
    records = [
        dataclasses.replace(record, **changes) if record.method.role == "method" else record
        for record in results.records
    ]
    write_results(dataclasses.replace(results, records=tuple(records)), run)


def test_the_page_and_comparisons_mark_them(run_copy):
    assert "epochs chosen on the test set" not in render_report(run_copy).read_text()
    limit(run_copy, protocol="paper", contamination="classes")
    page = render_report(run_copy).read_text()
    methods = sum(record.method.role == "method" for record in read_results(run_copy).records)
    for key in ("paper", "classes"):
        assert page.count(f'<span class="mark warn">{MARKS[key][1]}</span>') == methods + 1
    rows = compare([str(run_copy)]).datasets[0].rows
    noted = [row for row in rows if row.note]
    assert len(noted) == methods
    assert all(row.note == "epochs chosen on the test set; generator pretrained on these classes" for row in noted)


def test_results_of_before_these_fields_still_load(run_copy):
    path = run_copy / "results.json"
    content = json.loads(path.read_text())
    for record in content["records"]:
        del record["protocol"], record["contamination"]
    path.write_text(json.dumps(content))
    assert {(record.protocol, record.contamination) for record in read_results(run_copy).records} == {("sound", None)}
    assert render_report(run_copy).is_file()
