"""The command line: parse, call, print. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from tckr_bench import __version__
from tckr_bench.api.request import DEVICES
from tckr_bench.cli.audit_images import audit_images
from tckr_bench.cli.examples import ExampleGroup
from tckr_bench.cli.export import export
from tckr_bench.cli.leaderboard import leaderboard
from tckr_bench.errors import CheckFailed, OptionError, TckrError, UnfavourableAnswer, exit_code_of

PATH = click.Path(path_type=Path)


@click.group(
    cls=ExampleGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="tckr-bench run --matrix default\ntckr-bench plan --matrix paper\ntckr-bench plugins list",
)
@click.version_option(__version__, prog_name="tckr-bench")
def cli() -> None:
    """Measure what is lost and what is gained when a private image dataset is replaced by a synthetic one.

    A run captions real images, adapts a text-to-image generator, generates a synthetic dataset, trains classifiers
    on real and synthetic data, attacks them, and puts accuracy, privacy and cost on one board.
    """


def _go_offline(_context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        os.environ["HF_HUB_OFFLINE"] = "1"  # read when the hub's library is imported, here and in the workers


def _offline_option() -> click.Option:
    return click.Option(
        ["--offline"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_go_offline,
        help="Use no network; what is not on disk is an error.",
    )


def _matrix_options(command: click.Command) -> click.Command:
    """Add the options `run` and `plan` share."""
    options = [
        click.Option(
            ["--matrix", "-m"],
            show_default="default; ten where --dataset is given",
            help="A shipped matrix or a TOML file.",
        ),
        click.Option(
            ["--dataset", "-d", "datasets"],
            multiple=True,
            help="Use this dataset instead of the matrix's: a name, a group such as paper-ten, or your own, such as "
            "imagefolder:PATH, parquet:PATH or hub:ID.",
        ),
        click.Option(["--set", "settings"], multiple=True, metavar="AXIS.OPTION=VALUE", help="Change the matrix."),
        click.Option(["--jobs", "-j"], type=click.IntRange(min=1), help="Stages at a time; all cores if not given."),
        click.Option(
            ["--device"],
            type=click.Choice(DEVICES),
            default="auto",
            show_default=True,
            help="Where models run.",
        ),
        _offline_option(),
    ]
    command.params[:0] = options
    return command


@cli.command(
    epilog="tckr-bench run\n"
    "tckr-bench run --matrix default --dataset digits --set generator.steps=5\n"
    "tckr-bench run --matrix smoke --json > records.json\n"
    "TCKR_BENCH_DATA=~/data tckr-bench run --matrix ten\n"
    "tckr-bench run --dataset imagefolder:~/photographs --out runs/photographs\n"
    "tckr-bench run --observe tensorboard"
)
@click.option("--out", type=PATH, help="Folder of the results; runs/<matrix> if not given.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first stage, attack or metric that fails.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print the run and its records as JSON on standard output.")
@click.option(
    "--observe",
    multiple=True,
    metavar="NAME",
    help="Tell an observer of the run, such as tensorboard; see `tckr-bench plugins list --family observer`.",
)
@click.option(
    "--show-real-images",
    is_flag=True,
    help="Let the run's folder and its pages hold real images, their captions and copies, whatever the licence.",
)
def run(
    matrix: str | None,
    datasets: tuple[str, ...],
    settings: tuple[str, ...],
    jobs: int | None,
    device: str,
    out: Path | None,
    fail_fast: bool,
    dry_run: bool,
    as_json: bool,
    observe: tuple[str, ...],
    show_real_images: bool,
) -> None:
    """Run a matrix and show the leaderboard; the same command again continues where it stopped."""
    from tckr_bench.api.request import RunRequest
    from tckr_bench.commands.run import plan as plan_matrix
    from tckr_bench.commands.run import run as run_matrix

    if dry_run and as_json:
        raise OptionError("--dry-run shows a plan, which has no JSON; leave --json out")
    request = RunRequest(matrix, datasets, settings, out, jobs, device, fail_fast, observe, show_real_images)
    if dry_run:
        plan_matrix(request)
    else:
        run_matrix(request, as_json=as_json)


@cli.command(epilog="tckr-bench plan\ntckr-bench plan --matrix paper\ntckr-bench plan --set cardinalities=[1,2,5]")
@click.option("--published", is_flag=True, help="Plan for the published sizes of the datasets, whatever is here.")
def plan(
    matrix: str | None,
    datasets: tuple[str, ...],
    settings: tuple[str, ...],
    jobs: int | None,
    device: str,
    published: bool,
) -> None:
    """Show what a run would do: datasets, methods, stages, images, arithmetic, bytes, and the time it would take."""
    from tckr_bench.api.request import RunRequest
    from tckr_bench.commands.run import plan as plan_matrix

    plan_matrix(RunRequest(matrix, datasets, settings, jobs=jobs, device=device), published=published)


_matrix_options(run)
_matrix_options(plan)


@cli.group(cls=ExampleGroup, epilog="tckr-bench plugins list\ntckr-bench plugins show lira")
def plugins() -> None:
    """List the registered components and show their options."""


@plugins.command("list", epilog="tckr-bench plugins list\ntckr-bench plugins list --family attack")
@click.option("--family", help="Show one family only.")
def plugins_list(family: str | None) -> None:
    """List every component, where it comes from, and plugins that could not be loaded."""
    from tckr_bench.commands.plugins import list_plugins

    list_plugins(family)


@plugins.command("show", epilog="tckr-bench plugins show lora\ntckr-bench plugins show stable-diffusion")
@click.argument("name")
def plugins_show(name: str) -> None:
    """Show a component's options with their defaults."""
    from tckr_bench.commands.plugins import show_plugin

    show_plugin(name)


