"""Caption: one prompt per real training image."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic

from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import Prompts, Sample
from tckr_bench.stages.challenge import take_sample
from tckr_bench.stages.prepare import read_prepared
from tckr_bench.stages.request import PlaceT

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.plugin.protocols import Captioner, Context
    from tckr_bench.stages.request import StageRequest

PROMPTS_FILE = "prompts.json"


@dataclass(frozen=True)
class Inputs(Generic[PlaceT]):
    """The prepared dataset."""

    data: PlaceT


@dataclass(frozen=True)
class Parameters:
    """Which images are captioned."""

    sample: Sample = field(default_factory=Sample)


def run(request: StageRequest[Inputs[Path], Parameters], folder: Path, context: Context) -> None:
    """Caption the training split, or what stands in its place, and write a text and a label per image, in order."""
    prepared = take_sample(read_prepared(request.inputs.data), request.parameters.sample)
    captioner: Captioner = default_registry().load(request.components["captioner"])
    train = prepared.train
    texts = captioner.caption(train.images, train.labels, class_names=prepared.class_names, context=context)
    if len(texts) != len(train) or not all(isinstance(text, str) for text in texts):
        raise TypeError(f"the captioner returned {len(texts)} texts for {len(train)} images; it must return one each")
    content = {"texts": texts, "labels": train.labels.tolist(), "class_names": prepared.class_names}
    (folder / PROMPTS_FILE).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def read_class_names(folder: Path) -> tuple[str, ...]:
    """Read the class names of the prompts, in label order."""
    return tuple(json.loads((folder / PROMPTS_FILE).read_text(encoding="utf-8"))["class_names"])


def read_prompts(folder: Path) -> Prompts:
    """Read the prompts of the training images, in order; prompt i describes image i."""
    import numpy as np

    content = json.loads((folder / PROMPTS_FILE).read_text(encoding="utf-8"))
    labels = np.asarray(content["labels"], dtype=np.int64)
    return Prompts(tuple(content["texts"]), labels, np.arange(len(labels), dtype=np.int64))
