"""Laws of the Once-for-All sub-networks; a plain functional network with the package's names is the reference."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tckr_plugins import classifiers
from tckr_plugins.classifiers.ofa_configuration import (
    PAPER_CONFIGURATIONS,
    forward_operations,
    parse_configuration,
    squeezed_channels,
)
from tckr_plugins.classifiers.ofa_models import build_network, rename_original
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from tckr_bench.errors import OptionError, TckrError
from tckr_bench.plugin.protocols import Context
from tckr_bench.records import LabelledImages, TrainingData

CONTEXT = Context()
LARGEST = "10_" + "_".join(["4-7-6"] * 20)
SMALLEST = "10_" + "_".join(["2-3-3", "2-3-3", "0-0-0", "0-0-0"] * 5)
MIXED = "10_2-5-3_2-3-4_0-0-0_0-0-0_" + "_".join(
    ["2-7-3", "2-3-6", "0-0-0", "0-0-0"] + ["3-5-4"] * 3 + ["0-0-0"] + ["2-3-3", "2-5-3", "0-0-0", "0-0-0"] * 2
)
STAGES = (
    (24, 2, False, "relu"),
    (40, 2, True, "relu"),
    (80, 2, False, "swish"),
    (112, 1, True, "swish"),
    (160, 2, True, "swish"),
)


def component():
    found = {}
    classifiers.register_classifiers(lambda entry: found.update({entry.name: entry}))
    return found["ofa-mobilenetv3"]


def load(**options):
    return component().load(component().parse_options({"configuration": SMALLEST, "image_size": 32} | options))


def task(classes=3, count=8):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, size=(count, 32, 32, 3), dtype=np.uint8)
    names = tuple(f"class {index}" for index in range(classes))
    return TrainingData(LabelledImages(images, generator.integers(classes, size=count)), names)


def blocks_of(configuration):
    """Yield (in, inside, out, kernel, stride, squeezed, activation) of every block, the first included."""
    yield 16, 16, 16, 3, 1, False, "relu"
    written = [tuple(map(int, block.split("-"))) for block in configuration.split("_")[1:]]
    channels = 16
    for index, (depth, kernel, expansion) in enumerate(written):
        width, stride, squeezed, activation = STAGES[index // 4]
        if depth:
            first = index % 4 == 0
            yield channels, channels * expansion, width, kernel, stride if first else 1, squeezed, activation
            channels = width


def squeezed_by_hand(inside):
    quarter = inside // 4
    nearest = 8 * ((quarter + 4) // 8)
    return nearest if nearest * 10 >= quarter * 9 else nearest + 8


def parameters_by_hand(configuration, classes):
    total = 3 * 16 * 9 + 2 * 16
    for number, (entering, inside, leaving, kernel, _, squeezed, _) in enumerate(blocks_of(configuration)):
        total += entering * inside + 2 * inside if number else 0
        total += inside * kernel**2 + 2 * inside + inside * leaving + 2 * leaving
        if squeezed:
            middle = squeezed_by_hand(inside)
            total += 2 * inside * middle + middle + inside
    return total + 160 * 960 + 2 * 960 + 960 * 1280 + 1280 * classes + classes


@pytest.mark.parametrize("configuration", [LARGEST, SMALLEST, MIXED, *sorted(set(PAPER_CONFIGURATIONS.values()))])
def test_parameters_are_those_of_the_formula(configuration):
    with torch.device("meta"):
        network = build_network(configuration, class_count=7)
    assert sum(value.numel() for value in network.parameters()) == parameters_by_hand(configuration, 7)


def test_the_largest_network_has_the_published_size():
    assert parameters_by_hand(LARGEST, 1000) == 7_664_760  # 7.66 million


@pytest.mark.parametrize("channels", [48, 72, 96, 120, 144, 160, 240, 336, 448, 480, 640, 672, 960])
def test_squeezing_rounds_as_timm_does(channels):
    from timm.models.mobilenetv3 import round_channels

    assert squeezed_channels(channels) == squeezed_by_hand(channels) == round_channels(channels * 0.25)


@pytest.mark.parametrize(
    ("configuration", "size"), [(SMALLEST, 32), (MIXED, 50), (PAPER_CONFIGURATIONS["cifar10"], 64)]
)
def test_operations_are_those_torch_counts(configuration, size):
    network = build_network(configuration, class_count=5).eval()
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, size, size))
    assert forward_operations(configuration, image_size=size) == counter.get_total_flops() - 2 * 1280 * 5


def test_a_training_image_costs_three_forward_passes():
    options = component().parse_options({"configuration": SMALLEST, "image_size": 32})
    assert component().operations(options) == 3 * forward_operations(SMALLEST, image_size=32)


def original_weights(configuration, classes, *, seed=0):
    """Random weights under the names of the Once-for-All package."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}

    def convolution(name, *shape):
        weights[f"{name}.weight"] = torch.randn(shape, generator=generator) * (2 / np.prod(shape[1:])) ** 0.5

    def norm(name, channels):
        weights[f"{name}.weight"] = 1 + 0.1 * torch.randn(channels, generator=generator)
        weights[f"{name}.bias"] = 0.1 * torch.randn(channels, generator=generator)
        weights[f"{name}.running_mean"] = 0.1 * torch.randn(channels, generator=generator)
        weights[f"{name}.running_var"] = 0.5 + torch.rand(channels, generator=generator)

    def both(name, *shape):
        convolution(f"{name}.conv", *shape)
        norm(f"{name}.bn", shape[0])

    both("first_conv", 16, 3, 3, 3)
    for index, (entering, inside, leaving, kernel, _, squeezed, _) in enumerate(blocks_of(configuration)):
        name = f"blocks.{index}.conv"
        if index:
            both(f"{name}.inverted_bottleneck", inside, entering, 1, 1)
        both(f"{name}.depth_conv", inside, 1, kernel, kernel)
        if squeezed:
            middle = squeezed_by_hand(inside)
            for part, shape in (("reduce", (middle, inside, 1, 1)), ("expand", (inside, middle, 1, 1))):
                convolution(f"{name}.depth_conv.se.fc.{part}", *shape)
                weights[f"{name}.depth_conv.se.fc.{part}.bias"] = torch.randn(shape[0], generator=generator)
        both(f"{name}.point_linear", leaving, inside, 1, 1)
    both("final_expand_layer", 960, 160, 1, 1)
    convolution("feature_mix_layer.conv", 1280, 960, 1, 1)
    convolution("classifier.linear", classes, 1280)
    weights["classifier.linear.bias"] = torch.randn(classes, generator=generator)
    return weights


