"""`tckr-bench datasets prepare`: says what would be fetched, asks, fetches, and checks what has come."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from tckr_bench.commands.console import Screen
from tckr_bench.datasets.fetching import FetchableDataset, FetchPlan, Whereabouts, shortfall
from tckr_bench.errors import DatasetError, OptionError
from tckr_bench.plugin.registry import Registry, default_registry
from tckr_bench.text import size


@dataclass(frozen=True)
class _Task:
    """A dataset to fetch and what that would do."""

    name: str
    dataset: FetchableDataset
    plan: FetchPlan


def prepare(names: Sequence[str], settings: Sequence[str], *, limit_per_class: int | None, ask: bool) -> None:
    """Fetch the datasets that are not here, after announcing all of them with their sizes.

    Raises:
        DatasetError: there is no network, the disk is too small, or what came is not the dataset.
        OptionError: a setting is malformed or unknown.
    """
    screen = Screen()
    registry = default_registry()
    options = dict(_setting(text) for text in settings)
    tasks: list[_Task] = []
    for name in _members(registry, names):
        dataset = registry.load(registry.parse_use(name, "dataset", options=options))
        if not isinstance(dataset, FetchableDataset):
            screen.say(f"{name}: nothing to fetch; it comes with the package, or lies in a folder of yours")
            continue
        here = _already_here(dataset, limited=bool(limit_per_class))
        if here:
            screen.say(f"{name}: {here}")
        else:
            tasks.append(_Task(name, dataset, dataset.plan_fetch(limit_per_class=limit_per_class)))
    for task in tasks:
        screen.say(f"{task.name}: {_announcement(task.plan)}")
    _check_space(tasks)
    if not tasks or (ask and not click.confirm("Fetch?", err=True)):
        return
    for task in tasks:
        _fetch(screen, task)
        screen.say(f"{task.name}: {_verified(task, screen)}")


def _members(registry: Registry, names: Sequence[str]) -> list[str]:
    """Return the datasets that names and groups stand for, each once."""
    found: dict[str, None] = {}
    for name in names:
        members = [entry.component.name for entry in registry.group(name, "dataset")]
        found.update(dict.fromkeys(members or [name]))
    return list(found)


def _setting(text: str) -> tuple[str, str]:
    option, sign, value = text.partition("=")
    if not sign or not option.strip():
        raise OptionError(f"'{text}' is no setting; write --set OPTION=VALUE")
    return option.strip(), value.strip()


def _already_here(dataset: FetchableDataset, *, limited: bool) -> str:
    """Return what to say of a dataset that needs no fetching; nothing where it does."""
    try:
        found = dataset.whereabouts()
    except DatasetError:  # incomplete, most likely: fetching completes it or says what is wrong
        return ""
    if found is None:
        return ""
    published = dataset.published()
    less = shortfall(found.counts, published.counts) if published else {}
    if not less or (limited and found.own):
        return f"here already, at {found.at} ({_counts(found)})"
    if found.own:
        return (
            f"at {found.at} there is a part of it ({_counts(found)}), which comes before what would be fetched; "
            "move it away to use the whole dataset"
        )
    return ""


def _counts(found: Whereabouts) -> str:
    return ", ".join(f"{count:,} {split}" for split, count in found.counts.items())


def _announcement(plan: FetchPlan) -> str:
    amount = size(plan.size)
    what = f"up to {amount}, {plan.limit_per_class} images of each class," if plan.limit_per_class else amount
    return f"{what} in {len(plan.files)} files from {plan.source} to {plan.destination}"


def _check_space(tasks: Sequence[_Task]) -> None:
    """Refuse to begin what does not fit on the disk; limited copies take little and are left to try."""
    needed: dict[Path, int] = {}
    for task in tasks:
        if not task.plan.limit_per_class:
            folder = Path(task.plan.destination)
            there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
            needed[there] = needed.get(there, 0) + task.plan.size
    for folder, amount in needed.items():
        free = shutil.disk_usage(folder).free
        if amount > free:
            raise DatasetError(
                f"'{folder}' has {size(free)} free, but {size(amount)} are to be fetched; free some "
                "space, set HF_HOME to a larger disk, or take less with --limit-per-class"
            )


def _fetch(screen: Screen, task: _Task) -> None:
    if not task.plan.limit_per_class:  # the library that fetches shows its own progress
        task.dataset.fetch(task.plan, progress=lambda _fraction: None)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, console=screen.progress, transient=True) as progress:
        bar = progress.add_task(escape(task.name), total=1.0)
        task.dataset.fetch(task.plan, progress=lambda fraction: progress.update(bar, completed=fraction))


def _verified(task: _Task, screen: Screen) -> str:
    """Check what was fetched against what is published, and return where it lies and how much it is.

    Raises:
        DatasetError: it cannot be read, or a class is missing.
    """
    found, description = task.dataset.whereabouts(), task.dataset.describe()
    published = task.dataset.published()
    if published:
        missing = sorted(set(published.class_names) - set(description.class_names))
        if missing:
            raise DatasetError(
                f"what was fetched of '{task.name}' lacks {len(missing)} of its {len(published.class_names)} classes, "
                f"'{missing[0]}' among them; remove it and fetch it again, or choose another copy"
            )
        if not task.plan.limit_per_class:
            for split, (count, expected) in shortfall(description.counts, published.counts).items():
                screen.warn(f"{task.name} has {count:,} {split} images, {expected:,} are published; used as found")
    counts = ", ".join(f"{count:,} {split}" for split, count in description.counts.items())
    return f"{counts}, {len(description.class_names)} classes, at {found.at if found else task.plan.destination}"
