"""One rule: whoever shows a row shows the same AOP, the same worst attack with its AUC, the same rank and order."""

from __future__ import annotations

import csv
import dataclasses
import html
import io
import json
import re
from dataclasses import dataclass

import pytest
from rich.console import Console

from tckr_bench.commands.export import ExportOptions, _subject
from tckr_bench.commands.verdict import verdict_group
from tckr_bench.judging import metric_names
from tckr_bench.judging.criteria import criteria_from
from tckr_bench.judging.rows import verified_leaderboard
from tckr_bench.judging.verdict import answer_run
from tckr_bench.leaderboard.lines import lines_of
from tckr_bench.leaderboard.sheets import sheet_of
from tckr_bench.leaderboard.site.payload import SCALE, payload
from tckr_bench.leaderboard.site.report import write_report
from tckr_bench.leaderboard.standings import standings_of
from tckr_bench.leaderboard.submission import prepare_submission
from tckr_bench.leaderboard.tables import standings_group, standings_latex, standings_markdown
from tckr_bench.leaderboard.tracks import RequiredAttack, Track, TrackDataset
from tckr_bench.results.verify import key_of, verified
from tckr_bench.show.compare import compare, comparison_group
from tckr_bench.show.formats import csv_text
from tckr_bench.show.tables import leaderboard_group, leaderboard_markdown
from tckr_bench.text import short_names

DATASET = "fashion-mnist"
CRITERIA = criteria_from(accuracy_drop=10, tprs=["20@1"], auc=0.8)
Numbers = tuple[float, float, float]


@dataclass(frozen=True)
class Told:
    """What is told of a row: AOP and AUC with their intervals, the attacks that reached the AUC, and the rank."""

    method: str
    aop: Numbers
    auc: Numbers
    attacks: tuple[str, ...]
    rank: tuple[int | None, int | None, int | None]


def numbers(estimate) -> Numbers:
    return (estimate.value, estimate.low, estimate.high)


def told_of(row) -> Told:
    risk = row.risk(metric_names.AUC)
    rank = (row.rank, row.rank_low, row.rank_high)
    return Told(row.method.name, numbers(row.get(metric_names.AOP)), numbers(risk.estimate), risk.attacks, rank)


@pytest.fixture(scope="module")
def two_seeds(tmp_path_factory, made):
    return made.make_run(tmp_path_factory.mktemp("seeds") / "run", made.Plan(examples=120, seeds=(0, 1)))


@pytest.fixture(scope="module", params=["audited", "two_seeds"])
def found(request):
    """A run of one seed whose worst attacks are seldom the declared one, and one of two seeds."""
    return verified(request.getfixturevalue(request.param))


@pytest.fixture(scope="module")
def board(found):
    (board,) = verified_leaderboard(found).boards
    return board


@pytest.fixture(scope="module")
def expected(board):
    """What the run's own board tells, in order; the others must agree."""
    assert board.trusted, board.reasons
    return [told_of(row) for row in board.candidates]


@pytest.fixture(scope="module")
def track(found):
    """A track that asks for what the run has."""
    record = found.run.records[0]
    asked = TrackDataset(record.splits, len(record.description.class_names), record.description.fingerprint)
    return Track("one", "One run", "", "audit", {DATASET: asked}, len(record.seeds), (RequiredAttack("lira"),))


@pytest.fixture(scope="module")
def submitted(found, track):
    return prepare_submission(found.run.folder, track).records


def places(expected):
    return [(told.method, told.rank) for told in expected]


def test_the_worst_attack_is_not_always_the_declared_one(audited):
    (board,) = verified_leaderboard(verified(audited)).boards
    assert {told_of(row).attacks for row in board.candidates} - {("lira",)}


