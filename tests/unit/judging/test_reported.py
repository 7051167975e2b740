"""What the paper reports: right, apart, and never taken for a measurement."""

from __future__ import annotations

import dataclasses
import html
import io
import itertools
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from tckr_bench.judging.reported import DIFFERENCES, LABEL, reported_measurements, reported_on, reported_table
from tckr_bench.leaderboard.site.report import write_report
from tckr_bench.show.compare import compare, comparison_group
from tckr_bench.stats.classification import accuracy_over_privacy

SOURCE = Path(__file__).parents[3] / "../shared/paper/reported.json"
DATASETS = {
    "cifar10",
    "cifar100",
    "oxford_pets",
    "tiny_imagenet",
    "stanford_cars",
    "food101",
    "stl10",
    "imagewoof",
    "imagenette",
    "caltech101",
}
CARDINALITIES = [0.1, 0.2, 1, 5, 10, 20]


def only(dataset, metric, **what):
    found = [
        measurement
        for measurement in reported_on(dataset)
        if measurement.metric == metric and all(getattr(measurement, key) == value for key, value in what.items())
    ]
    assert len(found) == 1, found
    return found[0]


def test_every_dataset_has_a_teacher_and_a_student_of_every_cardinality():
    assert {measurement.dataset for measurement in reported_measurements()} == DATASETS
    for dataset, metric in itertools.product(DATASETS, ("accuracy", "auc-mia", "aop")):
        assert only(dataset, metric, kind="teacher").cardinality is None
        for cardinality in CARDINALITIES:
            whole = {"kind": "student", "prompt": "caption", "labels": "soft", "fine_tuning_fraction": 1.0}
            assert 0 < only(dataset, metric, cardinality=cardinality, **whole).value < 1


def test_no_measurement_is_there_twice():
    keys = [
        (f.dataset, f.kind, f.cardinality, f.labels, f.prompt, f.fine_tuning_fraction, f.metric)
        for f in reported_measurements()
    ]
    assert len(set(keys)) == len(keys) == 254


def test_aop_follows_from_accuracy_and_auc_but_for_the_marked_misprint():
    misprints = []
    for measurement in reported_measurements():
        if measurement.metric != "aop":
            continue
        parts = {"kind": measurement.kind, "cardinality": measurement.cardinality}
        parts |= {"labels": measurement.labels, "fine_tuning_fraction": measurement.fine_tuning_fraction}
        accuracy = only(measurement.dataset, "accuracy", **parts, prompt=measurement.prompt).value
        weighed = accuracy_over_privacy(accuracy, only(measurement.dataset, "auc-mia", **parts).value)
        if measurement.corrected is not None:
            misprints.append((measurement.dataset, measurement.cardinality, measurement.value, measurement.corrected))
            assert abs(weighed - measurement.value) > 5e-4
        expected = measurement.value if measurement.corrected is None else measurement.corrected
        assert weighed == pytest.approx(expected, abs=1.01e-4), measurement
    assert misprints == [("food101", 20.0, 0.6254, 0.6264)]


def test_measurements_are_those_published():
    assert only("cifar100", "auc-mia", kind="teacher").value == 0.7032
    assert only("stl10", "accuracy", kind="student", cardinality=20.0).value == 0.9636
    hard = {"labels": "hard", "prompt": "description", "fine_tuning_fraction": 0.02}
    assert only("oxford_pets", "accuracy", **hard).value == 0.0298
    if not SOURCE.is_file():
        pytest.skip("the collected measurements of the paper are not here")
    content = json.loads(SOURCE.read_text())["datasets"]
    for dataset, found in content.items():
        for name, metric in (("accuracy", "accuracy"), ("auc_mia", "auc-mia"), ("aop", "aop")):
            whole = {"kind": "student", "prompt": "caption", "labels": "soft", "fine_tuning_fraction": 1.0}
            own = [only(dataset, metric, cardinality=size, **whole).value for size in CARDINALITIES]
            assert own == pytest.approx([value / 100 for value in found["student_by_cardinality"][name]], abs=1e-9)
        ablations = found.get("ablation_accuracy_at_0.1x", {})
        for name in (name for name in ablations if "_prompt_" in name):
            prompt, _, labels = name.removesuffix("_labels").partition("_prompt_")
            for fraction, value in zip((0.02, 0.05, 0.1, 1.0), ablations[name], strict=True):
                what = {"kind": "student", "cardinality": 0.1, "fine_tuning_fraction": fraction}
                own = only(dataset, "accuracy", labels=labels, prompt=prompt, **what).value
                assert own == pytest.approx(value / 100, abs=1e-9)


def board_of(made, name):
    records = []
    for record in made.stated_cells().values():
        description = dataclasses.replace(record.description, name=name)
        records.append(dataclasses.replace(record, description=description))
    return made.leaderboard_of(records).boards[0]


def test_a_dataset_is_known_by_its_own_name(made):
    table = reported_table(board_of(made, "oxford-pets"))
    assert [row.label for row in table.rows][:2] == ["teacher (real data)", "student 0.1x, soft labels"]
    assert table.rows[0].cells == ("93.96", "0.7274", "0.4440")
    assert sum(row.ablation for row in table.rows) == 11
    assert reported_table(board_of(made, "fashion-mnist")) is None
    assert reported_table(board_of(made, "imagefolder")) is None


def test_a_misprint_is_shown_as_published_and_marked(made):
    table = reported_table(board_of(made, "food101"))
    row = next(row for row in table.rows if row.label.startswith("student 20x"))
    assert row.cells[2] == "0.6254*"
    assert "misprint for 0.6264" in table.notes[0]


def rename(made, run, name):
    """Let the run's data be called otherwise, under the label it has."""

    def renamed(record):
        return dataclasses.replace(record, description=dataclasses.replace(record.description, name=name))

    made.change_run(run, renamed)


def test_report_shows_reported_measurements_apart_and_only_where_there_are_any(run_copy, made):
    def read():
        report = write_report(run_copy).parent
        (dataset,) = report.glob("datasets/*/*.html")
        return dataset.read_text(), (report / "board.csv").read_text()

    before, csv_before = read()
    assert "Reported by the paper" not in before
    rename(made, run_copy, "cifar10")
    page, csv_after = read()
    assert before == re.sub(
        r'<section class="elsewhere" aria-labelledby="reported">.*?</section>\n', "", page, flags=re.DOTALL
    )
    section = page[page.index('id="reported"') :]
    section = html.unescape(section[: section.index("</section>")])
    assert LABEL in section
    assert all(difference in section for difference in DIFFERENCES)
    assert "97.52" in section
    assert "rank" not in section
    assert csv_after == csv_before


def printed(comparison):
    console = Console(width=100, file=io.StringIO(), color_system=None)
    console.print(comparison_group(comparison))
    return console.file.getvalue()


def test_compare_shows_reported_measurements_when_asked(run_copy, made):
    rename(made, run_copy, "cifar10")
    silent = printed(compare([str(run_copy)]))
    assert "paper" not in silent
    told = printed(compare([str(run_copy)], reported=True))
    assert f"Reported by the paper ({LABEL})" in told
    assert re.search(r"student 20x, soft labels\s+97\.33\s+0\.5281\s+0\.8725", told)
    assert max(map(len, told.splitlines())) <= 100
    assert silent.splitlines()[0] in told


def test_compare_on_a_dataset_the_paper_lacks_shows_nothing_of_it(whole_run):
    comparison = compare([str(whole_run)], reported=True)
    assert [dataset.reported for dataset in comparison.datasets] == [None]
    assert printed(comparison) == printed(compare([str(whole_run)]))
