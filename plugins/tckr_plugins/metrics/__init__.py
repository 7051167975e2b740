"""Built-in metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tckr_bench.components import Component, Options
from tckr_bench.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Metric


class NoOptions(Options):
    """Options of the metrics that have none."""


class AopOptions(Options):
    """Options of `aop`."""

    replicates: int = Field(default=1000, ge=100, le=100_000, description="bootstrap resamples")
    seed: int = Field(default=0, ge=0, description="seed of the resampling")


@hookimpl
def register_metrics(register: Callable[[Component[Metric]], None]) -> None:
    """Register the built-in metrics."""
    for name, load, summary in _PLAIN:
        register(Component(name=name, version="1", options=NoOptions, load=load, summary=summary))
    register(
        Component(
            name="aop",
            version="1",
            options=AopOptions,
            load=_load_aop,
            summary="accuracy over privacy: accuracy / (2 max(AUC, 0.5))^2, per attack",
        )
    )


def _load_accuracy(_options: Options) -> Metric:
    from tckr_plugins.metrics.accuracy import Accuracy

    return Accuracy()


def _load_accuracy_gap(_options: Options) -> Metric:
    from tckr_plugins.metrics.accuracy import AccuracyGap

    return AccuracyGap()


def _load_auc_mia(_options: Options) -> Metric:
    from tckr_plugins.metrics.membership import AucMia

    return AucMia()


def _load_canary_auc(_options: Options) -> Metric:
    from tckr_plugins.metrics.membership import CanaryAuc

    return CanaryAuc()


def _load_tpr_at_1_fpr(_options: Options) -> Metric:
    from tckr_plugins.metrics.membership import TprAt1Fpr

    return TprAt1Fpr()


def _load_aop(options: AopOptions) -> Metric:
    from tckr_plugins.metrics.accuracy_over_privacy import AccuracyOverPrivacy

    return AccuracyOverPrivacy(replicates=options.replicates, seed=options.seed)


_PLAIN: tuple[tuple[str, Callable[[Options], Metric], str], ...] = (
    ("accuracy", _load_accuracy, "share of real test images classified right (CAS for a student)"),
    ("accuracy-gap", _load_accuracy_gap, "accuracy of the real-data teacher minus the cell's"),
    ("auc-mia", _load_auc_mia, "how often an attack scores a member above a non-member"),
    ("canary-auc", _load_canary_auc, "the same among planted, mislabelled examples only"),
    ("tpr-at-1-fpr", _load_tpr_at_1_fpr, "share of members found at 1 % false alarms at most"),
)