def test_the_report_tells_it(found, expected):
    page = write_report(found.run.folder, found=found)
    rows = csv.DictReader(io.StringIO((page.parent / "board.csv").read_text(encoding="utf-8")))
    told = []
    for row in (row for row in rows if row["role"] != "control"):
        aop, auc = (tuple(float(row[f"{name}{end}"]) for end in ("", "_low", "_high")) for name in ("aop", "worst_auc"))
        rank = tuple(int(float(row[name])) if row[name] else None for name in ("rank", "rank_low", "rank_high"))
        told.append(Told(row["method"], aop, auc, tuple(row["worst_auc_attack"].split()), rank))
    assert told == expected
    (dataset,) = page.parent.glob("datasets/*/*.html")
    words = html.unescape(re.sub(r"<[^>]*>", " ", dataset.read_text(encoding="utf-8")))
    for row in expected:
        assert f"{row.aop[0]:.3f}" in words
        assert f"{row.auc[0]:.3f}" in words
        assert " or ".join(row.attacks) in words


def test_compare_tells_it_in_the_same_order(found, expected):
    (dataset,) = compare([str(found.run.folder)]).datasets
    told = [
        (
            row.method,
            numbers(row.estimates[metric_names.AOP]),
            numbers(row.estimates[metric_names.WORST_AUC]),
            row.attack,
        )
        for row in dataset.rows
    ]
    assert told == [(row.method, row.aop, row.auc, " or ".join(row.attacks)) for row in expected]


def test_verdict_judges_the_best_one_under_its_worst_attack(found, board, expected):
    answer = answer_run(verified_leaderboard(found), CRITERIA, evidence=found.evidence).datasets[0]
    assert answer.judged.method == board.best.method.name
    synthetic = {row.method.name for row in board.rows if row.method.role == "method"}
    told = []
    for judged in (answer.judged, *answer.others):
        (auc,) = (part for part in judged.comparisons if part.metric == metric_names.AUC)
        told.append((judged.method, numbers(auc.estimate), auc.attacks))
    assert told == [(row.method, row.auc, row.attacks) for row in expected if row.method in synthetic]


def test_a_card_of_exported_images_tells_it(audited, tmp_path):
    found = verified(audited)
    (board,) = verified_leaderboard(found).boards
    for row in (row for row in board.candidates if row.method.role == "method"):
        options = ExportOptions(audited, row.method.name, tmp_path)
        assert told_of(_subject(options, found, key_of(row.records[0]), ()).row) == told_of(row)


def test_the_leaderboard_on_one_dataset_tells_it(submitted, track, expected):
    standings = standings_of(submitted, track, dataset=DATASET)
    lines = [line for line in lines_of(standings) if line.entry.standing != "control"]
    told = [
        Told(
            line.entry.method.name,
            numbers(line.line.estimates["aop"]),
            numbers(line.line.estimates["worst-auc"]),
            line.row.worst_attacks["worst-auc"],
            (line.entry.rank, line.entry.rank_low, line.entry.rank_high),
        )
        for line in lines
    ]
    assert told == expected
    rows = list(csv.DictReader(io.StringIO(csv_text(sheet_of([standings])))))
    kept = [row for row in rows if row["standing"] != "control"]
    assert [(float(row["aop"]), float(row["worst_auc"])) for row in kept] == [
        (row.aop[0], row.auc[0]) for row in expected
    ]


def test_the_standings_of_a_track_of_one_dataset_tell_it(submitted, track, expected):
    entries = [entry for entry in standings_of(submitted, track).entries if entry.standing != "control"]
    ranks = [(entry.method.name, (entry.rank, entry.rank_low, entry.rank_high)) for entry in entries]
    assert ranks == places(expected)
    for entry, row in zip(entries, expected, strict=True):
        assert told_of(dataclasses.replace(entry.results[DATASET].row)).aop == row.aop
        assert entry.get("aop").value == pytest.approx(row.aop[0])
        assert entry.get("worst-auc").value == pytest.approx(row.auc[0])


