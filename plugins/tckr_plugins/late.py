"""numpy and what stands on it, imported at first use.

So an attack or a metric can stand in one file with its options and its component, and a plan does not pay for numpy.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from tckr_bench import stats
    from tckr_bench.stats import classification, drawing
else:

    class _Late(ModuleType):
        """Stands for a module until something of it is asked for, and then has all of it."""

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the module has
            module = importlib.import_module(self.__name__)
            vars(self).update(vars(module))
            return getattr(module, name)

    np, stats, classification, drawing = (
        _Late(name)
        for name in ("numpy", "tckr_bench.stats", "tckr_bench.stats.classification", "tckr_bench.stats.drawing")
    )

__all__ = ["classification", "drawing", "np", "stats"]
