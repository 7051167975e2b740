"""Built-in captioners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from tckr_bench.components import Component, Options
from tckr_bench.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Captioner
    from tckr_plugins.captioners.image_to_text import ImageToTextCaptioner
    from tckr_plugins.captioners.prompts import AttributesCaptioner, ClassNameCaptioner

PLACEHOLDER = "{class_name}"


class ClassNameOptions(Options):
    """How the class name becomes a prompt."""

    template: str = Field(
        default=PLACEHOLDER,
        description="prompt of every image of a class, such as 'a photo of a {class_name}'; the miniature knows bare "
        "names only",
    )

    @field_validator("template")
    @classmethod
    def _holds_the_placeholder(cls, template: str) -> str:
        if PLACEHOLDER not in template:
            raise ValueError(f"write {PLACEHOLDER} where the class name belongs")
        return template


class AttributesOptions(Options):
    """The attribute captioner has no options."""


class Blip2Options(Options):
    """Which image-to-text model captions, and how long its captions are; the defaults are the paper's."""

    model: str = Field(default="Salesforce/blip2-opt-2.7b", description="folder or hub id of a transformers model")
    revision: str | None = Field(default=None, description="revision on the hub; none for the newest")
    max_new_tokens: int = Field(default=20, ge=1, le=512, description="longest caption, in tokens")
    batch_size: int = Field(default=16, ge=1, le=1024, description="images captioned at a time")


def load_class_name(options: ClassNameOptions) -> ClassNameCaptioner:
    """Return the captioner that looks at the class name only."""
    from tckr_plugins.captioners.prompts import ClassNameCaptioner

    return ClassNameCaptioner(options)


def load_attributes(_options: AttributesOptions) -> AttributesCaptioner:
    """Return the captioner that describes a few attributes of the pixels."""
    from tckr_plugins.captioners.prompts import AttributesCaptioner

    return AttributesCaptioner()


def load_blip2(options: Blip2Options) -> ImageToTextCaptioner:
    """Return the captioner that asks an image-to-text model."""
    from tckr_plugins.captioners.image_to_text import ImageToTextCaptioner

    return ImageToTextCaptioner(options)


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
            "attributes",
            version="1",
            options=AttributesOptions,
            load=load_attributes,
            summary="'<class name>: <colour, brightness, extent, texture, place>' measured on the pixels",
        )
    )
    register(
        Component(
            "blip2",
            version="1",
            options=Blip2Options,
            load=load_blip2,
            summary="'<class name>: <caption>' by BLIP-2, or by another image-to-text model of transformers",
        )
    )
