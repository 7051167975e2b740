"""Laws of the paper's recipe: its options, early stopping, MixUp, and the devices it may run on (as fakes)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tckr_plugins import classifiers
from tckr_plugins.classifiers import batches, network, small_cnn, steps, training
from tckr_plugins.classifiers.augmentation import mix_up, smooth_labels
from tckr_plugins.classifiers.options import PAPER_RECIPE, OfaOptions, SmallCnnOptions, TimmOptions
from torch.nn import functional

from tckr_bench.errors import TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.records import LabelledImages, TrainingData

CONTEXT = Context()
QUICK = {"image_size": 8, "widths": (4, 8), "batch_size": 16, "epochs": 2}
NAMES = ("a", "b", "c")


def pictures(count=40, *, size=8, seed=0):
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, size=(count, size, size, 3), dtype=np.uint8)
    return LabelledImages(images, generator.integers(3, size=count))


def fit(data=None, *, seed=0, context=CONTEXT, **options):
    classifier = small_cnn.load(SmallCnnOptions(**(QUICK | options)))
    return classifier, classifier.fit(data or TrainingData(pictures(), NAMES), seed=seed, context=context)


def same_weights(first, second, *, exactly=True):
    pairs = zip(first._network.state_dict().values(), second._network.state_dict().values(), strict=True)
    return all(torch.equal(a, b) if exactly else torch.allclose(a.float(), b.float(), atol=1e-4) for a, b in pairs)


def test_one_option_asks_for_the_papers_recipe_and_its_values_are_in_the_record():
    found = {}
    classifiers.register_classifiers(lambda entry: found.update({entry.name: entry}))
    for component in found.values():
        if "recipe" not in component.options.model_fields:  # dp-sgd has a loop of its own
            continue
        resolved = component.parse_options({"recipe": "paper", "epochs": 3})
        record = resolved.model_dump(mode="json")
        assert record == record | dict(PAPER_RECIPE) | {"epochs": 3, "recipe": "paper"}
        assert component.parse_options(record) == resolved
        assert component.parse_options({}).recipe == "plain"


def test_the_papers_recipe_is_the_published_one():
    options = OfaOptions(recipe="paper")
    assert (options.image_size, options.batch_size, options.learning_rate, options.weight_decay) == (
        224,
        96,
        1e-3,
        5e-5,
    )
    assert (options.label_smoothing, options.padding, options.patience, options.mixup) == (0.1, 0.1, 30, 1.0)
    assert options.flip
    assert options.augmix
    assert (options.warmup, options.normalisation) == (0.0, "dataset")


def test_every_part_of_the_recipe_is_off_unless_asked_for():
    for options in (SmallCnnOptions(), TimmOptions(), OfaOptions()):
        assert not options.augmix
        assert (options.mixup, options.patience, options.precision) == (0.0, 0, "float32")
        assert options.normalisation == "pretraining"


def test_the_papers_recipe_learns():
    split = pictures()
    split.images[split.labels == 1] //= 4
    split.images[split.labels == 2] = 255 - split.images[split.labels == 2] // 4
    data = TrainingData(split, NAMES)
    classifier, history = fit(data, recipe="paper", epochs=12, learning_rate=1e-2)
    assert history.losses[-1] < history.losses[0]
    logits = classifier.predict(split.images, context=CONTEXT)
    assert (logits.argmax(axis=1) == split.labels).mean() > 0.8
    first, again = (fit(data, recipe="paper", epochs=1)[0] for _ in range(2))
    assert same_weights(first, again)


@pytest.mark.parametrize("option", [{"augmix": True}, {"mixup": 1.0}])
def test_without_augmentation_nothing_is_mixed(option):
    plain, _ = fit(augment=False)
    asked, _ = fit(augment=False, **option)
    changed, _ = fit(**option)
    assert same_weights(plain, asked)
    assert not same_weights(fit()[0], changed)


def test_mixup_is_for_hard_labels_only():
    data = TrainingData(pictures(), NAMES, teacher=lambda images: np.full((len(images), 3), 1 / 3, np.float32))
    assert same_weights(fit(data)[0], fit(data, mixup=1.0)[0])


def test_the_teacher_sees_the_mixed_images_the_student_sees():
    asked = []

    def teacher(images):
        asked.append(images)
        return np.full((len(images), 3), 1 / 3, np.float32)

    data = TrainingData(pictures(), NAMES, teacher=teacher)
    options = SmallCnnOptions(**QUICK, augmix=True)
    seen = list(batches.Batches(data, image_size=8, options=options, seed=0, device="cpu").epoch())
    assert all(np.array_equal(images.numpy(), their) for (images, _), their in zip(seen, asked, strict=True))
    plain = options.model_copy(update={"augmix": False})
    before = list(batches.Batches(data, image_size=8, options=plain, seed=0, device="cpu").epoch())
    assert not torch.equal(seen[0][0], before[0][0])


def test_mixup_blends_as_torchvision_does():
    from torchvision.transforms import v2

    images = torch.rand(6, 4, 4, 3) * 255
    labels = torch.tensor([0, 1, 2, 2, 1, 0])
    mixed = v2.MixUp(num_classes=3)
    expected = mixed.transform(images.permute(0, 3, 1, 2), {"lam": 0.3, "labels": labels, "batch_size": 6})
    found, targets = mix_up(images, smooth_labels(labels, classes=3, smoothing=0.0), share=0.3)
    torch.testing.assert_close(found.permute(0, 3, 1, 2), expected)
    theirs = 0.3 * functional.one_hot(labels, 3) + 0.7 * functional.one_hot(labels.roll(1), 3)
    torch.testing.assert_close(targets, theirs)


def test_smoothed_targets_give_the_loss_of_smoothed_labels():
    logits, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    targets = smooth_labels(labels, classes=3, smoothing=0.2)
    expected = functional.cross_entropy(logits, labels, label_smoothing=0.2)
    torch.testing.assert_close(functional.cross_entropy(logits, targets), expected)


def test_mixup_draws_its_share_anew_for_every_batch():
    options = SmallCnnOptions(**(QUICK | {"batch_size": 2, "mixup": 1.0, "padding": 0.0}))
    images = np.zeros((400, 8, 8, 3), dtype=np.uint8)
    data = TrainingData(LabelledImages(images, np.arange(400) % 3), NAMES)
    found = batches.Batches(data, image_size=8, options=options, seed=0, device="cpu").epoch()
    shares = [float(targets.max()) for _, targets in found if int((targets > 0).sum()) == 4]
    assert len(set(shares)) == len(shares) > 80
    assert np.mean(shares) == pytest.approx(0.75, abs=0.05)  # of the larger part, where the smaller is uniform
    assert all(0.5 <= share <= 1 for share in shares)


@pytest.mark.parametrize(
    ("patience", "epochs", "kept"),
    [(0, 6, 6), (1, 3, 2), (2, 4, 2), (3, 6, 6)],
)
def test_training_stops_when_validation_stops_to_get_better(patience, epochs, kept, monkeypatch):
    rights = iter([1, 3, 2, 2, 4, 4])
    monkeypatch.setattr(
        training,
        "predict",
        lambda _network, _images, *, device: np.eye(2, dtype=np.float32)[(np.arange(4) >= next(rights)).astype(int)],
    )
    fractions = []
    validation = LabelledImages(pictures(4).images, np.zeros(4, dtype=np.int64))
    data = TrainingData(pictures(), NAMES, validation)
    _, history = fit(data, context=Context(progress=fractions.append), epochs=6, patience=patience)
    assert len(history.losses) == len(history.validation_accuracies) == epochs
    assert history.kept_epoch == kept
    assert fractions[-1] == 1.0


def test_patience_needs_validation_images():
    assert len(fit(patience=1, epochs=4)[1].losses) == 4


def test_the_input_is_normalised_by_the_training_images_if_asked(tmp_path):
    data = TrainingData(pictures(), NAMES)
    classifier = small_cnn.load(SmallCnnOptions(**QUICK, normalisation="dataset"))
    body = small_cnn.SmallCnnArchitecture(SmallCnnOptions(**QUICK)).build(3, pretrained=True)
    known = small_cnn.Body(body.module, statistics=(torch.full((3,), 9.0), torch.ones(3)))
    classifier._architecture = type("Known", (), {"build": lambda *_args, **_given: known, "image_size": 8})()
    classifier.fit(data, seed=0, context=CONTEXT)
    mean, _ = training.channel_statistics(data.training.images)
    torch.testing.assert_close(classifier._network.mean, mean)
    classifier._options = SmallCnnOptions(**QUICK)
    classifier.fit(data, seed=0, context=CONTEXT)
    assert classifier._network.mean.tolist() == [9.0] * 3


class Crowded(torch.nn.Module):
    """A network without norms whose device has room for a few images at a time."""

    def __init__(self, room, *, image_size=8):
        super().__init__()
        self.image_size = image_size
        self.room = room
        self.seen = []
        self.head = torch.nn.Linear(image_size**2 * 3, 3)

    def forward(self, images):
        if len(images) > self.room:
            raise torch.OutOfMemoryError("no room")
        self.seen.append(len(images))
        return self.head(images.flatten(1).float() / 255)


def crowded_step(room, count=10):
    torch.manual_seed(0)
    model = Crowded(room)
    taken = steps.Steps(model, options=SmallCnnOptions(**QUICK), device="cpu")
    split = pictures(count)
    images, labels = torch.from_numpy(split.images), torch.from_numpy(split.labels)
    losses = [taken.take(images, labels, rate=1e-3).item() for _ in range(2)]
    return model, losses


@pytest.mark.parametrize("room", [1, 3, 5])
def test_a_step_in_parts_is_the_step_in_one(room):
    with torch.random.fork_rng():
        whole, expected = crowded_step(10)
        parted, found = crowded_step(room)
    assert whole.seen == [10, 10]
    assert max(parted.seen) <= room
    assert found == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(parted.head.weight, whole.head.weight)


def test_memory_for_not_one_image_is_the_users_to_mend(monkeypatch):
    with torch.random.fork_rng(), pytest.raises(TckrError, match="no memory to train on one image"):
        crowded_step(0)
    with pytest.raises(TckrError, match="no memory for one image"):
        network.predict(Crowded(0), pictures().images, device="cpu")


def test_prediction_in_parts_is_prediction_in_one():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Crowded(3)
    images = pictures(20).images
    found = network.predict(model, images, device="cpu")
    model.room = 1000
    torch.testing.assert_close(torch.tensor(found), torch.tensor(network.predict(model, images, device="cpu")))
    assert sum(model.seen) == 40
    assert network.predict(model, images[:0], device="cpu").shape == (0, 3)


def test_large_images_are_predicted_in_smaller_batches():
    model = Crowded(10_000, image_size=256)
    network.predict(model, np.zeros((40, 256, 256, 3), dtype=np.uint8), device="cpu")
    assert model.seen == [32, 8]


@pytest.mark.parametrize(
    ("device", "size", "fitting"), [("cuda", 25, True), ("cuda", 26, False), ("cpu", 1, False), ("mps", 1, False)]
)
def test_images_move_to_the_device_once_where_they_take_a_share_of_it(device, size, fitting, monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (100, 1000))
    assert batches.fits(size, torch.device(device)) == fitting


@pytest.mark.parametrize(
    ("precision", "dtype", "scaled"),
    [("float32", None, False), ("bfloat16", torch.bfloat16, False), ("float16", torch.float16, True)],
)
def test_precision_is_lowered_on_cuda_alone(precision, dtype, scaled, monkeypatch):
    asked = []
    monkeypatch.setattr(torch.amp, "GradScaler", lambda kind, *, enabled: asked.append((kind, enabled)))
    options = SmallCnnOptions(**QUICK, precision=precision)
    for device, expected in (("cuda", dtype), ("cpu", None), ("mps", None)):
        assert steps.Steps(torch.nn.Linear(2, 2), options=options, device=device)._dtype is expected
    assert asked == [("cuda", scaled), ("cuda", False), ("cuda", False)]
