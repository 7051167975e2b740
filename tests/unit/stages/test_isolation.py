"""Laws of isolation: a plugin that fails costs its own measurements, is named, and is tried again."""

import errno
import os

import numpy as np
import pytest
from stage_worlds import FakeAttack, FakeMetric

from tckr_bench.errors import NotApplicableError, TckrError
from tckr_bench.records import Measurement, ThreatModel
from tckr_bench.results.scores import read_scores as read_saved_scores
from tckr_bench.stages.attack import read_scores
from tckr_bench.stages.inapplicable import read_reason
from tckr_bench.stages.isolation import FAILURES_FILE, read_failures
from tckr_bench.stages.measure import SCORES_FILE, read_measured


class Raising:
    threat_model = ThreatModel(sees="logits", owns="nothing")

    def __init__(self, error):
        self.error = error

    def score(self, evidence):
        raise self.error

    compute = score


class Returning(FakeAttack):
    def __init__(self, make):
        self.score = make
        self.compute = make


def writes_to_an_attack(evidence):
    evidence.shadow_logits[...] = 0
    evidence.target_logits[0] = 0
    return np.zeros(len(evidence.labels))


BAD_ATTACKS = {
    "RuntimeError: the plugin has a bug": Raising(RuntimeError("the plugin has a bug\nof two lines")),
    "SystemExit": Raising(SystemExit(3)),
    "TckrError": Raising(TckrError()),
    "KeyboardInterrupt": Raising(KeyboardInterrupt()),
    "must return 36 scores": Returning(lambda evidence: np.zeros(3)),
    "finite": Returning(lambda evidence: np.full(len(evidence.labels), np.nan)),
    "read-only": Returning(writes_to_an_attack),
}


@pytest.fixture
def data(world):
    return world.prepared()


@pytest.fixture
def target(world):
    return world.trained()


@pytest.mark.parametrize("reason", BAD_ATTACKS)
def test_an_attack_that_fails_leaves_no_scores_and_says_whose_fault_it_is(world, data, target, reason):
    folder = world.attacked(BAD_ATTACKS[reason], "bad", data=data, target=target)
    assert read_scores(folder, label="bad") is None
    (failure,) = read_failures(folder)
    assert failure.label == "bad"
    assert failure.reason.startswith("bad of somebody 1: ")
    assert reason in failure.reason
    assert "\n" not in failure.reason
    assert "Traceback" in failure.traceback


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])
def test_what_the_machine_lacks_is_no_fault_of_the_plugin(world, data, target, error):
    with pytest.raises(type(error)):
        world.attacked(Raising(error), "unlucky", data=data, target=target)
    with pytest.raises(type(error)):
        world.measured({"unlucky": Raising(error)}, data=data, target=target)


def test_an_attack_that_does_not_apply_has_not_failed(world, data, target):
    folder = world.attacked(Raising(NotApplicableError("no generator here")), "elsewhere", data=data, target=target)
    assert read_reason(folder) == "no generator here"
    assert read_failures(folder) == ()
    assert read_scores(folder, label="elsewhere") is None


def test_an_attack_that_succeeds_is_not_marked(world, data, target):
    folder = world.attacked(FakeAttack(), "fine", data=data, target=target)
    assert not (folder / FAILURES_FILE).exists()
    assert len(read_scores(folder, label="fine").scores) == 36


def test_a_failed_attack_costs_the_cell_that_attack_alone(world, data, target):
    attacks = [
        world.attacked(made, name, data=data, target=target)
        for name, made in (("bad", Raising(RuntimeError("a bug"))), ("fine", FakeAttack()))
    ]
    folder = world.measured({"own": FakeMetric("own")}, data=data, target=target, attacks=attacks)
    assert list(read_saved_scores(folder / SCORES_FILE).attacks) == ["fine"]
    assert [measurement.metric for measurement in read_measured(folder).measurements] == ["own"]
    assert [failure.label for failure in read_failures(folder)] == ["bad"]


def overwriting(evidence):
    evidence.attacks["fine"].scores[:] = 0
    return []


BAD_METRICS = {
    "RuntimeError": Raising(RuntimeError("a bug")),
    "SystemExit": Raising(SystemExit("gone")),
    "KeyboardInterrupt": Raising(KeyboardInterrupt()),
    "read-only": Returning(overwriting),
    "declared are: bad": Returning(lambda evidence: [Measurement("own", 1.0, 1.0, 1.0, "stolen", 1)]),
    "not finite": Returning(lambda evidence: [Measurement("bad", float("nan"), 0.0, 1.0, "", 1)]),
    "lies outside": Returning(lambda evidence: [Measurement("bad", 0.5, 0.6, 0.7, "", 1)]),
    "not made": Returning(lambda evidence: [Measurement("bad", 0.5, 0.4, 0.7, "", 1, "invented")]),
    "it returned int": Returning(lambda evidence: [1]),
}


@pytest.mark.parametrize("reason", BAD_METRICS)
def test_a_metric_that_fails_costs_its_own_measurements_and_no_others(world, data, target, reason):
    attacks = [world.attacked(FakeAttack(), "fine", data=data, target=target)]
    metrics = {"own": FakeMetric("own"), "bad": BAD_METRICS[reason], "last": FakeMetric("last")}
    folder = world.measured(metrics, data=data, target=target, attacks=attacks)
    found = read_measured(folder).measurements
    assert [(measurement.metric, measurement.value) for measurement in found] == [("own", 0.5), ("last", 0.5)]
    (failure,) = read_failures(folder)
    assert failure.label == "bad"
    assert reason in failure.reason
