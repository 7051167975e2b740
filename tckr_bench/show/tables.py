"""The leaderboard as a table for the terminal, as CSV and as Markdown."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.text import (
    NOTHING,
    csv_cell,
    duration,
    listing,
    markdown,
    percent,
    plain,
    short_names,
    signed,
    span,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from tckr_bench.judging.rows import DatasetBoard, Leaderboard, Row
    from tckr_bench.records import Estimate

UNTRUSTED = "NOT TRUSTWORTHY"
LEGEND = (
    "rank: rows that chance may have put in order share one · gap: accuracy lost against real data, points · AUC: "
    "membership inference, 0.5 is guessing · TPR: % of members found at 1 % false alarms · AUC, TPR and AOP are those "
    "of the attack that gets furthest with a row's classifier, named beside them, in an interval for the worst of "
    "them all · AOP = accuracy / (2 max(AUC, 0.5))² · ± and [ ]: 95 % · P: on the Pareto front · CPU: to a trained "
    "classifier, attacks apart"
)
MARKS = {
    "paper": ("T", "epochs chosen on the test set"),
    "images": ("I", "generator pretrained on these images"),
    "classes": ("C", "generator pretrained on these classes"),
    "unknown": ("?", "generator's pretraining unknown"),
}
"""What limits a row, by protocol or contamination: a sign for narrow tables, and words."""
EXPLANATIONS = {
    "paper": "the kept epoch is the one that did best on the test set, which flatters accuracy; such rows are numbered "
    "for themselves and never ranked with others",
    "images": "the base generator was pretrained on images of this dataset, so the synthetic images may repeat them "
    "without any adaptation",
    "classes": "the base generator was pretrained on other images of these classes, which a private dataset would "
    "not offer",
    "unknown": "what the base generator was pretrained on is not known in full; this dataset may have been in it",
}
CSV_MEASUREMENTS = (
    metric_names.ACCURACY,
    metric_names.GAP,
    metric_names.WORST_AUC,
    metric_names.WORST_TPR,
    metric_names.AOP,
)


def with_half_width(estimate: Estimate | None) -> str:
    """Return a share as `84.2 ± 1.1`, in points."""
    return NOTHING if estimate is None else f"{percent(estimate.value)} ± {percent(estimate.half_width)}"


def _auc_lines(row: Row) -> str:
    """Return the AUC of a row's worst attack with its interval and its attack, a line each: a narrow column."""
    risk = row.risk(metric_names.AUC)
    if risk is None:
        return NOTHING
    value, low, high = (signed(end, 3) for end in (risk.estimate.value, risk.estimate.low, risk.estimate.high))
    return f"{value}\n[{low}, {high}]\n{plain(' or '.join(risk.attacks))}"


def limits(row: Row) -> tuple[str, ...]:
    """Return what limits a row, as keys of `MARKS`: its protocol, and its generator's contamination."""
    return tuple(key for key in (row.protocol, row.contamination) if key in MARKS)


def legend_of_limits(leaderboard: Leaderboard) -> tuple[tuple[str, str, str], ...]:
    """Return sign, words and explanation of every limit that some baseline or method of a leaderboard has."""
    return explained(key for board in leaderboard.boards for row in board.candidates for key in limits(row))


def explained(keys: Iterable[str]) -> tuple[tuple[str, str, str], ...]:
    """Return sign, words and explanation of limits, each once, in the order of `MARKS`."""
    found = set(keys)
    return tuple((*MARKS[key], EXPLANATIONS[key]) for key in MARKS if key in found)


def method_label(row: Row, names: Mapping[str, str]) -> str:
    """Return the short name of a row's method; what learns from real data is called so."""
    name = names[row.method.name]
    kind = {"baseline": "real data", "defended": "real data, defended"}.get(row.method.role)
    return f"{name} ({kind})" if kind else name


def epsilons(row: Row) -> tuple[str, ...]:
    """Say what epsilon a row proves and what its worst attack shows it to be at least; nothing where none is proved."""
    proved, found = row.get(metric_names.PROVED), row.found_epsilon
    if proved is None:
        return ()
    shown = [f"proved \u03b5 \u2264 {signed(proved.value, 2)}"]
    return (*shown, *([f"found \u03b5 \u2265 {signed(found.low, 2)}"] if found else []))


def fixed_parts(leaderboard: Leaderboard) -> str:
    """Return what all synthetic methods have in common, in words, or nothing."""
    _, shared = short_names(leaderboard.methods)
    return listing([f"{axis} {value}" for axis, value in shared.items()])


