"""Who is at risk most: the class, and the tenth of the examples, that an attack tells apart best."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tckr_bench.components import MetricComponent, NoOptions
from tckr_plugins.late import np, stats
from tckr_plugins.metrics.measurements import challenges, enough_of_each, measurement
from tckr_plugins.metrics.quantities import area

if TYPE_CHECKING:
    from tckr_bench.records import CellEvidence, Measurement


class WorstClassAuc:
    """AUC of an attack in the class in which it is highest, canaries left out, corrected for having looked at all.

    Classes with fewer than 20 members or non-members are left out. `examples` counts those of the class.
    """

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per attack whose examples have labels, and a class with enough of them."""
        found = []
        for attack, scores, members in challenges(evidence, canaries=False):
            saved = evidence.attacks[attack]
            if saved.labels is None:
                continue
            labels = saved.labels[~saved.canaries]
            masks = {label: labels == label for label in np.unique(labels).tolist()}
            judged = {label: mask for label, mask in masks.items() if enough_of_each(members[mask])}
            if judged:
                parts = list(judged.values())
                index, estimate = stats.highest_auc_apart(
                    [scores[mask] for mask in parts], [members[mask] for mask in parts]
                )
                told = replace(estimate, method=f"class {list(judged)[index]}; {estimate.method}")
                found.append(measurement("worst-class-auc", told, examples=int(parts[index].sum()), attack=attack))
        return found


class WorstDecileAuc:
    """AUC of an attack among the tenth of the examples that membership moves most, canaries left out.

    Which these are is told by the shadow models alone, so that nothing is chosen by what the target does. Fewer than 20
    members or non-members among them give no measurement.
    """

    def compute(self, evidence: CellEvidence) -> list[Measurement]:
        """Return one measurement per audited attack with enough members and non-members in the tenth."""
        found = []
        for attack, scores, members in challenges(evidence, canaries=False):
            audit = evidence.attacks[attack].audit
            if audit is None:
                continue
            assert audit.vulnerability.shape == scores.shape, "one vulnerability per ordinary example"
            most = np.argsort(-audit.vulnerability, kind="stable")[: -(-len(scores) // 10)]
            if enough_of_each(members[most]):
                estimate = stats.auc_interval(scores[most], members[most])
                found.append(measurement("worst-decile-auc", estimate, examples=len(most), attack=attack))
        return found


WORST_CLASS_AUC = MetricComponent(
    "worst-class-auc",
    version="1",
    options=NoOptions,
    load=lambda _options: WorstClassAuc(),
    summary="AUC in the class an attack tells apart best, corrected for that",
    quantities=(area("worst-class-auc", "worst class, AUC", "AUC in the class an attack tells apart best"),),
)
WORST_DECILE_AUC = MetricComponent(
    "worst-decile-auc",
    version="1",
    options=NoOptions,
    load=lambda _options: WorstDecileAuc(),
    summary="AUC among the tenth of examples that membership moves most",
    quantities=(
        area(
            "worst-decile-auc",
            "most exposed tenth, AUC",
            "AUC among the tenth of the examples that membership moves most",
        ),
    ),
)
