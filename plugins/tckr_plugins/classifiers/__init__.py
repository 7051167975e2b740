"""Built-in classifiers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.components import Component
from tckr_bench.errors import OptionError
from tckr_bench.hookspecs import hookimpl
from tckr_plugins.classifiers.options import SmallCnnOptions, TimmOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Classifier


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
            name="timm",
            version="1",
            options=TimmOptions,
            load=_load_timm,
            summary="any model of the timm library, from random, hub or local safetensors weights",
            identity=_weights_identity,
        )
    )


def _load_small_cnn(options: SmallCnnOptions) -> Classifier:
    from tckr_plugins.classifiers import small_cnn

    return small_cnn.load(options)


def _load_timm(options: TimmOptions) -> Classifier:
    from tckr_plugins.classifiers import timm_models

    return timm_models.load(options)


def _weights_identity(options: TimmOptions) -> str:
    """Return the sha256 of the local weights, so that replacing the file invalidates what was cached.

    Raises:
        OptionError: the file cannot be read.
    """
    if not options.weights:
        return ""
    try:
        with Path(options.weights).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise OptionError(
            f"option 'weights' of component 'timm' cannot be read: {options.weights} ({error.strerror}); "
            "give the path of a .safetensors file"
        ) from error
