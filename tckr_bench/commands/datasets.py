"""`tckr-bench datasets list`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import JustifyMethod
from rich.markup import escape
from rich.table import Table

from tckr_bench.commands.console import make_console
from tckr_bench.datasets import DATA_VARIABLE
from tckr_bench.datasets.fetching import FetchableDataset
from tckr_bench.errors import DatasetError, OptionError
from tckr_bench.plugin.components import DatasetComponent
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import SPLITS, DatasetDescription
from tckr_bench.text import size

_NOT_HERE = "not here"
_NUMBERS = ("classes", *SPLITS)


@dataclass(frozen=True)
class DatasetRow:
    """What the list says of a dataset: its description, the counts found (None: none), and where it is or why not."""

    description: DatasetDescription
    counts: Mapping[str, int] | None
    where: str


def list_datasets() -> None:
    """Print every dataset: counts against the published ones, licence, and where it is or how to get it."""
    console = make_console()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("dataset", *_NUMBERS, "licence", "where"):
        justify: JustifyMethod = "right" if column in _NUMBERS else "left"
        table.add_column(column, justify=justify, no_wrap=column in ("dataset", "classes"), overflow="fold")
    own: list[str] = []
    rows: list[DatasetRow] = []
    missing: dict[str, list[str]] = {}
    for component in default_registry().components(DatasetComponent):
        if component.argument:
            own.append(f"{component.name}:{component.argument.upper()}")
            continue
        row = look_up(component)
        if isinstance(row, DatasetRow):
            rows.append(row)
            table.add_row(component.name, *map(escape, _cells(row)))
        else:
            missing.setdefault(row, []).append(component.name)
    console.print(table)
    for text in _legend(rows):
        console.print(text, soft_wrap=True)
    for reason, names in missing.items():
        console.print(f"[dim]unavailable[/] {escape(', '.join(names))}: {escape(reason)}", soft_wrap=True)
    if own:
        console.print(f"[dim]your own[/] {escape(', '.join(own))}", soft_wrap=True)


def _legend(rows: Sequence[DatasetRow]) -> list[str]:
    """Return what explains the places of the table."""
    lines = []
    if any(row.where == "data root" for row in rows):
        lines.append(f"[dim]data root[/] {escape(os.environ.get(DATA_VARIABLE, ''))}")
    if any(row.where.startswith(_NOT_HERE) for row in rows):
        lines.append(
            f"[dim]not here[/] fetch with `tckr-bench datasets prepare NAME`, or put it at {DATA_VARIABLE}/NAME as "
            "train/<class>/* and test/<class>/*"
        )
    return lines


def look_up(component: DatasetComponent) -> DatasetRow | str:
    """Return what is known of a dataset, or why it cannot be used; nothing is hashed where there is another way."""
    try:
        options = component.parse_options({})
        dataset = component.load(options)
        published = component.published(options)
        if published is None or not isinstance(dataset, FetchableDataset):
            description = dataset.describe()
            return DatasetRow(description, description.counts, description.source)
    except (DatasetError, OptionError) as error:
        return str(error)
    try:
        found = dataset.whereabouts()
    except DatasetError as error:
        return DatasetRow(published, None, str(error))
    if found is None:
        amount = dataset.download_size
        return DatasetRow(published, None, _NOT_HERE + (f", {size(amount)} to fetch" if amount else ""))
    return DatasetRow(published, found.counts, "data root" if found.own else "Hugging Face cache")


def _cells(row: DatasetRow) -> list[str]:
    counts = [_count(row, split) for split in SPLITS]
    return [str(len(row.description.class_names)), *counts, row.description.licence, row.where]


def _count(row: DatasetRow, split: str) -> str:
    """Return the images of a split: those found, out of those published where that is another number."""
    published = row.description.counts.get(split)
    if row.counts is None:
        return "from train" if published is None else f"- of {published:,}"
    found = row.counts.get(split)
    if found is None:
        return "from train"
    return f"{found:,}" if published in (None, found) else f"{found:,} of {published:,}"
