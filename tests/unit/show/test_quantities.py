"""One list of columns: a quantity added in one place appears in every output of a run and of the leaderboard."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re

import pytest
from made_standings import made_records, made_track
from pyarrow import parquet
from rich.console import Console

from tckr_bench.components import MetricComponent, NoOptions
from tckr_bench.judging import quantities
from tckr_bench.judging.quantities import COLUMNS, Column, columns_of, mean_estimates
from tckr_bench.leaderboard.comparison import compare_standings
from tckr_bench.leaderboard.sheets import sheet_of
from tckr_bench.leaderboard.site.index import index_page
from tckr_bench.leaderboard.site.pages import dataset_page, method_page
from tckr_bench.leaderboard.site.payload import payload
from tckr_bench.leaderboard.site.sources import Sources
from tckr_bench.leaderboard.standings import standings_of
from tckr_bench.leaderboard.tables import standings_group, standings_latex, standings_markdown
from tckr_bench.plugin import registry
from tckr_bench.plugin.registry import Registration
from tckr_bench.records import Measurement, Quantity
from tckr_bench.show import compare as comparing
from tckr_bench.show.formats import csv_text, json_text, write_parquet
from tckr_bench.show.overview import overview_markdown, overview_table
from tckr_bench.show.tables import board_sheet, leaderboard_group, leaderboard_latex, leaderboard_markdown

NAME = "image-distance"
QUANTITY = Quantity(
    NAME, "distance", "how far images are", unit="points", scale=10, digits=2, better="lower", board=True
)
VALUE, SHOWN = 4.3219, "43.22"
MEASURED = Measurement(NAME, VALUE, VALUE - 0.5, VALUE + 0.5, "bootstrap", 100)


def printed(renderable, width=140):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(renderable)
    return console.file.getvalue()


@pytest.fixture(params=["column of the harness", "metric of a plugin"])
def declared(request, monkeypatch):
    """The quantity, declared in one place of either kind."""
    if request.param == "column of the harness":
        column = Column(NAME, declared=dataclasses.replace(QUANTITY, board=False), leading=True)
        monkeypatch.setattr(quantities, "COLUMNS", (*COLUMNS, column))
        return
    component = MetricComponent(
        "distance", version="1", options=NoOptions, load=lambda _: None, summary="a made-up one", quantities=(QUANTITY,)
    )
    found = registry.build_registry()
    found.add(Registration("metric", component, "made 1"))
    monkeypatch.setattr(registry, "default_registry", lambda: found)


@pytest.fixture
def board(made):
    """A run in which every method but the baseline was measured so."""
    cells = made.stated_cells()
    measured = {
        name: cell
        if cell.method.role == "baseline"
        else dataclasses.replace(cell, measurements=(*cell.measurements, MEASURED))
        for name, cell in cells.items()
    }
    return made.leaderboard_of(measured.values())


def with_measurement(record):
    if record.method.role == "baseline":
        return record
    seeds = [
        dataclasses.replace(seed, measurements=(*seed.measurements, MEASURED)) if seed.status == "ok" else seed
        for seed in record.seeds
    ]
    return dataclasses.replace(record, seeds=tuple(seeds))


def standings(dataset=None):
    track = made_track()
    return standings_of([with_measurement(record) for record in made_records(track)], track, dataset=dataset)


def of_programs(sheet, folder):
    """Return each row of a sheet as CSV, JSON and Parquet have it."""
    in_csv = list(csv.DictReader(io.StringIO(csv_text(sheet))))
    in_parquet = parquet.read_table(write_parquet(sheet, folder / "sheet.parquet"))
    assert b"how far images are" in in_parquet.schema.field("image_distance").metadata[b"meaning"]
    return zip(in_csv, json.loads(json_text(sheet)), in_parquet.to_pylist(), strict=True)


def assert_in_files(sheet, folder):
    measured = 0
    for in_csv, in_json, in_parquet in of_programs(sheet, folder):
        found = in_json["image_distance"]
        assert in_parquet["image_distance"] == found
        assert in_csv["image_distance"] == ("" if found is None else str(found))
        if found is not None:
            measured += 1
            ends = (in_json["image_distance_low"], in_json["image_distance_high"])
            assert (found, *ends) == pytest.approx((VALUE, VALUE - 0.5, VALUE + 0.5))
    assert measured


@pytest.mark.usefixtures("declared")
def test_it_is_on_the_board_of_a_run_in_every_format(board, tmp_path):
    for text, heading in (
        (printed(leaderboard_group(board)), "distance ↓"),
        (leaderboard_markdown(board), "distance, points ↓"),
        (leaderboard_latex(board), r"distance, points $\downarrow$"),
        (printed(overview_table(board)), "distance, points"),
        (overview_markdown(board), "distance, points"),
    ):
        assert heading in text
        assert SHOWN in text
    assert_in_files(board_sheet(board), tmp_path)


@pytest.mark.usefixtures("declared")
@pytest.mark.parametrize("dataset", [None, "digits"])
def test_it_is_on_the_leaderboard_in_every_format(dataset, tmp_path):
    found = standings(dataset)
    for text, heading in (
        (printed(standings_group(found)), "distance ↓"),
        (standings_markdown(found), "distance, points ↓"),
        (standings_latex(found), r"distance, points $\downarrow$"),
    ):
        assert heading in text
        assert SHOWN in text
    assert_in_files(sheet_of([found]), tmp_path)


@pytest.mark.usefixtures("declared")
def test_it_is_in_comparisons(whole_run, board, monkeypatch):
    monkeypatch.setattr(comparing, "verified_leaderboard", lambda _found: board)
    text = printed(comparing.comparison_group(comparing.compare([str(whole_run)])))
    assert "distance, points" in text
    assert f"{SHOWN} ± 5.00" in text


@pytest.mark.usefixtures("declared")
def test_it_is_on_the_pages_and_in_the_data_of_the_script(tmp_path):
    found = standings()
    entry = next(entry for entry in found.entries if entry.family == "synthetic" and entry.rank)
    sources = Sources(tmp_path, of_run=False)
    for page in (
        method_page(entry, found, sources=sources),
        dataset_page("digits", found, sources=sources),
        index_page([found]),
    ):
        assert re.search(r"<(th|dt)[^>]*>distance, points</(th|dt)>", page)
        assert SHOWN in page
    data = json.loads(payload([found]))
    column = next(column for column in data["columns"] if column["key"] == NAME)
    assert [column[key] for key in ("title", "scale", "digits", "better", "lead")] == [
        "distance, points",
        10,
        2,
        "lower",
        True,
    ]
    place = found.entries.index(entry)
    for numbers in (data["tracks"][0]["means"], *data["tracks"][0]["parts"]):
        value, below, above = (part[place] / column["factor"] for part in numbers[NAME])
        assert (value, below, above) == pytest.approx((VALUE, 0.5, 0.5), abs=1e-3)


@pytest.mark.usefixtures("declared")
def test_a_row_that_lacks_it_has_a_dot_and_no_rank_rests_on_it(board):
    teacher = next(line for line in leaderboard_markdown(board).splitlines() if "| teacher |" in line)
    assert "| · |" in teacher
    plain = standings_of(made_records(made_track()), made_track())
    ranks = {entry.slug: (entry.rank, entry.rank_low, entry.rank_high, entry.pareto) for entry in plain.entries}
    for entry in standings().entries:
        assert (entry.rank, entry.rank_low, entry.rank_high, entry.pareto) == ranks[entry.slug]


@pytest.mark.usefixtures("declared")
def test_a_mean_over_a_track_that_moves_is_a_change():
    before = standings_of(made_records(made_track()), made_track())
    for change in compare_standings(before, standings()):
        measured = bool(change.after.estimates) and change.entry.family != "real data"
        assert change.kind == ("moved" if measured else "same"), change.entry.name


def test_what_nobody_measured_or_nobody_asked_for_has_no_further_column(monkeypatch):
    assert columns_of(["accuracy", "auc-mia", "epsilon-accounted", NAME]) == columns_of([])
    assert [column.name for column in columns_of([])] == [column.name for column in COLUMNS]


def test_means_are_of_values_and_of_bounds_and_only_of_what_every_dataset_has(board):
    rows = [row for row in board.boards[0].candidates if row.method.role == "method"][:2]
    means = mean_estimates(rows)
    for end in ("value", "low", "high"):
        expected = sum(getattr(row.get("accuracy"), end) for row in rows) / 2
        assert getattr(means["accuracy"], end) == pytest.approx(expected)
    baseline = next(row for row in board.boards[0].candidates if row.method.role == "baseline")
    assert "accuracy-gap" not in mean_estimates([*rows, baseline])
