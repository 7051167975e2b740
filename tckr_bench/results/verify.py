"""Recompute every measurement of a run from its saved evidence; results.json is believed only where it agrees."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tckr_bench.errors import OptionError, PluginError, RunError
from tckr_bench.plugin.registry import default_registry
from tckr_bench.results.evidence import COPIES_FILE, EVIDENCE_FILE, SAMPLES_FILE, read_evidence, read_samples
from tckr_bench.results.run_files import cell_folder, read_results
from tckr_bench.results.soundness import fault_of_evidence
from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tckr_bench.records import CellEvidence, CellRecord, ComponentUse, Labels, Logits, Measurement
    from tckr_bench.results.evidence import Samples
    from tckr_bench.results.run_files import RunResults

TOLERANCE = 1e-9
RENAMINGS = 20_000
CHANCE_TAIL = 5e-4
LIMITED = ("noise", "memorizer")


@dataclass(frozen=True)
class Mismatch:
    """A measurement of results.json that its evidence does not bear out; `what` says in words how."""

    dataset: str
    method: str
    seed: int
    measurement: str
    what: str

    def __str__(self) -> str:
        return plain(f"{self.dataset}/{self.method}/seed-{self.seed} {self.measurement}: {self.what}")


@dataclass(frozen=True)
class Verified:
    """A run with its measurements recomputed: results, mismatches, limits of ignorance, and evidence by cell.

    `revised` names the metrics that are installed in another version than the run had: their measurements are
    recomputed, and may differ.
    """

    results: RunResults
    mismatches: tuple[Mismatch, ...]
    control_limits: Mapping[tuple[str, str, int], float]
    evidence: Mapping[tuple[str, str, int], CellEvidence]
    revised: tuple[str, ...] = ()


def key_of(record: CellRecord) -> tuple[str, str, int]:
    """Return what tells a cell from every other one of its run."""
    return (record.dataset, record.method.name, record.seed)


def evidence_of(run: Path, record: CellRecord) -> CellEvidence:
    """Read and check a cell's evidence.

    Raises:
        RunError: it is missing, damaged, inconsistent, or would lie outside the run folder.
    """
    path = _inside(run, cell_folder(run, record) / EVIDENCE_FILE)
    evidence = read_evidence(path)
    fault = fault_of_evidence(evidence)
    if fault:
        raise RunError(f"{path} is not a file of evidence ({fault}); run the matrix again")
    return evidence


def samples_of(run: Path, record: CellRecord) -> Samples | None:
    """Read a cell's pairs of real and synthetic images, or return None if it has none.

    Raises:
        RunError: the file is damaged, inconsistent, or would lie outside the run folder.
    """
    return _pictures(run, record, SAMPLES_FILE)


def copies_of(run: Path, record: CellRecord) -> Samples | None:
    """Read a cell's real images beside the synthetic ones nearest to them, or return None if it has none.

    Raises:
        RunError: the file is damaged, inconsistent, or would lie outside the run folder.
    """
    return _pictures(run, record, COPIES_FILE)


def _pictures(run: Path, record: CellRecord, name: str) -> Samples | None:
    path = _inside(run, cell_folder(run, record) / name)
    if not path.is_file():
        return None
    samples = read_samples(path)
    pictures = (samples.real, samples.synthetic)
    count = len(samples.prompts)
    sound = all(
        part.ndim == 4 and part.shape[3] == 3 and min(part.shape[1:3]) > 0 and part.dtype.name == "uint8"
        for part in pictures
    )
    sound = sound and samples.labels.ndim == 1 and samples.labels.dtype.kind in "iu"
    if not sound or any(len(part) != count for part in (*pictures, samples.labels)):
        raise RunError(f"{path} is not a file of samples (arrays do not fit together); run the matrix again")
    return samples


def recompute_measurements(run: Path, record: CellRecord, metrics: Sequence[ComponentUse] = ()) -> list[Measurement]:
    """Compute a cell's measurements anew from its saved evidence, by default with every installed metric.

    Raises:
        RunError: there is no usable evidence.
        PluginError, OptionError: a metric is not installed here, or does not have its options.
    """
    return compute_measurements(evidence_of(run, record), metrics)


def verify_run(run: Path) -> list[Mismatch]:
    """List every measurement of a run that differs from its evidence by more than 1e-9.

    Raises:
        RunError: the folder holds no readable results.
    """
    return list(verified(run).mismatches)


def verified(run: Path, *, dataset: str | None = None) -> Verified:
    """Read a run, or the part of it on one dataset, and replace its measurements by those that its evidence gives.

    A cell without usable evidence keeps the measurements of results.json and is listed as a mismatch. Metrics that
    no cell of the run has measurements of (installed since) are left out.
    """
    results = read_results(run)
    if dataset is not None:
        own = tuple(record for record in results.records if record.dataset == dataset)
        results = replace(results, records=own)
    folder = run if run.is_dir() else run.parent
    known = {measurement.metric for record in results.records for measurement in record.measurements}
    revised = revised_metrics(results.metrics)
    records, mismatches = [], []
    evidence: dict[tuple[str, str, int], CellEvidence] = {}
    for record in results.records:
        if record.status != "ok":
            records.append(record)
            continue
        try:
            found = evidence_of(folder, record)
            measurements = tuple(
                measurement
                for measurement in compute_measurements(found, results.metrics)
                if measurement.metric in known
            )
        except (RunError, PluginError, OptionError, ArithmeticError, AssertionError, LookupError, ValueError) as error:
            # evidence is hostile input: what a metric makes of nonsense is a finding, not a crash
            mismatches.append(Mismatch(*key_of(record), "measurements", f"not recomputed, shown as saved ({error})"))
            records.append(record)
            continue
        evidence[key_of(record)] = found
        mismatches += _compare(record, measurements, besides=revised)
        models = {label: attack.threat_model for label, attack in found.attacks.items()}
        if models != record.threat_models:
            mismatches.append(Mismatch(*key_of(record), "threat models", "are not those of the saved scores"))
        measurements = (*measurements, *_of_absent_metrics(record, measurements))
        records.append(replace(record, measurements=measurements, threat_models=models))
    limits = control_limits(folder, results)
    return Verified(replace(results, records=tuple(records)), tuple(mismatches), limits, evidence, revised)


def control_limits(run: Path, results: RunResults) -> Mapping[tuple[str, str, int], float]:
    """Return, by cell, what its own evidence says of how far a control may go; see `control_limit`."""
    limits = {}
    for record in results.records:
        if has_limit(record):
            with contextlib.suppress(RunError):  # evidence that cannot be read is a mismatch, reported elsewhere
                limits[key_of(record)] = control_limit(record, evidence_of(run, record))
    return limits


def has_limit(record: CellRecord) -> bool:
    """Return whether a cell is of a control that its evidence sets a limit: `noise` and `memorizer`."""
    return record.status == "ok" and record.method.role == "control" and record.method.name.startswith(LIMITED)


def control_limit(record: CellRecord, evidence: CellEvidence) -> float:
    """Return the largest accuracy ignorance explains, of `noise`; of `memorizer` the share of members it releases."""
    if record.method.name.startswith("noise"):
        return chance_limit(evidence.test_logits, evidence.test_labels)
    attack = evidence.attacks.get(evidence.primary_attack)
    if attack is None or attack.labels is None:
        return 1.0
    return released_share(attack.labels[attack.members & ~attack.canaries], record.method.cardinality)


def released_share(labels: Labels, cardinality: float) -> float:
    """Return the share of the training images that a class-balanced sequence holds.

    A class takes each of its images once before it begins again, so that one with more than its part of the sequence
    is not released whole. The classes of the members stand for those of the training set.

    Args:
        labels: classes of the members, (n,).
        cardinality: length of the sequence in training sets.

    >>> import numpy as np
    >>> released_share(np.array([0, 0, 0, 1]), 1)  # four images, two of each class: one of class 0 stays out
    0.75
    >>> released_share(np.array([0, 0, 1, 1]), 1)
    1.0
    """
    import numpy as np

    counts = np.unique(labels, return_counts=True)[1]
    if not len(counts):
        return 1.0
    return min(1.0, float(np.minimum(counts / counts.sum(), cardinality / len(counts)).sum()))


def chance_limit(logits: Logits, labels: Labels) -> float:
    """Return the accuracy that an ignorant classifier exceeds about once in 2,000 times.

    Ignorance is taken as: any renaming of the classifier's outputs was as likely as the one observed. An
    ignorant network still maps alike images to alike outputs, so its hits come in whole classes and spread
    far wider than a binomial count; renaming the outputs keeps that structure (a permutation test over class
    names).

    Measured: 40 small networks trained on noise reached 2 to 17 % on ten digits; a binomial check at z = 3.3 would
    have failed 8 of them, this one none.

    Args:
        logits: (n, classes).
        labels: (n,) class indices.

    >>> import numpy as np
    >>> always_first = np.eye(2)[[0, 0, 0, 0]]  # a constant answer: at best the largest class
    >>> chance_limit(always_first, np.array([0, 1, 1, 1]))
    0.75
    """
    import numpy as np

    classes = logits.shape[1]
    table = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(table, (labels, logits.argmax(axis=1)), 1)
    generator = np.random.default_rng(0)
    names = generator.permuted(np.tile(np.arange(classes), (RENAMINGS, 1)), axis=1)
    hits = table[np.arange(classes), names].sum(axis=1)
    return float(np.quantile(hits, 1 - CHANCE_TAIL, method="higher")) / len(labels)


def _inside(run: Path, path: Path) -> Path:
    """Return the path; names in results.json must not lead out of the run folder."""
    if not path.resolve().is_relative_to(run.resolve()):
        raise RunError(f"{path} lies outside the run {run}; its results.json has been tampered with")
    return path


def compute_measurements(evidence: CellEvidence, metrics: Sequence[ComponentUse] = ()) -> list[Measurement]:
    """Compute the measurements of evidence, by default with every installed metric.

    Raises:
        PluginError, OptionError: a metric is not installed here, or does not have its options.
    """
    registry = default_registry()
    names = [registration.component.name for registration in registry.family("metric")]
    measurements: list[Measurement] = []
    for use in metrics or [registry.use("metric", name, label=name, options={}) for name in names]:
        measurements += registry.load(use).compute(evidence)
    return measurements


def revised_metrics(metrics: Sequence[ComponentUse]) -> tuple[str, ...]:
    """Return the metrics whose installed version is not the one a run had."""
    installed = {entry.component.name: entry.component.version for entry in default_registry().family("metric")}
    return tuple(use.name for use in metrics if installed.get(use.name, use.version) != use.version)


def _compare(record: CellRecord, measurements: Sequence[Measurement], *, besides: Sequence[str]) -> list[Mismatch]:
    found = {(measurement.metric, measurement.attack): measurement for measurement in measurements}
    saved = {(measurement.metric, measurement.attack): measurement for measurement in record.measurements}
    mismatches = []
    for key in dict.fromkeys((*saved, *found)):
        what = difference(saved.get(key), found.get(key))
        if what and key[0] not in besides:
            name = key[0] + (f" ({key[1]})" if key[1] else "")
            mismatches.append(Mismatch(*key_of(record), name, what))
    return mismatches


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


def _of_absent_metrics(record: CellRecord, measurements: Sequence[Measurement]) -> list[Measurement]:
    """Return saved measurements of metrics that are not installed here: shown, and listed as not recomputed."""
    installed = {registration.component.name for registration in default_registry().family("metric")}
    computed = {measurement.metric for measurement in measurements} | installed
    return [measurement for measurement in record.measurements if measurement.metric not in computed]
