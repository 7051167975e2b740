"""Laws of the one way in for measurements: sound, declared, once, from evidence that cannot be written to."""

import dataclasses
import math

import numpy as np
import pytest

from tckr_bench.plugin.registry import Registration, Registry, default_registry
from tckr_bench.records import LabelledImages, Measurement, read_only
from tckr_bench.results.measuring import TOLERANCE, admitted, measure, own_metrics
from tckr_bench.testing import fake_cell_evidence

SOUND = Measurement("share", 0.5, 0.4, 0.6, "made up", 10, "lira")


def admit(*found):
    return admitted(found, names={"share"}, attacks={"lira": None, "loss": None})


def test_sound_measurements_come_through_as_they_are():
    other = dataclasses.replace(SOUND, attack="loss")
    assert admit(SOUND, other) == (SOUND, other)
    assert admit() == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"metric": "accuracy"}, "declared are: share"),
        ({"attack": "invented"}, "not made"),
        ({"value": math.nan}, "not finite"),
        ({"high": math.inf}, "not finite"),
        ({"value": 0.7}, "lies outside"),
        ({"low": 0.7, "high": 0.3}, "lies outside"),
    ],
)
def test_a_measurement_that_cannot_be_what_it_says_is_not_admitted(changes, reason):
    with pytest.raises(ValueError, match=reason):
        admit(dataclasses.replace(SOUND, **changes))


def test_a_value_may_stray_from_its_interval_by_rounding_alone():
    admit(dataclasses.replace(SOUND, value=0.6 + TOLERANCE / 2))
    with pytest.raises(ValueError, match="lies outside"):
        admit(dataclasses.replace(SOUND, value=0.6 + 2 * TOLERANCE))


def test_the_same_measurement_comes_once():
    with pytest.raises(ValueError, match="there twice"):
        admit(SOUND, SOUND)


def test_numbers_of_arrays_become_plain_ones():
    (found,) = admit(Measurement("share", np.float32(0.5), np.float64(0.4), np.float32(0.75), "", np.int64(3)))
    assert [type(part) for part in (found.value, found.low, found.high, found.examples)] == [float, float, float, int]


def test_a_metric_computes_the_same_on_evidence_it_cannot_write_to():
    registry = default_registry()
    use = registry.use("metric", "auc-mia", label="auc-mia", options={})
    evidence = fake_cell_evidence()
    assert list(measure(use, evidence)) == registry.load(use).compute(evidence)


def test_what_is_read_only_is_so_all_the_way_down_and_the_owners_arrays_are_not():
    evidence = fake_cell_evidence()
    shown = read_only(evidence)
    scores = shown.attacks["fake"]
    for array in (shown.test_logits, scores.scores, scores.members, scores.audit.aucs, scores.copies.to_members):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    evidence.attacks["fake"].scores[0] = 7.0
    assert scores.scores[0] == 7.0


def test_what_is_no_record_of_the_harness_is_handed_on_as_it_is():
    @dataclasses.dataclass
    class Generator:
        weights: np.ndarray

    generator = Generator(np.zeros(1))
    assert read_only((generator, "text"))[0] is generator
    assert read_only(LabelledImages(np.zeros((0, 1, 1, 3), np.uint8), np.zeros(0, np.int64))).images.shape[0] == 0


def test_the_harness_names_its_own_metrics_and_not_what_is_installed_beside_them():
    registry, own = Registry(), default_registry().get("metric", "accuracy")
    registry.add(own)
    quantity = dataclasses.replace(own.component.quantities[0], name="theirs")
    theirs = dataclasses.replace(own.component, name="theirs", quantities=(quantity,))
    registry.add(Registration(family="metric", component=theirs, distribution="tckr-bench-extras 1"))
    assert own_metrics(registry) == ("accuracy",)
    assert {"accuracy", "worst-auc", "aop"} <= set(own_metrics(default_registry()))