def leaderboard_group(leaderboard: Leaderboard) -> Group:
    """Return what the terminal shows of a leaderboard, within 100 columns; hostile text stays text."""
    from rich.console import Group
    from rich.text import Text

    names, _ = short_names(leaderboard.methods)
    parts: list[Table | Text] = []
    for board in leaderboard.boards:
        if not board.trusted:
            parts.append(Text(f"{UNTRUSTED}: {plain('; '.join(board.reasons))}", style="bold red"))
        judged = [(f"control {gate.name}", gate.passed, gate.reason) for gate in board.gates]
        parts += [_method_table(board, names), judged_table(judged), Text("")]
    shared = fixed_parts(leaderboard)
    if shared:
        parts.append(Text(f"All methods: {shared}.", style="dim"))
    parts.append(Text(LEGEND, style="dim"))
    parts += [Text(f"{sign}: {words}: {why}", style="dim") for sign, words, why in legend_of_limits(leaderboard)]
    return Group(*parts)


def _method_table(board: DatasetBoard, names: Mapping[str, str]) -> Table:
    from rich.table import Table
    from rich.text import Text

    title = f"{plain(board.dataset)} · worst attack on each row"
    table = Table(title=Text(title, style="bold"), title_justify="left", box=None, pad_edge=False, padding=(0, 1))
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("method", overflow="fold", min_width=16, max_width=26)
    for heading in ("accuracy", "gap", "AUC", "TPR", "AOP", "CPU"):
        named = heading == "AUC"  # the name of an attack may be folded, an interval not
        table.add_column(heading, justify="right", no_wrap=not named, min_width=14 if named else None)
    table.add_column("", no_wrap=True)
    for row in board.candidates:
        label = Text(method_label(row, names))
        if row.status == "failed":
            label.append(f"\nfailed: {plain('; '.join(row.failures))}", style="red")
            table.add_row("", label, *[NOTHING] * 5, "", "")
            continue
        if row.status == "partial":
            label.append(f"\n{plain('; '.join(row.failures))}", style="red")
        label.append("".join(f"\n{line}" for line in epsilons(row)), style="dim")
        cells = [Text(cell) for cell in _cells(row)]
        table.add_row(rank_words(row), label, *cells, _marks(row, board), style=_style(row, board))
    return table


def _cells(row: Row) -> list[str]:
    tpr, aop = row.risk(metric_names.TPR), row.get(metric_names.AOP)
    return [
        with_half_width(row.get(metric_names.ACCURACY)),
        NOTHING if row.method.role == "baseline" else with_half_width(row.get(metric_names.GAP)),
        _auc_lines(row),
        percent(tpr.estimate.value) if tpr else NOTHING,
        signed(aop.value, 3) if aop else NOTHING,
        duration(row.pipeline_seconds),
    ]


def _marks(row: Row, board: DatasetBoard) -> str:
    limited = "".join(MARKS[key][0] for key in limits(row))
    return ("P" if row.pareto else " ") + ("" if board.trusted else "!") + limited


def _style(row: Row, board: DatasetBoard) -> str:
    return "dim" if not board.trusted else "bold" if row is board.best else ""


def rank_words(row: Row) -> str:
    """Return a rank with where 95 % of a bootstrap put it, `1 (1-3)`; nothing for what is not ranked."""
    return "" if row.rank is None else f"{row.rank} ({row.rank_low}-{row.rank_high})"


