"""The plan of a run: what there is to do, what is done already, and how long the rest will take."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from tckr_bench.engine.builder import build_graph
from tckr_bench.engine.estimate import Rates, forecast
from tckr_bench.engine.graph import Graph, split_sizes
from tckr_bench.engine.matrix import Matrix
from tckr_bench.engine.resources import Resources, count_resources, seconds_by_arithmetic, stage_operations
from tckr_bench.engine.store import Store
from tckr_bench.errors import DatasetError
from tckr_bench.plugin.components import DatasetComponent
from tckr_bench.plugin.registry import Registry
from tckr_bench.records import ComponentUse, DatasetDescription
from tckr_bench.stages.decoded import check_description


@dataclass(frozen=True)
class Plan:
    """A run before it starts.

    Attributes:
        matrix: the matrix, without the datasets that are left out.
        descriptions: what is known of each dataset, by label.
        graph: the stages.
        cached: keys of the stages that are in the store.
        pending: keys of the stages that are not.
        seconds: forecast for the pending stages.
        rates: what the forecast rests on.
        resources: images, arithmetic and bytes of the pending stages.
        published: labels of the datasets that are planned by their published sizes, as they are not here.
        unavailable: the reason for each dataset that was left out of a plan that is not to be run.
    """

    matrix: Matrix
    descriptions: Mapping[str, DatasetDescription]
    graph: Graph
    cached: tuple[str, ...]
    pending: tuple[str, ...]
    seconds: float
    rates: Rates
    resources: Resources
    published: Collection[str]
    unavailable: Mapping[str, str]

    def split_sizes(self, dataset: str) -> dict[str, int]:
        """Return how many images of a dataset train, validate and test."""
        file = self.matrix.file
        return split_sizes(self.descriptions[dataset], file.held_out, training_images=file.training_images)

    @property
    def guessed(self) -> bool:
        """Whether the forecast rests on first guesses for some of the pending stages."""
        return any(not self.rates.knows(self.graph.stages[key]) for key in self.pending)


@dataclass(frozen=True)
class _Found:
    """The datasets of a matrix: what is known of each, which are not here, and which cannot be planned."""

    descriptions: dict[str, DatasetDescription]
    published: set[str]
    unavailable: dict[str, str]


def make_plan(
    matrix: Matrix,
    registry: Registry,
    store: Store,
    *,
    jobs: int,
    device: str = "cpu",
    lenient: bool = False,
    published: bool = False,
) -> Plan:
    """Describe the datasets, build the graph, and check every artifact it already has.

    With `lenient`, for plans that are only looked at, a dataset that is not here is planned by its published size, and
    left out where it has none; with `published`, the published size is taken even of a dataset that is here.

    Raises:
        DatasetError: a dataset of the matrix is unavailable or unusable.
    """
    found = _describe_all(matrix, registry, lenient=lenient, published=published)
    chosen = tuple(use for use in matrix.datasets if use.label in found.descriptions)
    matrix = replace(matrix, datasets=chosen)
    graph = build_graph(matrix, found.descriptions)
    there = set(store.keys())
    cached = tuple(key for key in graph.stages if key in there and store.find(key))
    for key in cached:
        store.touch(key)
    done = set(cached)
    pending = tuple(key for key in graph.stages if key not in done)
    stages = [graph.stages[key] for key in pending]
    operations = stage_operations(stages, registry)
    rates = replace(Rates.read(store.root), by_arithmetic=seconds_by_arithmetic(operations, device=device))
    return Plan(
        matrix=matrix,
        descriptions=found.descriptions,
        graph=graph,
        cached=cached,
        pending=pending,
        seconds=forecast(stages, rates, jobs=jobs),
        rates=rates,
        resources=count_resources(stages, operations),
        published=found.published,
        unavailable=found.unavailable,
    )


def _describe_all(matrix: Matrix, registry: Registry, *, lenient: bool, published: bool) -> _Found:
    found = _Found({}, set(), {})
    for use in matrix.datasets:
        known = _as_published(use, registry) if lenient else None
        if not (published and known):
            try:
                found.descriptions[use.label] = _describe(use, registry)
                continue
            except DatasetError as error:
                if not lenient:
                    raise
                if known is None:
                    found.unavailable[use.label] = str(error)
        if known is not None:
            found.descriptions[use.label] = known
            found.published.add(use.label)
    return found


def _as_published(use: ComponentUse, registry: Registry) -> DatasetDescription | None:
    component = registry.component(DatasetComponent, use.name)
    return component.published(component.parse_options(use.options))


def _describe(use: ComponentUse, registry: Registry) -> DatasetDescription:
    description: DatasetDescription = registry.load(use).describe()
    check_description(use.label, description)
    return description
