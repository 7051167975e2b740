"""Put runs or methods side by side, each against the real-data baseline on the same test examples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.errors import RunError, nearest
from tckr_bench.judging import metric_names
from tckr_bench.judging.paired import Side, mean_estimate, paired_differences, unpaired_difference
from tckr_bench.judging.quantities import COLUMNS, columns_of, estimates_of, interval
from tckr_bench.judging.reported import LABEL, TITLE, differences, headings, reported_table
from tckr_bench.judging.rows import verified_leaderboard
from tckr_bench.results.files import RUN_FILE
from tckr_bench.results.verify import verified
from tckr_bench.show.contrasts import side_of
from tckr_bench.show.limits import MARKS, limits
from tckr_bench.show.tables import UNTRUSTED
from tckr_bench.text import NOTHING, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from rich.console import Group
    from rich.table import Table

    from tckr_bench.judging.quantities import Column, Estimates
    from tckr_bench.judging.reported import ReportedTable
    from tckr_bench.judging.rows import DatasetBoard, Leaderboard, Row
    from tckr_bench.records import Estimate
    from tckr_bench.results.verify import Verified

RUNS_FOLDER = Path("runs")


@dataclass(frozen=True)
class ComparedRow:
    """A method of a run: its measurements, and their differences (own minus real data) by metric.

    `attack` is the one that gets furthest with it by AUC.

    `unpaired` names the metrics whose examples are not shared, so that their intervals were merely added up.
    """

    run: str
    method: str
    estimates: Mapping[str, Estimate]
    differences: Mapping[str, Estimate]
    unpaired: tuple[str, ...]
    reference: str
    attack: str = ""
    note: str = ""


@dataclass(frozen=True)
class DatasetComparison:
    """The rows of one dataset; notes say what limits the comparison, `reported` is what the paper has on it."""

    dataset: str
    rows: tuple[ComparedRow, ...]
    notes: tuple[str, ...]
    reported: ReportedTable | None = None


@dataclass(frozen=True)
class Comparison:
    """Rows side by side, per dataset, from one or more runs."""

    runs: tuple[str, ...]
    datasets: tuple[DatasetComparison, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return a row per dataset, run, method and metric: its estimate, and its difference from real data.

        Numbers are fractions; what is missing is NaN.
        """
        import pandas as pd

        rows = [
            {
                "dataset": dataset.dataset,
                "run": row.run,
                "method": row.method,
                "metric": metric,
                **_bounds("", own),
                "reference": row.reference,
                **_bounds("difference_", row.differences.get(metric)),
                "paired": metric in row.differences and metric not in row.unpaired,
                "worst_attack": row.attack,
            }
            for dataset in self.datasets
            for row in dataset.rows
            for metric, own in row.estimates.items()
        ]
        return pd.DataFrame(rows)


def _bounds(prefix: str, estimate: Estimate | None) -> Mapping[str, float]:
    """Return an estimate as cells of a frame."""
    parts = ("value", "low", "high")
    return {prefix + part: getattr(estimate, part) if estimate else math.nan for part in parts}


@dataclass(frozen=True)
class _Run:
    """A run that takes part."""

    name: str
    found: Verified
    leaderboard: Leaderboard

    def board(self, dataset: str) -> DatasetBoard | None:
        return next((board for board in self.leaderboard.boards if board.dataset == dataset), None)


def compare(
    selectors: Sequence[str], run: Path | None = None, *, runs_folder: Path = RUNS_FOLDER, reported: bool = False
) -> Comparison:
    """Compare runs, or methods, against the real-data baseline.

    Args:
        selectors: run folders and names of methods. Methods are looked up in `run`, else in the runs that are
            named, else in the latest run. Runs without methods take part with all their methods.
        run: the run in which methods are looked up.
        runs_folder: where the latest run is looked for, and runs that are named without a path.
        reported: whether to add what the paper reports on each dataset, apart from what was measured.

    Raises:
        RunError: a run or a method is not there; names the nearest.
    """
    folders = {name: folder for name in selectors if (folder := _run_folder(name, runs_folder)) is not None}
    methods = [name for name in selectors if name not in folders]
    chosen = list(dict.fromkeys([*([run] if run else []), *folders.values()]))
    runs = [_load(folder) for folder in chosen or [_latest(runs_folder, methods)]]
    known = [method.name for entry in runs for method in entry.leaderboard.methods]
    for method in methods:
        if method not in known:
            what = plain(method)
            raise RunError(f"there is neither a run nor a method '{what}'{nearest(method, set(known))}")
    names = dict.fromkeys(board.dataset for entry in runs for board in entry.leaderboard.boards)
    datasets = tuple(_dataset(name, runs, methods, reported=reported) for name in names)
    return Comparison(tuple(entry.name for entry in runs), datasets)