@cli.group(cls=ExampleGroup, epilog="tckr-bench datasets list\ntckr-bench datasets prepare cifar10")
def datasets() -> None:
    """Look at the datasets, and fetch those that are not here."""


@datasets.command("list", epilog="tckr-bench datasets list\nTCKR_BENCH_DATA=~/data tckr-bench datasets list")
def datasets_list() -> None:
    """List every dataset: where it was found and how much of it, or how to get it and how large it is."""
    from tckr_bench.commands.datasets import list_datasets

    list_datasets()


@datasets.command(
    "prepare",
    epilog="tckr-bench datasets prepare cifar10\n"
    "TCKR_BENCH_DATA=~/data tckr-bench datasets prepare paper-ten --limit-per-class 100\n"
    "tckr-bench datasets prepare hub:uoft-cs/cifar10 --set configuration=plain_text --yes",
)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--limit-per-class", type=click.IntRange(min=1), help="Take this many images of each class and split.")
@click.option("--set", "settings", multiple=True, metavar="OPTION=VALUE", help="Change an option of the dataset.")
@click.option("--yes", is_flag=True, help="Fetch without asking.")
def datasets_prepare(names: tuple[str, ...], limit_per_class: int | None, settings: tuple[str, ...], yes: bool) -> None:
    """Fetch datasets, after saying from where and how much; again after an interruption, it goes on.

    Whole datasets go to the Hugging Face cache, limited ones to TCKR_BENCH_DATA/<name>.
    """
    from tckr_bench.commands.prepare import prepare

    prepare(names, settings, limit_per_class=limit_per_class, ask=not yes)


@datasets.command(
    "check",
    epilog="tckr-bench datasets check imagefolder:photos\n"
    "tckr-bench datasets check imagefolder:photos --image-size 224 --json > photos.json\n"
    "tckr-bench datasets check digits",
)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--image-size", type=click.IntRange(8, 2048), default=32, show_default=True, help="Side a run asks for.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON on standard output.")
def datasets_check(names: tuple[str, ...], image_size: int, as_json: bool) -> None:
    """Look at every image: damaged ones, copies within and between splits, tiny classes, sizes and formats."""
    from tckr_bench.commands.checkup import check

    check(names, image_size=image_size, as_json=as_json)


for _command in (datasets, datasets_list, datasets_prepare, datasets_check):
    _command.params.append(_offline_option())


@cli.group(
    cls=ExampleGroup,
    epilog="tckr-bench cache info\ntckr-bench cache verify\ntckr-bench cache gc --unused-for 30 --dry-run",
)
def cache() -> None:
    """Look after the store of artifacts."""


@cache.command("info", epilog="tckr-bench cache info\nTCKR_BENCH_STORE=~/store tckr-bench cache info")
def cache_info() -> None:
    """Show where the store is and what it holds."""
    from tckr_bench.commands.cache import show_info

    show_info()


@cache.command("verify", epilog="tckr-bench cache verify\ntckr-bench cache verify --remove")
@click.option("--remove", is_flag=True, help="Remove what is damaged; the next run makes it again.")
def cache_verify(remove: bool) -> None:
    """Check the checksum of every file in the store."""
    from tckr_bench.commands.cache import verify

    verify(remove=remove)


@cache.command("gc", epilog="tckr-bench cache gc --unused-for 30\ntckr-bench cache gc --unused-for 0 --dry-run")
@click.option("--unused-for", type=click.FloatRange(min=0), default=30.0, show_default=True, help="Days without use.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed and remove nothing.")
def cache_gc(unused_for: float, dry_run: bool) -> None:
    """Remove artifacts that no run has used for a while, damaged ones, and leftovers of interrupted runs."""
    from tckr_bench.commands.cache import collect_garbage

    collect_garbage(days=unused_for, dry_run=dry_run)


