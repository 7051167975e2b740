"""`tckr-bench verdict`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

import tckr_bench
from tckr_bench.commands.console import Screen
from tckr_bench.errors import UnfavourableAnswer
from tckr_bench.judging.criteria import Criteria
from tckr_bench.judging.verdict import DatasetAnswer, Judgement, LimitComparison, RunAnswer
from tckr_bench.results.verify import Mismatch
from tckr_bench.show.verdict_words import (
    STANDINGS,
    basis_sentence,
    choice_sentence,
    heading_of,
    interval,
    needs,
    number,
    reasons,
)
from tckr_bench.text import NOTHING, plain, short_names

WIDTH = 100
MISMATCHES_SHOWN = 3
_COLOURS = {"yes": "bold green", "no": "bold red", "not enough evidence": "bold yellow"}
_STANDING_COLOURS = {"within": "green", "beyond": "red", "undecided": "yellow", "unknown": "yellow"}


def show_verdict(
    run: Path, criteria: Criteria, *, method: str | None, datasets: Sequence[str], as_json: bool = False
) -> None:
    """Recompute a run's measurements, answer for each dataset, and print the answers with their reasons.

    Raises:
        RunError: the folder holds no readable run, or no such method or dataset.
        UnfavourableAnswer: the answer, which has been printed, is not yes.
    """
    screen = Screen(json=as_json)
    results = tckr_bench.load_run(run)
    found = results.verified
    answer = tckr_bench.verdict(results, criteria, method=method, datasets=datasets)
    _warn(screen, [wrong for wrong in found.mismatches if wrong.dataset in {part.dataset for part in answer.datasets}])
    if found.revised:
        screen.warn(f"recomputed by another version than the run had: {', '.join(map(plain, found.revised))}")
    if as_json:
        sys.stdout.write(TypeAdapter(RunAnswer).dump_json(answer, indent=1).decode() + "\n")
    else:
        names, _ = short_names(results.board.methods)
        screen.console.print(verdict_group(answer, names), width=min(WIDTH, screen.console.width))
    if answer.answer != "yes":
        raise UnfavourableAnswer(answer.answer)


def _warn(screen: Screen, mismatches: Sequence[Mismatch]) -> None:
    for mismatch in mismatches[:MISMATCHES_SHOWN]:
        screen.warn(str(mismatch))
    if len(mismatches) > MISMATCHES_SHOWN:
        screen.warn(f"and {len(mismatches) - MISMATCHES_SHOWN} more; see them with `tckr-bench report`")


def verdict_group(answer: RunAnswer, names: Mapping[str, str]) -> Group:
    """Return what the terminal shows of an answer; hostile text stays text."""
    parts: list[RenderableType] = [part for entry in answer.datasets for part in _dataset(entry, names)]
    if len(answer.datasets) > 1:
        parts.append(Text.assemble("All datasets together: ", (answer.answer.upper(), _COLOURS[answer.answer])))
    return Group(*parts)


def _dataset(entry: DatasetAnswer, names: Mapping[str, str]) -> list[RenderableType]:
    question = f"May a synthetic dataset replace {plain(entry.dataset)}?  "
    parts: list[RenderableType] = [
        Text.assemble((question, "bold"), (entry.answer.upper(), _COLOURS[entry.answer])),
    ]
    judged = entry.judged
    if judged is None:
        return [*parts, Text("The run has no such synthetic method on this dataset."), Text("")]
    chosen = f"Judged: {names[judged.method]} ({choice_sentence(entry)})."
    parts += [Text(chosen), Text(""), _measurements(judged), Text("")]
    parts += [_bullets("Why", reasons(judged)), _bullets("What would tell more", needs(judged))]
    parts += [_bullets("Also", (*judged.remarks, f"All of this rests on {basis_sentence(judged.basis)}."))]
    parts += [_others(entry, names), Text("")] if entry.others else []
    return parts


def _measurements(judged: Judgement) -> Padding:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("")
    for column in ("limit", "found", "95 % interval"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for comparison in judged.comparisons:
        estimate = comparison.estimate
        table.add_row(
            Text(_under(heading_of(comparison), comparison)),
            number(comparison, comparison.limit),
            number(comparison, estimate.value) if estimate else NOTHING,
            interval(comparison, estimate) if estimate else NOTHING,
            Text(STANDINGS[comparison.standing], style=_STANDING_COLOURS[comparison.standing]),
        )
    return Padding(table, (0, 0, 0, 2))


def _under(text: str, comparison: LimitComparison) -> str:
    """Return a text with the attacks that reached the measurement on a line beneath."""
    return "\n".join(filter(None, (text, plain(" or ".join(comparison.attacks)))))


def _bullets(title: str, sentences: Sequence[str]) -> Group:
    if not sentences:
        return Group()
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for sentence in sentences:
        table.add_row("-", Text(sentence))
    return Group(Text(title, style="bold"), table, Text(""))


def _others(entry: DatasetAnswer, names: Mapping[str, str]) -> Group:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("method", overflow="fold")
    table.add_column("answer", no_wrap=True)
    for comparison in entry.others[0].comparisons:
        table.add_column(heading_of(comparison), justify="right", max_width=20)
    for judged in entry.others:
        found = [
            Text(_under(number(part, part.estimate.value) if part.estimate else NOTHING, part))
            for part in judged.comparisons
        ]
        table.add_row(Text(names[judged.method]), Text(judged.answer, style=_COLOURS[judged.answer]), *found)
    return Group(Text("The other synthetic methods, not judged here", style="bold"), table)
