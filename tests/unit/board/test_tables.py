"""The leaderboard in the terminal, as CSV and as Markdown."""

from __future__ import annotations

import csv
import dataclasses
import io

import pytest
from rich.console import Console

from tckr_bench.board.rank import build_leaderboard
from tckr_bench.board.tables import leaderboard_csv, leaderboard_group, leaderboard_markdown

HOSTILE = "=cmd()|[red]x[/red] <b>\x1b[31m\n`y`"


def leaderboard_of(made, **changes):
    return build_leaderboard(made.results_of(made.stated_cells(**changes).values()))


def terminal(leaderboard, width=100):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(leaderboard_group(leaderboard))
    return console.file.getvalue()


def hostile_leaderboard(made):
    cells = made.stated_cells()
    method = dataclasses.replace(made.synthetic("lora", "soft"), name=HOSTILE)
    other = dataclasses.replace(
        made.synthetic("lora", "soft"), name=HOSTILE + "2"
    )  # the same short name: full ones show
    records = [record for record in cells.values() if record.method.role != "method"]
    records += [made.stated_record(method, made.figures_for(0.8, 0.5)), made.stated_record(other, failure=HOSTILE)]
    return build_leaderboard(made.results_of(dataclasses.replace(record, dataset=HOSTILE) for record in records))


def test_the_terminal_table_fits_100_columns_and_says_everything(made):
    shown = terminal(leaderboard_of(made))
    assert max(map(len, shown.splitlines())) <= 100
    for part in (
        "teacher (real data)",
        "lora · soft",
        "82.0 ± 2.0",
        "0.530 [0.510, 0.550]",
        "PASS",
        "captioner attributes",
    ):
        assert part in shown
    assert "FAIL" not in shown


def test_long_names_fit_too(made):
    cells = made.stated_cells()
    cells["long"] = made.stated_record(
        dataclasses.replace(made.synthetic("lora", "soft", 2), name="x" * 300), failure="y " * 200
    )
    shown = terminal(build_leaderboard(made.results_of(cells.values())))
    assert max(map(len, shown.splitlines())) <= 100


def test_a_failed_control_is_seen_at_once(made):
    shown = terminal(leaderboard_of(made, untrained=made.figures_for(0.1, 0.7)))
    assert shown.startswith("NOT TRUSTWORTHY: control untrained: AUC 0.700 is not within")
    assert "FAIL" in shown
    assert "P!" in shown


def test_hostile_text_stays_text_in_the_terminal(made):
    shown = terminal(hostile_leaderboard(made))
    assert "\x1b" not in shown
    assert "[red]x[/red]" in shown


def test_csv_has_a_line_per_row_at_full_precision(made):
    rows = list(csv.DictReader(io.StringIO(leaderboard_csv(leaderboard_of(made)))))
    assert len(rows) == 8
    best = next(row for row in rows if row["rank"] == "1")
    assert float(best["accuracy"]) == 0.82
    assert float(best["aop"]) == pytest.approx(0.82 / 1.06**2, abs=0)
    assert (best["trusted"], best["status"]) == ("yes", "ok")
    assert next(row for row in rows if row["method"] == "overfit")["note"].startswith("PASS: canaries found")


def test_csv_marks_untrusted_rows(made):
    rows = csv.DictReader(io.StringIO(leaderboard_csv(leaderboard_of(made, noise=None))))
    assert {row["trusted"] for row in rows} == {"no"}


def test_hostile_text_is_no_formula_in_csv(made):
    rows = list(csv.reader(io.StringIO(leaderboard_csv(hostile_leaderboard(made)))))
    assert len({len(row) for row in rows}) == 1
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)
    assert not any(ord(character) < 32 for row in rows for cell in row for character in cell)


def test_markdown_tables_keep_their_columns_whatever_names_say(made):
    for leaderboard in (leaderboard_of(made), hostile_leaderboard(made)):
        lines = [line for line in leaderboard_markdown(leaderboard).splitlines() if line.startswith("|")]
        assert {line.replace(r"\|", "").count("|") for line in lines} == {10}


def test_hostile_text_is_no_markup_in_markdown(made):
    written = leaderboard_markdown(hostile_leaderboard(made))
    assert "<b>" not in written.replace(r"\<b\>", "")
    assert "`y`" not in written
    assert "**NOT TRUSTWORTHY**" not in written
    assert "**NOT TRUSTWORTHY**" in leaderboard_markdown(leaderboard_of(made, noise=None))
