"""Laws of inheritance: who sees a row's outputs sees those that they determine, and attacks the weaker of the two."""

from __future__ import annotations

import numpy as np
import pytest
from audited_runs import AuditedCell, audited_cells, audited_run

from tckr_bench.judging import metric_names
from tckr_bench.judging.inheritance import judged_cells
from tckr_bench.judging.remarks import remarks_of
from tckr_bench.judging.rows import build_leaderboard, verified_leaderboard
from tckr_bench.results.outputs import outline
from tckr_bench.results.verify import verified

LOGITS = np.random.default_rng(0).normal(size=(50, 10)).astype(np.float32)


def rows_of(made, outputs, **measurements):
    """Return the rows of the usual cells and some defences, with the outputs named and others for all other rows."""
    cells = made.stated_cells()
    for name, found in measurements.items():
        cells[name] = made.stated_record(made.plain_method(name, "defended"), found)
    run = made.results_of(cells.values())
    (board,) = build_leaderboard(run, control_limits={}, outlines=outlines_of(run, outputs)).boards
    return {row.method.name: row for row in board.rows}


def outlines_of(run, outputs):
    others = {record.method.name: np.random.default_rng(index) for index, record in enumerate(run.records, 1)}
    logits = {name: outputs.get(name, generator.normal(size=LOGITS.shape)) for name, generator in others.items()}
    return {(record.dataset, record.method.name, 0): outline(logits[record.method.name]) for record in run.records}


def test_a_row_whose_outputs_determine_another_counts_with_its_worst_attack(made):
    rows = rows_of(
        made, {"teacher": LOGITS, "softened": LOGITS / 4, "other": 2 * LOGITS**3},
        softened=made.measurements_for(0.84, 0.55), other=made.measurements_for(0.84, 0.55),
    )  # fmt: skip
    for name in (metric_names.WORST_AUC, metric_names.WORST_TPR, metric_names.AOP):
        assert rows["softened"].get(name) == rows["teacher"].get(name)
    assert rows["other"].get(metric_names.WORST_AUC).value == pytest.approx(0.55)
    assert rows["softened"].rank == rows["teacher"].rank
    assert not rows["softened"].pareto  # 'other' is as accurate, and safer
    assert rows["softened"].same_outputs == ("teacher",)
    assert rows["other"].same_outputs == ()


def test_without_its_own_outputs_the_same_row_would_have_been_ranked_first(made):
    rows = rows_of(made, {"teacher": LOGITS}, softened=made.measurements_for(0.84, 0.51))
    assert rows["softened"].rank == 1
    assert rows["softened"].pareto


def test_inheritance_goes_both_ways_and_takes_the_worst(made):
    rows = rows_of(made, {"teacher": LOGITS, "softened": LOGITS / 4}, softened=made.measurements_for(0.84, 0.75))
    assert rows["teacher"].get(metric_names.WORST_AUC).value == pytest.approx(0.75)
    assert rows["teacher"].same_outputs == ("softened",)


def test_a_remark_names_the_row_whose_worst_attack_counts(made):
    rows = rows_of(made, {"teacher": LOGITS, "softened": LOGITS / 4}, softened=made.measurements_for(0.84, 0.55))
    said = " ".join(remarks_of(rows["softened"]))
    assert "Its outputs are those of teacher but for their scale" in said
    assert "but for their scale" not in " ".join(remarks_of(rows[made.synthetic("lora", "soft").name]))


def test_controls_inherit_nothing_and_leave_nothing(made):
    run = made.results_of(made.stated_cells().values())
    outlines = outlines_of(run, {"teacher": LOGITS, "overfit": LOGITS, "memorizer": LOGITS})
    for record in run.records:
        (cell,) = judged_cells(record, run.records, outlines=outlines)
        assert cell.measurements == record.seeds[0].measurements
        assert cell.same_outputs == ()


@pytest.fixture(scope="module")
def softened_run(tmp_path_factory, made):
    """An audit with a defence whose saved outputs are the teacher's over 4, and whose attacks did not undo that."""
    soft = AuditedCell(made.plain_method("softened", "defended"), 0.842, 0.1)
    return audited_run(
        tmp_path_factory.mktemp("softened") / "audit",
        made,
        examples=120,
        cells=(*audited_cells(made), soft),
        outputs={"softened": lambda found: found["teacher"] / np.float32(4)},
    )


def test_what_was_saved_of_a_run_suffices_to_see_it(softened_run):
    found = verified(softened_run)
    assert not found.mismatches
    (board,) = verified_leaderboard(found).boards
    rows = {row.method.name: row for row in board.rows}
    assert rows["softened"].get(metric_names.AOP).value <= rows["teacher"].get(metric_names.AOP).value
    assert rows["softened"].get(metric_names.WORST_AUC) == rows["teacher"].get(metric_names.WORST_AUC)
    assert rows["softened"].same_outputs == ("teacher",)
