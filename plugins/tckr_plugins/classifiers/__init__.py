"""Built-in classifiers."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from tckr_bench.components import ClassifierComponent, lazily
from tckr_bench.errors import OptionError
from tckr_bench.hookspecs import hookimpl
from tckr_plugins.classifiers.ofa_configuration import forward_operations
from tckr_plugins.classifiers.options import DpSgdOptions, OfaOptions, SmallCnnOptions, TimmOptions, weights_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Classifier, Options

TRAINING_PASSES = 3
"""A training step costs three forward passes: its own, and a backward pass of twice the work."""

FORWARD_OPERATIONS = {"mobilenetv3_large_100": 0.43e9, "resnet18": 3.6e9}
"""Floating-point operations of one image of 224 pixels, two per multiply-add, of timm models that are well known."""


def _timm_operations(options: TimmOptions) -> float | None:
    """Return the operations of one training image; convolutions cost as the area of the image does."""
    forward = FORWARD_OPERATIONS.get(options.model.split(".")[0])
    return None if forward is None else TRAINING_PASSES * forward * (options.image_size / 224) ** 2


def _weights_identity(options: TimmOptions | OfaOptions) -> str:
    """Return the sha256 of local weights or the commit of the hub's, so that other weights invalidate what was cached.

    Raises:
        OptionError: the file cannot be read, or the hub's weights can neither be found nor fetched.
    """
    if isinstance(options, TimmOptions) and options.pretrained:
        from tckr_plugins.classifiers.hub import weights_identity

        return weights_identity(options.model)
    if not options.weights:
        return ""
    path = weights_file(options.weights)
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise OptionError(
            f"option 'weights' of the classifier cannot be read: {path} ({error.strerror}); "
            "give the path of a .safetensors file"
        ) from error


def _component(
    name: str,
    options: type[Options],
    load: Callable[[Any], Classifier],
    summary: str,
    *,
    identity: Callable[[Any], str] = lambda _options: "",
    operations: Callable[[Any], float | None] = lambda _options: None,
) -> ClassifierComponent:
    """Return a component whose options have `epochs`, `augment` and `temperature`, as those of every one here do."""
    return ClassifierComponent(
        name,
        version="2",
        options=options,
        load=load,
        summary=summary,
        identity=identity,
        operations=operations,
        epochs=lambda given: given.epochs,
        untrained=lambda given: given.model_copy(update={"epochs": 0}),
        memorising=lambda given, epochs: given.model_copy(update={"epochs": epochs, "augment": False}),
        undo=lambda given, logits: logits * logits.dtype.type(given.temperature),
    )


CLASSIFIERS = (
    _component(
        "small-cnn",
        SmallCnnOptions,
        lazily("tckr_plugins.classifiers.small_cnn", "load"),
        "a residual network of 0.3 M parameters that one core trains on 2,000 images in seconds",
    ),
    _component(
        "dp-sgd",
        DpSgdOptions,
        lazily("tckr_plugins.classifiers.dp_sgd", "load"),
        "a linear layer on fixed features, or a small network, trained by DP-SGD with a stated epsilon",
    ),
    _component(
        "timm",
        TimmOptions,
        lazily("tckr_plugins.classifiers.timm_models", "load"),
        "any model of the timm library, from random, hub or local safetensors weights",
        identity=_weights_identity,
        operations=_timm_operations,
    ),
    _component(
        "ofa-mobilenetv3",
        OfaOptions,
        lazily("tckr_plugins.classifiers.ofa_models", "load"),
        "the paper's Once-for-All MobileNetV3 sub-networks, from a configuration of 20 blocks",
        identity=_weights_identity,
        operations=lambda options: (
            TRAINING_PASSES * forward_operations(options.configuration, image_size=options.image_size)
        ),
    ),
)


@hookimpl
def register_classifiers(register: Callable[[ClassifierComponent], None]) -> None:
    """Register the built-in classifiers."""
    for component in CLASSIFIERS:
        register(component)
