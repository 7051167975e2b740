"""Caption: one prompt per real training image."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic

from tckr_bench.errors import TckrError
from tckr_bench.plugin.components import CaptionerComponent
from tckr_bench.plugin.protocols import WrittenCaptioner
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import FoundCaptions, Prompts, Sample
from tckr_bench.stages.challenge import take_sample
from tckr_bench.stages.inapplicable import write_reason
from tckr_bench.stages.prepare import Prepared, read_catalogue, read_prepared
from tckr_bench.stages.request import PlaceT

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.plugin.protocols import Captioner, Context
    from tckr_bench.stages.request import StageRequest

    Request = StageRequest["Inputs[Path]", "Parameters"]

PROMPTS_FILE, REMARKS_FILE = "prompts.json", "remarks.json"


@dataclass(frozen=True)
class Inputs(Generic[PlaceT]):
    """The prepared dataset."""

    data: PlaceT


@dataclass(frozen=True)
class Parameters:
    """Which images are captioned."""

    sample: Sample = field(default_factory=Sample)


def run(request: Request, folder: Path, context: Context) -> None:
    """Caption the training split, or what stands in its place, and write a text and a label per image, in order.

    Where nobody wrote captions for test images, what an attacker would train on some of them does not apply.

    Raises:
        TckrError: an image of the training split has no caption.
    """
    prepared = take_sample(read_prepared(request.inputs.data), request.parameters.sample)
    train, use = prepared.train, request.components["captioner"]
    found = _captions(request, prepared, context=context)
    texts = found.texts
    if found.remarks:
        (folder / REMARKS_FILE).write_text(json.dumps(found.remarks, ensure_ascii=False), encoding="utf-8")
    if None in texts:
        missing = f"{texts.count(None):,} of {len(texts):,}"
        if request.parameters.sample.take == "train":
            raise TckrError(f"'{use.label}' has no caption for {missing} training images; write one for each")
        write_reason(
            f"'{use.label}' has no caption for {missing} images that an attacker would train on or ask about, as "
            "nobody wrote any for the test split; write captions for its images as well",
            folder,
        )
        return
    basis = default_registry().component(CaptionerComponent, use.name).basis
    content = {"texts": texts, "labels": train.labels.tolist(), "class_names": prepared.class_names, "basis": basis}
    (folder / PROMPTS_FILE).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def read_remarks(folder: Path) -> tuple[str, ...]:
    """Read what a file of captions made worth saying."""
    path = folder / REMARKS_FILE
    return tuple(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else ()


def read_class_names(folder: Path) -> tuple[str, ...]:
    """Read the class names of the prompts, in label order."""
    return tuple(json.loads((folder / PROMPTS_FILE).read_text(encoding="utf-8"))["class_names"])


def read_prompts(folder: Path) -> Prompts:
    """Read the prompts of the training images, in order; prompt i describes image i."""
    import numpy as np

    content = json.loads((folder / PROMPTS_FILE).read_text(encoding="utf-8"))
    labels = np.asarray(content["labels"], dtype=np.int64)
    return Prompts(tuple(content["texts"]), labels, np.arange(len(labels), dtype=np.int64), content["basis"])


def _captions(request: Request, prepared: Prepared, *, context: Context) -> FoundCaptions:
    """Return the captions of the images that stand for training ones, written of them or looked up."""
    captioner: Captioner | WrittenCaptioner = default_registry().load(request.components["captioner"])
    train, class_names = prepared.train, prepared.class_names
    if isinstance(captioner, WrittenCaptioner):
        assert train.identities is not None, "images of a dataset have identities"
        catalogue = read_catalogue(request.inputs.data)
        found = captioner.look_up(
            train.identities, train.labels, catalogue=catalogue, class_names=class_names, context=context
        )
        sound = all(text is None or isinstance(text, str) for text in found.texts)
    else:
        texts = captioner.caption(train.images, train.labels, class_names=class_names, context=context)
        found, sound = FoundCaptions(tuple(texts)), all(isinstance(text, str) for text in texts)
    if len(found.texts) != len(train) or not sound:
        raise TypeError(
            f"the captioner returned {len(found.texts)} texts for {len(train)} images; it must return one each"
        )
    return found
