"""What keeps a row from a yes, whatever its measurements: how it was attacked, trained and generated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.judging.criteria import TPR_METRICS
from tckr_bench.records import attacks_on

if TYPE_CHECKING:
    from tckr_bench.judging.criteria import Criteria
    from tckr_bench.judging.rows import Row


def obstacles_of(row: Row, criteria: Criteria) -> list[str]:
    """Say what keeps a row from a yes, whatever its measurements."""
    found = []
    if not criteria.allow_non_adaptive and not _always_adaptive(row):
        found.append(
            "no attack repeats the whole pipeline that made the classifier (caption, adapt, generate, train), as an "
            "attacker may, so more could be found than was found here"
        )
    if len(row.seeds) == 1 and not _knows_other_trainings(row, criteria):
        found.append(
            "it rests on one training, and nothing tells how far another would lie: run more seeds; of the AUC and of "
            "members found at 1 % false alarms, eight or more shadow models of an adaptive attack tell it as well"
        )
    if row.protocol == "paper":
        found.append("the epoch kept is the one that did best on the test set, which flatters the accuracy")
    if row.contamination == "images":
        found.append(
            "the generator was pretrained on images of this very dataset, members and non-members alike, so neither "
            "its accuracy nor what attacks find would carry over to a private one"
        )
    return found


def _knows_other_trainings(row: Row, criteria: Criteria) -> bool:
    """Return whether shadow models tell how all that is limited differs between trainings: AUC, and TPR at 1 % FPR."""
    limited = {TPR_METRICS[limit.fpr] for limit in criteria.max_tprs}
    limited |= set() if criteria.max_auc is None else {metric_names.AUC}
    told = {it.metric for record in row.records for it in record.measurements}
    spreads = {metric: metric_names.BETWEEN_TRAININGS.get(metric_names.WORST.get(metric, "")) for metric in limited}
    return all(spread in told for spread in spreads.values())


def _always_adaptive(row: Row) -> bool:
    """Return whether in every seed an attack with an AUC repeats the row's whole pipeline."""
    finished = [record for record in row.records if record.status == "ok"]
    scored = {label for label in attacks_of(row) if row.get(metric_names.AUC, label) is not None}
    repeated = [{label for label, model in record.threat_models.items() if model.adaptive} for record in finished]
    return bool(repeated) and all(labels & scored for labels in repeated)


def attacks_of(row: Row) -> list[str]:
    """Return the labels of the attacks on a row's classifier that any of its seeds has."""
    return attacks_on([record for record in row.records if record.status == "ok"], surface="classifier")