def reference_logits(configuration, weights, images):
    """The network of the paper's repository, written with functions only."""

    def swish(x):
        return x * functional.relu6(x + 3) / 6

    def both(x, name, act, **settings):
        x = functional.conv2d(x, weights[f"{name}.conv.weight"], **settings)
        norm = [weights[f"{name}.bn.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return act(functional.batch_norm(x, *norm, eps=1e-5))

    x = both(images, "first_conv", swish, stride=2, padding=1)
    for index, (entering, inside, leaving, kernel, stride, squeezed, act) in enumerate(blocks_of(configuration)):
        name, before = f"blocks.{index}.conv", x
        activation = functional.relu if act == "relu" else swish
        if index:
            x = both(x, f"{name}.inverted_bottleneck", activation)
        x = both(x, f"{name}.depth_conv", activation, stride=stride, padding=kernel // 2, groups=inside)
        if squeezed:
            gate = f"{name}.depth_conv.se.fc"
            y = x.mean((2, 3), keepdim=True)
            y = functional.relu(functional.conv2d(y, weights[f"{gate}.reduce.weight"], weights[f"{gate}.reduce.bias"]))
            y = functional.conv2d(y, weights[f"{gate}.expand.weight"], weights[f"{gate}.expand.bias"])
            x = x * functional.relu6(y + 3) / 6
        x = both(x, f"{name}.point_linear", lambda value: value)
        x = x + before if stride == 1 and entering == leaving else x
    x = both(x, "final_expand_layer", swish).mean((2, 3), keepdim=True)
    x = swish(functional.conv2d(x, weights["feature_mix_layer.conv.weight"])).flatten(1)
    return functional.linear(x, weights["classifier.linear.weight"], weights["classifier.linear.bias"])


@pytest.mark.parametrize("configuration", [SMALLEST, MIXED])
def test_it_computes_what_the_original_computes_from_the_originals_weights(configuration):
    weights = original_weights(configuration, 4)
    network = build_network(configuration, class_count=4).eval()
    own = network.state_dict()
    renamed = rename_original(weights, parse_configuration(configuration))
    assert set(renamed) == {name for name in own if not name.endswith("num_batches_tracked")}
    network.load_state_dict(renamed, strict=False)
    images = torch.randn(2, 3, 40, 40, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        torch.testing.assert_close(
            network(images), reference_logits(configuration, weights, images), rtol=1e-3, atol=1e-3
        )


def test_local_weights_are_taken_up_save_for_the_head(tmp_path):
    weights = original_weights(SMALLEST, 10)
    save_file(weights, tmp_path / "original.safetensors")
    classifier = load(weights=str(tmp_path / "original.safetensors"), epochs=0)
    classifier.fit(task(), seed=0, context=CONTEXT)
    found = classifier._network.state_dict()
    assert torch.equal(found["body.conv_head.weight"], weights["feature_mix_layer.conv.weight"])
    assert found["body.classifier.weight"].shape == (3, 1280)
    own = {name.removeprefix("body."): value.contiguous() for name, value in found.items() if name.startswith("body.")}
    save_file(own, tmp_path / "own.safetensors")
    again = load(weights=str(tmp_path / "own.safetensors"), epochs=0)
    again.fit(task(), seed=1, context=CONTEXT)
    images = task().training.images
    np.testing.assert_array_equal(again.predict(images, context=CONTEXT), classifier.predict(images, context=CONTEXT))
    with pytest.raises(TckrError, match="are not those of this model"):
        load(configuration=MIXED, weights=str(tmp_path / "own.safetensors")).fit(task(), seed=0, context=CONTEXT)


def test_it_learns_and_is_restored(tmp_path):
    classifier = load(epochs=2, batch_size=4, dropout=0.2)
    history = classifier.fit(task(), seed=0, context=CONTEXT)
    assert np.isfinite(history.losses).all()
    classifier.save(tmp_path / "model")
    again = load(epochs=2, batch_size=4, dropout=0.2)
    again.restore(tmp_path / "model", context=CONTEXT)
    images = task().training.images
    np.testing.assert_array_equal(again.predict(images, context=CONTEXT), classifier.predict(images, context=CONTEXT))


def test_the_papers_datasets_are_names_of_configurations():
    options = component().parse_options({"configuration": "cifar10"})
    assert options.configuration == (
        "10_4-7-6_4-7-6_4-7-4_4-7-4_4-7-4_4-7-4_4-7-4_4-7-4_3-7-4_3-7-4_3-7-4_0-0-0"
        "_4-7-4_4-7-4_4-7-4_4-7-4_4-7-4_4-7-4_4-7-4_4-7-4"
    )
    assert component().parse_options({"configuration": options.configuration}) == options
    assert [len(parse_configuration(PAPER_CONFIGURATIONS[name])) for name in ("cifar10", "food101")] == [19, 20]


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ("cifar", "found 0 blocks after 'cifar'"),
        ("10_4-7-4", "found 1 blocks after '10'"),
        (LARGEST.replace("10_", "12_"), "found 20 blocks after '12'"),
        (LARGEST[:-5] + "4-9-6", "block 20 ('4-9-6') is not depth-kernel-expansion"),
        (LARGEST[:-5] + "3-7-6", "block 20 ('3-7-6') names another depth"),
        (LARGEST[:-5] + "", "block 20 ('') is not depth-kernel-expansion"),
        (SMALLEST[:-5] + "2-3-3", "block 20 ('2-3-3') must be 0-0-0"),
        (LARGEST.replace("4-7-6", "1-7-6"), "block 1 ('1-7-6') is not depth-kernel-expansion"),
        (LARGEST.replace("4-7-6", "٤-7-6"), "block 1 ('٤-7-6') is not depth-kernel-expansion"),
    ],
)
def test_a_bad_configuration_is_answered_with_a_sentence(configuration, said):
    with pytest.raises(OptionError, match=re.escape(said)) as caught:
        component().parse_options({"configuration": configuration})
    assert "\n" not in str(caught.value)
