"""Runs and methods side by side."""

from __future__ import annotations

import dataclasses
import io
import shutil

import pytest
from rich.console import Console

from tckr_bench.errors import RunError
from tckr_bench.judging import metric_names
from tckr_bench.results.records import SeedResult
from tckr_bench.show.compare import compare, comparison_group

EVERY = {metric_names.ACCURACY, metric_names.WORST_AUC, metric_names.WORST_TPR, metric_names.AOP}
SOFT = "attributes-miniature-lora-small-cnn-soft-1x"


@pytest.fixture(scope="module")
def second_run(tmp_path_factory, made):
    return made.make_run(tmp_path_factory.mktemp("others") / "default-2", made.Plan(examples=120, salt=1))


def terminal(comparison):
    console = Console(width=100, file=io.StringIO(), color_system=None)
    console.print(comparison_group(comparison))
    return console.file.getvalue()


def test_a_run_is_set_against_its_baseline(whole_run):
    found = compare([str(whole_run)])
    (dataset,) = found.datasets
    (teacher,) = (row for row in dataset.rows if row.method == "teacher")
    assert len(dataset.rows) == 5
    assert teacher.differences == {}
    for row in (row for row in dataset.rows if row is not teacher):
        assert row.unpaired == ()
        assert set(row.differences) == EVERY
        change = row.differences[metric_names.ACCURACY].value
        assert change == pytest.approx(
            row.estimates[metric_names.ACCURACY].value - teacher.estimates[metric_names.ACCURACY].value
        )


def test_methods_are_looked_up_in_the_run_given(whole_run):
    (dataset,) = compare([SOFT, "noise"], whole_run).datasets
    assert {row.method for row in dataset.rows} == {"teacher", SOFT, "noise"}


def test_methods_are_looked_up_in_the_latest_run(tmp_path, whole_run):
    for age, name in enumerate(("new", "old")):
        shutil.copytree(whole_run, tmp_path / name)
        import os

        stamp = 1_700_000_000 - age
        os.utime(tmp_path / name / "run.json", (stamp, stamp))
    assert compare(["noise"], runs_folder=tmp_path).runs == ("new",)
    assert compare(["old", "noise"], runs_folder=tmp_path).runs == ("old",)


def test_runs_on_the_same_data_share_the_first_baseline(whole_run, second_run):
    (dataset,) = compare([str(whole_run), str(second_run), SOFT]).datasets
    rows = {(row.run, row.method): row for row in dataset.rows}
    references = {key: row.reference for key, row in rows.items()}
    assert references == {
        ("default-1", "teacher"): "",
        ("default-1", SOFT): "default-1/teacher",
        ("default-2", "teacher"): "default-1/teacher",
        ("default-2", SOFT): "default-1/teacher",
    }
    assert [row.run for row in dataset.rows] == ["default-1"] * 2 + ["default-2"] * 2
    assert rows["default-2", SOFT].unpaired == ()
    assert dataset.notes == ()


def test_other_data_are_compared_within_their_run_only(whole_run, second_run, tmp_path, made):
    other = tmp_path / "elsewhere"
    shutil.copytree(second_run, other)
    made.change_run(
        other,
        lambda record: dataclasses.replace(
            record, description=dataclasses.replace(record.description, fingerprint="cd" * 32)
        ),
        track="paper",
    )
    (dataset,) = compare([str(whole_run), str(other), SOFT]).datasets
    rows = {(row.run, row.method): row for row in dataset.rows}
    assert rows["elsewhere", SOFT].reference == "elsewhere/teacher"
    assert any("has other data than default-1" in note for note in dataset.notes)
    assert any("is on another track" in note for note in dataset.notes)


def test_without_scores_differences_are_marked_as_unpaired(run_copy):
    for path in (run_copy / "records").rglob("*.parquet"):
        path.unlink()
    comparison = compare([SOFT], run_copy)
    (dataset,) = comparison.datasets
    (row,) = (row for row in dataset.rows if row.method == SOFT)
    assert set(row.unpaired) == EVERY
    shown = terminal(comparison)
    assert "Δ* " in shown
    assert "added in quadrature" in shown
    assert "NOT TRUSTWORTHY" in shown


def test_the_table_fits_100_columns(whole_run, second_run):
    shown = terminal(compare([str(whole_run), str(second_run)]))
    assert max(map(len, shown.splitlines())) <= 100
    assert "Δ" in shown
    assert "default-1/" in shown


def test_a_failed_method_is_shown_with_its_reason(run_copy, made):
    def fail(record):
        seeds = tuple(SeedResult(result.seed, "failed", failure="[red]killed[/red]") for result in record.seeds)
        return dataclasses.replace(record, seeds=seeds) if record.method.name == SOFT else record

    made.change_run(run_copy, fail)
    shown = terminal(compare([SOFT], run_copy))
    assert "[red]killed[/red]" in shown
    assert "minus real data" not in shown


def test_every_row_names_the_attack_its_auc_is_of(whole_run):
    comparison = compare([str(whole_run)])
    shown = " ".join(terminal(comparison).split())
    for row in comparison.datasets[0].rows:
        assert row.attack in ("lira", "loss")
        assert f"worst attack {row.attack}" in shown


@pytest.mark.parametrize("name", ["noize", "memoriser"])
def test_an_unknown_method_names_the_nearest(whole_run, name):
    with pytest.raises(RunError, match=f"neither a run nor a method '{name}'; did you mean"):
        compare([name], whole_run)


def test_an_unknown_run_names_the_nearest(tmp_path, whole_run):
    shutil.copytree(whole_run, tmp_path / "default")
    with pytest.raises(RunError, match=r"did you mean '.*default'"):
        compare([str(tmp_path / "defalt")], runs_folder=tmp_path)
    with pytest.raises(RunError, match="there is no run in"):
        compare(["noise"], runs_folder=tmp_path / "nothing")
