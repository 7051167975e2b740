"""`tckr-bench run` and `tckr-bench plan`."""

from __future__ import annotations

import contextlib
import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.commands.console import Screen
from tckr_bench.errors import RunError, StagesFailedError, TckrError

# What plans and runs takes half a second to import. So functions import what they use: the terminal shows that
# something goes on before that begins, and a plan does without what only a run needs.
if TYPE_CHECKING:
    from tckr_bench.engine.collect import RunSettings
    from tckr_bench.engine.observers import Observers
    from tckr_bench.engine.outcome import Outcome
    from tckr_bench.engine.plan import Plan
    from tckr_bench.engine.store import Store
    from tckr_bench.plugin.registry import Registry
    from tckr_bench.records import ComponentUse
    from tckr_bench.results.files import SavedRun

DEFAULT_MATRIX = "default"
PHOTOGRAPH_MATRIX = "ten"


@dataclass(frozen=True)
class RunOptions:
    """The options of `run` and `plan` as typed.

    Without a matrix it is `default` or, where datasets are named, `ten`, whose generator was made for photographs.
    """

    matrix: str | None
    datasets: Sequence[str] = ()
    settings: Sequence[str] = ()
    out: Path | None = None
    jobs: int | None = None
    device: str = "auto"
    fail_fast: bool = False
    dry_run: bool = False
    json: bool = False
    published: bool = False
    observe: Sequence[str] = ()


def run(options: RunOptions) -> None:
    """Plan, execute, collect and show a run.

    Raises:
        TckrError: a user error; also where every failure of the run is one.
        StagesFailedError: some stages failed; the rest was done and reported.
    """
    screen = Screen(json=options.json)
    with screen.working("planning"):
        prepared = _prepare(options, screen)
    screen.show_plan(prepared.plan, prepared.store, jobs=prepared.jobs, device=prepared.device)
    if not options.dry_run:
        _raise_for(_carry_out(prepared, options, screen))


@dataclass(frozen=True)
class _Prepared:
    """A plan and what it was made from."""

    plan: Plan
    store: Store
    registry: Registry
    observers: Sequence[ComponentUse]
    jobs: int
    device: str


def _prepare(options: RunOptions, screen: Screen) -> _Prepared:
    from tckr_bench.engine.matrix import load_matrix
    from tckr_bench.engine.observers import observers_named
    from tckr_bench.engine.plan import make_plan
    from tckr_bench.engine.provenance import choose_device, devices_of, usable_cores
    from tckr_bench.engine.store import Store
    from tckr_bench.places import default_store_path
    from tckr_bench.plugin.registry import default_registry

    registry = default_registry()
    for plugin in registry.broken:
        screen.warn(f"the plugin '{plugin.name}' of {plugin.distribution} could not be loaded: {plugin.reason}")
    device = choose_device(options.device)
    jobs = options.jobs or (usable_cores() if device == "cpu" else len(devices_of(device)))
    matrix = load_matrix(_matrix_name(options), registry, settings=options.settings, datasets=options.datasets)
    uses = observers_named(options.observe, matrix, registry, settings=() if options.dry_run else options.settings)
    store = Store(default_store_path())
    plan = make_plan(
        matrix, registry, store, jobs=jobs, device=device, lenient=options.dry_run, published=options.published
    )
    return _Prepared(plan, store, registry, uses, jobs, device)


def _carry_out(prepared: _Prepared, options: RunOptions, screen: Screen) -> Outcome:
    from tckr_bench.engine.collect import RunSettings
    from tckr_bench.engine.matrix_file import recipe_of
    from tckr_bench.engine.observers import Observers
    from tckr_bench.engine.provenance import require_device

    plan, name = prepared.plan, _matrix_name(options)
    require_device(prepared.device)
    observers = Observers(prepared.observers, prepared.registry, warn=screen.warn)
    _check_up(plan, prepared.registry, prepared.store, screen)
    settings = RunSettings(
        options.out or _run_folder(plan, options),
        prepared.jobs,
        prepared.device,
        options.fail_fast,
        command=_command(name, options),
        recipe=recipe_of(name),
    )
    _open_folder(settings.out)
    with observers.watching(plan, settings):
        outcome, saved = _execute_and_show(plan, prepared.store, settings, screen=screen, observers=observers)
    _raise_for_components(saved)
    return outcome


