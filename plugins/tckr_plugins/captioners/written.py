"""Captioners that hand out what somebody wrote before: class descriptions, and captions from a file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from tckr_bench.components import CaptionerComponent
from tckr_plugins.captioners.files import (
    CaptionFileError,
    InOrder,
    identify,
    match_classes,
    read_captions,
    read_descriptions,
    required,
)
from tckr_plugins.captioners.templates import TemplateOptions, fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.components import Context
    from tckr_bench.records import Images, Labels


class ClassDescriptionOptions(TemplateOptions):
    """Which file describes the classes."""

    path: Path | None = Field(default=None, description="JSON object or TOML table: class name to description")


class WrittenOptions(TemplateOptions):
    """Which file the captions are in."""

    path: Path | None = Field(
        default=None,
        description="captions by class (JSON {class: [captions]} or text lines 'class: caption'), or one per "
        "training image in order (JSON list, or CSV with a column 'caption')",
    )


class ClassDescriptionCaptioner:
    """Writes the class name and the class's own description: the paper's prompt `"n: d"`."""

    def __init__(self, options: ClassDescriptionOptions) -> None:
        self._options = options

    def caption(self, images: Images, labels: Labels, *, class_names: Sequence[str], context: Context) -> list[str]:
        """Return one prompt per label (n), the same for a whole class; the images are not looked at.

        Raises:
            TckrError: the file is not there, not readable, or lacks a class; the missing ones are listed.
        """
        assert len(images) == len(labels), "one label per image"
        path = required(self._options.path, "class-description")
        described = match_classes(read_descriptions(path), class_names, path=path)
        prompts = [
            fill(self._options.template, class_name=name, caption=text)
            for name, text in zip(class_names, described, strict=True)
        ]
        context.progress(1.0)
        return [prompts[label] for label in labels.tolist()]


class FileCaptioner:
    """Writes the class name and a caption of a file."""

    def __init__(self, options: WrittenOptions) -> None:
        self._options = options

    def caption(self, images: Images, labels: Labels, *, class_names: Sequence[str], context: Context) -> list[str]:
        """Return one prompt per label (n); the images are not looked at.

        Captions by class: image k of a class takes caption k modulo the number of that class's captions; classes that
        only the file has are left alone. Captions in order: image i takes caption i.

        Raises:
            TckrError: the file is not there, not readable, lacks a class, or has a caption too many or too few.
        """
        assert len(images) == len(labels), "one label per image"
        path = required(self._options.path, "file")
        found = read_captions(path)
        if isinstance(found, InOrder):
            captions = _in_order(found, len(labels), where=str(path))
        else:
            pools = match_classes(found.pools, class_names, path=path)
            captions = _cycled(pools, labels.tolist())
        context.progress(1.0)
        template = self._options.template
        return [
            fill(template, class_name=class_names[label], caption=caption)
            for label, caption in zip(labels.tolist(), captions, strict=True)
        ]


def _in_order(found: InOrder, count: int, *, where: str) -> Sequence[str]:
    if len(found.captions) != count:
        raise CaptionFileError(
            f"{where} has {len(found.captions)} captions for {count} training images (those held out for validation "
            "are not among them); give one each, or captions by class"
        )
    return found.captions


def _cycled(pools: Sequence[Sequence[str]], labels: Sequence[int]) -> list[str]:
    """Deal each class's captions to its images in turn, beginning anew when they are used up.

    >>> _cycled([["a", "b"], ["c"]], [0, 0, 1, 0, 1])
    ['a', 'b', 'c', 'a', 'c']
    """
    dealt: Counter[int] = Counter()
    captions = []
    for label in labels:
        captions.append(pools[label][dealt[label] % len(pools[label])])
        dealt[label] += 1
    return captions


CLASS_DESCRIPTION = CaptionerComponent(
    "class-description",
    version="1",
    options=ClassDescriptionOptions,
    load=ClassDescriptionCaptioner,
    summary="'<class name>: <description>', one text per class from a JSON or TOML file; sees no image",
    identity=lambda options: identify(required(options.path, "class-description")),
    argument="path",
)
FILE = CaptionerComponent(
    "file",
    version="1",
    options=WrittenOptions,
    load=FileCaptioner,
    summary="'<class name>: <caption>' from a file, such as the paper's published captions",
    identity=lambda options: identify(required(options.path, "file")),
    argument="path",
)
