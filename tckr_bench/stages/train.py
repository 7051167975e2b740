"""Train: a classifier on real data (teacher, defence, control), on synthetic data (student), or as a shadow model.

All are one stage: a training set, a recipe, and the trained model's logits on the challenge and on the other splits.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic

from pydantic import TypeAdapter

from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import (
    ChallengeParameters,
    EpochChoice,
    LabelKind,
    LabelledImages,
    Sample,
    TrainingData,
    TrainingHistory,
)
from tckr_bench.stages.arrays import read_arrays, write_arrays
from tckr_bench.stages.challenge import build_challenge, take_sample
from tckr_bench.stages.generate import read_generated
from tckr_bench.stages.prepare import Prepared, read_prepared
from tckr_bench.stages.queries import altered_copies
from tckr_bench.stages.request import PlaceT
from tckr_bench.stages.tune import read_tuned

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from tckr_bench.plugin.protocols import Classifier, Context
    from tckr_bench.records import ComponentUse, Images, Logits
    from tckr_bench.stages.request import StageRequest

    Request = StageRequest["Inputs[Path]", "Parameters"]

HISTORY_FILE = "history.json"
PREDICTIONS_FILE = "predictions.safetensors"
MODEL_FOLDER = "model"


@dataclass(frozen=True)
class Inputs(Generic[PlaceT]):
    """The prepared dataset; of a student its synthetic images, of one with soft labels its trained teacher; options.

    `images` are chunks in order; `tuned` holds the options that a matched defence was tuned to.
    """

    data: PlaceT
    images: tuple[PlaceT, ...] = ()
    teacher: PlaceT | None = None
    tuned: PlaceT | None = None


@dataclass(frozen=True)
class Parameters:
    """What is trained on what.

    Attributes:
        sample: which real images stand in the place of the training split; of a student, what its teacher saw.
        challenge: the examples whose logits are kept.
        synthetic_count: how many synthetic images to train on; None for real data.
        labels: `hard`, or `soft` for the teacher's probabilities.
        epoch: which epoch is kept.
        queries: on how many altered copies of each challenge example to predict as well.
    """

    sample: Sample = field(default_factory=Sample)
    challenge: ChallengeParameters = field(default_factory=ChallengeParameters)
    synthetic_count: int | None = None
    labels: LabelKind = "hard"
    epoch: EpochChoice = "validation"
    queries: int = 0


@dataclass(frozen=True)
class Predictions:
    """Logits (n, classes) on the challenge, the test and the validation images; (q, n, classes) on altered copies.

    Those on the test images are as released. The others are what attackers see who know the recipe: of a classifier
    that alters its outputs they are undone, as far as its component says how.
    """

    challenge: Logits
    test: Logits
    validation: Logits
    queries: npt.NDArray[np.float32]


def run(request: Request, folder: Path, context: Context) -> None:
    """Train and write the model, its history, and its predictions."""
    parameters = request.parameters
    whole = read_prepared(request.inputs.data)
    prepared = take_sample(whole, parameters.sample)
    data = TrainingData(
        training=_training_set(request, prepared),
        class_names=prepared.class_names,
        validation={"validation": prepared.validation, "test": prepared.test, "last": None}[parameters.epoch],
        teacher=_teacher(request, context) if parameters.labels == "soft" else None,
    )
    classifier: Classifier = default_registry().load(_classifier(request))
    history = _with_matching(classifier.fit(data, seed=request.seed, context=context), request.inputs.tuned)
    (folder / MODEL_FOLDER).mkdir()
    classifier.save(folder / MODEL_FOLDER)
    (folder / HISTORY_FILE).write_text(json.dumps(asdict(history)), encoding="utf-8")
    images = build_challenge(whole, parameters.challenge).examples.images
    _write_predictions(request, folder, classifier=classifier, prepared=whole, images=images, context=context)


def read_predictions(folder: Path) -> Predictions:
    """Read the logits a trained model left."""
    return Predictions(**read_arrays(folder / PREDICTIONS_FILE))


def read_history(folder: Path) -> TrainingHistory:
    """Read how a model was trained."""
    return TypeAdapter(TrainingHistory).validate_json((folder / HISTORY_FILE).read_bytes())


def _classifier(request: Request) -> ComponentUse:
    """Return the classifier to train, with the options a stage before this one found for it."""
    use, tuned = request.components["classifier"], request.inputs.tuned
    return use if tuned is None else replace(use, options={**use.options, **read_tuned(tuned).options})


def _with_matching(history: TrainingHistory, tuned: Path | None) -> TrainingHistory:
    """Return a history whose guarantee, if it has one, says what the search for its options saw and reached."""
    if tuned is None or history.guarantee is None:
        return history
    matching = read_tuned(tuned).matching
    search = f"the search for its options ({matching.trainings} trainings, judged on private validation images)"
    left_out = (*history.guarantee.leaves_out, search)
    return replace(history, guarantee=replace(history.guarantee, leaves_out=left_out, matching=matching))


def _training_set(request: Request, prepared: Prepared) -> LabelledImages:
    if request.parameters.synthetic_count is not None:
        return read_generated(request.inputs.images, count=request.parameters.synthetic_count)[0]
    return prepared.train


def _teacher(request: Request, context: Context) -> Callable[[npt.NDArray[Any]], npt.NDArray[np.float32]]:
    import numpy as np

    teacher: Classifier = default_registry().load(request.components["teacher"])
    assert request.inputs.teacher is not None, "soft labels come from a teacher"
    teacher.restore(request.inputs.teacher / MODEL_FOLDER, context=context)

    def probabilities(images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        logits = teacher.predict(images, context=context)
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        result: npt.NDArray[np.float32] = (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float32)
        return result

    return probabilities


def _write_predictions(
    request: Request, folder: Path, *, classifier: Classifier, prepared: Prepared, images: Images, context: Context
) -> None:
    import numpy as np

    classes, use, registry = len(prepared.class_names), _classifier(request), default_registry()

    def predict(asked: Images) -> Logits:
        if not len(asked):
            return np.zeros((0, classes), dtype=np.float32)
        logits = classifier.predict(asked, context=context)
        if logits.shape != (len(asked), classes):
            expected = (len(asked), classes)
            raise TypeError(f"the classifier returned logits of shape {logits.shape}, expected {expected}")
        return logits

    def seen(asked: Images) -> Logits:
        return registry.undone(use, predict(asked))

    altered = [seen(copies) for copies in altered_copies(images, request.parameters.queries)]
    arrays = {
        "challenge": seen(images),
        "test": predict(prepared.test.images),
        "validation": seen(prepared.validation.images),
        "queries": np.stack(altered) if altered else np.zeros((0, len(images), classes), dtype=np.float32),
    }
    write_arrays(folder / PREDICTIONS_FILE, arrays)
