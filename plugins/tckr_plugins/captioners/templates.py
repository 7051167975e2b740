"""Put class names and captions into a template."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from tckr_bench.components import Options

CLASS_NAME, CAPTION = "{class_name}", "{caption}"
_PLACEHOLDER = re.compile(r"\{class_name\}|\{caption\}")


class TemplateOptions(Options):
    """How a class name and a caption become a prompt; the default is the paper's."""

    template: str = Field(
        default=f"{CLASS_NAME}: {CAPTION}",
        description="the prompt, with {caption} and, if wanted, {class_name}; '{caption}' alone is the paper's "
        "caption-only prompt",
    )

    @field_validator("template")
    @classmethod
    def _holds_the_placeholder(cls, template: str) -> str:
        if CAPTION not in template:
            raise ValueError(f"write {CAPTION} where the caption belongs")
        return template


def fill(template: str, *, class_name: str, caption: str) -> str:
    """Return the template with both placeholders replaced; any other text, braces included, stays as it is.

    >>> fill("{class_name}: {caption}", class_name="bag {caption}", caption="a bag")
    'bag {caption}: a bag'
    """
    # In one pass and without str.format: names and captions may hold braces of their own.
    return _PLACEHOLDER.sub(lambda found: class_name if found[0] == "{class_name}" else caption, template)