def _execute_and_show(
    plan: Plan, store: Store, settings: RunSettings, *, screen: Screen, observers: Observers
) -> tuple[Outcome, SavedRun]:
    """Execute what is pending, write and show the results; observers hear of them when nothing is left to write."""
    from tckr_bench.leaderboard.site.report import write_report
    from tckr_bench.results.files import REPORT, read_run

    outcome = _execute(plan, store, settings, screen=screen, observers=observers)
    run = _finished_before(plan, settings)
    if run is None:
        _write(plan, outcome, store, settings)
        run = read_run(settings.out)
    elif not (settings.out / REPORT).is_file():
        write_report(settings.out)
    _show(run, outcome, plan, screen)
    observers.measured(run, outcome)
    return outcome, run


def _write(plan: Plan, outcome: Outcome, store: Store, settings: RunSettings) -> None:
    from tckr_bench.engine.collect import collect
    from tckr_bench.judging.gates import with_gates
    from tckr_bench.leaderboard.site.report import write_report
    from tckr_bench.results.files import write_saved_run

    write_saved_run(with_gates(collect(plan, outcome, store, settings)))
    write_report(settings.out)


def _matrix_name(options: RunOptions) -> str:
    return options.matrix or (PHOTOGRAPH_MATRIX if options.datasets else DEFAULT_MATRIX)


def _command(matrix: str, options: RunOptions) -> str:
    """Return what makes the run again, wherever its results go and however many stages run at a time."""
    words = ["tckr-bench", "run", "--matrix", matrix]
    words += [word for dataset in options.datasets for word in ("--dataset", dataset)]
    words += [word for setting in _changes(options) for word in ("--set", setting)]
    return shlex.join(words)


def _check_up(plan: Plan, registry: Registry, store: Store, screen: Screen) -> None:
    """Warn of what puts the measurements of one's own datasets in doubt; errors end the run before it starts."""
    if not any(registry.get(use.family, use.name).component.argument for use in plan.matrix.datasets):
        return  # nobody's own: what checks images need not be imported
    from tckr_bench.commands.checkup import check_up_before_run

    warnings = check_up_before_run(
        plan.matrix.datasets,
        registry,
        plan.matrix.file.image_size,
        descriptions=plan.descriptions,
        store=store.root,
        screen=screen,
    )
    for sentence in warnings:
        screen.warn(sentence)


def _finished_before(plan: Plan, settings: RunSettings) -> SavedRun | None:
    """Return the run that the folder holds already, where it is of these very stages and whole."""
    from tckr_bench.results.files import read_run

    if plan.pending:
        return None
    try:
        run = read_run(settings.out)
    except RunError:
        return None
    last = {key for kinds in run.information.keys.values() for key in kinds.get("measure", ())}
    unchanged = last == set(plan.graph.leaves.values()) and run.information.metrics == plan.matrix.metrics
    return run if unchanged and not run.faults and _has_its_scores(run) else None


def _has_its_scores(run: SavedRun) -> bool:
    """Return whether every file of scores is there, by its size; what is in it is looked into elsewhere."""
    from tckr_bench.results.files import record_folder

    named = ((record, result.scores) for record in run.records for result in record.seeds if result.scores)
    places = ((record_folder(run.folder, record) / scores.name, scores.size) for record, scores in named)
    return all(path.is_file() and path.stat().st_size == size for path, size in places)


def _changes(options: RunOptions) -> list[str]:
    """Return the settings that change the run, without those of observers, which change nothing."""
    from tckr_bench.engine.observers import SETTING

    return [setting for setting in options.settings if not setting.strip().startswith(SETTING)]


