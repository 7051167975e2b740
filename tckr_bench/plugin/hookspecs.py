"""The hooks a plugin may implement: one `register_<family>` each, all of the same shape.

A hook registers; the work is done by the Protocols of `tckr_bench.plugin.protocols` and `tckr_bench.plugin.observing`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from tckr_bench.plugin.components import (
        AdapterComponent,
        AttackComponent,
        CaptionerComponent,
        ClassifierComponent,
        DatasetComponent,
        GeneratorComponent,
        MetricComponent,
        ObserverComponent,
    )

ENTRY_POINT_GROUP = "tckr_bench"

hookspec = pluggy.HookspecMarker(ENTRY_POINT_GROUP)
hookimpl = pluggy.HookimplMarker(ENTRY_POINT_GROUP)


class HookSpecifications:
    """Every hook of tckr-bench."""

    @hookspec
    def register_datasets(self, register: Callable[[DatasetComponent], None]) -> None:
        """Register real datasets."""

    @hookspec
    def register_captioners(self, register: Callable[[CaptionerComponent], None]) -> None:
        """Register captioners: real images -> one prompt each."""

    @hookspec
    def register_generators(self, register: Callable[[GeneratorComponent], None]) -> None:
        """Register generators: prompts and seeds -> images."""

    @hookspec
    def register_adapters(self, register: Callable[[AdapterComponent], None]) -> None:
        """Register adapters: generator, images and prompts -> weights."""

    @hookspec
    def register_classifiers(self, register: Callable[[ClassifierComponent], None]) -> None:
        """Register classifiers: images and labels -> logits."""

    @hookspec
    def register_attacks(self, register: Callable[[AttackComponent], None]) -> None:
        """Register membership-inference attacks: evidence -> one score per example."""

    @hookspec
    def register_metrics(self, register: Callable[[MetricComponent], None]) -> None:
        """Register metrics: saved scores -> measurements with intervals."""

    @hookspec
    def register_observers(self, register: Callable[[ObserverComponent], None]) -> None:
        """Register observers: they hear of a run and change nothing of it."""
