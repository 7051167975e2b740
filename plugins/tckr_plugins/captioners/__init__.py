"""Built-in captioners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.hookspecs import hookimpl
from tckr_plugins.captioners.models import IMAGE_TO_TEXT
from tckr_plugins.captioners.prompts import ATTRIBUTES, CLASS_NAME_CAPTIONER
from tckr_plugins.captioners.written import CLASS_DESCRIPTION, FILE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import CaptionerComponent


@hookimpl
def register_captioners(register: Callable[[CaptionerComponent], None]) -> None:
    """Register the built-in captioners."""
    for component in (CLASS_NAME_CAPTIONER, CLASS_DESCRIPTION, FILE, ATTRIBUTES, *IMAGE_TO_TEXT):
        register(component)
