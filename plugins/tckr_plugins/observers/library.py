"""Libraries that only some users have: asked for when an observer is made, and named if they are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tckr_bench.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Observer


def needing(extra: str, observer: Callable[[Any], Observer]) -> Callable[[Any], Observer]:
    """Return a `load` that turns an import which fails into one sentence that names the extra to install."""

    def load(options: Any) -> Observer:  # noqa: ANN401 - options of any observer
        try:
            return observer(options)
        except ImportError as error:
            raise PluginError(
                f"the observer '{extra}' needs a library that is not here ({error}); pip install 'tckr-bench[{extra}]'"
            ) from error

    return load
