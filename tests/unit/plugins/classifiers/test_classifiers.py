"""Laws of the built-in classifiers: registration, saving and restoring, and weights from elsewhere."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tckr_plugins import classifiers

from tckr_bench.errors import OptionError, TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.records import LabelledImages, TrainingData

CONTEXT = Context()
TINY = {
    "dp-sgd": {"image_size": 8, "widths": [4, 8], "epochs": 1, "batch_size": 4},
    "ofa-mobilenetv3": {
        "configuration": "10_" + "_".join(["2-3-3", "2-3-3", "0-0-0", "0-0-0"] * 5),
        "image_size": 32,
        "epochs": 1,
    },
    "small-cnn": {"image_size": 8, "widths": [4, 8], "epochs": 1},
    "timm": {"model": "test_resnet", "image_size": 32, "epochs": 1},
}


def components():
    found = {}
    classifiers.register_classifiers(lambda component: found.update({component.name: component}))
    return found


def load(name, **options):
    component = components()[name]
    return component.load(component.parse_options(TINY[name] | options))


def task(classes=3, count=12):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, size=(count, 16, 16, 3), dtype=np.uint8)
    names = tuple(f"class {index}" for index in range(classes))
    return TrainingData(LabelledImages(images, generator.integers(classes, size=count)), names)


@pytest.mark.parametrize("name", sorted(TINY))
def test_a_restored_classifier_predicts_the_same_bits(name, tmp_path):
    data = task()
    first = load(name)
    first.fit(data, seed=3, context=CONTEXT)
    expected = first.predict(data.training.images, context=CONTEXT)
    first.save(tmp_path / "weights")
    files = ["classifier.json", "model.safetensors"]
    assert sorted(path.name for path in (tmp_path / "weights").iterdir()) == files
    second = load(name)
    second.restore(tmp_path / "weights", context=CONTEXT)
    np.testing.assert_array_equal(second.predict(data.training.images, context=CONTEXT), expected)
    second.save(tmp_path / "again")
    for file in files:
        assert (tmp_path / "weights" / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


@pytest.mark.parametrize("model", ["test_vit", "test_efficientnet"])
def test_timm_models_of_other_kinds_train_at_another_size(model):
    classifier = load("timm", model=model)
    classifier.fit(task(), seed=0, context=CONTEXT)
    assert np.isfinite(classifier.predict(task().training.images, context=CONTEXT)).all()


def test_a_folder_of_another_kind_is_refused(tmp_path):
    classifier = load("small-cnn")
    with pytest.raises(TckrError, match="cannot read"):
        classifier.restore(tmp_path, context=CONTEXT)
    classifier.fit(task(), seed=0, context=CONTEXT)
    classifier.save(tmp_path)
    with pytest.raises(TckrError, match="describes another classifier"):
        load("small-cnn", widths=[4, 16]).restore(tmp_path, context=CONTEXT)
    description = json.loads((tmp_path / "classifier.json").read_text())
    (tmp_path / "classifier.json").write_text(json.dumps(description | {"class_count": 7}))
    with pytest.raises(TckrError, match="do not fit"):
        load("small-cnn").restore(tmp_path, context=CONTEXT)
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(TckrError, match="cannot read"):
        load("small-cnn").restore(tmp_path, context=CONTEXT)


def timm_file(path, *, classes, model="test_resnet"):
    import timm
    import torch
    from safetensors.torch import save_file

    with torch.random.fork_rng():
        torch.manual_seed(11)
        weights = timm.create_model(model, num_classes=classes).state_dict()
    save_file(weights, path)
    return weights


@pytest.mark.parametrize("classes", [3, 10])
def test_local_weights_are_taken_up_whatever_their_head(classes, tmp_path):
    weights = timm_file(tmp_path / "base.safetensors", classes=classes)
    classifier = load("timm", weights=str(tmp_path / "base.safetensors"), epochs=0)
    classifier.fit(task(classes=3), seed=0, context=CONTEXT)
    found = classifier._network.state_dict()
    taken = [name for name, value in weights.items() if np.array_equal(found[f"body.{name}"], value)]
    assert len(taken) == len(weights) - (0 if classes == 3 else 2)
    assert found["mean"].tolist() == [127.5] * 3  # the model's own, not the images'


def test_weights_of_another_model_are_refused(tmp_path):
    timm_file(tmp_path / "other.safetensors", classes=3, model="test_vit")
    classifier = load("timm", weights=str(tmp_path / "other.safetensors"))
    with pytest.raises(TckrError, match="are not those of this model"):
        classifier.fit(task(), seed=0, context=CONTEXT)
    (tmp_path / "other.safetensors").write_bytes(b"not weights")
    with pytest.raises(TckrError, match="cannot read the weights"):
        classifier.fit(task(), seed=0, context=CONTEXT)


def test_replaced_weights_change_the_identity(tmp_path):
    component = components()["timm"]
    path = tmp_path / "base.safetensors"
    options = component.parse_options({"weights": str(path)})
    with pytest.raises(OptionError, match="cannot be read"):
        component.identity(options)
    identities = []
    for content in (b"one", b"two"):
        path.write_bytes(content)
        identities.append(component.identity(options))
    assert len(set(identities)) == 2
    assert component.identity(component.parse_options({})) == ""


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("small-cnn", {"epochs": -1}, "epochs"),
        ("small-cnn", {"widths": [16, 0]}, "widths"),
        ("small-cnn", {"learning_rate": 0}, "learning_rate"),
        ("small-cnn", {"epoch": 3}, "did you mean 'epochs'"),
        ("timm", {"weights": "model.pth"}, "safetensors"),
        ("timm", {"weights": "a.safetensors", "pretrained": True}, "not both"),
    ],
)
def test_wrong_options_are_named(name, given, said):
    with pytest.raises(OptionError, match=said):
        components()[name].parse_options(given)


def test_an_unknown_timm_model_is_named_with_the_nearest():
    with pytest.raises(OptionError, match="no model 'resnet_18'; did you mean 'resnet18'"):
        load("timm", model="resnet_18")


def test_every_option_is_described():
    for component in components().values():
        lacking = [name for name, field in component.options.model_fields.items() if not field.description]
        assert lacking == []


def test_small_cnn_is_small():
    from tckr_plugins.classifiers.options import SmallCnnOptions
    from tckr_plugins.classifiers.small_cnn import SmallCnn

    network = SmallCnn(class_count=10, widths=SmallCnnOptions().widths)
    assert 100_000 < sum(value.numel() for value in network.parameters()) < 320_000
