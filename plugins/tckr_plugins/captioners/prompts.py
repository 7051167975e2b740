"""Captioners that need no model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_plugins.captioners.options import CLASS_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.components import Context
    from tckr_bench.records import Images, Labels
    from tckr_plugins.captioners.options import ClassNameOptions


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