def _run_folder(name: str, runs_folder: Path) -> Path | None:
    """Return the run folder a selector names, or None if it can only be a method."""
    for folder in (Path(name), runs_folder / name):
        if (folder / RUN_FILE).is_file():
            return folder
        if folder.name == RUN_FILE and folder.is_file():
            return folder.parent
    if "/" in name or Path(name).is_dir():
        near = nearest(name, [str(folder) for folder in _runs(runs_folder)])
        raise RunError(f"{plain(name)} holds no {RUN_FILE}{near}")
    return None


def _runs(runs_folder: Path) -> list[Path]:
    """Return the runs of a folder, the latest first."""
    results = runs_folder.glob(f"*/{RUN_FILE}")
    return [path.parent for path in sorted(results, key=lambda path: (-path.stat().st_mtime_ns, path))]


def _latest(runs_folder: Path, methods: Sequence[str]) -> Path:
    found = _runs(runs_folder)
    if not found:
        names = plain(", ".join(methods))
        raise RunError(f"there is no run in {runs_folder} to look up {names} in; name one with --run")
    return found[0]


def _load(folder: Path) -> _Run:
    found = verified(folder)
    return _Run(plain(folder.resolve().name), found, verified_leaderboard(found))


def _dataset(name: str, runs: Sequence[_Run], methods: Sequence[str], *, reported: bool) -> DatasetComparison:
    """Set the rows of a dataset against the first run's baseline, or their own where the data differ."""
    taking_part = [(entry, board) for entry in runs if (board := entry.board(name)) is not None]
    first, first_board = taking_part[0]
    rows: list[ComparedRow] = []
    notes: list[str] = []
    for entry, board in taking_part:
        if not board.trusted:
            notes.append(f"{entry.name} is {UNTRUSTED}: {'; '.join(board.reasons)}")
        same = _fingerprint(board) == _fingerprint(first_board)
        if not same:
            notes.append(f"{entry.name} has other data than {first.name}: compare within a run only")
        if entry.leaderboard.track != first.leaderboard.track:
            notes.append(f"{entry.name} is on another track than {first.name}")
        reference = (first, first_board) if same else (entry, board)
        chosen = [row for row in board.rows if row.method.name in methods or row.method.role == "baseline"]
        rows += [_row(entry, board, row, reference) for row in (chosen if methods else board.candidates)]
    published = reported_table(first_board) if reported else None
    return DatasetComparison(name, tuple(rows), tuple(map(plain, notes)), published)


def _fingerprint(board: DatasetBoard) -> str:
    return board.description.fingerprint if board.description else ""


def _row(entry: _Run, board: DatasetBoard, row: Row, reference: tuple[_Run, DatasetBoard]) -> ComparedRow:
    estimates = _compared(row)
    home, home_board = reference
    teacher = home_board.baseline_of(row)
    if teacher is None:
        home, teacher = entry, board.baseline_of(row)
    its_own = teacher is not None and home is entry and teacher.method.name == row.method.name
    if teacher is None or its_own or row.status == "failed":
        note = f"failed: {'; '.join(row.failures)}" if row.status == "failed" else _limited(row)
        return ComparedRow(entry.name, plain(row.method.name), estimates, {}, (), "", _worst(row), plain(note))
    paired = _paired(entry, row, home, teacher)
    differences = dict(paired)
    for metric, own in estimates.items():
        other = _compared(teacher).get(metric)
        if metric not in paired and other is not None:
            differences[metric] = unpaired_difference(own, other)
    return ComparedRow(
        run=entry.name,
        method=plain(row.method.name),
        estimates=estimates,
        differences=differences,
        unpaired=tuple(metric for metric in differences if metric not in paired),
        reference=f"{home.name}/{plain(teacher.method.name)}",
        attack=_worst(row),
        note=plain("; ".join([*row.failures, *([limited] if (limited := _limited(row)) else [])])),
    )


