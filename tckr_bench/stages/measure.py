"""Measure: gather a cell's evidence and compute its measurements from it, and from nothing else."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import CellEvidence, Measurement
from tckr_bench.results.evidence import COPIES_FILE, EVIDENCE_FILE, SAMPLES_FILE, Samples, write_evidence, write_samples
from tckr_bench.stages.attack import read_scores
from tckr_bench.stages.caption import read_prompts
from tckr_bench.stages.generate import read_generated
from tckr_bench.stages.prepare import Prepared, read_prepared
from tckr_bench.stages.release import PAIRS_FILE
from tckr_bench.stages.train import read_history, read_predictions

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.plugin.components import Context, Metric
    from tckr_bench.stages.request import StageRequest

MEASUREMENTS_FILE = "measurements.json"
SAMPLES_PER_CLASS = 4
MOST_SAMPLES = 80


@dataclass(frozen=True)
class MeasureParameters:
    """Labels of the attacks, in the order of the parents, and which of them the board ranks by.

    Attacks that do not apply to the cell leave no scores and are left out.
    """

    attacks: tuple[str, ...]
    primary_attack: str


def run(request: StageRequest, folder: Path, context: Context) -> None:
    """Write the evidence, the measurements, and pairs of real and synthetic images where the cell has any."""
    parameters = request.parse(MeasureParameters)
    prepared = read_prepared(request.input("data"))
    attacks = dict(zip(parameters.attacks, request.inputs["attacks"], strict=True))
    found = {label: read_scores(path, label=label) for label, path in attacks.items()}
    evidence = CellEvidence(
        test_labels=prepared.test.labels,
        test_logits=read_predictions(request.input("target")).test,
        teacher_logits=read_predictions(request.input("teacher")).test,
        attacks={label: scores for label, scores in found.items() if scores is not None},
        primary_attack=parameters.primary_attack,
        guarantee=read_history(request.input("target")).guarantee,
    )
    write_evidence(evidence, folder / EVIDENCE_FILE)
    measurements: list[Measurement] = []
    for use in request.components.values():
        metric: Metric = default_registry().load(use)
        measurements.extend(metric.compute(evidence))
    (folder / MEASUREMENTS_FILE).write_bytes(TypeAdapter(list[Measurement]).dump_json(measurements, indent=1))
    pairs = next((path / PAIRS_FILE for path in attacks.values() if (path / PAIRS_FILE).exists()), None)
    if pairs is not None:
        shutil.copyfile(pairs, folder / COPIES_FILE)
    if "images" in request.inputs:
        write_samples(_samples(request, prepared), folder / SAMPLES_FILE)
    context.progress(1.0)


def read_measurements(folder: Path) -> tuple[Measurement, ...]:
    """Read the measurements of a cell."""
    return TypeAdapter(tuple[Measurement, ...]).validate_json((folder / MEASUREMENTS_FILE).read_bytes())


def _samples(request: StageRequest, prepared: Prepared) -> Samples:
    """Pair the first synthetic images, class by class, with the real image their prompt describes."""
    import numpy as np

    prompts = read_prompts(request.input("prompts"))
    wanted = min(SAMPLES_PER_CLASS * len(prepared.class_names), MOST_SAMPLES)
    generated, sources = read_generated(request.inputs["images"][:1])
    order = np.argsort(generated.labels[:wanted], kind="stable")
    return Samples(
        real=prepared.train.images[sources[:wanted][order]],
        synthetic=generated.images[:wanted][order],
        labels=generated.labels[:wanted][order],
        prompts=tuple(prompts.texts[source] for source in sources[:wanted][order]),
    )
