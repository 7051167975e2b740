"""`tckr-bench datasets`."""

from __future__ import annotations

from rich.console import JustifyMethod
from rich.markup import escape
from rich.table import Table

from tckr_bench.console import make_console
from tckr_bench.errors import DatasetError, OptionError
from tckr_bench.plugins import Registration, default_registry
from tckr_bench.records import DatasetDescription


def list_datasets() -> None:
    """Print every dataset that was found, with counts, then those that were not, with the reason."""
    console = make_console()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("dataset", "classes", "train", "validation", "test", "size", "licence", "source"):
        numeric = column in ("classes", "train", "validation", "test")
        justify: JustifyMethod = "right" if numeric else "left"
        table.add_column(column, justify=justify, no_wrap=numeric or column == "dataset", overflow="fold")
    missing: dict[str, list[str]] = {}
    for entry in default_registry().family("dataset"):
        description = _describe(entry)
        if isinstance(description, DatasetDescription):
            table.add_row(*map(escape, _cells(description)))
        else:
            missing.setdefault(description, []).append(entry.component.name)
    console.print(table)
    for reason, names in missing.items():
        console.print(f"[dim]unavailable[/] {escape(', '.join(names))}: {escape(reason)}", soft_wrap=True)


def _describe(entry: Registration) -> DatasetDescription | str:
    """Return what is known of a dataset, or why it cannot be used."""
    try:
        component = entry.component
        description: DatasetDescription = component.load(component.parse_options({})).describe()
    except (DatasetError, OptionError) as error:
        return str(error)
    return description


def _cells(description: DatasetDescription) -> list[str]:
    counts = [
        f"{description.counts[split]:,}" if split in description.counts else "from train"
        for split in ("train", "validation", "test")
    ]
    return [
        description.name,
        str(len(description.class_names)),
        *counts,
        description.native_size,
        description.licence,
        description.source,
    ]
