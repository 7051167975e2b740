"""Intervals and ranks: everything statistical that stands behind a measurement.

Every interval is two-sided with 95 % confidence unless told otherwise. Scores follow one convention: higher
means 'more likely a member', and members are the positive class. What is random is drawn from a generator or a seed
that is given.
"""

from tckr_bench.records import Estimate
from tckr_bench.stats.estimates import CONFIDENCE, deviation_interval, deviations_from, percentile_interval
from tckr_bench.stats.guessing import advantage, epsilon_lower_bound, halves
from tckr_bench.stats.operating import OperatingPoint, RocCurve, roc_curve, tpr_at_fpr, tpr_interval
from tckr_bench.stats.pairs import (
    flipped_p_value,
    pair_epsilon,
    pair_weights,
    promising_share,
    rank_features,
    smallest_p_value,
)
from tckr_bench.stats.proportions import clopper_pearson, difference, paired_difference, wilson
from tckr_bench.stats.ranking import (
    auc,
    auc_interval,
    delong_covariance,
    delong_variance,
    midranks,
    paired_auc_difference,
)
from tckr_bench.stats.resampling import (
    bootstrap_auc,
    bootstrap_auc_interval,
    bootstrap_mean,
    clustered_auc_interval,
    clustered_tpr_interval,
)
from tckr_bench.stats.worst import corrected_auc, highest_auc, highest_auc_apart, highest_tpr, less_luckiest

__all__ = [
    "CONFIDENCE",
    "Estimate",
    "OperatingPoint",
    "RocCurve",
    "advantage",
    "auc",
    "auc_interval",
    "bootstrap_auc",
    "bootstrap_auc_interval",
    "bootstrap_mean",
    "clopper_pearson",
    "clustered_auc_interval",
    "clustered_tpr_interval",
    "corrected_auc",
    "delong_covariance",
    "delong_variance",
    "deviation_interval",
    "deviations_from",
    "difference",
    "epsilon_lower_bound",
    "flipped_p_value",
    "halves",
    "highest_auc",
    "highest_auc_apart",
    "highest_tpr",
    "less_luckiest",
    "midranks",
    "pair_epsilon",
    "pair_weights",
    "paired_auc_difference",
    "paired_difference",
    "percentile_interval",
    "promising_share",
    "rank_features",
    "roc_curve",
    "smallest_p_value",
    "tpr_at_fpr",
    "tpr_interval",
    "wilson",
]
