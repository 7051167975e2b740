"""What the terminal shows: plans, live progress with time left, and failures, one line each."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from tckr_bench.text import size

if TYPE_CHECKING:
    from tckr_bench.engine.graph import Stage
    from tckr_bench.engine.outcome import Failure, Listener
    from tckr_bench.engine.plan import Plan
    from tckr_bench.engine.store import Store
    from tckr_bench.records import Cost
    from tckr_bench.results.files import SavedRun


PIPE_WIDTH = 120


def describe_seconds(seconds: float) -> str:
    """Return a duration in words.

    >>> describe_seconds(75)
    '1 min 15 s'
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def make_console() -> Console:
    """Return a console on standard output; a pipe has no width of its own, and tables want 100 columns or more."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(highlight=False, width=width)


class Screen:
    """Standard output for what was asked for; standard error for everything on the way there."""

    def __init__(self, *, json: bool = False) -> None:
        self.json = json
        self.console = make_console()
        self.progress = Console(stderr=True, highlight=False)

    def say(self, text: str) -> None:
        """Print a line for people; on standard error where standard output carries JSON."""
        (self.progress if self.json else self.console).print(escape(text), soft_wrap=True)

    def warn(self, text: str) -> None:
        """Print a warning on standard error."""
        self.progress.print(f"[yellow]Warning:[/] {escape(text)}", soft_wrap=True)

    def print_run(self, run: SavedRun) -> None:
        """Print a run's file and its records as JSON, and nothing else, on standard output."""
        from tckr_bench.results.files import dump_record, dump_run

        records = [json.loads(dump_record(record)) for record in run.records]
        content = {"run": json.loads(dump_run(run.information)), "records": records}
        sys.stdout.write(json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    @contextlib.contextmanager
    def working(self, text: str) -> Iterator[None]:
        """Show that something goes on, on a terminal, until it is done."""
        if self.progress.is_terminal:
            with self.progress.status(escape(text)):
                yield
        else:
            yield

    def show_plan(self, plan: Plan, store: Store, *, jobs: int, device: str) -> None:
        """Print what a run will do before it does it."""
        file = plan.matrix.file
        out = self.progress if self.json else self.console
        out.print(f"[bold]{escape(file.name)}[/] · track {escape(file.track)} · {escape(file.summary)}")
        out.print(_dataset_table(plan))
        for reason in dict.fromkeys(plan.unavailable.values()):
            labels = [label for label, why in plan.unavailable.items() if why == reason]
            self.warn(f"left out: {', '.join(labels)}: {reason}")
        out.print(_stage_table(plan))
        out.print(_method_table(plan))
        methods = plan.matrix.methods
        roles = Counter(method.role for method in methods)
        self.say(
            f"{len(plan.graph.cells)} cells: {len(plan.matrix.datasets)} datasets x {len(file.seeds)} seeds x "
            f"{len(methods)} methods ({roles['baseline']} baseline, {roles['defended']} defences, "
            f"{roles['method']} synthetic, {roles['control']} controls)"
        )
        self.say(
            f"{len(plan.graph.stages)} unique stages instead of {plan.graph.naive}; {len(plan.cached)} are in the store"
        )
        for line in _resource_lines(plan):
            self.say(line)
        estimate = f"about {describe_seconds(plan.seconds)}" if plan.pending else "nothing to do"
        if plan.guessed:
            estimate += " (a guess: some of its stages have not run here before)"
        self.say(f"Estimated time: {estimate} on {device} with {jobs} jobs · store: {store.root}")

    @contextlib.contextmanager
    def watch(self, plan: Plan, *, jobs: int) -> Iterator[Listener]:
        """Show progress until the run ends: live bars on a terminal, a line per stage elsewhere."""
        if not self.progress.is_terminal:
            yield _LineListener(self.progress, plan, jobs=jobs)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}", style="dim"),
        )
        with Progress(*columns, console=self.progress, transient=True, refresh_per_second=4) as progress:
            yield _LiveListener(progress, plan, jobs=jobs)


@contextlib.contextmanager
def watched(screen: Screen, name: str, *, doing: str = "checking") -> Iterator[Callable[[float], None]]:
    """Show how far something is, such as the check-up of a dataset, on a terminal."""
    with Progress(console=screen.progress, transient=True, disable=not screen.progress.is_terminal) as progress:
        task = progress.add_task(f"{doing} {escape(name)}", total=1.0)
        yield lambda fraction: progress.update(task, completed=fraction)


class _Forecast:
    """Time left, from what is still to do and what stages have taken so far."""

    def __init__(self, plan: Plan, *, jobs: int) -> None:
        self.plan = plan
        self.jobs = jobs
        self.left = dict.fromkeys(plan.pending)
        self.total = len(plan.pending)
        self._seconds = 0.0
        self._looked = -math.inf

    def drop(self, stage: Stage) -> None:
        self.left.pop(stage.key, None)

    @property
    def done(self) -> int:
        return self.total - len(self.left)

    def text(self) -> str:
        return f"{self.done}/{self.total} stages · {describe_seconds(self._seconds_left())} left"

    def _seconds_left(self) -> float:
        """Return the forecast, made anew once a second at most and at the end: it looks at every stage of the graph."""
        from tckr_bench.engine.estimate import forecast

        now = time.monotonic()
        if not self.left or now - self._looked >= 1:
            stages = (stage for key, stage in self.plan.graph.stages.items() if key in self.left)
            self._seconds, self._looked = forecast(stages, self.plan.rates, jobs=self.jobs), now
        return self._seconds


