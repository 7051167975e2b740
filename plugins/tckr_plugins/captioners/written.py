"""Captioners that hand out what somebody wrote before: class descriptions, and captions from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from tckr_bench.components import CaptionerComponent
from tckr_bench.records import FoundCaptions
from tckr_plugins.captioners.belonging import belonging
from tckr_plugins.captioners.files import (
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
    from tckr_bench.records import ImageCatalogue, Images, Indices, Labels


class ClassDescriptionOptions(TemplateOptions):
    """Which file describes the classes."""

    path: Path | None = Field(default=None, description="JSON object or TOML table: class name to description")


class WrittenOptions(TemplateOptions):
    """Which file the captions are in."""

    path: Path | None = Field(
        default=None,
        description="captions by file name (JSON {file: caption}, or CSV with the columns file_name and caption), by "
        "class (JSON {class: [captions]} or text lines 'class: caption'), or in order (JSON list, or CSV with a column "
        '\'caption\'): as many as the whole training split has images; {"train": ..., "test": ...} for both',
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
    """Writes the class name and the caption that a file has for the image."""

    def __init__(self, options: WrittenOptions) -> None:
        self._options = options

    def look_up(
        self,
        identities: Indices,
        labels: Labels,
        *,
        catalogue: ImageCatalogue,
        class_names: Sequence[str],
        context: Context,
    ) -> FoundCaptions:
        """Return one prompt per image (n), None where the file has no caption of it; no image is looked at.

        A caption belongs to the image whose file it names; of a list, caption k belongs to image k of the class, or of
        the split, in the whole split as the dataset delivers it. Classes that only the file has are left alone.

        Raises:
            TckrError: the file is not there, not readable, lacks a class, or its captions fit other images than these.
        """
        assert len(identities) == len(labels), "one label per image"
        path = required(self._options.path, "file")
        captions, remarks = belonging(read_captions(path), catalogue, class_names=class_names, path=path)
        context.progress(1.0)
        template = self._options.template
        chosen = (
            (captions[identity], label) for identity, label in zip(identities.tolist(), labels.tolist(), strict=True)
        )
        texts = tuple(
            None if caption is None else fill(template, class_name=class_names[label], caption=caption)
            for caption, label in chosen
        )
        return FoundCaptions(texts, tuple(remarks))


CLASS_DESCRIPTION = CaptionerComponent(
    "class-description",
    version="1",
    options=ClassDescriptionOptions,
    load=ClassDescriptionCaptioner,
    summary="'<class name>: <description>', one text per class from a JSON or TOML file; sees no image",
    identity=lambda options: identify(required(options.path, "class-description")),
    argument="path",
    basis="class",
)
FILE = CaptionerComponent(
    "file",
    version="2",
    options=WrittenOptions,
    load=FileCaptioner,
    summary="'<class name>: <caption>' from a file, each caption of one image, such as the paper's published ones",
    identity=lambda options: identify(required(options.path, "file")),
    argument="path",
    basis="file",
)
