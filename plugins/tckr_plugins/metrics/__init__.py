"""Built-in metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.hookspecs import hookimpl
from tckr_plugins.metrics.accuracy import ACCURACY, ACCURACY_GAP
from tckr_plugins.metrics.accuracy_over_privacy import AOP
from tckr_plugins.metrics.audits import (
    AUC_BETWEEN_TRAININGS,
    AUC_FROM_SHADOWS,
    AUDIT_CANARY_AUC,
    AUDIT_CANARY_TPR_AT_1_FPR,
    TPR_BETWEEN_TRAININGS,
)
from tckr_plugins.metrics.copies import DUPLICATE_RATE, NEAR_DUPLICATE_RATE
from tckr_plugins.metrics.guarantees import EPSILON_ACCOUNTED, MATCH_SHORTFALL
from tckr_plugins.metrics.guessing import (
    ADVANTAGE,
    AUDIT_CANARY_EPSILON_LOWER,
    EPSILON_LOWER,
    EPSILON_LOWER_GAUSSIAN,
)
from tckr_plugins.metrics.membership import (
    AUC_MIA,
    AUC_MIA_BOOTSTRAP,
    CANARY_AUC,
    TPR_AT_0_1_FPR,
    TPR_AT_1_FPR,
    TPR_AT_10_FPR,
)
from tckr_plugins.metrics.sets import DATASET_POWER, MEMBERS_EXTRACTED
from tckr_plugins.metrics.vulnerable import WORST_CLASS_AUC, WORST_DECILE_AUC
from tckr_plugins.metrics.worst_case import BEST_PUBLISHED_AUC, WORST_AUC, WORST_AUC_CORRECTED, WORST_TPR_AT_1_FPR

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import MetricComponent

METRICS = (
    ACCURACY,
    ACCURACY_GAP,
    AOP,
    AUC_MIA,
    AUC_MIA_BOOTSTRAP,
    CANARY_AUC,
    TPR_AT_10_FPR,
    TPR_AT_1_FPR,
    TPR_AT_0_1_FPR,
    WORST_AUC,
    WORST_AUC_CORRECTED,
    WORST_TPR_AT_1_FPR,
    BEST_PUBLISHED_AUC,
    WORST_CLASS_AUC,
    WORST_DECILE_AUC,
    ADVANTAGE,
    EPSILON_LOWER,
    EPSILON_LOWER_GAUSSIAN,
    AUC_BETWEEN_TRAININGS,
    AUC_FROM_SHADOWS,
    TPR_BETWEEN_TRAININGS,
    AUDIT_CANARY_AUC,
    AUDIT_CANARY_TPR_AT_1_FPR,
    AUDIT_CANARY_EPSILON_LOWER,
    EPSILON_ACCOUNTED,
    MATCH_SHORTFALL,
    DUPLICATE_RATE,
    NEAR_DUPLICATE_RATE,
    MEMBERS_EXTRACTED,
    DATASET_POWER,
)


@hookimpl
def register_metrics(register: Callable[[MetricComponent], None]) -> None:
    """Register the built-in metrics."""
    for component in METRICS:
        register(component)
