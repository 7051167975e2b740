"""Laws of the shared training loop, on data a few steps can learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tckr_plugins.classifiers import network, small_cnn, training
from tckr_plugins.classifiers.options import SmallCnnOptions

from tckr_bench.errors import TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.records import LabelledImages, TrainingData

CONTEXT = Context()
QUICK = {"image_size": 8, "widths": (8, 16), "batch_size": 16, "epochs": 6}
NAMES = ("dark", "left", "right")


def pictures(count=90, *, size=8, seed=0):
    """Three classes: all dark, bright on the left, bright on the right; noisy."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(3, size=count)
    images = generator.integers(0, 60, size=(count, size, size, 3))
    images[labels == 1, :, : size // 2] += 150
    images[labels == 2, :, size // 2 :] += 150
    return LabelledImages(images.astype(np.uint8), labels)


def fit(data=None, *, seed=0, context=CONTEXT, **options):
    data = data or TrainingData(pictures(), NAMES)
    classifier = small_cnn.load(SmallCnnOptions(**(QUICK | options)))
    return classifier, classifier.fit(data, seed=seed, context=context)


def accuracy(classifier, split):
    return (classifier.predict(split.images, context=CONTEXT).argmax(axis=1) == split.labels).mean()


def test_it_learns_and_reports_its_progress():
    fractions = []
    classifier, history = fit(context=Context(progress=fractions.append))
    assert accuracy(classifier, pictures(seed=1)) > 0.9
    assert history.losses[-1] < history.losses[0]
    assert (history.kept_epoch, history.validation_accuracies) == (6, ())
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_the_seed_alone_decides():
    state = torch.random.get_rng_state()
    first, _ = fit(seed=1)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(5)
    again, _ = fit(seed=1)
    other, _ = fit(seed=2)
    images = pictures(seed=1).images
    logits = [model.predict(images, context=CONTEXT) for model in (first, again, other)]
    np.testing.assert_array_equal(logits[0], logits[1])
    assert not np.array_equal(logits[0], logits[2])


def test_read_only_images_are_welcome():
    split = pictures()
    split.images.flags.writeable = False
    classifier, _ = fit(TrainingData(split, NAMES), epochs=1)
    assert classifier.predict(split.images, context=CONTEXT).shape == (90, 3)


def test_an_untrained_network_does_not_depend_on_the_labels():
    split = pictures()
    swapped = LabelledImages(split.images, (split.labels + 1) % 3)
    (first, history), (second, _) = (fit(TrainingData(data, NAMES), epochs=0) for data in (split, swapped))
    assert (history.losses, history.kept_epoch) == ((), 0)
    logits = [model.predict(split.images, context=CONTEXT) for model in (first, second)]
    np.testing.assert_array_equal(logits[0], logits[1])


def test_the_best_validation_epoch_is_kept_and_ties_go_to_the_later(monkeypatch):
    rights = iter([1, 3, 3, 2])
    snapshots = []

    def scripted(network, images, *, device):
        snapshots.append({name: value.clone() for name, value in network.state_dict().items()})
        return np.eye(2, dtype=np.float32)[(np.arange(4) >= next(rights)).astype(int)]

    monkeypatch.setattr(training, "predict", scripted)
    validation = LabelledImages(pictures(4).images, np.zeros(4, dtype=np.int64))
    classifier, history = fit(TrainingData(pictures(), NAMES, validation), epochs=4)
    assert history.validation_accuracies == (0.25, 0.75, 0.75, 0.5)
    assert history.kept_epoch == 3
    kept = classifier._network.state_dict()
    assert all(torch.equal(value, snapshots[2][name]) for name, value in kept.items())
    assert not torch.equal(kept["body.head.weight"], snapshots[3]["body.head.weight"])


def test_looking_at_the_validation_images_leaves_no_trace():
    plain, watched = (
        fit(TrainingData(pictures(), NAMES, validation), epochs=1)[0]._network.state_dict()
        for validation in (None, pictures(seed=1))
    )
    assert all(torch.equal(value, watched[name]) for name, value in plain.items())


def test_soft_labels_are_asked_on_the_augmented_batch():
    asked = []

    def teacher(images):
        asked.append(images.copy())
        return np.full((len(images), 3), [0.2, 0.3, 0.5], dtype=np.float32)

    split = pictures(40)
    classifier, history = fit(TrainingData(split, NAMES, teacher=teacher), epochs=20, padding=0.3)
    assert sum(len(batch) for batch in asked) == 20 * 40
    assert {batch.dtype for batch in asked} == {np.dtype(np.uint8)}
    originals = {image.tobytes() for image in split.images}
    assert sum(image.tobytes() in originals for image in asked[0]) < len(asked[0])
    logits = torch.tensor(classifier.predict(split.images, context=CONTEXT))
    np.testing.assert_allclose(logits.softmax(dim=1).mean(dim=0), [0.2, 0.3, 0.5], atol=0.1)
    entropy = -(0.2 * math.log(0.2) + 0.3 * math.log(0.3) + 0.5 * math.log(0.5))
    assert entropy - 1e-4 <= history.losses[-1] < entropy + 0.1  # the entropy is the least loss there is


def test_without_augmentation_every_image_is_seen_as_it_is():
    asked = []

    def teacher(images):
        asked.extend(image.tobytes() for image in images)
        return np.full((len(images), 3), 1 / 3, dtype=np.float32)

    split = pictures(40)
    fit(TrainingData(split, NAMES, teacher=teacher), epochs=2, augment=False, flip=True)
    assert sorted(asked) == sorted([image.tobytes() for image in split.images] * 2)


def test_larger_images_are_resized_in_training_and_in_prediction():
    large = pictures(size=24)
    classifier, _ = fit(TrainingData(large, NAMES))
    assert accuracy(classifier, pictures(size=24, seed=1)) > 0.9
    assert accuracy(classifier, pictures(size=4, seed=1)) > 0.9
    shrunk = network.resize(torch.tensor(large.images), 8).numpy()
    logits = [classifier.predict(images, context=CONTEXT) for images in (large.images, shrunk)]
    np.testing.assert_array_equal(logits[0], logits[1])


def test_prediction_takes_floats_and_any_number_of_images():
    classifier, _ = fit(epochs=1)
    images = pictures(600).images
    whole = classifier.predict(images, context=CONTEXT)
    assert (whole.shape, whole.dtype) == ((600, 3), np.float32)
    np.testing.assert_array_equal(classifier.predict(images.astype(np.float32), context=CONTEXT), whole)
    np.testing.assert_allclose(classifier.predict(images[:1], context=CONTEXT), whole[:1], atol=1e-5)
    assert classifier.predict(images[:0], context=CONTEXT).shape == (0, 3)


@pytest.mark.parametrize("count", [1, 17, 33])
def test_no_number_of_training_images_upsets_it(count):
    _, history = fit(TrainingData(pictures(count), NAMES), epochs=1)
    assert np.isfinite(history.losses).all()


def test_label_smoothing_lifts_the_least_possible_loss():
    _, sharp = fit(epochs=15)
    _, smooth = fit(epochs=15, label_smoothing=0.3)
    floor = -(0.8 * math.log(0.8) + 0.2 * math.log(0.1))  # 0.3 spread over three classes
    assert sharp.losses[-1] < floor - 0.2
    assert smooth.losses[-1] >= floor - 1e-3


def test_the_learning_rate_rises_then_falls():
    rates = [training.learning_rate_at(step, steps=50, peak=2.0, warmup=0.2) for step in range(50)]
    assert rates[:10] == sorted(rates[:10])
    assert rates[9] == rates[10] == 2.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.01


def test_channel_statistics_are_numpys():
    images = pictures().images
    mean, deviation = training.channel_statistics(images)
    np.testing.assert_allclose(mean, images.mean(axis=(0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(deviation, images.std(axis=(0, 1, 2)), rtol=1e-5)


def test_nothing_to_learn_and_divergence_are_the_users_to_mend():
    with pytest.raises(TckrError, match="0 images"):
        fit(TrainingData(pictures(0), NAMES))
    with pytest.raises(TckrError, match="lower the classifier's learning_rate"):
        fit(TrainingData(pictures(), NAMES, teacher=lambda images: np.full((len(images), 3), np.nan, np.float32)))
