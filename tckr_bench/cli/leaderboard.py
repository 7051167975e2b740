"""The commands of the leaderboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from tckr_bench.cli.examples import ExampleGroup

if TYPE_CHECKING:
    from tckr_bench.commands.leaderboard import ResultsPlace
    from tckr_bench.commands.leaderboard_show import OutputFormat

PATH = click.Path(path_type=Path)
DEFAULT_RESULTS = Path("leaderboard") / "results"
DEFAULT_SITE = Path("leaderboard-site")


@click.group(
    cls=ExampleGroup,
    epilog="tckr-bench leaderboard show\ntckr-bench leaderboard submit runs/mini\ntckr-bench leaderboard verify\n"
    "tckr-bench leaderboard serve",
)
def leaderboard() -> None:
    """Submit runs, check records, rank methods, and build the site.

    A record is one JSON file for a method on a dataset, with the scores beside it that every measurement is recomputed
    from.
    """


def _place_options(*, jobs: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options that say where records lie and which tracks there are."""

    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        options = [
            click.option(
                "--results", type=PATH, default=DEFAULT_RESULTS, show_default=True, help="The folder of records."
            ),
            click.option("--track-file", "track_files", type=PATH, multiple=True, help="A track of your own, as TOML."),
        ]
        if jobs:
            options.append(
                click.option("--jobs", "-j", type=click.IntRange(min=1), help="Processes; all cores if not given.")
            )
        for option in reversed(options):
            function = option(function)
        return function

    return add


def _place(results: Path, track_files: tuple[Path, ...], jobs: int | None = None) -> ResultsPlace:
    from tckr_bench.commands.leaderboard import ResultsPlace

    return ResultsPlace(results, track_files, jobs)


@leaderboard.command(
    epilog="tckr-bench leaderboard submit runs/mini\n"
    "tckr-bench leaderboard submit runs/clothes --track mini\n"
    "tckr-bench leaderboard submit runs/mini --results board/results"
)
@click.argument("run", metavar="RUN", type=PATH)
@click.option("--track", help="The track; the one the run's matrix names if not given.")
@_place_options(jobs=True)
def submit(run: Path, track: str | None, results: Path, track_files: tuple[Path, ...], jobs: int | None) -> None:
    """Copy a finished run among the records, once everything in it was found to follow from its scores.

    Nothing is sent anywhere: a pull request with the new files is how records reach a board that others see.
    """
    from tckr_bench.commands.leaderboard import submit as submit_run

    submit_run(run, _place(results, track_files, jobs), track=track)


@leaderboard.command(
    epilog="tckr-bench leaderboard verify\n"
    "tckr-bench leaderboard verify leaderboard/results/mini/0a1b2c3d4e5f6071\n"
    "tckr-bench leaderboard verify --json > faults.json"
)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=PATH)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON on standard output.")
@_place_options(jobs=True)
def verify(
    files: tuple[Path, ...], as_json: bool, results: Path, track_files: tuple[Path, ...], jobs: int | None
) -> None:
    """Check records: schema, files and their hashes, every measurement from its scores, gates, datasets, duplicates.

    With paths named, the submissions they lie in; without, all, and that no other file is there. What was checked
    before, by the same version of the program, is remembered by its content.
    The exit code is 0 if everything holds, 1 if anything does not. No file can prove that scores
    are honest: run the command of a record for that.
    """
    from tckr_bench.commands.leaderboard import verify as verify_records

    verify_records(files, _place(results, track_files, jobs), as_json=as_json)


@leaderboard.command(epilog="tckr-bench leaderboard diff runs/mini\ntckr-bench leaderboard diff 0a1b2c3d")
@click.argument("what", metavar="RUN_OR_SUBMISSION")
@click.option("--track", help="The track; the run's own if not given.")
@_place_options(jobs=True)
def diff(what: str, track: str | None, results: Path, track_files: tuple[Path, ...], jobs: int | None) -> None:
    """Show what a run would change in the ranking, or what a submission on the board has changed."""
    from tckr_bench.commands.leaderboard import diff as show_changes

    show_changes(what, _place(results, track_files, jobs), track=track)


