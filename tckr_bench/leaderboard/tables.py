"""The leaderboard for the terminal, and the words that its tables share wherever they are set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tckr_bench.leaderboard.lines import ESTIMATES, directions, lines_of
from tckr_bench.show.tables import MARKS as LIMITS
from tckr_bench.show.tables import explained, judged_table
from tckr_bench.text import NOTHING, duration, listing, percent, plain, signed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from tckr_bench.leaderboard.lines import Line
    from tckr_bench.leaderboard.standings import Standings
    from tckr_bench.records import Estimate, Gate

ARROWS = {"higher": "↑", "lower": "↓", "neither": ""}
ARROWS_MEAN = "↑ higher is better, ↓ lower is better"
PARETO = "P"
TEST_CHOSEN = f"{': '.join(LIMITS['paper'])}, which flatters accuracy; such entries are not ranked"


@dataclass(frozen=True)
class Measurement:
    """A column of measurements: which of a line's, what it is called and means, and how it is written."""

    name: Literal["accuracy", "gap", "auc", "tpr", "aop"]
    heading: str
    unit: str
    meaning: str
    percent: bool

    def value(self, line: Line) -> str:
        """Return a line's measurement in the column's unit."""
        estimate = self.of(line)
        return NOTHING if estimate is None else self._written(estimate.value)

    def half(self, line: Line) -> str:
        """Return half the width of its interval as `± 1.1`; nothing where there is no measurement."""
        estimate = self.of(line)
        return "" if estimate is None else f"± {self._written(estimate.half_width)}"

    def with_half(self, line: Line) -> str:
        """Return the measurement as `84.2 ± 1.1`."""
        return f"{self.value(line)} {self.half(line)}".strip()

    def of(self, line: Line) -> Estimate | None:
        """Return a line's measurement."""
        estimates = {"accuracy": line.accuracy, "gap": line.gap, "auc": line.auc, "tpr": line.tpr, "aop": line.aop}
        return estimates[self.name]

    def _written(self, value: float) -> str:
        return percent(value) if self.percent else signed(value, 3)


MEASUREMENTS = (
    Measurement("accuracy", "CAS", "%", "accuracy on real test images", percent=True),
    Measurement("gap", "gap", "points", "accuracy lost against real data", percent=True),
    Measurement("auc", "AUC", "", "membership inference by the worst attack, 0.5 is guessing", percent=False),
    Measurement("tpr", "TPR@1%", "%", "members the worst attack finds at 1 % false alarms", percent=True),
    Measurement("aop", "AOP", "", "accuracy / (2 max(AUC, 0.5))²", percent=False),
)
COSTS = (
    ("CPU", "CPU time to a trained classifier, attacks apart"),
    ("images", "synthetic images generated per seed"),
)
SHARED_RANKS = (
    "methods that cannot be told apart share a rank; in brackets, where 95 % of a bootstrap over datasets, seeds and "
    "examples put them; other intervals are of seeds and examples, on these datasets"
)
MEANS = "means over the datasets, costs are sums"
MARKS_MEAN = f"{PARETO}: nobody ranked is at least as good in CAS and AUC and better in one"


def arrows() -> dict[str, str]:
    """Return which way each column of measurements is better, as an arrow, by name."""
    known = directions()
    return {name: ARROWS[known.get(metric, "neither")] for name, metric in ESTIMATES.items()}


def rank_of(line: Line) -> str:
    """Return a rank with its interval, `1 (1-4)`; nothing for what is not ranked."""
    entry = line.entry
    if entry.rank is None:
        return ""
    known = entry.rank_low is not None and entry.rank_high is not None
    return f"{entry.rank} ({entry.rank_low}-{entry.rank_high})" if known else str(entry.rank)


def images_of(line: Line) -> str:
    """Return how many images were generated, in thousands apart."""
    return f"{line.images:,}" if line.images else NOTHING


def title_of(standings: Standings) -> str:
    """Return what a table is of."""
    track, dataset = standings.track, standings.dataset
    where = f"on {plain(dataset)}" if dataset else f"over {listing([plain(name) for name in track.datasets])}"
    return f"{plain(track.title)} (track {plain(track.name)}), {where}"


def legend_of(standings: Standings, lines: Sequence[Line]) -> tuple[str, ...]:
    """Return what headings and signs mean, a line each."""
    arrow = arrows()
    columns = [
        f"{it.heading} {arrow[it.name]}: {it.meaning}{f', {it.unit}' if it.unit else ''}".replace(" :", ":")
        for it in MEASUREMENTS
    ]
    costs = [f"{heading} {ARROWS['lower']}: {meaning}" for heading, meaning in COSTS]
    scope = "on this dataset alone" if standings.dataset else MEANS
    found = explained(key for line in lines for key in line.limits)
    limited = [TEST_CHOSEN if sign == LIMITS["paper"][0] else f"{sign}: {words}: {why}" for sign, words, why in found]
    seeds = f"{standings.track.seeds} seeds" if standings.track.seeds > 1 else "1 seed"
    return (
        " · ".join([*columns, *costs]),
        f"{ARROWS_MEAN} · ± half a 95 % interval · {seeds} · {scope}",
        f"rank: {SHARED_RANKS} · {MARKS_MEAN}",
        *limited,
    )


