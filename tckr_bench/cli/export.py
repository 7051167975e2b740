"""The command `export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from tckr_bench.cli.examples import ExampleCommand

if TYPE_CHECKING:
    from tckr_bench.judging.criteria import Criteria

PATH = click.Path(path_type=Path)
_FOR_THE_CARD = ("dataset", "seed", "labels", "with_prompts", "despite_failed_gates", "max_accuracy_drop")


@click.command(
    cls=ExampleCommand,
    epilog='tckr-bench export runs/default "lora · soft · 1x" --dataset digits --to digits-synthetic\n'
    "tckr-bench export runs/mine attributes-miniature-lora-small-cnn-hard-1x --to synthetic\n"
    "tckr-bench export runs/audit soft --dataset fashion-mnist --to synthetic --max-accuracy-drop 2 --max-tpr 5@1",
)
@click.argument("run_folder", metavar="RUN", type=PATH)
@click.argument("method")
@click.option("--to", "target", type=PATH, required=True, metavar="DIR", help="Folder to write; new, or empty.")
@click.option("--dataset", "-d", metavar="NAME", help="Of this dataset; needed where the run has several.")
@click.option("--seed", type=int, metavar="N", help="Of this seed; the first if not given.")
@click.option(
    "--labels",
    type=click.Choice(["hard", "soft"]),
    help="hard: the class alone; soft: the teacher's probabilities as well. The method's own if not given.",
)
@click.option("--with-prompts", is_flag=True, help="Add the prompts, which are captions of real images.")
@click.option("--despite-failed-gates", is_flag=True, help="Export though the measurements cannot be trusted.")
@click.option("--max-accuracy-drop", type=float, metavar="POINTS", help="Have the card give a verdict; see `verdict`.")
@click.option("--max-tpr", "tprs", multiple=True, metavar="T@F", help="Limit of the verdict; see `verdict`.")
@click.option("--max-auc", type=float, metavar="AUC", help="Limit of the verdict; see `verdict`.")
def export(
    run_folder: Path,
    method: str,
    target: Path,
    dataset: str | None,
    seed: int | None,
    labels: Literal["hard", "soft"] | None,
    with_prompts: bool,
    despite_failed_gates: bool,
    max_accuracy_drop: float | None,
    tprs: tuple[str, ...],
    max_auc: float | None,
) -> None:
    """Write the synthetic images of METHOD as a Hugging Face dataset with a data card; nothing is uploaded.

    METHOD is a synthetic method by its full name, or by its short one as the board shows it. The card says how the
    images were made and from what, what a classifier learns from them, what attacks find, and which checks passed, with
    every measurement computed again from the saved scores. Where a check of the run failed nothing is written, and
    controls are never exported. Prompts stay out, since captions can betray who was in the real data.
    """
    from tckr_bench.commands.export import ExportOptions
    from tckr_bench.commands.export import export as export_images

    options = ExportOptions(
        run=run_folder,
        method=method,
        target=target,
        dataset=dataset,
        seed=seed,
        labels=labels,
        with_prompts=with_prompts,
        despite_failed_gates=despite_failed_gates,
        criteria=_criteria(max_accuracy_drop, tprs, max_auc),
    )
    export_images(options, typed=_typed(click.get_current_context(), tprs, max_auc))


def _criteria(drop: float | None, tprs: tuple[str, ...], auc: float | None) -> Criteria | None:
    from tckr_bench.errors import OptionError
    from tckr_bench.judging.criteria import criteria_from

    if drop is None and not tprs and auc is None:
        return None
    if drop is None:
        raise OptionError("a verdict needs a limit on the accuracy lost as well; give --max-accuracy-drop, such as 2")
    return criteria_from(accuracy_drop=drop, tprs=tprs, auc=auc)


def _typed(context: click.Context, tprs: tuple[str, ...], auc: float | None) -> tuple[str, ...]:
    """Return the options that were given, as they are typed, for the card."""
    words: list[str] = []
    for name in _FOR_THE_CARD:
        value = context.params[name]
        if value is not None and value is not False:
            words += [f"--{name.replace('_', '-')}", *_value(value)]
    words += [word for limit in tprs for word in ("--max-tpr", limit)]
    return (*words, *(() if auc is None else ("--max-auc", f"{auc:g}")))


def _value(value: object) -> list[str]:
    if value is True:
        return []
    return [f"{value:g}" if isinstance(value, float) else str(value)]
