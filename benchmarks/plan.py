"""How fast a run is planned and scheduled, each step against the naive way, in one run.

    python benchmarks/plan.py                   # the matrix `paper`, a few minutes on a busy machine
    python benchmarks/plan.py --rounds 1

The naive ways are those the project had: what is the same for thousands of stages is worked out for each of them.
Both ways in alternating rounds; processor seconds, medians.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from tckr_bench.engine.builder import build_graph
from tckr_bench.engine.estimate import Rates
from tckr_bench.engine.fingerprint import fingerprint
from tckr_bench.engine.graph import Graph, Stage, count_naive
from tckr_bench.engine.matrix import load_matrix
from tckr_bench.engine.plan import Plan, make_plan
from tckr_bench.engine.resources import LEARNING_ROLES, stage_operations
from tckr_bench.engine.scheduler import Scheduler
from tckr_bench.engine.store import FRESH_SECONDS, Manifest, Provenance, Store, damaged_files
from tckr_bench.plugin.registry import Registry, default_registry
from tckr_bench.records import ComponentUse, Cost

ARTIFACTS = 300
SCHEDULED = 2000
"""How many stages the naive scheduler is given: it takes the square of their number."""
TEN_THOUSAND_CELLS = (
    f"seeds={list(range(13))}",
    f"cardinalities={[round(0.04 * step, 2) for step in range(1, 26)]}",
    'labels=["hard","soft"]',
    "generation_chunk=5000",
)


def naive_find(store: Store, key: str) -> Manifest | None:
    """Read and check an artifact with adapters made for it alone, and hash it whatever was hashed before."""
    folder = store.path(key)
    try:
        manifest = TypeAdapter(Manifest).validate_json((folder / "manifest.json").read_bytes())
        TypeAdapter(Provenance).validate_json((folder / "provenance.json").read_bytes())
    except OSError:
        return None
    return None if any(damaged_files(folder, manifest)) else manifest


def naive_identity(use: ComponentUse) -> dict[str, object]:
    """Return all that tells a component from others, to be written into the key of each of its stages."""
    return dataclasses.asdict(use)


def naive_keys(graph: Graph) -> None:
    """Hash every stage with everything its components are."""
    for stage in graph.stages.values():
        components = {role: naive_identity(use) for role, use in stage.components.items()}
        fingerprint([stage.kind, components, dict(stage.parameters), stage.seed, dict(stage.parents)])


def naive_count(graph: Graph) -> int:
    """Count the stages of every cell by collecting them."""
    total = 0
    for leaf in graph.leaves.values():
        wanted, waiting = {leaf}, [leaf]
        while waiting:
            found = set(graph.stages[waiting.pop()].parent_keys()) - wanted
            wanted |= found
            waiting.extend(found)
        total += len([stage for stage in graph.stages.values() if stage.key in wanted])
    return total


def naive_operations(graph: Graph, registry: Registry) -> None:
    """Parse a component's options for each of its stages, for the count and for the forecast."""
    for stage in (*graph.stages.values(), *graph.stages.values()):
        for role in LEARNING_ROLES.get(stage.function, ()):
            if role in stage.components:
                use = stage.components[role]
                component = registry.get(use.family, use.name).component
                component.operations(component.parse_options(use.options))


def naive_names(graph: Graph) -> None:
    """Hash the options of every stage's components to look up what stages like it took."""
    for stage in graph.stages.values():
        options = json.dumps({role: dict(use.options) for role, use in stage.components.items()}, sort_keys=True)
        hashlib.sha256(options.encode()).hexdigest()


def naive_schedule(stages: dict[str, Stage]) -> None:
    """Look through everything that waits for what is ready, each time that something ends."""
    waiting = set(stages)
    while waiting:
        ready = [key for key in waiting if not waiting.intersection(stages[key].parent_keys())]
        waiting.remove(max(ready))


def schedule(stages: dict[str, Stage]) -> None:
    """Run every stage, one at a time, in no time."""
    scheduler = Scheduler(stages, set(stages), seconds=lambda stage: stage.work)
    while (stage := scheduler.take()) is not None:
        scheduler.finished(stage, None)


