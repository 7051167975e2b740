"""The plan of a run: what there is to do, what is done already, and how long the rest will take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from tckr_bench.engine.estimate import Rates, forecast
from tckr_bench.engine.graph import Graph, build_graph
from tckr_bench.engine.matrix import Matrix
from tckr_bench.engine.store import Store
from tckr_bench.errors import DatasetError
from tckr_bench.plugins import Registry
from tckr_bench.records import ComponentUse, DatasetDescription


@dataclass(frozen=True)
class Plan:
    """A run before it starts.

    `cached` and `pending` are keys of stages, `seconds` is the forecast for the pending ones, and `unavailable` gives
    the reason for each dataset that was left out of a plan that is not to be run.
    """

    matrix: Matrix
    descriptions: Mapping[str, DatasetDescription]
    graph: Graph
    cached: tuple[str, ...]
    pending: tuple[str, ...]
    seconds: float
    rates: Rates
    unavailable: Mapping[str, str]

    @property
    def guessed(self) -> bool:
        """Whether the forecast rests on first guesses for some of the pending stages."""
        return any(not self.rates.knows(self.graph.stages[key]) for key in self.pending)


def make_plan(matrix: Matrix, registry: Registry, store: Store, *, jobs: int, lenient: bool = False) -> Plan:
    """Describe the datasets, build the graph, and check every artifact it already has.

    With `lenient`, datasets that cannot be used are left out and listed, for plans that are only looked at.

    Raises:
        DatasetError: a dataset of the matrix is unavailable or unusable.
    """
    descriptions: dict[str, DatasetDescription] = {}
    unavailable: dict[str, str] = {}
    for use in matrix.datasets:
        try:
            descriptions[use.label] = _describe(use, registry)
        except DatasetError as error:
            if not lenient:
                raise
            unavailable[use.label] = str(error)
    matrix = replace(matrix, datasets=tuple(use for use in matrix.datasets if use.label in descriptions))
    graph = build_graph(matrix, descriptions)
    cached = tuple(key for key in graph.stages if store.find(key))
    for key in cached:
        store.touch(key)
    done = set(cached)
    pending = tuple(key for key in graph.stages if key not in done)
    rates = Rates.read(store.root)
    seconds = forecast((graph.stages[key] for key in pending), rates, jobs=jobs)
    return Plan(matrix, descriptions, graph, cached, pending, seconds, rates, unavailable)


def _describe(use: ComponentUse, registry: Registry) -> DatasetDescription:
    description: DatasetDescription = registry.load(use).describe()
    if len(description.class_names) < 2:
        found = len(description.class_names)
        raise DatasetError(f"dataset '{use.label}' has {found} class; a classifier needs two or more")
    for split in ("train", "test"):
        if not description.counts.get(split):
            raise DatasetError(f"dataset '{use.label}' has no images in its {split} split")
    return description
