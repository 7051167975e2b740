"""Built-in observers: a file of events in every run, and the trackers that people use. None sends anything unasked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.hookspecs import hookimpl
from tckr_plugins.observers.jsonl import JSONL
from tckr_plugins.observers.mlflow import MLFLOW
from tckr_plugins.observers.tensorboard import TENSORBOARD
from tckr_plugins.observers.trackio import TRACKIO
from tckr_plugins.observers.wandb import WANDB

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import ObserverComponent


@hookimpl
def register_observers(register: Callable[[ObserverComponent], None]) -> None:
    """Register the built-in observers."""
    for component in (JSONL, TENSORBOARD, MLFLOW, WANDB, TRACKIO):
        register(component)