def _run_folder(plan: Plan, options: RunOptions) -> Path:
    """Return `runs/<matrix>`, with a mark of its own where the command changed what the matrix says."""
    name = plan.matrix.file.name
    if not (_changes(options) or options.datasets):
        return Path("runs") / name
    mark = hashlib.sha256(" ".join(sorted(plan.graph.leaves.values())).encode()).hexdigest()[:8]
    return Path("runs") / f"{name}-{mark}"


def _open_folder(out: Path) -> None:
    """Make the run's folder, and see that it can be written to before anything long begins."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "run.partial").touch()
    except OSError as error:
        raise RunError(f"cannot write to {out}: {error.strerror}; choose another folder with --out") from error
    (out / "run.partial").unlink()


def _execute(plan: Plan, store: Store, settings: RunSettings, *, screen: Screen, observers: Observers) -> Outcome:
    if not plan.pending:
        from tckr_bench.engine.outcome import Outcome

        screen.say("Nothing to do: every stage is in the store.")
        return Outcome()
    from tckr_bench.engine.executor import Executor
    from tckr_bench.engine.outcome import Listeners
    from tckr_bench.engine.pools.local import LocalPool
    from tckr_bench.engine.provenance import devices_of

    store.open_for_writing()
    logs, jobs = settings.out / "logs", min(settings.jobs, len(plan.pending))
    with (
        contextlib.closing(LocalPool(jobs, devices=devices_of(settings.device), logs=logs)) as pool,
        screen.watch(plan, jobs=settings.jobs) as progress,
    ):
        executor = Executor(plan.graph, store, pool, logs=logs, rates=plan.rates, fail_fast=settings.fail_fast)
        return executor.run(plan.pending, Listeners(progress, observers))


def _show(run: SavedRun, outcome: Outcome, plan: Plan, screen: Screen) -> None:
    if screen.json:
        screen.print_run(run)
        return
    from tckr_bench.judging.rows import verified_leaderboard
    from tckr_bench.results.files import REPORT, RUN_FILE
    from tckr_bench.results.verify import verified
    from tckr_bench.show.overview import FEWEST_DATASETS, overview_table
    from tckr_bench.show.tables import leaderboard_group

    leaderboard = verified_leaderboard(verified(run.folder))
    screen.console.print(leaderboard_group(leaderboard))
    if len(leaderboard.boards) >= FEWEST_DATASETS:
        screen.console.print(overview_table(leaderboard))
    cached = len(plan.cached) + len(outcome.found)
    screen.say(f"Stages: {len(outcome.ran)} ran, {cached} came from the store, {len(plan.graph.stages)} in all.")
    screen.say(f"Results: {run.folder / RUN_FILE}")
    screen.say(f"Report:  {run.folder / REPORT}")


def _raise_for(outcome: Outcome) -> None:
    first = [failure for failure in outcome.failures.values() if failure.kind != "parent"]
    if not first:
        return
    summary = f"{len(first)} of the run's stages failed; first: {first[0].stage.kind} ({first[0].stage.label}): "
    text = summary + first[0].message + (f"; see {first[0].log}" if first[0].log else "")
    raise TckrError(text) if all(failure.kind == "user" for failure in first) else StagesFailedError(text)


def _raise_for_components(run: SavedRun) -> None:
    """Say in one sentence which attacks and metrics failed, where the cells have all their other measurements.

    Raises:
        StagesFailedError: some did.
    """
    from tckr_bench.engine.collect import failure_log
    from tckr_bench.results.records import cell_slug, cells_of

    cells = [cell for record in run.records for cell in cells_of(record)]
    failed = [cell for cell in cells if cell.failed]
    if not failed:
        return
    names = ", ".join(sorted({label for cell in failed for label in cell.failed}))
    first = failed[0]
    label, reason = next(iter(first.failed.items()))
    slug = cell_slug(first.dataset, first.method.name, first.seed)
    raise StagesFailedError(
        f"{names} failed on {len(failed)} of the {len(cells)} cells, which are without their measurements and have all "
        f"others; first on {slug}: {reason}; see {failure_log(run.folder, slug, label)}"
    )
