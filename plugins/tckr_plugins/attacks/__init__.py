"""Built-in membership-inference attacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import Component
from tckr_bench.hookspecs import hookimpl
from tckr_plugins.attacks.options import (
    BavariaOptions,
    CalibratedLossOptions,
    LiraOptions,
    LiraPaperOptions,
    QuantileRegressionOptions,
    ReferenceFreeOptions,
    RmiaOptions,
)
from tckr_plugins.attacks.releases import register_release_attacks

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Attack, Options, ReleaseAttack


@hookimpl
def register_attacks(register: Callable[[Component[Attack | ReleaseAttack]], None]) -> None:
    """Register the built-in attacks."""
    for component in (*_reference_free(), *_with_shadows()):
        register(component)
    register_release_attacks(register)


def _reference_free() -> list[Component[Attack]]:
    return [
        _component("loss", ReferenceFreeOptions, _load_loss, "minus the cross-entropy: members are fitted better"),
        _component("confidence", ReferenceFreeOptions, _load_confidence, "the probability of the label"),
        _component("entropy", ReferenceFreeOptions, _load_entropy, "minus the entropy of the prediction"),
        _component(
            "modified-entropy",
            ReferenceFreeOptions,
            _load_modified_entropy,
            "minus an entropy that knows the label (Song and Mittal 2021)",
        ),
        _component("gap", ReferenceFreeOptions, _load_gap, "whether the prediction is right (Yeom et al. 2018)"),
        _component(
            "quantile-regression",
            QuantileRegressionOptions,
            _load_quantile_regression,
            "confidence above what is predicted of a non-member that looks so (Bertran et al. 2023)",
        ),
    ]


def _with_shadows() -> list[Component[Attack]]:
    return [
        _component(
            "lira",
            LiraOptions,
            _load_lira,
            "likelihood ratio against shadow models trained with and without the example (LiRA)",
        ),
        _component(
            "rmia",
            RmiaOptions,
            _load_rmia,
            "likelihood ratio against shadow models, ranked in a population (Zarifzadeh et al. 2024)",
        ),
        _component(
            "bavaria",
            BavariaOptions,
            _load_bavaria,
            "'lira' with variances between pooled and per example, by empirical Bayes; for few shadow models",
        ),
        _component(
            "calibrated-loss",
            CalibratedLossOptions,
            _load_calibrated_loss,
            "log-likelihood less that under models which never saw the example (Watson et al. 2022)",
        ),
        _component(
            "lira-paper",
            LiraPaperOptions,
            _load_lira_paper,
            "the TCKR paper's own protocol, to reproduce its measurements; its shadow models never saw a member",
        ),
    ]


def _component(
    name: str, options: type[Options], load: Callable[..., Attack], summary: str, *, version: str = "1"
) -> Component[Attack]:
    return Component(name=name, version=version, options=options, load=load, summary=summary)


def _load_loss(_options: ReferenceFreeOptions) -> Attack:
    from tckr_plugins.attacks.loss import LossAttack

    return LossAttack()


def _load_confidence(_options: ReferenceFreeOptions) -> Attack:
    from tckr_plugins.attacks.reference_free import ConfidenceAttack

    return ConfidenceAttack()


def _load_entropy(_options: ReferenceFreeOptions) -> Attack:
    from tckr_plugins.attacks.reference_free import EntropyAttack

    return EntropyAttack()


def _load_modified_entropy(_options: ReferenceFreeOptions) -> Attack:
    from tckr_plugins.attacks.reference_free import ModifiedEntropyAttack

    return ModifiedEntropyAttack()


def _load_gap(_options: ReferenceFreeOptions) -> Attack:
    from tckr_plugins.attacks.reference_free import GapAttack

    return GapAttack()


def _load_lira(options: LiraOptions) -> Attack:
    from tckr_plugins.attacks.lira import LiraAttack

    return LiraAttack(mode=options.mode, tail=options.tail, variance=options.variance, queries=options.queries)


def _load_rmia(options: RmiaOptions) -> Attack:
    from tckr_plugins.attacks.rmia import RmiaAttack

    return RmiaAttack(mode=options.mode, gamma=options.gamma, offline_a=options.offline_a)


def _load_bavaria(options: BavariaOptions) -> Attack:
    from tckr_plugins.attacks.bavaria import BavariaAttack

    return BavariaAttack(mode=options.mode, predictive=options.predictive)


def _load_calibrated_loss(_options: CalibratedLossOptions) -> Attack:
    from tckr_plugins.attacks.calibrated_loss import CalibratedLossAttack

    return CalibratedLossAttack()


def _load_lira_paper(options: LiraPaperOptions) -> Attack:
    from tckr_plugins.attacks.lira_paper import LiraPaperAttack

    return LiraPaperAttack(variant=options.variant)


def _load_quantile_regression(options: QuantileRegressionOptions) -> Attack:
    from tckr_plugins.attacks.quantile_regression import QuantileRegressionAttack

    return QuantileRegressionAttack(regression=options.regression, level=options.level)
