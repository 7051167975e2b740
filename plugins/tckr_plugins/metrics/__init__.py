"""Built-in metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from tckr_bench.components import Component, Options
from tckr_bench.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Direction, Metric


class NoOptions(Options):
    """Options of the metrics that have none."""


class SeedOptions(Options):
    """Options of the metrics that draw something at random."""

    seed: int = Field(default=0, ge=0, description="seed of what is drawn at random")


class EpsilonOptions(SeedOptions):
    """Options of the lower bounds of epsilon."""

    delta: float = Field(default=1e-5, ge=0, lt=1, description="delta of the differential privacy that is refuted")


class ResamplingOptions(SeedOptions):
    """Options of the metrics whose interval is a bootstrap."""

    replicates: int = Field(default=1000, ge=100, le=100_000, description="bootstrap resamples")


@hookimpl
def register_metrics(register: Callable[[Component[Metric]], None]) -> None:
    """Register the built-in metrics."""
    for name, version, options, load, summary in _METRICS:
        register(Component(name, version, options, load, summary, better=_BETTER.get(name, "lower")))


def _accuracy(_options: Options) -> Metric:
    from tckr_plugins.metrics.accuracy import Accuracy

    return Accuracy()


def _accuracy_gap(_options: Options) -> Metric:
    from tckr_plugins.metrics.accuracy import AccuracyGap

    return AccuracyGap()


def _aop(options: SeedOptions) -> Metric:
    from tckr_plugins.metrics.accuracy_over_privacy import AccuracyOverPrivacy

    return AccuracyOverPrivacy(seed=options.seed)


def _auc_mia(_options: Options) -> Metric:
    from tckr_plugins.metrics.membership import AucMia

    return AucMia()


def _auc_mia_bootstrap(options: ResamplingOptions) -> Metric:
    from tckr_plugins.metrics.membership import AucMiaBootstrap

    return AucMiaBootstrap(replicates=options.replicates, seed=options.seed)


def _canary_auc(_options: Options) -> Metric:
    from tckr_plugins.metrics.membership import CanaryAuc

    return CanaryAuc()


def _tpr(metric: str, fpr: float) -> Callable[[Options], Metric]:
    def load(_options: Options) -> Metric:
        from tckr_plugins.metrics.membership import TprAtFpr

        return TprAtFpr(metric, fpr=fpr)

    return load


def _worst_auc(options: SeedOptions) -> Metric:
    from tckr_plugins.metrics.worst_case import WorstAuc

    return WorstAuc(seed=options.seed)


def _worst_tpr(_options: Options) -> Metric:
    from tckr_plugins.metrics.worst_case import WorstTprAt1Fpr

    return WorstTprAt1Fpr()


def _best_published_auc(_options: Options) -> Metric:
    from tckr_plugins.metrics.worst_case import BestPublishedAuc

    return BestPublishedAuc()


def _worst_class_auc(_options: Options) -> Metric:
    from tckr_plugins.metrics.vulnerable import WorstClassAuc

    return WorstClassAuc()


def _worst_decile_auc(_options: Options) -> Metric:
    from tckr_plugins.metrics.vulnerable import WorstDecileAuc

    return WorstDecileAuc()


def _advantage(options: SeedOptions) -> Metric:
    from tckr_plugins.metrics.guessing import Advantage

    return Advantage(seed=options.seed)


def _epsilon_lower(options: EpsilonOptions) -> Metric:
    from tckr_plugins.metrics.guessing import EpsilonLower

    return EpsilonLower(delta=options.delta, seed=options.seed)


def _auc_between_trainings(_options: Options) -> Metric:
    from tckr_plugins.metrics.audits import AucBetweenTrainings

    return AucBetweenTrainings()


def _audit_canary_auc(options: ResamplingOptions) -> Metric:
    from tckr_plugins.metrics.audits import AuditCanaryAuc

    return AuditCanaryAuc(replicates=options.replicates, seed=options.seed)


def _audit_canary_tpr(options: ResamplingOptions) -> Metric:
    from tckr_plugins.metrics.audits import AuditCanaryTprAt1Fpr

    return AuditCanaryTprAt1Fpr(replicates=options.replicates, seed=options.seed)


def _audit_canary_epsilon_lower(options: EpsilonOptions) -> Metric:
    from tckr_plugins.metrics.guessing import AuditCanaryEpsilonLower

    return AuditCanaryEpsilonLower(delta=options.delta, seed=options.seed)


def _epsilon_accounted(_options: Options) -> Metric:
    from tckr_plugins.metrics.guarantees import EpsilonAccounted

    return EpsilonAccounted()


def _duplicate_rate(_options: Options) -> Metric:
    from tckr_plugins.metrics.copies import DuplicateRate

    return DuplicateRate()


def _near_duplicate_rate(_options: Options) -> Metric:
    from tckr_plugins.metrics.copies import NearDuplicateRate

    return NearDuplicateRate()


_BETTER: dict[str, Direction] = {"accuracy": "higher", "aop": "higher", "auc-between-trainings": "neither"}
"""Which way is better; every other metric counts what is lost, found out or repeated, so that lower is better."""
_METRICS: tuple[tuple[str, str, type[Options], Callable[[Any], Metric], str], ...] = (
    ("accuracy", "1", NoOptions, _accuracy, "share of real test images classified right (CAS for a student)"),
    ("accuracy-gap", "1", NoOptions, _accuracy_gap, "accuracy of the real-data teacher minus the cell's"),
    ("aop", "3", SeedOptions, _aop, "accuracy over privacy: accuracy / (2 max(AUC, 0.5))^2 by the worst attack"),
    ("auc-mia", "1", NoOptions, _auc_mia, "how often an attack scores a member above a non-member"),
    ("auc-mia-bootstrap", "1", ResamplingOptions, _auc_mia_bootstrap, "the same, with an interval by bootstrap"),
    ("canary-auc", "1", NoOptions, _canary_auc, "the same among planted, mislabelled examples only"),
    (
        "tpr-at-10-fpr",
        "1",
        NoOptions,
        _tpr("tpr-at-10-fpr", 0.1),
        "share of members found at 10 % false alarms at most",
    ),
    ("tpr-at-1-fpr", "2", NoOptions, _tpr("tpr-at-1-fpr", 0.01), "share of members found at 1 % false alarms at most"),
    ("tpr-at-0-1-fpr", "1", NoOptions, _tpr("tpr-at-0-1-fpr", 0.001), "the same at 0.1 %; needs 1,000 non-members"),
    ("worst-auc", "1", SeedOptions, _worst_auc, "the highest AUC of all attacks on the classifier, corrected for that"),
    ("worst-tpr-at-1-fpr", "1", NoOptions, _worst_tpr, "the highest TPR at 1 % FPR of all attacks on the classifier"),
    (
        "best-published-auc",
        "1",
        NoOptions,
        _best_published_auc,
        "the best variant of 'lira-paper', chosen on the evaluation data as the paper does; marked, and no row's own",
    ),
    (
        "worst-class-auc",
        "1",
        NoOptions,
        _worst_class_auc,
        "AUC in the class an attack tells apart best, corrected for that",
    ),
    (
        "worst-decile-auc",
        "1",
        NoOptions,
        _worst_decile_auc,
        "AUC among the tenth of examples that membership moves most",
    ),
    ("advantage", "1", SeedOptions, _advantage, "the most that TPR - FPR reaches, thresholds judged on other examples"),
    (
        "epsilon-lower",
        "1",
        EpsilonOptions,
        _epsilon_lower,
        "the epsilon of differential privacy that an attack refutes",
    ),
    ("auc-between-trainings", "1", NoOptions, _auc_between_trainings, "spread of an attack's AUC over shadow models"),
    ("audit-canary-auc", "1", ResamplingOptions, _audit_canary_auc, "AUC on canaries, in and out of shadow models"),
    ("audit-canary-tpr-at-1-fpr", "1", ResamplingOptions, _audit_canary_tpr, "TPR at 1 % FPR on the same canaries"),
    (
        "audit-canary-epsilon-lower",
        "1",
        EpsilonOptions,
        _audit_canary_epsilon_lower,
        "the epsilon refuted on canaries, in and out of shadow models",
    ),
    ("epsilon-accounted", "1", NoOptions, _epsilon_accounted, "epsilon that differentially private training proves"),
    ("duplicate-rate", "1", NoOptions, _duplicate_rate, "share of synthetic images that repeat a training image"),
    (
        "near-duplicate-rate",
        "1",
        NoOptions,
        _near_duplicate_rate,
        "share nearer to a training image than chance explains",
    ),
)
