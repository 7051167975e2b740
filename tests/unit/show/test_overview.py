"""The overview: a line per dataset, measurements in one order, what fails or limits a row said."""

import dataclasses
import io

from rich.console import Console

from tckr_bench.judging.metric_names import ACCURACY
from tckr_bench.judging.quantities import Column
from tckr_bench.show.overview import headings_of, method_names, overview_markdown, overview_table

HOSTILE = "=cmd()|[red]x[/red] <b>\x1b[31m\n`y`"


def boards_of(made, *datasets):
    records = [
        dataclasses.replace(record, dataset=name, splits={"train": 1200, "test": 34})
        for name in datasets
        for record in made.stated_cells().values()
    ]
    return made.leaderboard_of(records)


def test_there_is_a_line_per_dataset_with_a_measurement_per_method(made):
    leaderboard = boards_of(made, "one", "two")
    lines = [line for line in overview_markdown(leaderboard).splitlines() if line.startswith(("| one", "| two"))]
    assert len(lines) == 2
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert len(cells) == len(headings_of(leaderboard))
        assert cells[1] == "1,200 + 34"
        assert all(cell.count(" / ") == len(method_names(leaderboard)) - 1 for cell in cells[2:5])
        assert cells[5] == "all pass"


def test_the_baseline_comes_first_whatever_the_ranks(made):
    leaderboard = boards_of(made, "one")
    baseline = next(row for row in leaderboard.boards[0].candidates if row.method.role == "baseline")
    assert method_names(leaderboard)[0].startswith(baseline.method.name)
    accuracies = overview_markdown(leaderboard).split("| one |")[1].split("|")[1].strip()
    assert accuracies.split(" / ")[0] == Column(ACCURACY).with_half(baseline.get(ACCURACY))


def test_a_board_that_cannot_be_trusted_says_which_control_failed(made):
    cells = {name: record for name, record in made.stated_cells().items() if record.method.name != "noise"}
    shown = overview_markdown(made.leaderboard_of(cells.values()))
    assert "NOT TRUSTWORTHY" in shown
    assert "all pass" not in shown


def test_hostile_names_stay_text(made):
    leaderboard = boards_of(made, HOSTILE)
    console = Console(width=140, file=io.StringIO(), color_system=None)
    console.print(overview_table(leaderboard))
    assert "\x1b" not in console.file.getvalue()
    assert "[red]" in console.file.getvalue()
    table = [line for line in overview_markdown(leaderboard).splitlines() if line.startswith("|")]
    assert len(table) == 3
    assert "<b>" not in table[2]


def test_auc_and_aop_are_those_of_each_row_s_worst_attack(made):
    cells = made.stated_cells()
    cells["teacher"] = made.under_worst(cells["teacher"], "other", 0.655, 0.03)
    defended = made.stated_record(made.plain_method("dp-sgd", "defended"), made.measurements_for(0.8, 0.5))
    leaderboard = made.leaderboard_of([*cells.values(), defended])
    shown = overview_markdown(leaderboard)
    assert "AUC and AOP are those of each row's worst attack." in shown
    assert "0.655 ± 0.030 / " in shown
    assert f"{0.84 / 1.31**2:.3f} ± 0.030 / " in shown
    assert method_names(leaderboard)[:2] == ["teacher (real data)", "dp-sgd (real data, defended)"]
