"""Built-in captioners."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy
from pydantic import Field, field_validator

from tckr_bench.components import Component, Options
from tckr_bench.hookspecs import ENTRY_POINT_GROUP

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Captioner
    from tckr_plugins.captioners.prompts import AttributesCaptioner, ClassNameCaptioner

hookimpl = pluggy.HookimplMarker(ENTRY_POINT_GROUP)

PLACEHOLDER = "{class_name}"


class ClassNameOptions(Options):
    """How the class name becomes a prompt."""

    template: str = Field(
        default="a photo of a {class_name}",
        description="prompt of every image of a class; {class_name} stands for the name",
    )

    @field_validator("template")
    @classmethod
    def _holds_the_placeholder(cls, template: str) -> str:
        if PLACEHOLDER not in template:
            raise ValueError(f"write {PLACEHOLDER} where the class name belongs")
        return template


class AttributesOptions(Options):
    """The attribute captioner has no options."""


def load_class_name(options: ClassNameOptions) -> ClassNameCaptioner:
    """Return the captioner that looks at the class name only."""
    from tckr_plugins.captioners.prompts import ClassNameCaptioner

    return ClassNameCaptioner(options)


def load_attributes(_options: AttributesOptions) -> AttributesCaptioner:
    """Return the captioner that describes a few attributes of the pixels."""
    from tckr_plugins.captioners.prompts import AttributesCaptioner

    return AttributesCaptioner()


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
