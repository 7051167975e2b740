"""Ask again whether an attacker who repeats the pipeline finds more, with shadow pipelines as the targets.

A run has one student of a method to attack; its store has K shadow students of which it is known what each learned
from. Here each of them is attacked in turn: once by shadow models of the real-data baseline, once by the other shadow
pipelines, with the same attack on the same examples. The pair of shadows that saw the target's half and its complement
is left out on both sides. So the difference comes with the spread between trainings, which one run cannot tell.

    tckr-bench run --matrix audit
    python benchmarks/adaptive.py --matrix audit
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t as student

from tckr_bench.engine.graph import Stage
from tckr_bench.engine.matrix import load_matrix
from tckr_bench.engine.plan import Plan, make_plan
from tckr_bench.engine.store import Store, default_store_path
from tckr_bench.errors import RunError, TckrError
from tckr_bench.plugin.protocols import Attack
from tckr_bench.plugin.registry import Registry, default_registry
from tckr_bench.records import AttackEvidence
from tckr_bench.stages import attack
from tckr_bench.stages.challenge import build_challenge, shadow_group
from tckr_bench.stages.prepare import read_prepared
from tckr_bench.stages.request import stage_request
from tckr_bench.stages.shadows import gather_evidence, only, with_shadow_as_target
from tckr_bench.stats import auc, tpr_at_fpr


@dataclass(frozen=True)
class Comparison:
    """What an attack reaches on each of K shadow students, by baseline shadows and by shadow pipelines: (K, 2)."""

    name: str
    aucs: np.ndarray
    rates: np.ndarray


def main() -> None:
    """Read the store of a finished run, attack its shadow students and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--matrix", default="audit", help="a matrix that was run, with adaptive attacks")
    parser.add_argument("--dataset", action="append", default=[], help="instead of the matrix's")
    parser.add_argument("--json", action="store_true", help="print the measurements of every target as well")
    arguments = parser.parse_args()
    try:
        _show(arguments)
    except TckrError as error:
        raise SystemExit(f"Error: {error}") from error


def _show(arguments: argparse.Namespace) -> None:
    """Print the table of a finished run.

    Raises:
        TckrError: the matrix was not run, or with too few shadow models to leave a pair of them out.
    """
    registry = default_registry()
    matrix = load_matrix(arguments.matrix, registry, datasets=arguments.dataset)
    store = Store(default_store_path())
    plan = make_plan(matrix, registry, store, jobs=1)
    if plan.pending:
        raise RunError(
            f"{len(plan.pending)} stages of the matrix '{arguments.matrix}' are not in the store {store.root}; "
            "run it first, with the same datasets"
        )
    print(f"{'dataset, method, attack':60} {'AUC':>13} {'change':>24} {'TPR at 1 %':>12} {'change, points':>24}")
    for found in comparisons(plan, store, registry):
        print(line(found))
        if arguments.json:
            print(json.dumps({"name": found.name, "aucs": found.aucs.tolist(), "rates": found.rates.tolist()}))


def comparisons(plan: Plan, store: Store, registry: Registry) -> Iterator[Comparison]:
    """Yield a comparison for every synthetic method and every attack that comes plain and adaptive."""
    for cell in plan.graph.cells.values():
        if cell.method.role != "method":
            continue
        measured = plan.graph.stages[plan.graph.leaves[cell.slug]]
        attacks = {stage.label: stage for stage in (plan.graph.stages[key] for key in measured.parents["attacks"])}
        for name, plain, adaptive in _counterparts(attacks):
            yield compare(name, plain, adaptive, store=store, registry=registry)


def _counterparts(attacks: Mapping[str, Stage]) -> Iterator[tuple[str, Stage, Stage]]:
    """Pair attacks that differ in nothing but whether their shadow models repeat the pipeline."""
    known = {}
    for name, stage in attacks.items():
        use = stage.components["attack"]
        if "shadows" in stage.parents and "adaptive" in use.options:
            same = (use.name, json.dumps({**use.options, "adaptive": None}, sort_keys=True))
            known.setdefault(same, {})[bool(use.options["adaptive"])] = (name, stage)
    for pair in known.values():
        if len(pair) == 2:
            yield pair[False][0], pair[False][1], pair[True][1]