def note_of(line: Line) -> str:
    """Return where a line stands and why, in words."""
    return f"{line.entry.standing}: {'; '.join(line.notes)}"


def worst_of(line: Line) -> str:
    """Return in words which attack reached the AUC of a line; nothing over a track, where each dataset has its own."""
    return f"worst attack {plain(' or '.join(line.auc_attacks))}" if line.auc_attacks else ""


def marks_of(line: Line) -> str:
    """Return the signs beside a line: Pareto front, and what limits it."""
    return PARETO * line.entry.pareto + "".join(LIMITS[key][0] for key in line.limits)


def judged_of(lines: Iterable[Line]) -> list[tuple[str, bool, str]]:
    """Return the gates of the submissions shown, each once: failed ones with their reason, passed ones counted."""
    gates: dict[str, dict[tuple[str, Gate | None], None]] = {}
    for line in lines:
        for record in line.records:
            found = gates.setdefault(record.submission, {})
            found.update({(record.dataset, gate): None for gate in record.gates or (None,)})
    judged = []
    for submission, found in gates.items():
        passed = [(dataset, gate) for dataset, gate in found if gate is not None and gate.passed]
        what = f"gates of {submission[:8]}"
        if passed:
            datasets = len({dataset for dataset, _ in passed})
            names = listing(list(dict.fromkeys(gate.name for _, gate in passed)))
            on = "1 dataset" if datasets == 1 else f"{datasets} datasets"
            judged.append((what, True, f"{len(passed)} of {len(found)} on {on}: {names}"))
        for dataset, gate in found:
            if gate is None:
                judged.append((what, False, f"on {dataset}: there is none"))
            elif not gate.passed:
                judged.append((what, False, f"on {dataset}, {gate.name}: {gate.reason}"))
    return judged


def standings_group(standings: Standings) -> Group:
    """Return what the terminal shows of a track, or of one dataset of it; hostile text stays text."""
    from rich.console import Group
    from rich.text import Text

    lines = lines_of(standings)
    parts: list[Table | Text] = [Text(title_of(standings), style="bold"), _table(lines), Text("")]
    noted = [line for line in lines if line.notes]
    if noted:
        parts += [_notes(noted), Text("")]
    parts += [judged_table(judged_of(lines)), Text("")]
    parts += [Text(line, style="dim") for line in legend_of(standings, lines)]
    return Group(*parts)


def _table(lines: Sequence[Line]) -> Table:
    from rich.table import Table

    arrow = arrows()
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("method", overflow="fold", min_width=12, max_width=34)
    for measurement in MEASUREMENTS:
        table.add_column(f"{measurement.heading} {arrow[measurement.name]}".strip(), justify="right", no_wrap=True)
    for heading, _ in COSTS:
        # on a narrow terminal a duration takes two lines, before a method's name is cut to pieces
        table.add_column(f"{heading} {ARROWS['lower']}", justify="right", no_wrap=heading != "CPU")
    table.add_column("", no_wrap=True)
    ranked = [line for line in lines if line.entry.rank is not None]
    others = [line for line in lines if line.entry.rank is None]
    for line in ranked:
        table.add_row(*_cells(line))
    if ranked and others:
        table.add_row("")
    for line in others:
        table.add_row(*_cells(line), style="dim")
    return table


def _cells(line: Line) -> list[Text]:
    from rich.text import Text

    name = Text(plain(line.entry.name))
    standing = "" if line.entry.standing in ("ranked", "control") else f" · not ranked: {line.entry.standing}"
    name.append(f"\n{line.entry.family}{standing}", style="dim")
    if worst_of(line):
        name.append(f"\n{worst_of(line)}", style="dim")
    measurements = [Text.assemble(it.value(line), (f"\n{it.half(line)}", "dim")) for it in MEASUREMENTS]
    costs = [Text(duration(line.pipeline_seconds)), Text(images_of(line))]
    return [Text(rank_of(line)), name, *measurements, *costs, Text(marks_of(line))]


def _notes(lines: Iterable[Line]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(overflow="fold", max_width=34)
    table.add_column(overflow="fold")
    for line in lines:
        table.add_row(Text(plain(line.entry.name)), Text(plain(note_of(line))))
    return table
