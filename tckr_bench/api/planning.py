"""A request for a run becomes a plan of its stages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.api.request import RunRequest
from tckr_bench.engine.matrix import load_matrix
from tckr_bench.engine.observers import observers_named
from tckr_bench.engine.plan import Plan, make_plan
from tckr_bench.engine.provenance import choose_device, devices_of, usable_cores
from tckr_bench.engine.store import Store
from tckr_bench.places import default_store_path
from tckr_bench.plugin.registry import Registry, default_registry
from tckr_bench.records import ComponentUse

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PlannedRun:
    """A plan, and what it was made from and will be carried out with."""

    request: RunRequest
    plan: Plan
    store: Store
    registry: Registry
    observers: tuple[ComponentUse, ...]
    jobs: int
    device: str

    @property
    def folder(self) -> Path:
        """Where results go: `runs/<matrix>`, with a mark of its own where the request changes what the matrix says."""
        if self.request.out is not None:
            return self.request.out
        name = self.plan.matrix.file.name
        if not (self.request.changes or self.request.datasets):
            return Path("runs") / name
        mark = hashlib.sha256(" ".join(sorted(self.plan.graph.leaves.values())).encode()).hexdigest()[:8]
        return Path("runs") / f"{name}-{mark}"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is wrong with what is installed here."""
        return tuple(
            f"the plugin '{plugin.name}' of {plugin.distribution} could not be loaded: {plugin.reason}"
            for plugin in self.registry.broken
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a row per stage: its kind, what it is of, its key, whether it is done, and the seconds it may take."""
        import pandas as pd

        done = set(self.plan.cached)
        rows = [
            (stage.kind, stage.label, key, key in done, 0.0 if key in done else self.plan.rates.seconds(stage))
            for key, stage in self.plan.graph.stages.items()
        ]
        return pd.DataFrame(rows, columns=["kind", "label", "key", "done", "seconds"])


def plan_run(request: RunRequest, *, lenient: bool = False, published: bool = False) -> PlannedRun:
    """Return the plan of a run.

    With `lenient`, for plans that are only looked at, a dataset that is not here is planned by its published size; with
    `published` every dataset is.

    Raises:
        TckrError: the matrix, a dataset, a setting or an observer cannot be used.
    """
    registry = default_registry()
    device = choose_device(request.device)
    jobs = request.jobs or (usable_cores() if device == "cpu" else len(devices_of(device)))
    matrix = load_matrix(request.matrix_name, registry, settings=request.settings, datasets=request.datasets)
    uses = observers_named(request.observe, matrix, registry, settings=() if lenient else request.settings)
    store = Store(default_store_path())
    plan = make_plan(matrix, registry, store, jobs=jobs, device=device, lenient=lenient, published=published)
    return PlannedRun(request, plan, store, registry, tuple(uses), jobs, device)
