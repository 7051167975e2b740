"""`tckr-bench datasets check`, and the check-up that a run does of datasets that are somebody's own."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from rich.console import Group
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from tckr_bench.commands.console import Screen
from tckr_bench.datasets.checkup import CheckUp, check_dataset
from tckr_bench.datasets.findings import Finding, judge
from tckr_bench.engine.fingerprint import fingerprint
from tckr_bench.errors import DatasetError
from tckr_bench.plugin.registry import Registry, default_registry
from tckr_bench.records import SPLITS, ComponentUse, DatasetDescription

CHECKUP_VERSION = 1
"""Part of the name of a remembered check-up; raise it whenever the same dataset would be judged otherwise."""

CLASSES_SHOWN = 20
_COLOURS = {"error": "red", "warning": "yellow", "note": "dim"}


@dataclass(frozen=True)
class Report:
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
        with _watched(screen, name) as progress:
            checkup = check_dataset(registry.load(use), image_size=image_size, progress=progress)
        reports.append(Report(name, checkup, judge(checkup)))
        if not as_json:
            screen.console.print(_render(reports[-1]))
    if as_json:
        sys.stdout.write(TypeAdapter(list[Report]).dump_json(reports, indent=1).decode() + "\n")
    unusable = [report for report in reports if report.errors]
    if unusable:
        raise DatasetError(f"dataset '{unusable[0].dataset}' cannot be used: {_first(unusable[0].errors)}")


def check_up_before_run(
    uses: Sequence[ComponentUse],
    registry: Registry,
    image_size: int,
    *,
    descriptions: Mapping[str, DatasetDescription],
    store: Path,
    screen: Screen | None = None,
) -> list[str]:
    """Return the warnings, one sentence each, about the datasets of a run that are somebody's own.

    Those are the datasets that take an argument, such as `imagefolder:photos`. A dataset without errors is remembered
    in the store by its fingerprint, so that the same command does not check it again.

    Raises:
        DatasetError: a dataset cannot be used; names the first problem and the command that shows the others.
    """
    sentences = []
    for use in uses:
        argument = registry.get(use.family, use.name).component.argument
        if not argument:
            continue
        description = descriptions[use.label]
        remembered = _memory(store, use, description, image_size)
        findings = _recall(remembered)
        if findings is None:
            with _watched(screen or Screen(), use.label) as progress:
                checkup = check_dataset(
                    registry.load(use), image_size=image_size, description=description, progress=progress
                )
            findings = judge(checkup)
            errors = [finding.sentence for finding in findings if finding.severity == "error"]
            if errors:
                command = f"tckr-bench datasets check {shlex.quote(f'{use.name}:{use.options[argument]}')}"
                raise DatasetError(f"dataset '{use.label}' cannot be used: {_first(errors)}; see all with `{command}`")
            _remember(remembered, findings)
        sentences += [f"{use.label}: {found.sentence}" for found in findings if found.severity == "warning"]
    return sentences


def _first(errors: Sequence[str]) -> str:
    return errors[0] + (f"; and {len(errors) - 1} more" if len(errors) > 1 else "")


@contextlib.contextmanager
def _watched(screen: Screen, name: str) -> Iterator[Callable[[float], None]]:
    """Show how far a check-up is, on a terminal."""
    with Progress(console=screen.progress, transient=True, disable=not screen.progress.is_terminal) as progress:
        task = progress.add_task(f"checking {escape(name)}", total=1.0)
        yield lambda fraction: progress.update(task, completed=fraction)


def _memory(store: Path, use: ComponentUse, description: DatasetDescription, image_size: int) -> Path:
    """Return where the check-up of these very images, in these splits, is remembered."""
    value = {
        "checkup": CHECKUP_VERSION,
        "component": [use.name, use.version],
        "content": description.fingerprint,
        "counts": dict(description.counts),
        "source": description.source,
        "image_size": image_size,
    }
    return store / "checkups" / f"{fingerprint(value)}.json"


def _recall(path: Path) -> tuple[Finding, ...] | None:
    """Return remembered findings; None where there are none or they are damaged."""
    try:
        return TypeAdapter(tuple[Finding, ...]).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _remember(path: Path, findings: tuple[Finding, ...]) -> None:
    """Write findings in one rename; a store that cannot be written is the run's to speak of."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, staged = tempfile.mkstemp(dir=path.parent, prefix=".staged-")
        with os.fdopen(handle, "wb") as file:
            file.write(TypeAdapter(tuple[Finding, ...]).dump_json(findings, indent=1))
        Path(staged).replace(path)


def _render(report: Report) -> Group:
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
