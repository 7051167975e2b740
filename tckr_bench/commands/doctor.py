"""`tckr-bench doctor`: what a person, or a bug report, needs to know about this machine."""

from __future__ import annotations

import os
import platform
import shutil

import psutil
from rich.markup import escape
from rich.table import Table

from tckr_bench.commands.console import make_console
from tckr_bench.commands.datasets import DatasetRow, look_up
from tckr_bench.engine.provenance import (
    choose_device,
    package_versions,
    processor,
    source_commit,
    usable_cores,
)
from tckr_bench.engine.store import default_store_path
from tckr_bench.plugin.components import DatasetComponent
from tckr_bench.plugin.registry import default_registry
from tckr_bench.text import size

OFFLINE_VARIABLES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
ENOUGH_MEMORY = 4_000_000_000


def diagnose() -> None:
    """Print versions, device, memory, offline state, data found, and what will be slow."""
    device = choose_device("auto")
    console = make_console()
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in (*_machine(device), *_state()):
        table.add_row(f"[dim]{escape(name)}[/]", escape(value))
    console.print(table)
    console.print(escape("versions: " + ", ".join(f"{k} {v}" for k, v in package_versions().items())))
    for warning in _warnings(device):
        console.print(f"[yellow]slow or missing[/] {escape(warning)}", soft_wrap=True)


def _machine(device: str) -> list[tuple[str, str]]:
    memory = psutil.virtual_memory()
    commit, dirty = source_commit()
    changed = " with changes" if dirty else ""
    return [
        ("python", f"{platform.python_version()} on {platform.platform()}"),
        ("processor", f"{processor()}, {usable_cores()} usable cores"),
        ("memory", f"{size(memory.available)} free of {size(memory.total)}"),
        ("device", f"{device}{_accelerator(device)}"),
        ("source", f"commit {commit[:12]}{changed}" if commit else "installed package, not a checkout"),
    ]


def _state() -> list[tuple[str, str]]:
    store = default_store_path()
    existing = next(folder for folder in (store, *store.absolute().parents) if folder.exists())
    offline = [name for name in OFFLINE_VARIABLES if os.environ.get(name, "").lower() in ("1", "true", "yes", "on")]
    found, missing = _datasets()
    return [
        ("store", f"{store} ({size(shutil.disk_usage(existing).free)} free)"),
        (
            "offline",
            f"yes, by {', '.join(offline)}" if offline else "no; models named by hub id would be fetched",
        ),
        ("data root", os.environ.get("TCKR_BENCH_DATA") or "not set (TCKR_BENCH_DATA)"),
        ("datasets", f"found: {', '.join(found)}; not found: {', '.join(missing) or 'none'}"),
    ]


def _datasets() -> tuple[list[str], list[str]]:
    """Return the names of the datasets that were found and of the others; one's own have no place to look at."""
    found: list[str] = []
    missing: list[str] = []
    for component in default_registry().components(DatasetComponent):
        if not component.argument:
            row = look_up(component)
            here = isinstance(row, DatasetRow) and row.counts is not None
            (found if here else missing).append(component.name)
    return found, missing


def _warnings(device: str) -> list[str]:
    warnings = [
        f"the plugin '{plugin.name}' could not be loaded: {plugin.reason}" for plugin in default_registry().broken
    ]
    if device == "cpu":
        warnings.append(
            "no accelerator was found: the mini track is made for this; full-size models take hours an image set"
        )
    if usable_cores() < 2:
        warnings.append("one core: stages cannot run side by side, so a run takes longer")
    if psutil.virtual_memory().available < ENOUGH_MEMORY:
        warnings.append("less than 4 GB of memory is free: use --jobs 1")
    warnings += [
        f"the package {name} is missing" for name, version in package_versions().items() if version == "missing"
    ]
    return warnings


def _accelerator(device: str) -> str:
    if device != "cuda":
        return ""
    import torch

    return f" ({torch.cuda.get_device_name(0)}, {size(torch.cuda.get_device_properties(0).total_memory)})"
