"""Boards as data: sheets with typed, explained columns, at full precision.

CSV, JSON, Parquet and data frames are all written from these, so that they cannot disagree. Texts are made plain here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from tckr_bench.judging.quantities import COSTS
from tckr_bench.text import plain

if TYPE_CHECKING:
    from tckr_bench.judging.quantities import Column, CostColumn, Estimates
    from tckr_bench.judging.rows import Row
    from tckr_bench.records import Method

Kind = Literal["text", "number", "count", "flag"]
"""What a column holds. Texts and numbers may be missing, whole counts and flags may not."""
Cell = str | float | int | bool | None
T = TypeVar("T")
_PARTS = (
    ("", "value", ""),
    ("_low", "low", "lower end of the 95 % interval: "),
    ("_high", "high", "upper end of the 95 % interval: "),
    ("_between_seeds", "spread", "standard deviation between seeds: "),
)
"""What files have of an estimate: the end of the column's name, the attribute, and words."""


@dataclass(frozen=True)
class SheetColumn:
    """A column of a sheet: its name, what it holds, and what that means."""

    name: str
    kind: Kind
    meaning: str


@dataclass(frozen=True)
class Sheet:
    """Columns and rows; a row has a cell per column."""

    columns: tuple[SheetColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class Field(Generic[T]):
    """A column of a sheet, and where its cells come from."""

    name: str
    kind: Kind
    meaning: str
    read: Callable[[T], Cell]


def filled(fields: Sequence[Field[T]], things: Sequence[T]) -> Sheet:
    """Return a sheet with a row per thing."""
    columns = tuple(SheetColumn(field.name, field.kind, field.meaning) for field in fields)
    return Sheet(columns, tuple(tuple(_clean(field.read(thing)) for field in fields) for thing in things))


def _clean(cell: Cell) -> Cell:
    return plain(cell) if isinstance(cell, str) else cell


def joined(words: Sequence[str], between: str = "; ") -> str | None:
    """Return words as one text, each once; None where there are none."""
    return between.join(dict.fromkeys(words)) or None


def estimate_fields(columns: Sequence[Column], of: Callable[[T], Estimates]) -> list[Field[T]]:
    """Return the fields of each column of a board, as stored: value, interval, and how far seeds stray."""

    def read(name: str, part: str) -> Callable[[T], Cell]:
        def number(thing: T) -> Cell:
            found = getattr(of(thing).get(name), part, None)
            return None if found is None else float(found)

        return number

    return [
        Field(f"{column.key}{ending}", "number", f"{words}{column.quantity.meaning}", read(column.name, part))
        for column in columns
        for ending, part, words in _PARTS
    ]


def attack_fields(columns: Sequence[Column], of: Callable[[T], Row | None]) -> list[Field[T]]:
    """Return a field per column of the worst attack: which it is, as one row has it."""

    def read(name: str) -> Callable[[T], Cell]:
        def names(thing: T) -> Cell:
            row = of(thing)
            return joined(row.worst_attacks.get(name, ()), " ") if row else None

        return names

    return [
        Field(f"{column.key}_attack", "text", f"which attack reached it: {column.quantity.meaning}", read(column.name))
        for column in columns
        if column.attacks
    ]


def cost_fields(of: Callable[[T], Mapping[str, float]]) -> list[Field[T]]:
    """Return a field per cost: a number where it has a unit, else a count."""

    def read(cost: CostColumn) -> Callable[[T], Cell]:
        kind = float if cost.quantity.unit else int
        return lambda thing: kind(of(thing).get(cost.name, 0))

    return [
        Field(cost.key, "number" if cost.quantity.unit else "count", cost.quantity.meaning, read(cost))
        for cost in COSTS
    ]


def method_fields(method_of: Callable[[T], Method]) -> list[Field[T]]:
    """Return what a method is made of."""

    def label(axis: str) -> Callable[[T], Cell]:
        def read(thing: T) -> Cell:
            use = getattr(method_of(thing), axis)
            return None if use is None else str(use.label)

        return read

    axes = ("captioner", "generator", "adapter", "classifier")
    return [
        *(Field[T](axis, "text", f"{axis} of the method", label(axis)) for axis in axes),
        Field[T]("labels", "text", "hard, or soft by the teacher", lambda thing: method_of(thing).labels),
        Field[T](
            "cardinality", "number", "synthetic over real training size", lambda thing: method_of(thing).cardinality
        ),
    ]
