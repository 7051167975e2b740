"""The leaderboard in the terminal, as CSV and as Markdown."""

from __future__ import annotations

import csv
import dataclasses
import io

import pytest
from rich.console import Console

from tckr_bench.show.formats import csv_text
from tckr_bench.show.tables import board_sheet, leaderboard_group, leaderboard_markdown

HOSTILE = "=cmd()|[red]x[/red] <b>\x1b[31m\n`y`"


def leaderboard_of(made, **changes):
    return made.leaderboard_of(made.stated_cells(**changes).values())


def leaderboard_csv(leaderboard):
    return csv_text(board_sheet(leaderboard))


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
    records += [made.stated_record(method, made.measurements_for(0.8, 0.5)), made.stated_record(other, failure=HOSTILE)]
    return made.leaderboard_of(dataclasses.replace(record, dataset=HOSTILE) for record in records)


def test_the_terminal_table_fits_100_columns_and_says_everything(made):
    shown = terminal(leaderboard_of(made))
    assert max(map(len, shown.splitlines())) <= 100
    for part in (
        "real data",
        "lora · soft",
        "82.0",
        "± 2.0",
        "0.530",
        "± 0.020",
        "worst attack lira",
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
    shown = terminal(made.leaderboard_of(cells.values()))
    assert max(map(len, shown.splitlines())) <= 100


def test_a_failed_control_is_seen_at_once(made):
    shown = terminal(leaderboard_of(made, untrained=made.measurements_for(0.1, 0.7)))
    assert shown.startswith("NOT TRUSTWORTHY: control untrained: AUC 0.700 is not within")
    assert "FAIL" in shown
    assert " !" in shown
    assert "P!" not in shown


def test_hostile_text_stays_text_in_the_terminal(made):
    shown = terminal(hostile_leaderboard(made))
    assert "\x1b" not in shown
    assert "[red]x[/red]" in shown


def test_csv_has_a_line_per_row_at_full_precision(made):
    rows = list(csv.DictReader(io.StringIO(leaderboard_csv(leaderboard_of(made)))))
    assert len(rows) == 9
    best = next(row for row in rows if row["rank"] == "1.0")
    assert float(best["accuracy"]) == 0.82
    assert float(best["aop"]) == pytest.approx(0.82 / 1.06**2, abs=0)
    assert (best["worst_auc"], best["worst_auc_attack"]) == ("0.53", "lira")
    assert (best["trusted"], best["status"]) == ("yes", "ok")
    assert next(row for row in rows if row["method"] == "overfit")["notes"].startswith("PASS: canaries found")


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
        assert {line.replace(r"\|", "").count("|") for line in lines} == {12}


def test_hostile_text_is_no_markup_in_markdown(made):
    written = leaderboard_markdown(hostile_leaderboard(made))
    assert "<b>" not in written.replace(r"\<b\>", "")
    assert "`y`" not in written
    assert "**NOT TRUSTWORTHY**" not in written
    assert "**NOT TRUSTWORTHY**" in leaderboard_markdown(leaderboard_of(made, noise=None))


def audited_leaderboard(made):
    defended = made.plain_method("dp-sgd", "defended")
    cells = made.stated_cells()
    cells["dp-sgd"] = made.stated_record(
        defended, (*made.measurements_for(0.8, 0.52), made.measurement("epsilon-accounted", 8.0, 0.0))
    )
    for name, record in cells.items():
        attack = "adaptive-rmia"
        record = made.under_worst(record, attack, 0.6, 0.03)
        kept = [it for it in record.measurements if it.metric != "worst-tpr-at-1-fpr"]
        kept += [made.measurement("worst-tpr-at-1-fpr", 0.07, 0.03, "loss")]
        kept += [dataclasses.replace(made.measurement("epsilon-lower", 0.41, 0.0, attack), high=1.2)]
        cells[name] = dataclasses.replace(record, measurements=tuple(kept))
    return made.leaderboard_of(cells.values())


def test_the_terminal_shows_the_worst_attack_by_name_and_epsilons_within_100_columns(made):
    shown = terminal(audited_leaderboard(made))
    assert max(map(len, shown.splitlines())) <= 100
    flat = " ".join(shown.split())
    for part in (
        "worst attack on each row",
        "± 0.030",
        "worst attack adaptive-rmia",
        "7.0",
        "dp-sgd",
        "defence",
        "proved ε ≤ 8.00",
        "found ε ≥ 0.41",
        "membership inference by the worst attack",
    ):
        assert part in flat
    assert shown.count("proved ε") == 1


def test_csv_has_the_worst_attack_and_what_is_proved(made):
    rows = {row["method"]: row for row in csv.DictReader(io.StringIO(leaderboard_csv(audited_leaderboard(made))))}
    row = rows["dp-sgd"]
    assert (row["worst_auc"], row["worst_auc_low"], row["worst_auc_attack"]) == ("0.6", "0.57", "adaptive-rmia")
    assert (row["worst_tpr_at_1_fpr"], row["worst_tpr_at_1_fpr_attack"]) == ("0.07", "loss")
    assert (row["epsilon_proved"], row["epsilon_found"]) == ("8.0", "0.41")
    assert float(row["aop"]) == pytest.approx(0.8 / 1.2**2)
    assert rows["teacher"]["epsilon_proved"] == ""


def test_markdown_names_the_worst_attack_and_what_is_proved(made):
    written = leaderboard_markdown(audited_leaderboard(made))
    assert "0.600 ± 0.030" in written
    assert "| dp-sgd | defence, worst attack adaptive-rmia, proved ε ≤ 8.00, found ε ≥ 0.41 |" in written