def test_the_data_of_the_site_tell_it_to_rounding(submitted, track, expected):
    standings = standings_of(submitted, track)
    (data,) = json.loads(payload([standings]))["tracks"]
    kept = [place for place, entry in enumerate(standings.entries) if entry.standing != "control"]
    assert [tuple(data["entries"]["rank"][place]) for place in kept] == [row.rank for row in expected]
    for name, told in (("aop", "aop"), ("worst-auc", "auc")):
        columns = list(zip(*data["parts"][0][name], strict=True))
        for place, row in zip(kept, expected, strict=True):
            value, low, high = getattr(row, told)
            shown = [number / SCALE for number in columns[place]]
            assert shown == pytest.approx([value, value - low, high - value], abs=1.01 / SCALE)


def test_aop_is_accuracy_over_the_worst_auc_of_the_same_row(audited):
    run = verified(audited)
    (board,) = verified_leaderboard(run).boards
    for row in board.rows:
        accuracy, auc = row.get(metric_names.ACCURACY).value, row.risk(metric_names.AUC).estimate.value
        assert row.get(metric_names.AOP).value == pytest.approx(accuracy / (2 * max(auc, 0.5)) ** 2, abs=1e-12)


def test_of_several_seeds_it_is_the_mean_of_theirs(two_seeds):
    (board,) = verified_leaderboard(verified(two_seeds)).boards
    for row in board.rows:
        by_seed = []
        for record in row.records:
            found = {it.metric: it for it in record.measurements if it.metric in ("accuracy", "worst-auc")}
            by_seed.append(found["accuracy"].value / (2 * max(found["worst-auc"].value, 0.5)) ** 2)
        assert row.get(metric_names.AOP).value == pytest.approx(sum(by_seed) / len(by_seed), abs=1e-12)


def printed(group, width=100):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(group)
    return " ".join(console.file.getvalue().split())


@pytest.fixture(scope="module")
def named(made):
    """A run each of whose rows has a worst attack of its own."""
    cells = made.stated_cells()
    names = {name: f"foe-{index}" for index, name in enumerate(cells)}
    return [made.under_worst(cell, names[name], 0.5 + 0.01 * index) for index, (name, cell) in enumerate(cells.items())]


def standings_named(made, named):
    run = made.results_of(named, attacks=(made.use("attack", "lira"),))
    asked = TrackDataset(run.records[0].splits, 10, run.records[0].description.fingerprint)
    track = Track("mini", "Made", "", "mini", {DATASET: asked}, 1, (RequiredAttack("lira"),))
    return standings_of(run.records, track, dataset=DATASET)


def every_table(made, named):
    leaderboard = made.leaderboard_of(named)
    names, _ = short_names(leaderboard.methods)
    standings = standings_named(made, named)
    return {
        "report in the terminal": printed(leaderboard_group(leaderboard)),
        "report in Markdown": leaderboard_markdown(leaderboard),
        "verdict": printed(verdict_group(answer_run(leaderboard, CRITERIA, evidence={}), names)),
        "leaderboard in the terminal": printed(standings_group(standings), width=140),
        "leaderboard in Markdown": standings_markdown(standings),
        "leaderboard in LaTeX": standings_latex(standings),
    }


def test_no_table_of_one_dataset_shows_an_auc_without_the_name_of_its_attack(made, named):
    shown = {cell.method.name: next(it for it in cell.measurements if it.metric == "worst-auc") for cell in named}
    roles = {cell.method.name: cell.method.role for cell in named}
    for table, text in every_table(made, named).items():
        asked = ("method",) if table == "verdict" else ("baseline", "method")
        for name, worst in ((name, worst) for name, worst in shown.items() if roles[name] in asked):
            assert f"{worst.value:.3f}" in text, (table, name)
            assert worst.attack in text, (table, name)


def test_comparisons_show_no_auc_without_the_name_of_its_attack(audited):
    comparison = compare([str(audited)])
    text = printed(comparison_group(comparison))
    for row in comparison.datasets[0].rows:
        assert f"worst attack {row.attack}" in text
