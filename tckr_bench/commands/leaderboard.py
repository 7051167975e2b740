"""`tckr-bench leaderboard submit`, `verify`, `diff`, `restore`, `tracks` and `schema`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tckr_bench.commands.console import Screen
from tckr_bench.engine.provenance import usable_cores
from tckr_bench.errors import CheckFailed, LeaderboardError
from tckr_bench.judging import metric_names
from tckr_bench.judging.quantities import number, quantity_of
from tckr_bench.leaderboard.comparison import Change, compare_standings
from tckr_bench.leaderboard.restoration import restore_run
from tckr_bench.leaderboard.standings import standings_of
from tckr_bench.leaderboard.submission import is_there, prepare_submission, write_submission
from tckr_bench.leaderboard.tracks import Track, find_track, read_track, shipped_tracks
from tckr_bench.leaderboard.verification import verify_results
from tckr_bench.results.files import RESULTS_FOLDER, read_run, scan_runs
from tckr_bench.results.records import json_schema
from tckr_bench.text import NOTHING, listing, plain, size

if TYPE_CHECKING:
    from rich.table import Table

    from tckr_bench.leaderboard.standings import Entry
    from tckr_bench.results.records import ResultRecord

MOST_FAULTS = 200
FEWEST_DIGITS = 4
SHOWN = {"new": "green", "gone": "red", "moved": "yellow", "same": "dim"}


@dataclass(frozen=True)
class ResultsPlace:
    """Where records lie, the tracks there are, and how many processes work at a time."""

    results: Path = RESULTS_FOLDER
    tracks: tuple[Path, ...] = ()
    jobs: int | None = None

    def known_tracks(self) -> tuple[Track, ...]:
        """Return the tracks that ship and those of files named, which take the place of shipped ones."""
        own = tuple(map(read_track, self.tracks))
        names = {track.name for track in own}
        return (*own, *(track for track in shipped_tracks() if track.name not in names))


def submit(run: Path, place: ResultsPlace, *, track: str | None) -> None:
    """Copy a finished run below the folder of results, checked, and say what its records lack.

    Raises:
        LeaderboardError, RunError: the run cannot be submitted.
    """
    screen = Screen()
    found = _track_of(run, place, track)
    submission = prepare_submission(run, found)
    identity = submission.information.submission
    if is_there(submission, place.results):
        screen.say(f"Nothing to do: submission {identity} is among the records in {place.results}.")
        return
    with counting(screen, "score files looked into") as told:
        folder = write_submission(submission, place.results, found, jobs=place.jobs or usable_cores(), progress=told)
    paths = [path for path in folder.rglob("*") if path.is_file()]
    total = size(sum(path.stat().st_size for path in paths))
    screen.say(
        f"Submission {identity} to track {found.name}: {len(submission.records)} records, {len(paths)} files, {total}."
    )
    for sentence in _lacking(submission.records, found):
        screen.warn(sentence)
    screen.say(f"Records: {folder}")
    screen.say("Next: `tckr-bench leaderboard verify` checks them, `tckr-bench leaderboard show` ranks them.")


def _track_of(run: Path, place: ResultsPlace, name: str | None) -> Track:
    """Return the track named, or the one that the run says it is for."""
    return find_track(name or read_run(run).information.track, place.known_tracks())


def _lacking(records: Sequence[ResultRecord], track: Track) -> list[str]:
    """Say why entries of a submission will not be ranked, a sentence for each reason."""
    by_reason: dict[str, list[str]] = {}
    for entry in standings_of(records, track).entries:
        for reason in entry.reasons if entry.standing != "control" else ():
            by_reason.setdefault(reason, []).append(entry.name)
    return [f"not ranked, {reason}: {listing(names)}" for reason, names in by_reason.items()]


def verify(files: Sequence[Path], place: ResultsPlace, *, as_json: bool) -> None:
    """Check records against their scores, their submissions and their tracks, and name everything that is wrong.

    Raises:
        LeaderboardError: there is nothing to check.
        CheckFailed: something is wrong; it was printed.
    """
    screen = Screen(json=as_json)
    with counting(screen, "score files looked into") as told:
        found = verify_results(
            place.results,
            place.known_tracks(),
            only=files,
            jobs=place.jobs or usable_cores(),
            progress=told,
        )
    if as_json:
        faults = [{"file": plain(fault.file), "what": plain(fault.what)} for fault in found.faults]
        counts = {"records": found.records, "seeds": found.seeds, "measurements": found.measurements}
        sys.stdout.write(json.dumps({**counts, "faults": faults}, indent=1) + "\n")
    for fault in () if as_json else found.faults[:MOST_FAULTS]:
        screen.console.print(plain(str(fault)), style="red", markup=False, soft_wrap=True)
    if len(found.faults) > MOST_FAULTS:
        screen.say(f"... and {len(found.faults) - MOST_FAULTS:,} more")
    counted = f"{found.records} records, {found.seeds} score files, {found.measurements:,} measurements recomputed"
    if found.faults:
        screen.say(f"{counted}: {len(found.faults)} {'fault' if len(found.faults) == 1 else 'faults'}.")
        raise CheckFailed
    screen.say(f"{counted}: everything follows from the saved scores.")


def diff(what: Path | str, place: ResultsPlace, *, track: str | None) -> None:
    """Show what a run would change in the ranking, or what a submission on the board has changed.

    Raises:
        LeaderboardError, RunError: it is neither a run nor a submission, or a record cannot be read.
    """
    screen = Screen()
    runs, faults = scan_runs(place.results) if place.results.is_dir() else ((), ())
    for fault in faults:
        screen.warn(f"left out: {fault}")
    known = [record for run in runs for record in run.records]
    path = Path(what)
    if path.exists():
        found = _track_of(path, place, track)
        submission = prepare_submission(path, found)
        own = [record for record in known if record.submission != submission.information.submission]
        before, after = own, [*own, *submission.records]
    else:
        theirs = [
            record for record in known if record.submission.startswith(str(what)) and len(str(what)) >= FEWEST_DIGITS
        ]
        if not theirs:
            raise LeaderboardError(
                f"'{what}' is neither a run folder nor the first digits of a submission on the board"
            )
        found = find_track(track or theirs[0].track, place.known_tracks())
        before, after = [record for record in known if record not in theirs], list(known)
    changes = compare_standings(standings_of(before, found), standings_of(after, found))
    screen.console.print(_changes_table(changes, found))
    counts = {kind: sum(change.kind == kind for change in changes) for kind in SHOWN}
    screen.say(f"{counts['new']} new, {counts['moved']} moved, {counts['gone']} gone, {counts['same']} as before.")


def restore(submission: str, place: ResultsPlace, out: Path) -> None:
    """Copy a submission on the board to a run folder.

    Raises:
        LeaderboardError: there is no such submission, or the folder holds something.
    """
    screen = Screen()
    if not place.results.is_dir():
        raise LeaderboardError(
            f"{place.results} is not a folder of results; give the one that holds <track>/<submission>"
        )
    runs = [run for run in scan_runs(place.results)[0] if run.information.submission.startswith(submission)]
    if len(submission) < FEWEST_DIGITS or len(runs) != 1:
        few = "too few digits" if len(submission) < FEWEST_DIGITS else f"{len(runs)} submissions"
        raise LeaderboardError(f"'{submission}' names {few} below {place.results}; give the digits of one")
    restored = restore_run(runs[0], out)
    screen.say(f"Run: {out}, {len(restored.records)} records. `tckr-bench report {out}` shows it.")


def _changes_table(changes: Sequence[Change], track: Track) -> Table:
    from rich.table import Table
    from rich.text import Text

    title = Text(f"{track.title} (track {track.name})", style="bold")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1))
    for heading in ("", "method", "rank before", "rank after", "AOP before", "AOP after", "not ranked because"):
        table.add_column(heading, justify="right" if heading.startswith(("rank", "AOP")) else "left", overflow="fold")
    for change in changes:
        reasons = "; ".join(change.entry.reasons) if change.entry.standing != "control" else "a control"
        cells = [change.kind, change.entry.name, _rank(change.before), _rank(change.after)]
        cells += [_aop(change.before), _aop(change.after), reasons]
        table.add_row(*(Text(plain(cell)) for cell in cells), style=SHOWN[change.kind])
    return table


def _rank(entry: Entry | None) -> str:
    if entry is None or entry.rank is None:
        return NOTHING
    return f"{entry.rank} ({entry.rank_low}-{entry.rank_high})"


def _aop(entry: Entry | None) -> str:
    aop = entry.get(metric_names.AOP) if entry else None
    return NOTHING if aop is None else number(quantity_of(metric_names.AOP), aop.value)


def list_tracks(place: ResultsPlace) -> None:
    """Print every track: what it compares, on which datasets, and what a record needs."""
    from rich.table import Table
    from rich.text import Text

    screen = Screen()
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    for heading in ("track", "datasets", "seeds", "attacks", "run by"):
        table.add_column(heading, overflow="fold")
    for track in place.known_tracks():
        attacks = "; ".join(map(str, track.attacks))
        cells = (track.name, ", ".join(track.datasets), str(track.seeds), attacks, f"run --matrix {track.matrix}")
        table.add_row(*(Text(plain(cell)) for cell in cells))
    screen.console.print(table)


def print_schema(part: Literal["record", "run"]) -> None:
    """Print the JSON Schema of a record's file, or of a run's."""
    sys.stdout.write(json.dumps(json_schema(part), indent=2) + "\n")


@contextmanager
def counting(screen: Screen, what: str) -> Iterator[Callable[..., None]]:
    """Show on standard error how far some work is: a bar on a terminal, else nothing."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.completed} {task.description}"), BarColumn(bar_width=24), TimeRemainingColumn())
    hidden = not screen.progress.is_terminal
    with Progress(*columns, console=screen.progress, transient=True, disable=hidden) as progress:
        task = progress.add_task(what, total=None)

        def told(done: int, total: int | None = None) -> None:
            progress.update(task, completed=done, total=total)

        yield told
