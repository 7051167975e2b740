"""Laws of differentially private training: the accountant, the noise, and what the guarantee says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import optimize, special, stats
from tckr_plugins.classifiers import dp_sgd, private_training, register_classifiers
from tckr_plugins.classifiers.edges import EdgeFeatures
from tckr_plugins.classifiers.options import DpSgdOptions
from tckr_plugins.classifiers.tuning import noise_reaching
from tckr_plugins.privacy.accounting import Sampling, epsilon_of, noise_for

from tckr_bench.errors import TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.records import LabelledImages, TrainingData
from tckr_bench.testing import check_classifier, check_component, fake_class_names, fake_images

CONTEXT = Context()
QUICK = {
    "network": "cnn",
    "image_size": 8,
    "widths": (8, 16),
    "batch_size": 30,
    "epochs": 4,
    "optimizer": "sgd",
    "learning_rate": 1.0,
    "delta": 1e-5,
    "augment": True,
}


def components():
    found = {}
    register_classifiers(lambda component: found.update({component.name: component}))
    return found


def task(count=90, *, validation=45):
    held = fake_images(validation, size=8, seed=1) if validation else None
    return TrainingData(fake_images(count, size=8), fake_class_names(), validation=held)


def fit(data=None, *, seed=0, **options):
    classifier = dp_sgd.load(DpSgdOptions(**(QUICK | options)))
    history = classifier.fit(data or task(), seed=seed, context=CONTEXT)
    return classifier, history


def logits(classifier):
    return classifier.predict(fake_images(30, size=8, seed=2).images, context=CONTEXT)


def renyi_epsilon(noise, rate, steps, delta):
    """The divergence of Mironov, Talwar and Zhang 2019, eq. 2, summed on a grid; converted as in Balle et al. 2020."""
    best = math.inf
    for order in np.concatenate([np.arange(1.25, 7, 0.25), np.arange(7, 64)]):
        grid = np.linspace(-15 * noise, order + 15 * noise, 20_001)
        log_ratio = np.logaddexp(math.log1p(-rate), math.log(rate) + (2 * grid - 1) / (2 * noise**2))
        log_moment = special.logsumexp(stats.norm.logpdf(grid, 0, noise) + order * log_ratio)
        renyi = steps * (log_moment + math.log(grid[1] - grid[0])) / (order - 1)
        best = min(best, renyi + math.log1p(-1 / order) - (math.log(delta) + math.log(order)) / (order - 1))
    return best


@pytest.mark.parametrize(("noise", "rate", "steps"), [(1.3, 0.128, 150), (2.0, 0.25, 80), (6.0, 0.1, 200)])
def test_epsilon_is_that_of_the_subsampled_gaussians_renyi_divergence(noise, rate, steps):
    found = epsilon_of(noise, sampling=Sampling(rate, steps), delta=1e-5)
    assert found == pytest.approx(renyi_epsilon(noise, rate, steps, 1e-5), rel=1e-3)


@pytest.mark.parametrize("noise", [2.0, 5.0, 10.0])
def test_without_subsampling_epsilon_bounds_the_gaussian_mechanisms_own(noise):
    """The exact curve: delta = F(1/2s - es) - exp(e) F(-1/2s - es) of Balle and Wang 2018; ten steps are one."""
    deviation = noise / math.sqrt(10)

    def excess(epsilon):
        near, far = 1 / (2 * deviation) - epsilon * deviation, -1 / (2 * deviation) - epsilon * deviation
        return stats.norm.cdf(near) - math.exp(epsilon) * stats.norm.cdf(far) - 1e-5

    exact = optimize.brentq(excess, 0, 100)
    found = epsilon_of(noise, sampling=Sampling(1.0, 10), delta=1e-5)
    assert exact < found < 1.15 * exact


def test_more_noise_means_a_smaller_epsilon_and_more_steps_a_larger_one():
    values = [epsilon_of(noise, sampling=Sampling(0.2, 50), delta=1e-5) for noise in (0.01, 0.5, 1.0, 4.0, 50.0)]
    assert values == sorted(values, reverse=True)
    assert epsilon_of(1.0, sampling=Sampling(0.2, 100), delta=1e-5) > values[2]
    assert epsilon_of(1.0, sampling=Sampling(0.4, 50), delta=1e-5) > values[2]
    assert all(map(math.isfinite, values))


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 8.0])
def test_the_noise_keeps_the_budget_and_hardly_more(epsilon):
    sampling = Sampling(0.2, 50)
    noise = noise_for(epsilon, sampling=sampling, delta=1e-5)
    assert 0.98 * epsilon <= epsilon_of(noise, sampling=sampling, delta=1e-5) <= epsilon


def test_a_budget_that_no_noise_keeps_is_named():
    with pytest.raises(TckrError, match="no noise keeps"):
        noise_for(1e-9, sampling=Sampling(1.0, 10_000), delta=1e-300)


def test_the_guarantee_is_what_was_asked_for_and_counts_every_step():
    _, history = fit(epsilon=3.0)
    assert history.guarantee is not None
    assert 2.9 <= history.guarantee.epsilon <= 3.0
    assert history.guarantee.delta == 1e-5
    assert "12 steps" in history.guarantee.accountant  # 90 images in 3 batches, 4 times
    assert len(history.losses) == len(history.validation_accuracies) == 4
    assert history.kept_epoch == 4  # the last, whatever private validation images say of the others


def test_given_noise_takes_precedence_over_epsilon():
    _, history = fit(epsilon=3.0, noise_multiplier=7.0)
    expected = epsilon_of(7.0, sampling=Sampling(1 / 3, 12), delta=1e-5)
    assert history.guarantee.epsilon == pytest.approx(expected)
    assert history.guarantee.epsilon < 2.9


def test_the_seed_alone_decides_and_no_global_state_changes():
    state = torch.random.get_rng_state()
    first, _ = fit(seed=1)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(5)
    again, _ = fit(seed=1)
    torch.random.set_rng_state(state)
    assert np.array_equal(logits(first), logits(again))
    assert not np.array_equal(logits(first), logits(fit(seed=2)[0]))


def test_it_learns_where_the_noise_is_small_and_nothing_where_it_is_large():
    quiet, _ = fit(noise_multiplier=0.05, epochs=8)
    loud, _ = fit(noise_multiplier=500.0, epochs=8)
    labels = fake_images(30, size=8, seed=2).labels
    assert (logits(quiet).argmax(axis=1) == labels).mean() > 0.9
    assert (logits(loud).argmax(axis=1) == labels).mean() < 0.7


class Released:
    """Takes down what each step hands to the optimizer before noise, and the noise itself."""

    def __init__(self, monkeypatch):
        self.sums, self.gradients = [], []
        release = private_training.PrivateSteps._release

        def noted(steps, sums):
            self.sums.append(torch.cat([value.flatten() for value in sums.values()]))
            release(steps, sums)
            self.gradients.append(torch.cat([value.grad.flatten() for value in steps._parameters.values()]))

        monkeypatch.setattr(private_training.PrivateSteps, "_release", noted)


def test_noise_has_the_deviation_that_the_accountant_is_told(monkeypatch):
    seen = Released(monkeypatch)
    fit(noise_multiplier=2.5, clip_norm=0.4, learning_rate=1e-6)
    noise = torch.cat([30 * gradient - total for gradient, total in zip(seen.gradients, seen.sums, strict=True)])
    assert float(noise.std()) == pytest.approx(2.5 * 0.4, rel=0.02)
    assert abs(float(noise.mean())) < 4 * 1.0 / math.sqrt(len(noise))
    half = len(noise) // 2
    assert abs(float(torch.corrcoef(torch.stack([noise[:half], noise[half : 2 * half]]))[0, 1])) < 0.05


@pytest.mark.parametrize("part", [256, 7])
def test_another_training_image_changes_a_step_by_twice_the_clip_norm_at_most(monkeypatch, part):
    monkeypatch.setattr(private_training, "PART", part)
    seen = Released(monkeypatch)
    data = task()
    images = data.training.images.copy()
    images[5] = 255 - images[5]
    other = TrainingData(
        LabelledImages(images, np.where(np.arange(90) == 5, 0, data.training.labels)), data.class_names
    )
    options = {"epochs": 1, "noise_multiplier": 1.0, "clip_norm": 0.01, "batch_size": 90, "learning_rate": 1e-9}
    for each in (data, other):
        fit(each, **options)
    change = float((seen.sums[0] - seen.sums[1]).norm())
    assert 0 < change <= 2 * 0.01 * (1 + 1e-4)
    assert float(seen.sums[0].norm()) > 0.02  # the sum itself may well be larger


def test_images_are_drawn_independently_with_the_rate_that_the_accountant_is_told(monkeypatch):
    drawn = []
    view = private_training.PrivateSteps._view

    def noted(steps, chosen):
        drawn.append(chosen)
        return view(steps, chosen)

    monkeypatch.setattr(private_training.PrivateSteps, "_view", noted)
    fit(task(validation=0), epochs=40, noise_multiplier=50.0)
    sizes = np.array([len(chosen) for chosen in drawn])
    assert len(sizes) == 120
    assert sizes.mean() == pytest.approx(30, abs=4 * math.sqrt(20 / 120))
    assert sizes.var() == pytest.approx(20, rel=0.6)  # binomial; batches of one size would have none
    assert all(len(torch.unique(chosen)) == len(chosen) for chosen in drawn)


def test_a_step_that_draws_nobody_is_noise_alone(monkeypatch):
    seen = Released(monkeypatch)
    fit(task(2, validation=0), batch_size=1, epochs=6, noise_multiplier=1.0)
    empty = [gradient for gradient, total in zip(seen.gradients, seen.sums, strict=True) if not total.any()]
    assert empty
    assert all(gradient.any() for gradient in empty)


def test_the_input_pipeline_tells_nothing_of_the_training_images():
    dark = TrainingData(LabelledImages(np.zeros((9, 8, 8, 3), dtype=np.uint8), np.arange(9) % 3), fake_class_names())
    networks = [fit(data, epochs=0)[0]._network.state_dict() for data in (dark, task())]
    assert all(torch.equal(networks[0][name], networks[1][name]) for name in networks[0])


def test_it_keeps_to_what_opacus_demands_of_a_network():
    from opacus.validators import ModuleValidator

    for options in ({"network": "edges"}, {"network": "cnn"}, {"network": "cnn", "widths": (4, 6)}):
        body = dp_sgd.PrivateArchitecture(DpSgdOptions(**options)).build(3, pretrained=False)
        assert ModuleValidator.validate(body.module.train()) == []


def test_an_untrained_network_promises_nothing():
    _, history = fit(epochs=0)
    assert (history.kept_epoch, history.guarantee) == (0, None)


@pytest.mark.parametrize(
    ("data", "options", "said"),
    [
        (TrainingData(fake_images(0, size=8), fake_class_names()), {}, "0 images"),
        (
            TrainingData(fake_images(9, size=8), fake_class_names(), teacher=lambda images: np.zeros((9, 3))),
            {},
            "hard labels only",
        ),
        (None, {"delta": 0.1}, "lower it well below 1.1e-02"),
        (None, {"learning_rate": 1e3, "weight_decay": 10.0, "epochs": 40}, "diverged"),
    ],
)
def test_what_cannot_be_trained_is_said(data, options, said):
    with pytest.raises(TckrError, match=said):
        fit(data, **options)


@pytest.mark.parametrize("network", ["edges", "cnn"])
def test_every_network_keeps_the_contract_of_classifiers(network, tmp_path):
    component = components()["dp-sgd"]
    check_component(component)
    check_classifier(component, {"network": network, "image_size": 16, "batch_size": 12}, tmp_path)


def test_features_computed_once_train_alike(monkeypatch):
    options = {"network": "edges", "augment": False, "image_size": 16, "noise_multiplier": 0.5, "epochs": 3}
    once, first = fit(**options)
    monkeypatch.setattr(private_training, "LinearOnEdges", dp_sgd.PrivateCnn)  # nothing counts as fixed any more
    again, second = fit(**options)
    np.testing.assert_allclose(logits(once), logits(again), atol=1e-4)
    assert first.validation_accuracies == second.validation_accuracies
    assert first.guarantee == second.guarantee


def test_a_tuned_classifier_just_reaches_the_accuracy_and_keeps_it_when_trained_again():
    options = {"network": "edges", "augment": False, "image_size": 16, "batch_size": 150, "epochs": 10}
    data, seen = task(150, validation=300), []
    classifier = dp_sgd.load(DpSgdOptions(**(QUICK | options)))
    found = classifier.tune(data, accuracy=0.8, seed=0, context=Context(progress=seen.append))
    assert set(found.options) == {"noise_multiplier"}
    assert found.matching.met
    assert found.matching.wanted == 0.8
    assert 2 <= found.matching.trainings <= 9
    assert seen[-1] == 1.0
    assert seen == sorted(seen)
    _, history = fit(data, **(options | {"epsilon": 3.0} | found.options))
    assert found.matching.reached == history.validation_accuracies[-1]
    assert 0.78 <= found.matching.reached <= 0.9
    noise = found.options["noise_multiplier"]
    assert history.guarantee.accountant.startswith(f"opacus rdp, noise {noise:.4g}")
    easier = classifier.tune(data, accuracy=0.5, seed=0, context=CONTEXT)
    assert easier.options["noise_multiplier"] > noise


def test_an_accuracy_out_of_reach_is_said_to_be_after_one_training():
    data = task(30)
    hopeless = TrainingData(
        data.training, data.class_names, LabelledImages(data.validation.images[:9], np.arange(9) % 2)
    )
    options = QUICK | {"network": "edges", "augment": False, "epochs": 1}
    found = dp_sgd.load(DpSgdOptions(**options)).tune(hopeless, accuracy=1.0, seed=0, context=CONTEXT)
    least = noise_for(1000.0, sampling=Sampling(1.0, 1), delta=1e-5)
    assert found.options["noise_multiplier"] == pytest.approx(least)
    assert not found.matching.met
    assert found.matching.reached < 0.9
    assert found.matching.trainings == 1


def test_tuning_asks_for_validation_images():
    with pytest.raises(TckrError, match="validation images"):
        dp_sgd.load(DpSgdOptions()).tune(task(validation=0), accuracy=0.5, seed=0, context=CONTEXT)


def test_the_noise_sought_is_the_most_that_was_seen_to_do():
    tried = []

    def reached(noise):
        tried.append(noise)
        return 0.9 if noise < 3 else 0.1

    found = noise_reaching(0.5, reached=reached, least=0.01, most=100.0)
    assert len(tried) == found.trainings == 9
    assert found.noise == max(noise for noise in tried if noise < 3)
    assert found.accuracy == 0.9


def test_the_promise_of_a_training_says_what_it_leaves_out():
    _, history = fit()
    assert history.guarantee.leaves_out == ("whatever its options were chosen on",)
    assert history.guarantee.matching is None


def test_edges_are_told_from_their_direction_whatever_the_light():
    image = np.full((1, 16, 16, 3), 100, dtype=np.float32)
    image[:, :, 8:] = 200
    turned, darker = image.transpose(0, 2, 1, 3), image / 2
    features = EdgeFeatures()
    rows = [features(torch.tensor(np.ascontiguousarray(each.transpose(0, 3, 1, 2))))[0] for each in (image, darker)]
    assert rows[0].shape == (EdgeFeatures.length,)
    assert float(rows[0].norm()) == pytest.approx(1)
    assert torch.allclose(rows[0], rows[1], atol=1e-3)
    other = features(torch.tensor(np.ascontiguousarray(turned.transpose(0, 3, 1, 2))))[0]
    assert float(rows[0] @ other) < 0.9
