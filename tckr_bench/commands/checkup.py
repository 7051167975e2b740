"""`tckr-bench datasets check`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter
from rich.console import Group
from rich.markup import escape
from rich.table import Table

from tckr_bench.api.checkups import first_of
from tckr_bench.commands.console import Screen, watched
from tckr_bench.datasets.checkup import CheckUp, check_dataset
from tckr_bench.datasets.findings import Finding, judge
from tckr_bench.errors import DatasetError
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import SPLITS

CLASSES_SHOWN = 20
_COLOURS = {"error": "red", "warning": "yellow", "note": "dim"}


@dataclass(frozen=True)
class CheckUpReport:
    """The check-up of one dataset, as typed, and what it means."""

    dataset: str
    checkup: CheckUp
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> list[str]:
        """Sentences of what stops a run."""
        return [finding.sentence for finding in self.findings if finding.severity == "error"]


def check(names: Sequence[str], *, image_size: int, as_json: bool) -> None:
    """Check datasets up, each given as `name` or `name:argument`, and print what was found.

    Raises:
        DatasetError: a dataset is not there or cannot be used.
        PluginError, OptionError: a name or argument that is not there.
    """
    screen, registry = Screen(json=as_json), default_registry()
    uses = {name: registry.parse_use(name) for name in names}
    reports = []
    for name, use in uses.items():
        with watched(screen, name) as progress:
            checkup = check_dataset(registry.load(use), image_size=image_size, progress=progress)
        reports.append(CheckUpReport(name, checkup, judge(checkup)))
        if not as_json:
            screen.console.print(_render(reports[-1]))
    if as_json:
        sys.stdout.write(TypeAdapter(list[CheckUpReport]).dump_json(reports, indent=1).decode() + "\n")
    unusable = [report for report in reports if report.errors]
    if unusable:
        raise DatasetError(f"dataset '{unusable[0].dataset}' cannot be used: {first_of(unusable[0].errors)}")


def _render(report: CheckUpReport) -> Group:
    """Return what is printed: counts, sizes, findings, and whether it can run."""
    checkup = report.checkup
    lines = [f"[bold]{escape(report.dataset)}[/] · {escape(_summary(checkup))}"]
    if checkup.shapes:
        smallest, median, largest = (
            f"{width}x{height}"
            for width, height in (checkup.shapes.smallest, checkup.shapes.median, checkup.shapes.largest)
        )
        lines.append(f"[dim]sizes[/] smallest {smallest}, median {median}, largest {largest} pixels")
    work = checkup.work
    lines.append(
        f"[dim]looked at[/] {work.images:,} images, {work.hashes_compared:,} pairs of hashes, "
        f"{work.pairs_verified:,} pairs of thumbnails"
    )
    verdict = [f"[{_COLOURS[found.severity]}]{found.severity}[/] {escape(found.sentence)}" for found in report.findings]
    copies = [_duplicate_table(checkup)] if checkup.duplicates else []
    damaged = [f"[dim]damaged[/] {escape(f'{image.split}: {image.name}')}" for image in checkup.damaged[:CLASSES_SHOWN]]
    if report.errors:
        last = "[red]It cannot be used as it is.[/]"
    else:
        last = f"It can be used: tckr-bench run --dataset {escape(shlex.quote(report.dataset))}"
    return Group(*lines, _class_table(checkup), *damaged, *copies, *verdict, last)


def _summary(checkup: CheckUp) -> str:
    description = checkup.description
    classes = f"{len(description.class_names)} classes"
    return f"{classes} · {checkup.images:,} images · {description.source} · licence: {description.licence}"


def _class_table(checkup: CheckUp) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("class")
    splits = [split for split in SPLITS if split in checkup.classes]
    for split in splits:
        table.add_column(split, justify="right")
    names = checkup.description.class_names
    for index, name in enumerate(names[:CLASSES_SHOWN]):
        table.add_row(escape(name), *(f"{checkup.classes[split][index]:,}" for split in splits))
    if len(names) > CLASSES_SHOWN:
        rest = (f"{sum(checkup.classes[split][CLASSES_SHOWN:]):,}" for split in splits)
        table.add_row(f"and {len(names) - CLASSES_SHOWN} more", *rest, style="dim")
    table.add_row("all", *(f"{sum(checkup.classes[split]):,}" for split in splits), style="bold")
    return table


def _duplicate_table(checkup: CheckUp) -> Table:
    kinds = {"file": "same file", "pixels": "same pixels", "near": "nearly the same"}
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("copies", "between", "images", "other class", "examples"):
        table.add_column(column, overflow="fold", justify="right" if column in ("images", "other class") else "left")
    for entry in checkup.duplicates:
        first, second = entry.splits
        where = f"{first} and {second}" if first != second else f"within {first}"
        examples = "\n".join(f"{copy} = {original}" for original, copy in entry.examples)
        table.add_row(kinds[entry.kind], where, f"{entry.images:,}", f"{entry.disagreeing:,}", escape(examples))
    return table