def judged_table(judged: Iterable[tuple[str, bool, str]]) -> Table:
    """Return what was judged, whether it passed, and why, for the terminal; hostile text stays text."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for what, passed, reason in judged:
        mark = Text("PASS", style="green") if passed else Text("FAIL", style="bold red")
        table.add_row(Text(plain(what)), mark, Text(plain(reason)))
    return table


def leaderboard_csv(leaderboard: Leaderboard) -> str:
    """Return every row as CSV: fractions and seconds at full precision, one line per dataset and method."""
    names, _ = short_names(leaderboard.methods)
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    measurements = [f"{name}{part}" for name in CSV_MEASUREMENTS for part in ("", "-low", "-high", "-between-seeds")]
    heading = [
        "dataset",
        "track",
        "role",
        "rank",
        "rank-low",
        "rank-high",
        "method",
        "short-name",
        "status",
        "seeds",
        "trusted",
        "pareto",
        "protocol",
        "contamination",
    ]
    measurements += [
        metric_names.PROVED,
        metric_names.FOUND,
        f"{metric_names.WORST_AUC}-attack",
        f"{metric_names.WORST_TPR}-attack",
    ]
    tail = ["declared-attack", "pipeline-cpu-seconds", "evaluation-cpu-seconds", "note"]
    writer.writerow([*heading, *measurements, *tail])
    for board in leaderboard.boards:
        gates = {gate.name: gate for gate in board.gates}
        for row in board.rows:
            ranks = ["" if place is None else str(place) for place in (row.rank, row.rank_low, row.rank_high)]
            known = [board.dataset, leaderboard.track, row.method.role, *ranks, row.method.name]
            gate = gates.get(row.method.name)
            judged = [f"{'PASS' if gate.passed else 'FAIL'}: {gate.reason}"] if gate else []
            cells: list[float | str] = [
                *known,
                names[row.method.name],
                row.status,
                " ".join(map(str, row.seeds)),
            ]
            cells += ["yes" if board.trusted else "no", "yes" if row.pareto else "no", row.protocol]
            cells.append(row.contamination or "")
            cells += [number for name in CSV_MEASUREMENTS for number in _numbers(row.get(name))]
            cells += [
                number for estimate in (row.get(metric_names.PROVED), row.found_epsilon) for number in _bound(estimate)
            ]
            cells += [" ".join(risk.attacks) if (risk := row.risk(name)) else "" for name in metric_names.WORST]
            cells += [leaderboard.primary_attack, f"{row.pipeline_seconds:.3f}", f"{row.evaluation_seconds:.3f}"]
            writer.writerow([csv_cell(cell) for cell in [*cells, "; ".join([*judged, *row.failures, *board.reasons])]])
    return written.getvalue()


def _numbers(estimate: Estimate | None) -> list[float | str]:
    if estimate is None:
        return [""] * 4
    return [estimate.value, estimate.low, estimate.high, "" if estimate.spread is None else estimate.spread]


def _bound(estimate: Estimate | None) -> list[float | str]:
    return ["" if estimate is None else estimate.low]


def leaderboard_markdown(leaderboard: Leaderboard) -> str:
    """Return the leaderboard as Markdown: a table of methods and a list of controls per dataset."""
    names, _ = short_names(leaderboard.methods)
    lines = [f"# {markdown(leaderboard.matrix)} (track {markdown(leaderboard.track)})", ""]
    for board in leaderboard.boards:
        lines += [f"## {markdown(board.dataset)}", ""]
        if not board.trusted:
            lines += [f"**{UNTRUSTED}**: {markdown('; '.join(board.reasons))}", ""]
        lines += _markdown_table(board, names)
        lines += [
            f"- control {markdown(gate.name)}: **{'PASS' if gate.passed else 'FAIL'}** {markdown(gate.reason)}"
            for gate in board.gates
        ]
        lines.append("")
    shared = fixed_parts(leaderboard)
    lines += [f"All methods: {markdown(shared)}.", ""] if shared else []
    limited = [f"- {words}: {why}" for _, words, why in legend_of_limits(leaderboard)]
    legend = f"{markdown(LEGEND)} · declared attack: {markdown(leaderboard.primary_attack)}"
    return "\n".join([*lines, legend, "", *limited, *([""] if limited else [])])


def _markdown_table(board: DatasetBoard, names: Mapping[str, str]) -> list[str]:
    lines = [
        "| | method | accuracy, % | gap, points | AUC | TPR at 1 % FPR, % | AOP | CPU | |",
        "|--:|:--|--:|--:|--:|--:|--:|--:|:--|",
    ]
    for row in board.candidates:
        label = markdown(method_label(row, names))
        if row.failures:
            label += f" ({'failed' if row.status == 'failed' else 'in part'}: {markdown('; '.join(row.failures))})"
        label += "".join(f"<br>{line}" for line in epsilons(row))
        gap, auc = row.get(metric_names.GAP), row.risk(metric_names.AUC)
        cells = _cells(row) if row.status != "failed" else [NOTHING] * 6
        if gap and row.method.role != "baseline":
            cells[1] = f"{percent(gap.value)} ({span(gap.low, gap.high, scale=100, digits=1)})"
        if auc:
            named = f", {markdown(' or '.join(auc.attacks))}"
            cells[2] = f"{signed(auc.estimate.value, 3)} ({span(auc.estimate.low, auc.estimate.high)}){named}"
        marks = ["Pareto"] * row.pareto + ["not trustworthy"] * (not board.trusted)
        marks += [MARKS[key][1] for key in limits(row)]
        lines.append(f"| {rank_words(row)} | {label} | {' | '.join(cells)} | {', '.join(marks)} |")
    return [*lines, ""]
