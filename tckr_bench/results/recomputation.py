"""Measurements recomputed from saved evidence, and compared with what was saved of them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tckr_bench.plugin.registry import default_registry
from tckr_bench.results.measuring import TOLERANCE, measure, own_metrics

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tckr_bench.records import CellEvidence, ComponentUse, Measurement


def compute_measurements(
    evidence: CellEvidence, metrics: Sequence[ComponentUse] = (), *, excused: Collection[str] = ()
) -> list[Measurement]:
    """Compute the measurements of evidence, by default with the harness's own metrics.

    `excused` are labels of metrics that may fail, since they failed in the run; where one does not, its measurements
    count.

    Raises:
        PluginError, OptionError: a metric is not installed here, or does not have its options.
        ValueError: a metric returned something else than measurements of its own.
    """
    registry = default_registry()
    uses = metrics or [registry.use("metric", name, label=name, options={}) for name in own_metrics(registry)]
    measurements: list[Measurement] = []
    for use in uses:
        forgiven = (Exception, SystemExit) if use.label in excused else ()
        with contextlib.suppress(*forgiven):
            measurements += measure(use, evidence)
    return measurements


def revised_metrics(metrics: Sequence[ComponentUse]) -> tuple[str, ...]:
    """Return the metrics whose installed version is not the one a run had."""
    installed = {entry.component.name: entry.component.version for entry in default_registry().family("metric")}
    return tuple(use.name for use in metrics if installed.get(use.name, use.version) != use.version)


def difference(saved: Measurement | None, found: Measurement | None) -> str:
    """Say how a saved measurement differs from the one its evidence gives, or nothing where they agree to 1e-9."""
    if found is None:
        return "the evidence and the installed metrics do not give it"
    if saved is None:
        return f"missing from the results; the evidence gives {found.value:.6g}"
    for part in ("value", "low", "high"):
        ours, theirs = getattr(found, part), getattr(saved, part)
        if not abs(ours - theirs) <= TOLERANCE:  # written so that a NaN counts as a difference
            return f"{part} is {theirs:.12g} in the results, {ours:.12g} by the evidence"
    return ""
