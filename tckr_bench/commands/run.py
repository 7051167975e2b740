"""`tckr-bench run` and `tckr-bench plan`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tckr_bench.commands.console import Screen, watched

# What plans and runs takes half a second to import. So functions import what they use: the terminal shows that
# something goes on before that begins, and a plan does without what only a run needs.
if TYPE_CHECKING:
    from tckr_bench.api.planning import PlannedRun
    from tckr_bench.api.request import RunRequest
    from tckr_bench.api.results import RunResults


def run(request: RunRequest, *, as_json: bool = False) -> None:
    """Plan, execute, collect and show a run.

    Raises:
        TckrError: a user error; also where every failure of the run is one.
        StagesFailedError: some stages failed; the rest was done and reported.
    """
    screen = Screen(json=as_json)
    planned = _planned(request, screen)
    from tckr_bench.api.running import carry_out, raise_for_failures

    pending = bool(planned.plan.pending)
    if not pending:
        screen.say("Nothing to do: every stage is in the store.")
    with screen.watch(planned.plan, jobs=planned.jobs) if pending else contextlib.nullcontext() as listener:
        results = carry_out(planned, listener=listener, warn=screen.warn, watch=lambda name: watched(screen, name))
    _show(planned, results, screen)
    raise_for_failures(results)


def plan(request: RunRequest, *, published: bool = False) -> None:
    """Show what a run would do; a dataset that is not here is planned by its published size.

    Raises:
        TckrError: the matrix, a dataset or a setting cannot be used.
    """
    _planned(request, Screen(), lenient=True, published=published)


def _planned(request: RunRequest, screen: Screen, *, lenient: bool = False, published: bool = False) -> PlannedRun:
    with screen.working("planning"):
        from tckr_bench.api.planning import plan_run

        planned = plan_run(request, lenient=lenient, published=published)
    for sentence in planned.warnings:
        screen.warn(sentence)
    screen.show_plan(planned.plan, planned.store, jobs=planned.jobs, device=planned.device)
    return planned


def _show(planned: PlannedRun, results: RunResults, screen: Screen) -> None:
    if screen.json:
        screen.print_run(results.verified.run)
        return
    from tckr_bench.results.files import REPORT, RUN_FILE
    from tckr_bench.show.overview import FEWEST_DATASETS, overview_table
    from tckr_bench.show.tables import leaderboard_group

    assert results.outcome is not None, "it has just been carried out"
    screen.console.print(leaderboard_group(results.board))
    if len(results.board.boards) >= FEWEST_DATASETS:
        screen.console.print(overview_table(results.board))
    ran, stages = len(results.outcome.ran), len(planned.plan.graph.stages)
    cached = len({*planned.plan.cached, *results.outcome.found} - results.outcome.ran.keys())
    screen.say(f"Stages: {ran} ran, {cached} came from the store, {stages} in all.")
    screen.say(f"Results: {results.folder / RUN_FILE}")
    screen.say(f"Report:  {results.folder / REPORT}")
