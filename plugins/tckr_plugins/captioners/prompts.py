"""Captioners that need no model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from tckr_bench.components import CaptionerComponent, NoOptions, Options
from tckr_plugins.captioners.templates import CLASS_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.components import Context
    from tckr_bench.records import Images, Labels


class ClassNameOptions(Options):
    """How the class name becomes a prompt."""

    template: str = Field(
        default=CLASS_NAME,
        description="prompt of every image of a class, such as 'a photo of a {class_name}'; the miniature knows bare "
        "names only",
    )

    @field_validator("template")
    @classmethod
    def _holds_the_placeholder(cls, template: str) -> str:
        if CLASS_NAME not in template:
            raise ValueError(f"write {CLASS_NAME} where the class name belongs")
        return template


class ClassNameCaptioner:
    """Writes the class name into a template."""

    def __init__(self, options: ClassNameOptions) -> None:
        self._template = options.template

    def caption(self, images: Images, labels: Labels, *, class_names: Sequence[str], context: Context) -> list[str]:
        """Return one prompt per label (n); the images are not looked at."""
        assert len(images) == len(labels), "one label per image"
        # Not str.format: a template may hold other braces, and a class name may too.
        prompts = [self._template.replace(CLASS_NAME, name) for name in class_names]
        context.progress(1.0)
        return [prompts[label] for label in labels.tolist()]


class AttributesCaptioner:
    """Writes the class name and what can be measured on the pixels."""

    def caption(self, images: Images, labels: Labels, *, class_names: Sequence[str], context: Context) -> list[str]:
        """Return `"<class name>: <attributes>"` per image (n, h, w, 3), each from its own pixels."""
        from tckr_plugins.captioners.attributes import describe_images

        assert len(images) == len(labels), "one label per image"
        descriptions = describe_images(images)
        context.progress(1.0)
        return [f"{class_names[label]}: {text}" for label, text in zip(labels.tolist(), descriptions, strict=True)]


CLASS_NAME_CAPTIONER = CaptionerComponent(
    "class-name",
    version="1",
    options=ClassNameOptions,
    load=ClassNameCaptioner,
    summary="one prompt per class, from a template; sees no image",
    basis="class",
)
ATTRIBUTES = CaptionerComponent(
    "attributes",
    version="1",
    options=NoOptions,
    load=lambda _options: AttributesCaptioner(),
    summary="'<class name>: <colour, brightness, extent, texture, place>' measured on the pixels",
)
