"""Laws of the simple defences: softened logits, smoothed labels and an early end, as options of every classifier."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from tckr_plugins.classifiers import register_classifiers

from tckr_bench.errors import OptionError
from tckr_bench.plugin.contract import undone
from tckr_bench.plugin.protocols import Context
from tckr_bench.records import TrainingData
from tckr_bench.testing import fake_class_names, fake_images

CONTEXT = Context()
TINY = {
    "dp-sgd": {"image_size": 8, "epochs": 2, "batch_size": 15},
    "ofa-mobilenetv3": {"configuration": "10_" + "_".join(["2-3-3", "2-3-3", "0-0-0", "0-0-0"] * 5), "image_size": 32},
    "small-cnn": {"image_size": 8, "widths": [4, 8], "epochs": 3},
    "timm": {"model": "test_resnet", "image_size": 32},
}


def components():
    found = {}
    register_classifiers(lambda component: found.update({component.name: component}))
    return found


def load(name, **options):
    found = components()
    return found[name].load(found[name].parse_options({"epochs": 1} | TINY[name] | options))


def fitted(name, **options):
    classifier = load(name, **options)
    classifier.fit(TrainingData(fake_images(30, size=8), fake_class_names()), seed=0, context=CONTEXT)
    return classifier


def predicted(classifier):
    return classifier.predict(fake_images(20, size=8, seed=1).images, context=CONTEXT)


@pytest.mark.parametrize("name", sorted(TINY))
def test_a_temperature_softens_probabilities_and_keeps_predictions(name):
    plain, soft, sharp = (predicted(fitted(name, temperature=value)) for value in (1.0, 4.0, 0.5))
    np.testing.assert_allclose(soft, plain / 4, rtol=1e-6)
    np.testing.assert_allclose(sharp, plain * 2, rtol=1e-6)
    np.testing.assert_array_equal(soft.argmax(axis=1), plain.argmax(axis=1))
    assert soft.dtype == np.float32
    confidences = [softmax(logits, axis=1).max(axis=1) for logits in (soft, plain, sharp)]
    assert (confidences[0] < confidences[1]).all()
    assert (confidences[1] < confidences[2]).all()


@pytest.mark.parametrize("name", sorted(TINY))
def test_what_a_temperature_does_to_the_outputs_is_undone_to_the_bit_where_it_is_a_power_of_two(name):
    component = components()[name]
    options = component.parse_options({"epochs": 1} | TINY[name] | {"temperature": 4.0})
    found = undone(component, options, predicted(fitted(name, temperature=4.0)))
    np.testing.assert_array_equal(found, predicted(fitted(name)))


@pytest.mark.parametrize("name", ["dp-sgd", "small-cnn"])
def test_a_restored_classifier_releases_logits_at_the_temperature_of_its_options(name, tmp_path):
    first = fitted(name, temperature=3.0)
    first.save(tmp_path)
    for temperature, factor in ((3.0, 1.0), (1.0, 3.0)):
        second = load(name, temperature=temperature)
        second.restore(tmp_path, context=CONTEXT)
        np.testing.assert_allclose(predicted(second), predicted(first) * np.float32(factor), rtol=1e-6)


def test_label_smoothing_bounds_the_confidence_of_a_network_that_fits_its_labels():
    options = {"epochs": 60, "batch_size": 15, "widths": [8, 16], "augment": False}
    members = fake_images(30, size=8).images
    plain, smooth = (
        softmax(fitted("small-cnn", label_smoothing=value, **options).predict(members, context=CONTEXT), axis=1)
        for value in (0.0, 0.45)
    )
    assert plain.max(axis=1).mean() > 0.9
    assert smooth.max(axis=1).mean() == pytest.approx(1 - 0.45 + 0.45 / 3, abs=0.06)


def test_training_ends_early_by_epochs_or_by_patience():
    data = TrainingData(fake_images(30, size=8), fake_class_names(), validation=fake_images(30, size=8, seed=1))
    few, patient = (
        load("small-cnn", **options).fit(data, seed=0, context=CONTEXT)
        for options in ({"epochs": 4}, {"epochs": 200, "patience": 3})
    )
    assert len(few.losses) == 4
    accuracies = patient.validation_accuracies
    assert len(accuracies) < 200
    assert max(accuracies[-3:]) <= max(accuracies[:-3])


@pytest.mark.parametrize("temperature", [0, -1.0])
def test_a_temperature_is_above_zero(temperature):
    with pytest.raises(OptionError, match="temperature"):
        load("small-cnn", temperature=temperature)
