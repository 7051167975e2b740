"""Built-in classifiers."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tckr_bench.components import Component
from tckr_bench.errors import OptionError
from tckr_bench.hookspecs import hookimpl
from tckr_plugins.classifiers.ofa_configuration import forward_operations
from tckr_plugins.classifiers.options import DpSgdOptions, OfaOptions, SmallCnnOptions, TimmOptions, weights_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Classifier

TRAINING_PASSES = 3
"""A training step costs three forward passes: its own, and a backward pass of twice the work."""

FORWARD_OPERATIONS = {"mobilenetv3_large_100": 0.43e9, "resnet18": 3.6e9}
"""Floating-point operations of one image of 224 pixels, two per multiply-add, of timm models that are well known."""


@hookimpl
def register_classifiers(register: Callable[[Component[Classifier]], None]) -> None:
    """Register the built-in classifiers."""
    register(
        Component(
            name="small-cnn",
            version="1",
            options=SmallCnnOptions,
            load=_load_small_cnn,
            summary="a residual network of 0.3 M parameters that one core trains on 2,000 images in seconds",
        )
    )
    register(
        Component(
            name="dp-sgd",
            version="1",
            options=DpSgdOptions,
            load=_load_dp_sgd,
            summary="a linear layer on fixed features, or a small network, trained by DP-SGD with a stated epsilon",
        )
    )
    register(
        Component(
            name="timm",
            version="1",
            options=TimmOptions,
            load=_load_timm,
            summary="any model of the timm library, from random, hub or local safetensors weights",
            identity=_weights_identity,
            operations=_timm_operations,
        )
    )
    register(
        Component(
            name="ofa-mobilenetv3",
            version="1",
            options=OfaOptions,
            load=_load_ofa,
            summary="the paper's Once-for-All MobileNetV3 sub-networks, from a configuration of 20 blocks",
            identity=_weights_identity,
            operations=lambda options: (
                TRAINING_PASSES * forward_operations(options.configuration, image_size=options.image_size)
            ),
        )
    )


def _load_small_cnn(options: SmallCnnOptions) -> Classifier:
    from tckr_plugins.classifiers import small_cnn

    return small_cnn.load(options)


def _load_dp_sgd(options: DpSgdOptions) -> Classifier:
    from tckr_plugins.classifiers import dp_sgd

    return dp_sgd.load(options)


def _load_timm(options: TimmOptions) -> Classifier:
    from tckr_plugins.classifiers import timm_models

    return timm_models.load(options)


def _load_ofa(options: OfaOptions) -> Classifier:
    from tckr_plugins.classifiers import ofa_models

    return ofa_models.load(options)


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