def compare(name: str, plain: Stage, adaptive: Stage, *, store: Store, registry: Registry) -> Comparison:
    """Attack every shadow student of a method both ways."""
    attacker: Attack = registry.load(adaptive.components["attack"])
    (by_baseline, group), (by_pipelines, _) = (_evidence(stage, store) for stage in (plain, adaptive))
    assert np.array_equal(by_baseline.shadow_membership, by_pipelines.shadow_membership), "banks share their parts"
    aucs, rates = [], []
    for index, inside in enumerate(by_pipelines.shadow_membership):
        target = with_shadow_as_target(by_pipelines, index, group=group)
        baseline = with_shadow_as_target(by_baseline, index, group=group)
        scores = [attacker.score(_by(baseline, target)), attacker.score(target)]
        aucs.append([auc(found, inside) for found in scores])
        rates.append([tpr_at_fpr(found, inside, fpr=0.01).true_positive_rate.value for found in scores])
    return Comparison(name, np.array(aucs), np.array(rates))


def _by(baseline: AttackEvidence, target: AttackEvidence) -> AttackEvidence:
    """Return the evidence on a shadow student with shadow models of the baseline, but for those of its own group."""
    references = baseline.references
    if references is not None and target.references is not None:
        references = replace(references, target_logits=target.references.target_logits)
    return replace(
        baseline,
        target_logits=target.target_logits,
        target_queries=target.target_queries,
        references=references,
    )


def _evidence(stage: Stage, store: Store) -> tuple[AttackEvidence, int]:
    """Return what the shadow models of an attack's stage say of the ordinary examples, and how many make a group."""
    request = stage_request(
        attack,
        kind=stage.kind,
        components=stage.components,
        parents={role: tuple(map(store.path, keys)) for role, keys in stage.parents.items()},
        parameters=stage.parameters,
        seed=stage.seed,
    )
    prepared = read_prepared(request.inputs.data)
    challenge = build_challenge(prepared, request.parameters.challenge)
    inputs = request.inputs
    evidence = gather_evidence(inputs.target, inputs.shadows, challenge, validation=prepared.validation)
    group = shadow_group(len(challenge.members), part=challenge.part)
    return only(evidence, ~challenge.canaries), group


def line(found: Comparison) -> str:
    """Return a row of the table: means over the targets, and the change with its 95 % interval."""
    cells = [f"{found.name:60}"]
    for values, scale, digits in ((found.aucs, 1, 3), (found.rates, 100, 1)):
        before, after = scale * values.mean(axis=0)
        change, reach = change_of(scale * values)
        cells.append(f"{before:5.{digits}f} > {after:5.{digits}f}")
        cells.append(f"{change:+.{digits}f} ({change - reach:+.{digits}f} to {change + reach:+.{digits}f})")
    return " ".join(cell.rjust(width) for cell, width in zip(cells, (60, 13, 24, 12, 24), strict=True))


def change_of(values: np.ndarray) -> tuple[float, float]:
    """Return the mean change (K, 2) and half its 95 % interval; a pair of complementary shadows counts once.

    >>> change, reach = change_of(np.array([[0.5, 0.6], [0.5, 0.6], [0.5, 0.8], [0.5, 0.8]]))
    >>> round(change, 3), round(reach, 3)  # pairs 0.1 and 0.3: deviation 0.1414 / sqrt 2, times 12.706
    (0.2, 1.271)
    """
    differences = np.diff(values, axis=1).reshape(-1, 2).mean(axis=1)
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return float(differences.mean()), float(student.ppf(0.975, len(differences) - 1) * error)


if __name__ == "__main__":
    main()
