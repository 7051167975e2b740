"""A plan is carried out: what is pending is executed, and results, report and board are written and read back."""

from __future__ import annotations

import contextlib
import datetime
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.api.results import RunResults, load_run
from tckr_bench.api.watching import Watch, unwatched
from tckr_bench.engine.collect import RunSettings, collect, failure_log, holds_its_pictures
from tckr_bench.engine.executor import Executor
from tckr_bench.engine.matrix_file import recipe_of
from tckr_bench.engine.observers import Observers
from tckr_bench.engine.outcome import Listener, Listeners, Outcome
from tckr_bench.engine.pools.local import LocalPool
from tckr_bench.engine.provenance import devices_of, require_device
from tckr_bench.engine.remarks import remarks_on
from tckr_bench.errors import RunError, StagesFailedError, TckrError
from tckr_bench.judging.gates import with_gates
from tckr_bench.results.files import REPORT, read_run, record_folder, write_saved_run
from tckr_bench.results.records import cell_slug, cells_of

if TYPE_CHECKING:
    from tckr_bench.api.planning import PlannedRun
    from tckr_bench.results.files import SavedRun

Warn = Callable[[str], None]


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=3)


def carry_out(
    planned: PlannedRun, *, listener: Listener | None = None, warn: Warn = _warn, watch: Watch = unwatched
) -> RunResults:
    """Execute what is pending, write the results where they are not there yet, and return them.

    Args:
        planned: the plan.
        listener: hears of stages as they start, proceed and end.
        warn: is told, a sentence each, of what puts results in doubt and of observers that broke.
        watch: shows how far the check-up of a dataset is, while it goes on.

    Raises:
        TckrError: the device, a dataset of one's own, or the folder cannot be used. That stages failed raises nothing:
            the results say so.
    """
    require_device(planned.device)
    observers = Observers(planned.observers, planned.registry, warn=warn)
    _check_up(planned, warn=warn, watch=watch)
    settings = _settings(planned)
    _open_folder(settings.out)
    with observers.watching(planned.plan, settings):
        outcome = _execute(planned, settings, [*([listener] if listener else []), observers])
        for sentence in remarks_on(planned.plan, planned.store):
            warn(sentence)
        results = replace(_written(planned, outcome, settings), outcome=outcome)
        observers.measured(results.verified.run, outcome)
    return results


def raise_for_failures(results: RunResults) -> None:
    """Say in one sentence what of a run failed, if anything did.

    Raises:
        StagesFailedError: attacks, metrics or stages failed.
        TckrError: every failure is a mistake of the user's.
    """
    _raise_for_components(results.verified.run)
    if results.outcome is not None:
        _raise_for_stages(results.outcome)


def _check_up(planned: PlannedRun, *, warn: Warn, watch: Watch) -> None:
    """Warn of what puts the measurements of one's own datasets in doubt; errors end the run before it starts."""
    uses, registry = planned.plan.matrix.datasets, planned.registry
    if not any(registry.get(use.family, use.name).component.argument for use in uses):
        return  # nobody's own: what checks images need not be imported
    from tckr_bench.api.checkups import check_up_before_run

    warnings_found = check_up_before_run(
        uses,
        registry,
        planned.plan.matrix.file.image_size,
        descriptions=planned.plan.descriptions,
        store=planned.store.root,
        watch=watch,
    )
    for sentence in warnings_found:
        warn(sentence)


def _settings(planned: PlannedRun) -> RunSettings:
    request = planned.request
    return RunSettings(
        planned.folder,
        planned.jobs,
        planned.device,
        request.fail_fast,
        command=request.command,
        recipe=recipe_of(request.matrix_name),
        started=datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="seconds"),
        show_real_images=request.show_real_images,
    )


def _open_folder(out: Path) -> None:
    """Make the run's folder, and see that it can be written to before anything long begins."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "run.partial").touch()
    except OSError as error:
        raise RunError(f"cannot write to {out}: {error.strerror}; choose another folder with --out") from error
    (out / "run.partial").unlink()


def _execute(planned: PlannedRun, settings: RunSettings, listeners: list[Listener]) -> Outcome:
    plan, store = planned.plan, planned.store
    if not plan.pending:
        return Outcome()
    store.open_for_writing()
    logs, jobs = settings.out / "logs", min(settings.jobs, len(plan.pending))
    with contextlib.closing(LocalPool(jobs, devices=devices_of(settings.device), logs=logs)) as pool:
        executor = Executor(plan.graph, store, pool, logs=logs, rates=plan.rates, fail_fast=settings.fail_fast)
        return executor.run(plan.pending, Listeners(*listeners))


def _written(planned: PlannedRun, outcome: Outcome, settings: RunSettings) -> RunResults:
    """Write results and report, unless the folder holds them already, and return them as they are read back."""
    from tckr_bench.leaderboard.site.report import write_report

    finished = _finished_before(planned, settings)
    if not finished:
        write_saved_run(with_gates(collect(planned.plan, outcome, planned.store, settings)))
    results = load_run(settings.out)
    if not finished or not (settings.out / REPORT).is_file():
        write_report(settings.out, found=results.verified)
    return results


def _finished_before(planned: PlannedRun, settings: RunSettings) -> bool:
    """Return whether the folder holds the run already, of these very stages and whole."""
    plan = planned.plan
    if plan.pending:
        return False
    try:
        run = read_run(settings.out)
    except RunError:
        return False
    last = {key for kinds in run.information.keys.values() for key in kinds.get("measure", ())}
    unchanged = last == set(plan.graph.leaves.values()) and run.information.metrics == plan.matrix.metrics
    sound = unchanged and not run.faults and _has_its_scores(run)
    return sound and holds_its_pictures(run, plan, planned.store, settings)


def _has_its_scores(run: SavedRun) -> bool:
    """Return whether every file of scores is there, by its size; what is in it is looked into elsewhere."""
    named = ((record, result.scores) for record in run.records for result in record.seeds if result.scores)
    places = ((record_folder(run.folder, record) / scores.name, scores.size) for record, scores in named)
    return all(path.is_file() and path.stat().st_size == size for path, size in places)


def _raise_for_stages(outcome: Outcome) -> None:
    first = [failure for failure in outcome.failures.values() if failure.kind != "parent"]
    if not first:
        return
    summary = f"{len(first)} of the run's stages failed; first: {first[0].stage.kind} ({first[0].stage.label}): "
    text = summary + first[0].message + (f"; see {first[0].log}" if first[0].log else "")
    raise TckrError(text) if all(failure.kind == "user" for failure in first) else StagesFailedError(text)


def _raise_for_components(run: SavedRun) -> None:
    """Say which attacks and metrics failed, where the cells have all their other measurements."""
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
