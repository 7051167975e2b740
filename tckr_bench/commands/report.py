"""`tckr-bench report` and `tckr-bench compare`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tckr_bench
from tckr_bench.commands.console import Screen
from tckr_bench.leaderboard.site.report import write_report
from tckr_bench.show.tables import leaderboard_group


def show_report(run: Path, *, as_json: bool) -> None:
    """Recompute and print a run's board, and write its report again.

    Raises:
        RunError: the folder holds no readable run.
    """
    screen = Screen(json=as_json)
    results = tckr_bench.load_run(run)
    found = results.verified
    report = write_report(run, found=found)
    for mismatch in found.mismatches:
        screen.warn(str(mismatch))
    if as_json:
        screen.print_run(found.run)
    else:
        screen.console.print(leaderboard_group(results.board))
    screen.say(f"Report: {report}")


def show_comparison(selectors: Sequence[str], run: Path | None, *, reported: bool = False) -> None:
    """Print runs or methods side by side, and with `reported` what the paper has on the same datasets.

    Raises:
        RunError: a run or method is not there; names the nearest.
    """
    from tckr_bench.show.compare import comparison_group

    screen = Screen()
    found = tckr_bench.compare(*selectors, run=run, reported=reported)
    screen.console.print(comparison_group(found))
    if reported and not any(dataset.reported for dataset in found.datasets):
        screen.say("The paper reports nothing on these datasets.")