class _LiveListener:
    """One bar for the run and one for each stage under way."""

    def __init__(self, progress: Progress, plan: Plan, *, jobs: int) -> None:
        self.progress = progress
        self.forecast = _Forecast(plan, jobs=jobs)
        self.tasks: dict[str, TaskID] = {}
        self.overall = progress.add_task("[bold]run[/]", total=self.forecast.total, note=self.forecast.text())

    def started(self, stage: Stage) -> None:
        description = f"  {stage.kind} {escape(stage.label)}"
        self.tasks[stage.key] = self.progress.add_task(description, total=1.0, note="")

    def progressed(self, stage: Stage, fraction: float) -> None:
        self.progress.update(self.tasks[stage.key], completed=fraction, note=f"{fraction:.0%}")

    def finished(self, stage: Stage, cost: Cost | None) -> None:
        del cost
        self._end(stage)

    def failed(self, failure: Failure) -> None:
        self.progress.console.print(_failure_line(failure), soft_wrap=True)
        self._end(failure.stage)

    def _end(self, stage: Stage) -> None:
        if stage.key in self.tasks:
            self.progress.remove_task(self.tasks.pop(stage.key))
        self.forecast.drop(stage)
        self.progress.update(self.overall, completed=self.forecast.done, note=self.forecast.text())


class _LineListener:
    """A line per finished stage, for logs and pipes."""

    def __init__(self, console: Console, plan: Plan, *, jobs: int) -> None:
        self.console = console
        self.forecast = _Forecast(plan, jobs=jobs)

    def started(self, stage: Stage) -> None:
        """Say nothing: the line comes when the stage ends."""

    def progressed(self, stage: Stage, fraction: float) -> None:
        """Say nothing: a log wants no bars."""

    def finished(self, stage: Stage, cost: Cost | None) -> None:
        self.forecast.drop(stage)
        took = describe_seconds(cost.wall_seconds) if cost else "made by another run"
        line = f"{stage.kind:<15} {stage.label} · {took} · {self.forecast.text()}"
        self.console.print(escape(line), soft_wrap=True)

    def failed(self, failure: Failure) -> None:
        self.forecast.drop(failure.stage)
        self.console.print(_failure_line(failure), soft_wrap=True)


def _failure_line(failure: Failure) -> str:
    stage = failure.stage
    used = ", ".join(f"{use.name} of {use.distribution}" for use in stage.components.values())
    where = f" · traceback in {failure.log}" if failure.log else ""
    return f"[red]failed[/] {escape(f'{stage.kind} {stage.label} ({used}): {failure.message}{where}')}"


def _dataset_table(plan: Plan) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("dataset", "classes", "train", "validation", "test", "source"):
        table.add_column(column, justify="right" if column in ("classes", "train", "validation", "test") else "left")
    for label, description in plan.descriptions.items():
        sizes = plan.split_sizes(label)
        counts = [f"{sizes[split]:,}" for split in ("train", "validation", "test")]
        source = f"{description.source}{' (as published; not found here)' if label in plan.published else ''}"
        table.add_row(escape(label), str(len(description.class_names)), *counts, escape(source))
    return table


def _resource_lines(plan: Plan) -> list[str]:
    """Say how many images are to be made, why no more, and what large models take."""
    from tckr_bench.engine.resources import THROUGHPUT

    resources, lines = plan.resources, []
    cardinalities = sorted({method.cardinality for method in plan.matrix.methods if method.role == "method"})
    if resources.images:
        text = f"To generate: {resources.images:,} images, {size(resources.size)} of arrays in the store"
        if len(cardinalities) > 1:
            text += (
                f"; smaller cardinalities are prefixes, so {cardinalities[-1]:g}x is made once "
                f"instead of {sum(cardinalities):g}x"
            )
        lines.append(text)
    if resources.operations:
        hours = resources.operations / THROUGHPUT["cuda"] / 3600
        text = (
            f"Arithmetic: {resources.operations / 1e18:,.3g} EFLOP, {hours:,.0f} GPU-hours at an assumed "
            f"{THROUGHPUT['cuda'] / 1e12:.0f} TFLOP/s sustained"
        )
        lines.append(text + (f" ({resources.unstated:,} stages not counted)" if resources.unstated else ""))
    return lines


def _method_table(plan: Plan) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("role")
    table.add_column("methods", overflow="fold")
    for role in ("baseline", "defended", "method", "control"):
        names = [escape(method.name) for method in plan.matrix.methods if method.role == role]
        if names:
            table.add_row(role, ("\n" if role == "method" else ", ").join(names))
    return table


def _stage_table(plan: Plan) -> Table:
    from tckr_bench.engine.graph import KINDS

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("stage", "unique", "in store", "to do", "estimate (one core)"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    cached, pending = set(plan.cached), set(plan.pending)
    for kind in KINDS:
        stages = [stage for stage in plan.graph.stages.values() if stage.kind == kind]
        if not stages:
            continue
        todo = [stage for stage in stages if stage.key in pending]
        seconds = sum(plan.rates.seconds(stage) for stage in todo)
        counts = [str(len(stages)), str(sum(stage.key in cached for stage in stages)), str(len(todo))]
        table.add_row(kind, *counts, describe_seconds(seconds) if todo else "")
    return table
