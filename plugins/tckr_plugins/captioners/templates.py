"""Put class names and captions into a template."""

from __future__ import annotations

import re

_PLACEHOLDER = re.compile(r"\{class_name\}|\{caption\}")


def fill(template: str, *, class_name: str, caption: str) -> str:
    """Return the template with both placeholders replaced; any other text, braces included, stays as it is.

    >>> fill("{class_name}: {caption}", class_name="bag {caption}", caption="a bag")
    'bag {caption}: a bag'
    """
    # In one pass and without str.format: names and captions may hold braces of their own.
    return _PLACEHOLDER.sub(lambda found: class_name if found[0] == "{class_name}" else caption, template)
