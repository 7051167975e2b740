"""Where measurements enter, in a run and in every recomputation.

A metric sees evidence that it cannot write to, and what it returns is taken only where it can be what it says it is.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from tckr_bench.plugin.components import MetricComponent
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import Measurement, read_only

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tckr_bench.plugin.protocols import Metric
    from tckr_bench.plugin.registry import Registry
    from tckr_bench.records import CellEvidence, ComponentUse

TOLERANCE = 1e-9
OWN_DISTRIBUTION = "tckr-bench "
"""How the distribution of a component that the harness brings along begins; a version follows."""


def own_metrics(registry: Registry) -> tuple[str, ...]:
    """Return the metrics that every matrix runs: those of the harness, on which gates and ranks rest.

    Somebody else's, installed beside them, run where a matrix names them.
    """
    return tuple(
        entry.component.name for entry in registry.family("metric") if entry.distribution.startswith(OWN_DISTRIBUTION)
    )


def measure(use: ComponentUse, evidence: CellEvidence) -> tuple[Measurement, ...]:
    """Return what one metric finds in evidence.

    Raises:
        PluginError, OptionError: the metric is not installed here, or does not have its options.
        ValueError: it returned something else than measurements of its own.
    """
    registry = default_registry()
    metric: Metric = registry.load(use)
    component = registry.get("metric", use.name).component
    assert isinstance(component, MetricComponent), "the registry holds the contract of each family"
    names = declared_names(component)
    return admitted(metric.compute(read_only(evidence)), names=names, attacks=evidence.attacks)


def declared_names(component: MetricComponent) -> frozenset[str]:
    """Return the names that a metric's measurements may bear: those of the quantities it declares."""
    return frozenset(quantity.name for quantity in component.quantities)


def admitted(
    found: Iterable[Measurement], *, names: Collection[str], attacks: Collection[str]
) -> tuple[Measurement, ...]:
    """Return measurements as plain numbers, once they are sound.

    Raises:
        ValueError: one is not finite, lies outside its interval, bears a name that was not declared or that of an
            attack that was not made, or is there twice.

    >>> admitted([Measurement("accuracy", 0.5, 0.6, 0.7, "made up", 10)], names={"accuracy"}, attacks=())
    Traceback (most recent call last):
    ValueError: the measurement 'accuracy' of 0.5 lies outside 0.6 to 0.7
    """
    sound: dict[tuple[str, str], Measurement] = {}
    for measurement in found:
        fault = _fault(measurement, names=names, attacks=attacks)
        if fault:
            raise ValueError(fault)
        place = (measurement.metric, measurement.attack)
        if place in sound:
            raise ValueError(f"the measurement '{' of '.join(filter(None, place))}' is there twice")
        value, low, high = (float(part) for part in (measurement.value, measurement.low, measurement.high))
        sound[place] = replace(measurement, value=value, low=low, high=high, examples=int(measurement.examples))
    return tuple(sound.values())


def _fault(given: object, *, names: Collection[str], attacks: Collection[str]) -> str:
    """Return what is wrong with a measurement, or nothing."""
    if not isinstance(given, Measurement):
        return f"a metric must return measurements, it returned {type(given).__name__}"
    if given.metric not in names:
        return f"a measurement is called '{given.metric}', declared are: {', '.join(sorted(names))}"
    if given.attack and given.attack not in attacks:
        return f"the measurement '{given.metric}' is of an attack '{given.attack}' that was not made"
    if not all(map(math.isfinite, (given.value, given.low, given.high))):
        return f"the measurement '{given.metric}' is not finite: {given.value} from {given.low} to {given.high}"
    if not given.low - TOLERANCE <= given.value <= given.high + TOLERANCE:
        return f"the measurement '{given.metric}' of {given.value:g} lies outside {given.low:g} to {given.high:g}"
    return ""
