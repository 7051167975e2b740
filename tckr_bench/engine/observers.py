"""Tells observers of a run, each apart from the others and none of them near its results."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tckr_bench.engine.collect import RunSettings
from tckr_bench.engine.graph import KINDS, Stage
from tckr_bench.engine.matrix import Matrix
from tckr_bench.engine.outcome import Failure, Outcome
from tckr_bench.engine.plan import Plan
from tckr_bench.engine.provenance import package_versions
from tckr_bench.errors import OptionError, TckrError, first_line
from tckr_bench.plugin.observing import Observer, RunEnd, RunStart, StageFailed, StageFinished, StagesPlanned
from tckr_bench.plugin.registry import Registry
from tckr_bench.records import CellRecord, ComponentUse, Cost
from tckr_bench.results.files import SavedRun
from tckr_bench.results.records import cells_of
from tckr_bench.text import plain

ALWAYS = "jsonl"
SETTING = "observer."


def observers_named(
    names: Sequence[str], matrix: Matrix, registry: Registry, *, settings: Sequence[str] = ()
) -> list[ComponentUse]:
    """Return the observers a command names, with the options of the matrix, and the one that always watches.

    Raises:
        PluginError: no such observer; names the nearest one.
        OptionError: `--set` changes an observer that the command does not name.
    """
    always = [ALWAYS] if any(entry.component.name == ALWAYS for entry in registry.family("observer")) else []
    chosen = list(dict.fromkeys([*always, *names]))
    for setting in (text.strip() for text in settings):
        label = setting.removeprefix(SETTING).partition(".")[0]
        if setting.startswith(SETTING) and label not in chosen:
            raise OptionError(f"--set {setting}: '{label}' does not observe this run; add --observe {label}")
    return [matrix.observers.get(name) or registry.use("observer", name, label=name, options={}) for name in chosen]


def start_of(plan: Plan, settings: RunSettings) -> RunStart:
    """Return what observers are told of a run as it starts."""
    folder, cached = settings.out.absolute(), set(plan.cached)
    identity = hashlib.sha256("\n".join([str(folder), *sorted(plan.graph.leaves.values())]).encode()).hexdigest()
    kinds = {kind: [stage.key for stage in plan.graph.stages.values() if stage.kind == kind] for kind in KINDS}
    return RunStart(
        identity=identity[:32],
        folder=folder,
        matrix=plan.matrix.file.name,
        track=plan.matrix.file.track,
        cells=tuple(plan.graph.cells.values()),
        stages=tuple(
            StagesPlanned(kind, len(keys), sum(key in cached for key in keys)) for kind, keys in kinds.items() if keys
        ),
        device=settings.device,
        jobs=settings.jobs,
        versions={"python": platform.python_version(), **package_versions()},
    )


@dataclass
class _Watcher:
    """An observer, and whether it is still told of what goes on."""

    use: ComponentUse
    observer: Observer
    listening: bool = True


class Observers:
    """The observers of one run; also what the executor tells of its stages.

    One that raises is told of nothing more but the run's end, and `warn` says so once.
    """

    def __init__(self, uses: Sequence[ComponentUse], registry: Registry, *, warn: Callable[[str], None]) -> None:
        """Load the observers.

        Raises:
            TckrError: one of them cannot be had, a library that is missing say.
        """
        self._warn = warn
        self._watchers: list[_Watcher] = []
        self._done: set[str] = set()
        self._total = 0
        self._ran = self._found = self._failed = 0
        self._ended = False
        for use in uses:
            self._load(use, registry)

    @contextlib.contextmanager
    def watching(self, plan: Plan, settings: RunSettings) -> Iterator[None]:
        """Tell of the start and, whatever happens, of an end."""
        self._done, self._total = set(plan.cached), len(plan.graph.stages)
        start = copy.deepcopy(start_of(plan, settings))  # options are mappings, and a run's own must stay as they are
        self._tell(lambda observer: observer.run_started(start))
        try:
            yield
        finally:
            if not self._ended:
                self._end(RunEnd("stopped", ran=self._ran, found=self._found, failed=self._failed))

    def started(self, stage: Stage) -> None:
        """Say nothing: observers hear of what is done."""

    def progressed(self, stage: Stage, fraction: float) -> None:
        """Say nothing: observers hear of what is done."""

    def finished(self, stage: Stage, cost: Cost | None) -> None:
        """Tell of a stage that is in the store."""
        self._done.add(stage.key)
        self._ran += cost is not None
        self._found += cost is None
        done = len(self._done)
        event = StageFinished(stage.key, stage.kind, stage.label, stage.component, done, self._total, cost)
        self._tell(lambda observer: observer.stage_finished(event))

    def failed(self, failure: Failure) -> None:
        """Tell of a stage that failed."""
        stage = failure.stage
        self._failed += 1
        event = StageFailed(stage.key, stage.kind, stage.label, stage.component, failure.message)
        self._tell(lambda observer: observer.stage_failed(event))

    def measured(self, run: SavedRun, outcome: Outcome) -> None:
        """Tell of every cell's measurements and of the run's end; call it when all files of the run are written."""
        for record in run.records:
            for cell in copy.deepcopy(cells_of(record)):
                self._tell(_telling(cell))
        self._end(
            RunEnd(
                "failed" if outcome.failures else "finished",
                ran=len(outcome.ran),
                found=len(outcome.found),
                failed=len(outcome.failures),
                wall_seconds=outcome.wall_seconds,
                cpu_seconds=dict(run.information.seconds),
            )
        )

    def _load(self, use: ComponentUse, registry: Registry) -> None:
        try:
            with contextlib.redirect_stdout(sys.stderr):
                self._watchers.append(_Watcher(use, registry.load(use)))
        except TckrError:
            raise
        except Exception as error:  # noqa: BLE001 - an observer is isolated here: no run depends on it
            self._set_aside(use, error)

    def _end(self, end: RunEnd) -> None:
        self._ended = True
        for watcher in self._watchers:
            self._call(watcher, lambda observer: observer.run_ended(end))

    def _tell(self, say: Callable[[Observer], None]) -> None:
        for watcher in self._watchers:
            if watcher.listening:
                self._call(watcher, say)

    def _call(self, watcher: _Watcher, say: Callable[[Observer], None]) -> None:
        try:
            with contextlib.redirect_stdout(sys.stderr):  # libraries greet; standard output is for what was asked
                say(watcher.observer)
        except Exception as error:  # noqa: BLE001 - an observer is isolated here: no run depends on it
            if watcher.listening:
                self._set_aside(watcher.use, error)
            watcher.listening = False

    def _set_aside(self, use: ComponentUse, error: Exception) -> None:
        reason = plain(f"{type(error).__name__}: {first_line(error)}")
        self._warn(
            f"the observer '{use.label}' of {use.distribution} failed and watches no more: {reason}; the run goes on"
        )


def _telling(record: CellRecord) -> Callable[[Observer], None]:
    return lambda observer: observer.cell_measured(record)
