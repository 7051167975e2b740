"""Built-in observers: a file of events in every run, and the trackers that people use. None sends anything unasked."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tckr_bench.components import Component, Options
from tckr_bench.errors import PluginError
from tckr_bench.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tckr_bench.plugin.observing import Observer


class NoOptions(Options):
    """Options of the observer that has none."""


class TensorboardOptions(Options):
    """Options of the observer `tensorboard`."""

    folder: str = Field(default="", description="where event files go; <run>/tensorboard if empty")


class MlflowOptions(Options):
    """Options of the observer `mlflow`."""

    tracking_uri: str = Field(
        default="", description="an MLflow tracking URI, to which measurements are sent; <run>/mlflow.db if empty"
    )
    experiment: str = Field(default="", description="name of the experiment; the matrix's if empty")


class WandbOptions(Options):
    """Options of the observer `wandb`."""

    mode: Literal["offline", "online"] = Field(
        default="offline",
        description="'online' sends measurements to the account that is logged in; `wandb sync` does so later",
    )
    project: str = Field(default="tckr-bench", min_length=1, description="name of the project")
    entity: str = Field(default="", description="user or team; the account's default if empty")
    folder: str = Field(default="", description="folder that gets the folder 'wandb'; the run's if empty")


class TrackioOptions(Options):
    """Options of the observer `trackio`."""

    project: str = Field(default="tckr-bench", min_length=1, description="name of the project")
    folder: str = Field(default="", description="where the database goes; <run>/trackio if empty")
    space: str = Field(default="", description="a Hugging Face Space, to which measurements are sent; none if empty")


@hookimpl
def register_observers(register: Callable[[Component[Observer]], None]) -> None:
    """Register the built-in observers."""
    register(
        Component(
            "jsonl", "1", NoOptions, _jsonl, "always on: one event a line with its time, in the run's events.jsonl"
        )
    )
    register(
        Component(
            "tensorboard",
            "1",
            TensorboardOptions,
            _tensorboard,
            "event files for TensorBoard, in the run's folder 'tensorboard'",
        )
    )
    register(
        Component(
            "mlflow",
            "1",
            MlflowOptions,
            _mlflow,
            "a run of MLflow in the run's mlflow.db, or on a tracking server that is named",
        )
    )
    register(
        Component(
            "wandb",
            "1",
            WandbOptions,
            _wandb,
            "a run of Weights & Biases in the run's folder 'wandb'; offline unless told",
        )
    )
    register(
        Component(
            "trackio",
            "1",
            TrackioOptions,
            _trackio,
            "a run of trackio in the run's folder 'trackio'; local unless told",
        )
    )


@contextlib.contextmanager
def library(extra: str) -> Iterator[None]:
    """Turn an import that fails into one sentence that names the extra to install.

    Raises:
        PluginError: the library, or one it needs, is not there.
    """
    try:
        yield
    except ImportError as error:
        raise PluginError(
            f"the observer '{extra}' needs a library that is not here ({error}); pip install 'tckr-bench[{extra}]'"
        ) from error


def _jsonl(_options: NoOptions) -> Observer:
    from tckr_plugins.observers.jsonl import JsonlObserver

    return JsonlObserver()


def _tensorboard(options: TensorboardOptions) -> Observer:
    from tckr_plugins.observers.tensorboard import TensorboardObserver

    with library("tensorboard"):
        return TensorboardObserver(options)


def _mlflow(options: MlflowOptions) -> Observer:
    from tckr_plugins.observers.mlflow import MlflowObserver

    with library("mlflow"):
        return MlflowObserver(options)


def _wandb(options: WandbOptions) -> Observer:
    from tckr_plugins.observers.wandb import WandbObserver

    with library("wandb"):
        return WandbObserver(options)


def _trackio(options: TrackioOptions) -> Observer:
    from tckr_plugins.observers.trackio import TrackioObserver

    with library("trackio"):
        return TrackioObserver(options)