def artifacts(store: Store) -> list[str]:
    """Fill a store with artifacts of half a megabyte, old enough to be taken on trust."""
    store.open_for_writing()
    keys = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(ARTIFACTS)]
    for key in keys:
        staged = store.begin(key)
        (staged / "arrays").write_bytes(key.encode() * 8000)
        provenance = Provenance("a stage", "a component", Cost(1.0, 1.0, 1), "cpu", 1.0, 0.0)
        store.commit(key, staged, kind="train", provenance=provenance)
    time.sleep(FRESH_SECONDS)
    assert all(store.find(key) for key in keys), "what was written is found, and remembered to be sound"
    return keys


def seconds(work: Callable[[], object]) -> float:
    """Return the processor seconds of a call."""
    began = time.process_time()
    work()
    return time.process_time() - began


@dataclass(frozen=True)
class Comparison:
    """One thing done in two ways."""

    name: str
    naive: Callable[[], object]
    ours: Callable[[], object]

    def show(self, rounds: int) -> None:
        """Print the median seconds of both ways, alternating, and their ratio."""
        pairs = [(seconds(self.naive), seconds(self.ours)) for _ in range(rounds)]
        before, after = (statistics.median(times) for times in zip(*pairs, strict=True))
        print(f"{self.name:<46} {before:8.3f} {after:8.3f} {before / after:8.1f}x", flush=True)


def planned(name: str, store: Store, settings: tuple[str, ...] = (), datasets: tuple[str, ...] = ()) -> Plan:
    """Plan a matrix for the published sizes of its datasets."""
    registry = default_registry()
    matrix = load_matrix(name, registry, settings=settings, datasets=datasets)
    return make_plan(matrix, registry, store, jobs=2, lenient=True, published=True)


def comparisons_of_lookup(graph: Graph, empty: Store, store: Store) -> list[Comparison]:
    """Return what a plan asks of the store: of one that has nothing yet, and of one that has it all."""
    keys = artifacts(store)
    return [
        Comparison(
            "looking for them in an empty store",
            lambda: [naive_find(empty, key) for key in graph.stages],
            lambda: set(empty.keys()).intersection(graph.stages),
        ),
        Comparison(
            f"finding {ARTIFACTS} artifacts of 512 kB again",
            lambda: [naive_find(store, key) for key in keys],
            lambda: [store.find(key) for key in keys],
        ),
    ]


def comparisons_of_graph(plan: Plan, rates: Rates) -> list[Comparison]:
    """Return what a plan works out of its stages, and what an execution does."""
    graph, registry = plan.graph, default_registry()
    some = dict(list(graph.stages.items())[:SCHEDULED])
    return [
        Comparison(
            "keys (ours: the whole graph, keys and all)",
            lambda: naive_keys(graph),
            lambda: build_graph(plan.matrix, plan.descriptions),
        ),
        Comparison(
            "counting what cells share",
            lambda: naive_count(graph),
            lambda: count_naive(graph.stages, graph.leaves.values()),
        ),
        Comparison(
            "arithmetic of stages",
            lambda: naive_operations(graph, registry),
            lambda: stage_operations(graph.stages.values(), registry),
        ),
        Comparison(
            "names to forecast by (ours: the forecast too)",
            lambda: naive_names(graph),
            lambda: [rates.seconds(stage) for stage in graph.stages.values()],
        ),
        Comparison(f"scheduling {len(some)} stages", lambda: naive_schedule(some), lambda: schedule(some)),
    ]


def main() -> None:
    """Print the comparisons, and what the whole takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--matrix", default="paper")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        empty, plan = Store(folder / "empty"), planned(arguments.matrix, Store(folder / "empty"))
        print(f"{len(plan.graph.stages)} stages, {len(plan.graph.cells)} cells; processor seconds: naive, ours, ratio")
        comparisons = comparisons_of_lookup(plan.graph, empty, Store(folder / "store"))
        for comparison in [*comparisons, *comparisons_of_graph(plan, Rates(folder / "rates.json"))]:
            comparison.show(arguments.rounds)
        whole = statistics.median(seconds(lambda: planned(arguments.matrix, empty)) for _ in range(arguments.rounds))
        print(f"the whole plan of `{arguments.matrix}`: {whole:.2f} s")
        print(f"scheduling all of its stages: {seconds(lambda: schedule(dict(plan.graph.stages))):.2f} s")
        large: list[Plan] = []
        took = seconds(lambda: large.append(planned("default", empty, TEN_THOUSAND_CELLS, ("paper-ten",))))
        print(f"a matrix of {len(large[0].graph.cells)} cells, {len(large[0].graph.stages)} stages: {took:.2f} s")


if __name__ == "__main__":
    main()