@cli.command(epilog="tckr-bench report runs/default\ntckr-bench report runs/default --json")
@click.argument("run_folder", metavar="RUN", type=PATH)
@click.option("--json", "as_json", is_flag=True, help="Print the run and its records as JSON on standard output.")
def report(run_folder: Path, as_json: bool) -> None:
    """Recompute a run's measurements from its saved scores, show its board, and write its HTML report again."""
    from tckr_bench.commands.report import show_report

    show_report(run_folder, as_json=as_json)


@cli.command(
    epilog="tckr-bench compare runs/default\n"
    "tckr-bench compare runs/default runs/cifar10\n"
    "tckr-bench compare memorizer noise --run runs/default\n"
    "tckr-bench compare runs/cifar10 --reported"
)
@click.argument("selectors", metavar="RUN_OR_METHOD...", nargs=-1, required=True)
@click.option("--run", "run_folder", type=PATH, help="Where methods are looked up; the latest run if not given.")
@click.option("--reported", is_flag=True, help="Show what the paper reports on the same datasets, apart.")
def compare(selectors: tuple[str, ...], run_folder: Path | None, reported: bool) -> None:
    """Put methods side by side against the real-data baseline, paired on the same test images."""
    from tckr_bench.commands.report import show_comparison

    show_comparison(selectors, run_folder, reported=reported)


@cli.command(
    epilog="tckr-bench verdict runs/default --max-accuracy-drop 2 --max-tpr 5@1\n"
    "tckr-bench verdict runs/audit --max-accuracy-drop 3 --max-tpr 15@10 --max-auc 0.6 --dataset fashion-mnist\n"
    "tckr-bench verdict runs/default --max-accuracy-drop 2 --max-tpr 5@1 --json > verdict.json"
)
@click.argument("run_folder", metavar="RUN", type=PATH)
@click.option(
    "--max-accuracy-drop",
    type=float,
    required=True,
    metavar="POINTS",
    help="Accuracy that may be lost against real data, in percentage points.",
)
@click.option(
    "--max-tpr",
    "tprs",
    multiple=True,
    metavar="T@F",
    help="At most T % of the members may be found at F % false alarms; F is 10, 1 or 0.1.",
)
@click.option("--max-auc", type=float, metavar="AUC", help="AUC that no attack may exceed; 0.5 is guessing.")
@click.option(
    "--method", metavar="NAME", help="Judge this synthetic method; the best ranked of each dataset if not given."
)
@click.option(
    "--dataset", "-d", "datasets", multiple=True, metavar="NAME", help="Answer for this dataset; for all if not given."
)
@click.option("--allow-non-adaptive", is_flag=True, help="Say yes though no attack repeated the whole pipeline.")
@click.option("--json", "as_json", is_flag=True, help="Print the answers as JSON on standard output.")
def verdict(
    run_folder: Path,
    max_accuracy_drop: float,
    tprs: tuple[str, ...],
    max_auc: float | None,
    method: str | None,
    datasets: tuple[str, ...],
    allow_non_adaptive: bool,
    as_json: bool,
) -> None:
    """Answer whether a synthetic dataset may replace the real one, under limits of your own.

    The answer is yes if the upper 95 % bounds of the accuracy lost and of what the worst attack finds are within the
    limits, and no if a lower one is beyond; otherwise there is not enough evidence, and the command says what would
    settle it. It is never yes without an attack that repeats the whole pipeline, and there is no answer where a check
    of the run failed. The method named is judged, or the best ranked of each dataset; the others are listed.

    The exit code is 0 for yes, 1 for no, 3 for not enough evidence, and 2 for a mistake in the command. With several
    datasets it is no if any is, and yes if all are.
    """
    from tckr_bench.commands.verdict import show_verdict
    from tckr_bench.judging.criteria import criteria_from

    criteria = criteria_from(
        accuracy_drop=max_accuracy_drop, tprs=tprs, auc=max_auc, allow_non_adaptive=allow_non_adaptive
    )
    show_verdict(run_folder, criteria, method=method, datasets=datasets, as_json=as_json)


cli.add_command(audit_images)
cli.add_command(export)
cli.add_command(leaderboard)


@cli.command(epilog="tckr-bench doctor")
def doctor() -> None:
    """Show versions, device, memory, offline state, the data that was found, and what will be slow."""
    from tckr_bench.commands.doctor import diagnose

    diagnose()


def main() -> None:
    """Run the program; the one place where errors become exit codes."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (UnfavourableAnswer, CheckFailed) as answer:
        sys.exit(exit_code_of(answer))
    except TckrError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(exit_code_of(error))
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted; what is finished is kept. The same command continues from here.", err=True)
        sys.exit(exit_code_of(KeyboardInterrupt()))