def _compared(row: Row) -> Estimates:
    """Return what rows are compared in: all that a board shows but what is a difference from real data itself."""
    left_out = {column.name for column in COLUMNS if column.difference}
    return {name: estimate for name, estimate in estimates_of(row).items() if name not in left_out}


def _worst(row: Row) -> str:
    risk = row.risk(metric_names.AUC)
    return plain(" or ".join(risk.attacks)) if risk else ""


def _limited(row: Row) -> str:
    return "; ".join(MARKS[key][1] for key in limits(row))


def _paired(entry: _Run, row: Row, home: _Run, teacher: Row) -> Mapping[str, Estimate]:
    """Pair a row with its reference seed by seed and average; metrics that some seed cannot pair are left out."""
    by_seed = []
    for seed in row.seeds:
        own, other = _side(entry, row, seed), _side(home, teacher, seed)
        if own is None or other is None:
            return {}
        by_seed.append(paired_differences(own, other))
    shared = [metric for metric in _compared(row) if by_seed and all(metric in found for found in by_seed)]
    return {metric: mean_estimate([found[metric] for found in by_seed]) for metric in shared}


def _side(entry: _Run, row: Row, seed: int) -> Side | None:
    record = next((record for record in row.records if record.seed == seed), None)
    return None if record is None else side_of(entry.found.evidence, record)


def comparison_group(comparison: Comparison) -> Group:
    """Return what the terminal shows of a comparison, within 100 columns; hostile text stays text."""
    from rich.console import Group
    from rich.text import Text

    parts: list[Table | Text] = []
    for dataset in comparison.datasets:
        parts += [Text(note, style="bold red") for note in dataset.notes]
        parts += [_table(dataset, several=len(comparison.runs) > 1), Text("")]
        if dataset.reported is not None:
            title = Text(f"{plain(dataset.dataset)} · {TITLE} ({LABEL})", style="bold")
            notes = map(Text, dataset.reported.notes)
            parts += [title, _reported(dataset.reported), *notes, Text(differences()), Text("")]
    references = dict.fromkeys(row.reference for dataset in comparison.datasets for row in dataset.rows)
    against = ", ".join(reference for reference in references if reference)
    unpaired = any(row.unpaired for dataset in comparison.datasets for row in dataset.rows)
    legend = f"Δ: minus real data ({against}), with its 95 % interval, paired on the same examples"
    legend += "; * not paired: the examples differ, intervals were added in quadrature" if unpaired else ""
    return Group(*parts, Text(legend if against else "", style="dim"))


def _table(dataset: DatasetComparison, *, several: bool) -> Table:
    from rich.table import Table
    from rich.text import Text

    title = Text(plain(dataset.dataset), style="bold")
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 1, 1))
    table.add_column("method", overflow="fold", max_width=26)
    measured = {name for row in dataset.rows for name in row.estimates}
    columns = [column for column in columns_of(measured) if not column.difference]
    for column in columns:
        table.add_column(plain(column.title), justify="right", no_wrap=True)
    for row in dataset.rows:
        label = Text(f"{row.run}/\n{row.method}" if several else row.method)
        if row.attack:
            label.append(f"\nworst attack {row.attack}", style="dim")
        if row.note:
            label.append(f"\n{row.note}", style="red")
        table.add_row(label, *[Text(_cell(row, column)) for column in columns])
    return table


def _reported(found: ReportedTable) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column("in the paper", overflow="fold", max_width=60)
    for heading in headings():
        table.add_column(heading, justify="right", no_wrap=True)
    for row in found.rows:
        table.add_row(row.label, *row.cells)
    return table


def _cell(row: ComparedRow, column: Column) -> str:
    """Return a number with its half width, its difference, and the interval of the difference, on three lines."""
    own, change = row.estimates.get(column.name), row.differences.get(column.name)
    if own is None:
        return NOTHING
    lines = [column.with_half(own)]
    if change is not None:
        mark = "*" if column.name in row.unpaired else ""
        lines += [f"Δ{mark} {column.value(change)}", interval(column.quantity, change)]
    return "\n".join(lines)
