"""Laws of the standings as Markdown and LaTeX: the same measurements, and no text of others is ever markup."""

from __future__ import annotations

import csv
import dataclasses
import io
import re

import pytest
from made_standings import made_standings

from tckr_bench.leaderboard.sheets import sheet_of
from tckr_bench.leaderboard.tables import standings_latex, standings_markdown
from tckr_bench.show.formats import csv_text

COLUMNS = (
    ("accuracy", 100, 1),
    ("accuracy_gap", 100, 1),
    ("worst_auc", 1, 3),
    ("worst_tpr_at_1_fpr", 100, 1),
    ("aop", 1, 3),
)
INJECTIONS = (
    r"\input{/etc/passwd} $x$ a_b^c~d",
    "50% off & #1 }\\end{tabular}{",
    "--- '' ,, `` \"quoted\" [x] <b>|</b>",
    "]] \\\\ \\midrule & & &",
    "| a | b |\n\n# title [x](javascript:1) **b** <script>",
)
COMMANDS = {
    *("textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar", "textasciigrave"),
    *("char", "textperiodcentered", "times", "varepsilon", "uparrow", "downarrow", "pm", "footnotesize"),
    *("begin", "end", "toprule", "midrule", "bottomrule", "multicolumn", "linewidth"),
}


def hostile_standings():
    """Made-up standings whose names, reasons and title are injections, every one of them somewhere."""
    standings = made_standings(hostile=True)
    entries = [
        dataclasses.replace(
            entry,
            name=f"{INJECTIONS[number % len(INJECTIONS)]} {number}",
            reasons=(INJECTIONS[(number + 1) % len(INJECTIONS)],) if entry.rank is None else (),
        )
        for number, entry in enumerate(standings.entries)
    ]
    track = dataclasses.replace(standings.track, title=INJECTIONS[-1])
    return dataclasses.replace(standings, track=track, entries=tuple(entries))


def cells_expected(standings):
    """What a row's measurements must read, from the CSV file alone."""
    for row in csv.DictReader(io.StringIO(csv_text(sheet_of((standings,))))):
        yield [
            f"{scale * float(row[name]):.{digits}f} ± "
            f"{scale * (float(row[f'{name}_high']) - float(row[f'{name}_low'])) / 2:.{digits}f}"
            if row[name]
            else "·"
            for name, scale, digits in COLUMNS
        ]


def markdown_rows(written):
    table = [line for line in written.splitlines() if line.startswith("|")]
    return [re.split(r"(?<!\\)\|", line)[1:-1] for line in table]


def latex_body(written):
    return [line for line in written.splitlines() if not line.startswith("%")]


def latex_rows(written):
    rows = [line for line in latex_body(written) if line.endswith(r"\\") and not line.startswith(r"\multicolumn")]
    return [re.split(r"(?<!\\)&", line.removesuffix(r"\\")) for line in rows]


@pytest.mark.parametrize("dataset", [None, "digits"])
def test_markdown_and_latex_have_the_measurements_of_the_csv_file(dataset):
    standings = made_standings(dataset=dataset)
    expected = list(cells_expected(standings))
    in_markdown = markdown_rows(standings_markdown(standings))[2:]
    in_latex = latex_rows(standings_latex(standings))[1:]
    assert [[cell.strip() for cell in row[3:8]] for row in in_markdown] == expected
    plainly = {r" \pm ": " ± ", r"\textperiodcentered{}": "·", "$": ""}
    for row, wanted in zip(in_latex, expected, strict=True):
        cells = row[2:7]
        for old, new in plainly.items():
            cells = [cell.replace(old, new) for cell in cells]
        assert [cell.strip() for cell in cells] == wanted


def test_both_name_rank_family_reason_gates_and_direction():
    standings = made_standings()
    markdown, latex = standings_markdown(standings), standings_latex(standings)
    assert "| 9 (9-9) | teacher | real data |" in markdown
    assert "9 (9-9) & teacher (real data) &" in latex
    assert "accuracy, % ↑" in markdown
    assert r"accuracy, \% $\uparrow$ & gap, points $\downarrow$" in latex
    assert "**FAIL** on digits, noise" in markdown
    for written in (markdown, latex):
        assert "incomplete" in written
        assert "it has no record of digits" in written


def test_markdown_tables_keep_their_columns_and_show_hostile_text_as_text():
    written = standings_markdown(hostile_standings())
    assert {len(row) for row in markdown_rows(written)} == {11}
    unescaped = re.sub(r"\\[\\`*_\[\]<>|~&#@!$:]", "", written)
    for markup in ("<", ">", "](", "`", "$"):
        assert markup not in unescaped
    assert set(re.findall(r"\*\*\w+\*\*", unescaped)) == {"**PASS**", "**FAIL**"}
    assert [line for line in written.splitlines() if line.startswith("#")] == [written.splitlines()[0]]


def test_latex_braces_balance_and_nothing_but_our_own_commands_is_left():
    written = standings_latex(hostile_standings())
    for line in latex_body(written):
        assert set(re.findall(r"\\([A-Za-z]+)", line)) <= COMMANDS
        rest = re.sub(r"\\[{}$&#_%\\]", "", line)
        depth = 0
        for character in rest:
            depth += (character == "{") - (character == "}")
            assert depth >= 0, line
        assert depth == 0, line
        assert rest.count("$") % 2 == 0
        assert not set('#%^~"`<>|') & set(rest.replace("$", ""))
        assert not re.search(r"--|''|,,|(?<!\{)\[", rest)


def test_latex_rows_keep_their_columns_whatever_names_say():
    written = standings_latex(hostile_standings())
    assert {len(row) for row in latex_rows(written)} == {10}
    notes = [line for line in latex_body(written) if line.startswith(r"\multicolumn")]
    assert notes
    assert not any(re.search(r"(?<!\\)&", line) for line in notes)
    assert written.count(r"\begin{tabular}") == written.count(r"\end{tabular}") == 1


def test_what_is_said_of_latex_injections_can_fail():
    written = standings_latex(made_standings()).replace("teacher", INJECTIONS[0])
    assert "input" in {name for line in latex_body(written) for name in re.findall(r"\\([A-Za-z]+)", line)} - COMMANDS
