"""`tckr-bench report` and `tckr-bench compare`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tckr_bench.commands.console import Screen
from tckr_bench.judging.rows import verified_leaderboard
from tckr_bench.leaderboard.site.report import write_report
from tckr_bench.results.verify import verified
from tckr_bench.show.tables import leaderboard_group


def show_report(run: Path, *, as_json: bool) -> None:
    """Recompute and print a run's board, and write its report again.

    Raises:
        RunError: the folder holds no readable run.
    """
    screen = Screen(json=as_json)
    found = verified(run)
    report = write_report(run, found=found)
    for mismatch in found.mismatches:
        screen.warn(str(mismatch))
    if as_json:
        screen.print_run(found.run)
    else:
        screen.console.print(leaderboard_group(verified_leaderboard(found)))
    screen.say(f"Report: {report}")


def show_comparison(selectors: Sequence[str], run: Path | None, *, reported: bool = False) -> None:
    """Print runs or methods side by side, and with `reported` what the paper has on the same datasets.

    Raises:
        RunError: a run or method is not there; names the nearest.
    """
    from tckr_bench.show.compare import compare, comparison_group

    screen = Screen()
    found = compare(selectors, run, reported=reported)
    screen.console.print(comparison_group(found))
    if reported and not any(dataset.reported for dataset in found.datasets):
        screen.say("The paper reports nothing on these datasets.")
