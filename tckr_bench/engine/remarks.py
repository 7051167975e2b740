"""What the stages of a run made worth saying: captions left over, and attacks that do not apply to a method."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tckr_bench.stages.caption import read_remarks
from tckr_bench.stages.inapplicable import read_reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tckr_bench.engine.plan import Plan
    from tckr_bench.engine.store import Store


def remarks_on(plan: Plan, store: Store) -> list[str]:
    """Return a sentence for each thing of note, from artifacts made now or before; each is said once.

    Attacks on controls are left out: what a control releases is known, and no attack is expected of it.
    """
    captions = [stage.key for stage in plan.graph.stages.values() if stage.kind == "caption"]
    remarks = {remark: None for key in captions for remark in read_remarks(store.path(key))}
    reasons = Counter(_reasons(plan, store))
    left_out = [
        f"{label} was left out on {count} cell{'s' if count > 1 else ''}: {reason}"
        for (label, reason), count in reasons.items()
    ]
    return [*remarks, *left_out]


def _reasons(plan: Plan, store: Store) -> Iterator[tuple[str, str]]:
    """Yield the label of every attack on a method that does not apply, and why."""
    for slug, leaf in plan.graph.leaves.items():
        if plan.graph.cells[slug].method.role != "method":
            continue
        for key in plan.graph.stages[leaf].parents.get("attacks", ()):
            reason = read_reason(store.path(key))
            if reason:
                yield plan.graph.stages[key].components["attack"].label, reason
