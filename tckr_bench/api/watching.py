"""How whoever calls shows that something long goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager

Watch = Callable[[str], AbstractContextManager[Callable[[float], None]]]
"""Shows of something that is named how far it is, 0 to 1, while it goes on."""


def unwatched(_name: str) -> AbstractContextManager[Callable[[float], None]]:
    """Show nothing."""
    return contextlib.nullcontext(lambda _fraction: None)