@leaderboard.command(
    epilog="tckr-bench leaderboard restore 0a1b2c3d --to runs/theirs\ntckr-bench report runs/theirs\n"
    "tckr-bench verdict runs/theirs --max-accuracy-drop 2 --max-tpr 5@1"
)
@click.argument("submission")
@click.option("--to", "out", type=PATH, required=True, metavar="RUN", help="Folder of the run; new, or empty.")
@_place_options()
def restore(submission: str, out: Path, results: Path, track_files: tuple[Path, ...]) -> None:
    """Write a submission on the board as a run folder, for `report`, `compare` and `verdict`."""
    from tckr_bench.commands.leaderboard import restore as restore_submission

    restore_submission(submission, _place(results, track_files), out)


@leaderboard.command(
    epilog="tckr-bench leaderboard show\n"
    "tckr-bench leaderboard show --track mini --dataset digits\n"
    "tckr-bench leaderboard show --format latex > table.tex\n"
    "tckr-bench leaderboard show --format parquet --measurements --out measurements.parquet"
)
@click.option("--track", help="This track; all that have records if not given.")
@click.option("--dataset", "-d", help="The standings on one dataset.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "csv", "markdown", "latex", "parquet", "json"]),
    default="table",
    show_default=True,
    help="How to show it: markdown and latex for papers, csv, parquet and json for programs.",
)
@click.option(
    "--measurements", is_flag=True, help="Every measurement of every seed and attack instead (csv, parquet, json)."
)
@click.option("--out", type=PATH, help="Write to this file.")
@_place_options()
def show(
    track: str | None,
    dataset: str | None,
    output_format: OutputFormat,
    measurements: bool,
    out: Path | None,
    results: Path,
    track_files: tuple[Path, ...],
) -> None:
    """Show who stands where: in the terminal, or as CSV, Parquet, Markdown, LaTeX or JSON."""
    from tckr_bench.commands.leaderboard_show import show as show_standings

    show_standings(
        results,
        track=track,
        dataset=dataset,
        output_format=output_format,
        measurements=measurements,
        out=out,
        tracks=_place(results, track_files).known_tracks(),
    )


@leaderboard.command(epilog="tckr-bench leaderboard tracks")
@_place_options()
def tracks(results: Path, track_files: tuple[Path, ...]) -> None:
    """List the tracks: datasets, seeds and attacks a record needs to be ranked."""
    from tckr_bench.commands.leaderboard import list_tracks

    list_tracks(_place(results, track_files))


@leaderboard.command(
    epilog="tckr-bench leaderboard schema > record.schema.json\ntckr-bench leaderboard schema run > run.schema.json"
)
@click.argument("part", type=click.Choice(["record", "run"]), default="record")
def schema(part: Literal["record", "run"]) -> None:
    """Print the JSON Schema of a record's file, or of a run's."""
    from tckr_bench.commands.leaderboard import print_schema

    print_schema(part)


@leaderboard.command(epilog="tckr-bench leaderboard build\ntckr-bench leaderboard build --out public")
@click.option("--out", type=PATH, default=DEFAULT_SITE, show_default=True, help="Folder of the site.")
@_place_options()
def build(out: Path, results: Path, track_files: tuple[Path, ...]) -> None:
    """Build the site: an index, a page for each method and each dataset, without any request to another host."""
    from tckr_bench.commands.leaderboard_site import build as build_pages

    build_pages(_place(results, track_files), out)


@leaderboard.command(epilog="tckr-bench leaderboard serve\ntckr-bench leaderboard serve --port 8000 --no-browser")
@click.option("--out", type=PATH, default=DEFAULT_SITE, show_default=True, help="Folder of the site.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; a free one if not given.")
@click.option("--browser/--no-browser", default=True, show_default=True, help="Open the page in a browser.")
@_place_options()
def serve(out: Path, port: int, browser: bool, results: Path, track_files: tuple[Path, ...]) -> None:
    """Serve the site to this machine alone, and open it; it is built first where it is not that of the records."""
    from tckr_bench.commands.leaderboard_site import serve as serve_pages

    serve_pages(_place(results, track_files), out, port=port, open_browser=browser)
