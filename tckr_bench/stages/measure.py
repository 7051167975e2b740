"""Measure: gather a cell's evidence and compute its measurements from it, and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from pydantic import TypeAdapter

from tckr_bench.records import CellEvidence, Measurement, ThreatModel
from tckr_bench.results.measuring import measure
from tckr_bench.results.pictures import PicturePair, alone, read_pictures, spread, write_pictures
from tckr_bench.results.scores import narrowed, write_scores
from tckr_bench.stages.attack import read_scores
from tckr_bench.stages.caption import read_prompts
from tckr_bench.stages.generate import read_generated
from tckr_bench.stages.isolation import isolated, read_failures, write_failures
from tckr_bench.stages.prepare import Prepared, read_prepared
from tckr_bench.stages.release import PAIRS_FILE
from tckr_bench.stages.request import PlaceT
from tckr_bench.stages.resemblance import resembles
from tckr_bench.stages.train import read_history, read_predictions

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.plugin.protocols import Context
    from tckr_bench.stages.isolation import ComponentFailure
    from tckr_bench.stages.request import StageRequest

    Request = StageRequest["Inputs[Path]", "Parameters"]

MEASURED_FILE, SCORES_FILE = "measured.json", "scores.parquet"
PICTURES_FILE, ALONE_FILE = "pictures.parquet", "synthetic.parquet"
SAMPLES_PER_CLASS = 4
FIRST_IMAGES = 80
MOST_SAMPLES = 24


@dataclass(frozen=True)
class Inputs(Generic[PlaceT]):
    """The prepared dataset, two trained models, the attacks on one of them, and what its images were made from.

    Attributes:
        data: the prepared dataset.
        target: the cell's own classifier.
        teacher: the real-data baseline it is compared with.
        attacks: scores of the attacks, in the order of their labels.
        prompts: captions of the real images, of a cell with synthetic ones.
        images: the first chunk of these.
    """

    data: PlaceT
    target: PlaceT
    teacher: PlaceT
    attacks: tuple[PlaceT, ...] = ()
    prompts: PlaceT | None = None
    images: PlaceT | None = None


@dataclass(frozen=True)
class Parameters:
    """Labels of the attacks, in the order of the parents, and the one that was declared before the run.

    Attacks that do not apply to the cell, or that failed, leave no scores and are left out.
    """

    attacks: tuple[str, ...]
    primary_attack: str


@dataclass(frozen=True)
class MeasuredCell:
    """What is known of a cell: its measurements, and the threat models of its attacks by label."""

    measurements: tuple[Measurement, ...]
    threat_models: Mapping[str, ThreatModel]


def run(request: Request, folder: Path, context: Context) -> None:
    """Write the scores, what the metrics make of them, what failed, and pairs of images where there are any."""
    prepared = read_prepared(request.inputs.data)
    evidence = _evidence(request, prepared)
    write_scores(evidence, folder / SCORES_FILE)
    failures = [failure for path in request.inputs.attacks for failure in read_failures(path)]
    measurements = _measurements(request, evidence, failures)
    models = {label: attack.threat_model for label, attack in evidence.attacks.items()}
    measured = MeasuredCell(tuple(measurements), models)
    (folder / MEASURED_FILE).write_bytes(TypeAdapter(MeasuredCell).dump_json(measured, indent=1))
    write_failures(failures, folder)
    _write_pictures(request.inputs, prepared, folder)
    context.progress(1.0)


def read_measured(folder: Path) -> MeasuredCell:
    """Read what is known of a cell."""
    return TypeAdapter(MeasuredCell).validate_json((folder / MEASURED_FILE).read_bytes())


def _evidence(request: Request, prepared: Prepared) -> CellEvidence:
    inputs, parameters = request.inputs, request.parameters
    attacks = zip(parameters.attacks, inputs.attacks, strict=True)
    found = {label: read_scores(path, label=label) for label, path in attacks}
    return narrowed(
        CellEvidence(
            test_labels=prepared.test.labels,
            test_logits=read_predictions(inputs.target).test,
            teacher_logits=read_predictions(inputs.teacher).test,
            attacks={label: scores for label, scores in found.items() if scores is not None},
            primary_attack=parameters.primary_attack,
            guarantee=read_history(inputs.target).guarantee,
        )
    )


def _measurements(request: Request, evidence: CellEvidence, failures: list[ComponentFailure]) -> list[Measurement]:
    """Compute the measurements of every metric, and note those that fail."""
    measurements: list[Measurement] = []
    for use in request.components.values():
        with isolated(use, failures):
            measurements.extend(measure(use, evidence))
    return measurements


def _write_pictures(inputs: Inputs[Path], prepared: Prepared, folder: Path) -> None:
    """Write the first synthetic images beside those they were made from, and the copies that an attack found.

    A second file has what may be seen where no real image may: of these, the synthetic ones that show none of them.
    """
    import numpy as np

    samples = spread(_samples(inputs, prepared), MOST_SAMPLES)
    found = next((path / PAIRS_FILE for path in inputs.attacks if (path / PAIRS_FILE).exists()), None)
    copies = read_pictures(found) if found is not None else ()
    if samples or copies:
        write_pictures([*samples, *copies], folder / PICTURES_FILE)
    if samples:
        real = [split.images for split in (prepared.train, prepared.validation, prepared.test)]
        found_as_copies = [pair.synthetic[None] for pair in copies]
        close = resembles(np.stack([pair.synthetic for pair in samples]), [*real, *found_as_copies])
        shown = [alone(pair) for pair, withheld in zip(samples, close.tolist(), strict=True) if not withheld]
        if shown:
            write_pictures(shown, folder / ALONE_FILE)


def _samples(inputs: Inputs[Path], prepared: Prepared) -> list[PicturePair]:
    """Pair the first synthetic images, class by class, with the real image their prompt describes; none without."""
    import numpy as np

    if inputs.images is None or inputs.prompts is None:
        return []
    prompts = read_prompts(inputs.prompts)
    wanted = min(SAMPLES_PER_CLASS * len(prepared.class_names), FIRST_IMAGES)
    generated, sources = read_generated([inputs.images])
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
