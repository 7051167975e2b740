"""Train: a classifier on real data (teacher, control), on synthetic data (student), or as a shadow model.

All four are one stage: a training set, a recipe, and the trained model's logits on the challenge and the test set.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tckr_bench.plugins import default_registry
from tckr_bench.records import LabelKind, LabelledImages, TrainingData
from tckr_bench.stages.arrays import read_arrays, write_arrays
from tckr_bench.stages.challenge import Challenge, ChallengeParameters, build_challenge, shadow_mask
from tckr_bench.stages.generate import read_generated
from tckr_bench.stages.prepare import Prepared, read_prepared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.components import Classifier, Context
    from tckr_bench.records import Logits
    from tckr_bench.stages.request import StageRequest

EpochChoice = Literal["validation", "test", "last"]

PREDICTIONS_FILE = "predictions.safetensors"
MODEL_FOLDER = "model"


@dataclass(frozen=True)
class TrainParameters:
    """What is trained on what.

    Attributes:
        challenge: the examples whose logits are kept; real-data models are trained on a part of them.
        synthetic_count: how many synthetic images to train on; None for real data.
        shadow: index of the shadow model; None for a target, which is trained on the members.
        labels: `hard`, or `soft` for the teacher's probabilities.
        epoch: which epoch is kept: the best on the validation split; the best on the `test` set, as the paper does,
            which flatters the accuracy; or the `last`. An attacker does not hold the owner's validation images, so
            shadow models keep the last; so does a model that is to memorise.
    """

    challenge: ChallengeParameters = field(default_factory=ChallengeParameters)
    synthetic_count: int | None = None
    shadow: int | None = None
    labels: LabelKind = "hard"
    epoch: EpochChoice = "validation"


@dataclass(frozen=True)
class Predictions:
    """Logits (n, classes) on the challenge and on the test set."""

    challenge: Logits
    test: Logits


def run(request: StageRequest, folder: Path, context: Context) -> None:
    """Train and write the model, its history, and its predictions."""
    parameters = request.parse(TrainParameters)
    prepared = read_prepared(request.input("data"))
    challenge = build_challenge(prepared, parameters.challenge)
    data = TrainingData(
        training=_training_set(request, parameters, challenge),
        class_names=prepared.class_names,
        validation={"validation": prepared.validation, "test": prepared.test, "last": None}[parameters.epoch],
        teacher=_teacher(request, context) if parameters.labels == "soft" else None,
    )
    classifier: Classifier = default_registry().load(request.components["classifier"])
    history = classifier.fit(data, seed=request.seed, context=context)
    if parameters.shadow is None:
        (folder / MODEL_FOLDER).mkdir()
        classifier.save(folder / MODEL_FOLDER)
    (folder / "history.json").write_text(json.dumps(asdict(history)), encoding="utf-8")
    _write_predictions(folder, classifier, prepared, challenge, context=context)


def read_predictions(folder: Path) -> Predictions:
    """Read the logits a trained model left."""
    arrays = read_arrays(folder / PREDICTIONS_FILE)
    return Predictions(challenge=arrays["challenge"], test=arrays["test"])


def _training_set(request: StageRequest, parameters: TrainParameters, challenge: Challenge) -> LabelledImages:
    if parameters.synthetic_count is not None:
        return read_generated(request.inputs["images"], count=parameters.synthetic_count)[0]
    examples = challenge.examples
    mask = challenge.members if parameters.shadow is None else shadow_mask(len(examples), parameters.shadow)
    return LabelledImages(examples.images[mask], examples.labels[mask])


def _teacher(request: StageRequest, context: Context) -> Callable[[npt.NDArray[Any]], npt.NDArray[np.float32]]:
    import numpy as np

    teacher: Classifier = default_registry().load(request.components["teacher"])
    teacher.restore(request.input("teacher") / MODEL_FOLDER, context=context)

    def probabilities(images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        logits = teacher.predict(images, context=context)
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        result: npt.NDArray[np.float32] = (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float32)
        return result

    return probabilities


def _write_predictions(
    folder: Path, classifier: Classifier, prepared: Prepared, challenge: Challenge, *, context: Context
) -> None:
    arrays = {"challenge": classifier.predict(challenge.examples.images, context=context)}
    arrays["test"] = classifier.predict(prepared.test.images, context=context)
    expected = (len(prepared.test), len(prepared.class_names))
    if arrays["test"].shape != expected:
        raise TypeError(f"the classifier returned logits of shape {arrays['test'].shape}, expected {expected}")
    write_arrays(folder / PREDICTIONS_FILE, arrays)
