"""Measure: gather a cell's evidence and compute its measurements from it, and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import CellEvidence, Measurement, ThreatModel
from tckr_bench.results.pictures import PicturePair, read_pictures, spread, write_pictures
from tckr_bench.results.scores import narrowed, write_scores
from tckr_bench.stages.attack import read_scores
from tckr_bench.stages.caption import read_prompts
from tckr_bench.stages.generate import read_generated
from tckr_bench.stages.prepare import Prepared, read_prepared
from tckr_bench.stages.release import PAIRS_FILE
from tckr_bench.stages.train import read_history, read_predictions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tckr_bench.plugin.protocols import Context, Metric
    from tckr_bench.stages.request import StageRequest

MEASURED_FILE, SCORES_FILE, PICTURES_FILE = "measured.json", "scores.parquet", "pictures.parquet"
SAMPLES_PER_CLASS = 4
FIRST_IMAGES = 80
MOST_SAMPLES = 24


@dataclass(frozen=True)
class MeasureParameters:
    """Labels of the attacks, in the order of the parents, and which of them the board ranks by.

    Attacks that do not apply to the cell leave no scores and are left out.
    """

    attacks: tuple[str, ...]
    primary_attack: str


@dataclass(frozen=True)
class Measured:
    """What is known of a cell: its measurements, and the threat models of its attacks by label."""

    measurements: tuple[Measurement, ...]
    threat_models: Mapping[str, ThreatModel]


def run(request: StageRequest, folder: Path, context: Context) -> None:
    """Write the scores, what the metrics make of them, and pairs of real and synthetic images where there are any."""
    parameters = request.parse(MeasureParameters)
    prepared = read_prepared(request.input("data"))
    attacks = dict(zip(parameters.attacks, request.inputs["attacks"], strict=True))
    found = {label: read_scores(path, label=label) for label, path in attacks.items()}
    evidence = narrowed(
        CellEvidence(
            test_labels=prepared.test.labels,
            test_logits=read_predictions(request.input("target")).test,
            teacher_logits=read_predictions(request.input("teacher")).test,
            attacks={label: scores for label, scores in found.items() if scores is not None},
            primary_attack=parameters.primary_attack,
            guarantee=read_history(request.input("target")).guarantee,
        )
    )
    write_scores(evidence, folder / SCORES_FILE)
    measurements: list[Measurement] = []
    for use in request.components.values():
        metric: Metric = default_registry().load(use)
        measurements.extend(metric.compute(evidence))
    models = {label: attack.threat_model for label, attack in evidence.attacks.items()}
    measured = Measured(tuple(measurements), models)
    (folder / MEASURED_FILE).write_bytes(TypeAdapter(Measured).dump_json(measured, indent=1))
    _write_pictures(request, prepared, attacks.values(), folder)
    context.progress(1.0)


def read_measured(folder: Path) -> Measured:
    """Read what is known of a cell."""
    return TypeAdapter(Measured).validate_json((folder / MEASURED_FILE).read_bytes())


def _write_pictures(request: StageRequest, prepared: Prepared, attacks: Iterable[Path], folder: Path) -> None:
    """Write the first synthetic images beside those they were made from, and the copies that an attack found."""
    samples = _samples(request, prepared) if "images" in request.inputs else []
    found = next((path / PAIRS_FILE for path in attacks if (path / PAIRS_FILE).exists()), None)
    pairs = [*spread(samples, MOST_SAMPLES), *(read_pictures(found) if found is not None else ())]
    if pairs:
        write_pictures(pairs, folder / PICTURES_FILE)


def _samples(request: StageRequest, prepared: Prepared) -> list[PicturePair]:
    """Pair the first synthetic images, class by class, with the real image their prompt describes."""
    import numpy as np

    prompts = read_prompts(request.input("prompts"))
    wanted = min(SAMPLES_PER_CLASS * len(prepared.class_names), FIRST_IMAGES)
    generated, sources = read_generated(request.inputs["images"][:1])
    order = np.argsort(generated.labels[:wanted], kind="stable")
    return [
        PicturePair(
            "sample",
            int(generated.labels[index]),
            prompts.texts[sources[index]],
            prepared.train.images[sources[index]],
            generated.images[int(index)],
        )
        for index in order
    ]
