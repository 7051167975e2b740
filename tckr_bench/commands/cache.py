"""`tckr-bench cache`."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from tckr_bench.commands.console import make_console
from tckr_bench.engine.store import Store, default_store_path
from tckr_bench.errors import StoreError
from tckr_bench.text import size

SECONDS_PER_DAY = 86_400


def show_info() -> None:
    """Print where the store is and what it holds, by kind of artifact."""
    store = Store(default_store_path())
    console = make_console()
    console.print(f"store: {escape(str(store.root))}", soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("kind", "artifacts", "size"):
        table.add_column(column, justify="left" if column == "kind" else "right")
    usage = store.usage()
    for entry in usage:
        table.add_row(escape(entry.kind), f"{entry.artifacts:,}", size(entry.size))
    total = sum(entry.artifacts for entry in usage)
    table.add_row("all", f"{total:,}", size(sum(entry.size for entry in usage)), style="bold")
    console.print(table)


def verify(*, remove: bool) -> None:
    """Check every artifact, and remove the damaged ones if asked.

    Raises:
        StoreError: some are damaged and were not removed.
    """
    store = Store(default_store_path())
    console = make_console()
    damaged = store.damaged()
    for key in damaged:
        console.print(f"[red]damaged[/] {escape(str(store.path(key)))}", soft_wrap=True)
        if remove:
            with store.lock(key):
                store.discard(key)
    console.print(f"{len(store.keys())} artifacts are sound" if remove or not damaged else "")
    if damaged and not remove:
        raise StoreError(f"{len(damaged)} artifacts are damaged; they will not be used; add --remove to delete them")


def collect_garbage(*, days: float, dry_run: bool) -> None:
    """Remove what no run has used for so many days."""
    store = Store(default_store_path())
    if not dry_run:
        store.open_for_writing()
    removed = store.collect(unused_for=days * SECONDS_PER_DAY, dry_run=dry_run)
    amount = size(sum(taken for _name, taken in removed))
    verb = "would be removed" if dry_run else "removed"
    make_console().print(f"{len(removed)} items, {amount}, {verb} from {escape(str(store.root))}", soft_wrap=True)
