"""Built-in captioners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import Component
from tckr_bench.hookspecs import hookimpl
from tckr_plugins.captioners import files, models
from tckr_plugins.captioners.options import (
    AttributesOptions,
    Blip2Options,
    BlipOptions,
    ClassDescriptionOptions,
    ClassNameOptions,
    FileOptions,
    ImageToTextOptions,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Captioner
    from tckr_plugins.captioners.image_to_text import ImageToTextCaptioner
    from tckr_plugins.captioners.prompts import AttributesCaptioner, ClassNameCaptioner
    from tckr_plugins.captioners.written import ClassDescriptionCaptioner, FileCaptioner

IMAGE_TO_TEXT: tuple[tuple[str, type[ImageToTextOptions], str], ...] = (
    ("blip2", Blip2Options, "'<class name>: <caption>' by BLIP-2 (Li et al. 2023), as in the paper"),
    ("blip", BlipOptions, "'<class name>: <caption>' by BLIP (Li et al. 2022), an eighth of BLIP-2's size"),
    ("image-to-text", ImageToTextOptions, "'<class name>: <caption>' by any image-to-text model of transformers"),
)
"""One implementation under three names, each with its own default model."""


def load_class_name(options: ClassNameOptions) -> ClassNameCaptioner:
    """Return the captioner that looks at the class name only."""
    from tckr_plugins.captioners.prompts import ClassNameCaptioner

    return ClassNameCaptioner(options)


def load_attributes(_options: AttributesOptions) -> AttributesCaptioner:
    """Return the captioner that describes a few attributes of the pixels."""
    from tckr_plugins.captioners.prompts import AttributesCaptioner

    return AttributesCaptioner()


def load_image_to_text(options: ImageToTextOptions) -> ImageToTextCaptioner:
    """Return the captioner that asks an image-to-text model."""
    from tckr_plugins.captioners.image_to_text import ImageToTextCaptioner

    return ImageToTextCaptioner(options)


def load_class_description(options: ClassDescriptionOptions) -> ClassDescriptionCaptioner:
    """Return the captioner that describes classes in the words of a file."""
    from tckr_plugins.captioners.written import ClassDescriptionCaptioner

    return ClassDescriptionCaptioner(options)


def load_file(options: FileOptions) -> FileCaptioner:
    """Return the captioner that reads its captions from a file."""
    from tckr_plugins.captioners.written import FileCaptioner

    return FileCaptioner(options)


def _identify_description(options: ClassDescriptionOptions) -> str:
    return files.identify(files.required(options.path, "class-description"))


def _identify_file(options: FileOptions) -> str:
    return files.identify(files.required(options.path, "file"))


@hookimpl
def register_captioners(register: Callable[[Component[Captioner]], None]) -> None:
    """Register every built-in captioner."""
    register(
        Component(
            "class-name",
            version="1",
            options=ClassNameOptions,
            load=load_class_name,
            summary="one prompt per class, from a template; sees no image",
        )
    )
    register(
        Component(
            "class-description",
            version="1",
            options=ClassDescriptionOptions,
            load=load_class_description,
            summary="'<class name>: <description>', one text per class from a JSON or TOML file; sees no image",
            identity=_identify_description,
            argument="path",
        )
    )
    register(
        Component(
            "file",
            version="1",
            options=FileOptions,
            load=load_file,
            summary="'<class name>: <caption>' from a file, such as the paper's published captions",
            identity=_identify_file,
            argument="path",
        )
    )
    register(
        Component(
            "attributes",
            version="1",
            options=AttributesOptions,
            load=load_attributes,
            summary="'<class name>: <colour, brightness, extent, texture, place>' measured on the pixels",
        )
    )
    for name, options, summary in IMAGE_TO_TEXT:
        register(
            Component(
                name,
                version="1",
                options=options,
                load=load_image_to_text,
                summary=summary,
                identity=models.identify,
                argument="model",
                operations=models.operations_per_image,
            )
        )
