"""Laws of recomputing: every metric of the list counts, and one that failed in the run may fail again."""

import pytest

from tckr_bench.plugin.registry import default_registry
from tckr_bench.results import recomputation
from tckr_bench.results.measuring import measure, own_metrics
from tckr_bench.results.recomputation import compute_measurements
from tckr_bench.testing import fake_cell_evidence

USES = [default_registry().use("metric", name, label=name, options={}) for name in ("accuracy", "auc-mia")]


def failing(error):
    def compute(use, evidence):
        if use.name == "accuracy":
            raise error
        return measure(use, evidence)

    return compute


def metrics(found):
    return {measurement.metric for measurement in found}


def test_without_a_list_the_harness_computes_its_own():
    found = metrics(compute_measurements(fake_cell_evidence()))
    assert {"accuracy", "worst-auc", "aop"} <= found <= set(own_metrics(default_registry()))


@pytest.mark.parametrize("error", [RuntimeError("a bug"), SystemExit(1)])
def test_a_metric_that_failed_in_the_run_may_fail_again_and_another_may_not(monkeypatch, error):
    monkeypatch.setattr(recomputation, "measure", failing(error))
    assert metrics(compute_measurements(fake_cell_evidence(), USES, excused={"accuracy"})) == {"auc-mia"}
    with pytest.raises(type(error)):
        compute_measurements(fake_cell_evidence(), USES, excused={"auc-mia"})


def test_what_a_metric_that_is_said_to_have_failed_gives_after_all_is_not_hidden():
    found = compute_measurements(fake_cell_evidence(), USES, excused={"accuracy", "auc-mia"})
    assert metrics(found) == {"accuracy", "auc-mia"}
