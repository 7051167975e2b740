"""Answers about components in use, worked out once: a graph has thousands of stages and a handful of components."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import TypeVar

from tckr_bench.records import ComponentUse

T = TypeVar("T")


def once_per_use(function: Callable[[ComponentUse], T]) -> Callable[[ComponentUse], T]:
    """Remember what a function says of each use, told apart as objects: options are mappings, which have no hash."""
    known: dict[int, tuple[weakref.ref[ComponentUse], T]] = {}

    @functools.wraps(function)
    def remembered(use: ComponentUse) -> T:
        entry = known.get(id(use))
        if entry is None or entry[0]() is not use:  # the object that had this id may be gone
            entry = known[id(use)] = (weakref.ref(use), function(use))
        return entry[1]

    return remembered
