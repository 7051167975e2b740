"""Tune: the options with which a defended classifier just reaches a student's validation accuracy.

A defence that costs accuracy is compared with a student at equal accuracy (Aerni, Zhang and Tramer 2024), so that the
one is not called more private for having learned less.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Generic

from pydantic import TypeAdapter

from tckr_bench.errors import OptionError
from tckr_bench.plugin.protocols import TunableClassifier
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import TrainingData, Tuned
from tckr_bench.stages.arrays import read_arrays
from tckr_bench.stages.prepare import read_prepared
from tckr_bench.stages.request import PlaceT
from tckr_bench.stats.classification import accuracy

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.plugin.protocols import Context
    from tckr_bench.stages.request import StageRequest

TUNED_FILE = "tuned.json"


@dataclass(frozen=True)
class Inputs(Generic[PlaceT]):
    """The prepared dataset, and the trained student whose accuracy is to be matched."""

    data: PlaceT
    student: PlaceT


@dataclass(frozen=True)
class Parameters:
    """None: what is tuned is the classifier's own affair."""


def run(request: StageRequest[Inputs[Path], Parameters], folder: Path, context: Context) -> None:
    """Write the options the classifier found, the accuracy that was wanted, and the one they reach."""
    use = request.components["classifier"]
    classifier = default_registry().load(use)
    if not isinstance(classifier, TunableClassifier):
        raise OptionError(f"the classifier '{use.name}' cannot be matched to a student: it has nothing to tune")
    prepared = read_prepared(request.inputs.data)
    if not len(prepared.validation):
        raise OptionError("a defence can be matched to a student on validation images only, and there are none")
    reached = read_arrays(request.inputs.student / "predictions.safetensors", names=("validation",))["validation"]
    data = TrainingData(prepared.train, prepared.class_names, validation=prepared.validation)
    wanted = accuracy(reached, prepared.validation.labels)
    tuned = classifier.tune(data, accuracy=wanted, seed=request.seed, context=context)
    (folder / TUNED_FILE).write_text(json.dumps(asdict(tuned)), encoding="utf-8")


def read_tuned(folder: Path) -> Tuned:
    """Read the options a classifier was tuned to, and how far they match."""
    return TypeAdapter(Tuned).validate_json((folder / TUNED_FILE).read_bytes())
