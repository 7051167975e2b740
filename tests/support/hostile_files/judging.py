"""Send hostile submissions in, many at once, and say what became of each: named by a fault, or shown and how."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from html.parser import HTMLParser
from pathlib import Path

from rich.console import Console

from hostile_files.world import REFUSED, SHOWN, Hostile, World
from tckr_bench.leaderboard import verification
from tckr_bench.leaderboard.formats import csv_text, json_text, sheet_of
from tckr_bench.leaderboard.site.pages import dataset_page, method_page
from tckr_bench.leaderboard.site.sources import Sources
from tckr_bench.leaderboard.standings import Standings, standings_of
from tckr_bench.leaderboard.tables import standings_group
from tckr_bench.leaderboard.typeset import standings_latex, standings_markdown
from tckr_bench.results import examination, parallel
from tckr_bench.results.files import dump_record, dump_run, scan_runs
from tckr_bench.show import charts

MEMORY, SECONDS = 3 * 2**30, 60
"""Bytes of address space and seconds of CPU time that a process may take to look into one hostile file."""
OURS = ("toprule", "midrule", "bottomrule", "begin", "end", "usepackage", "multicolumn", "footnotesize", "linewidth")
SIGNS = ("uparrow", "downarrow", "pm", "times", "varepsilon")
_ESCAPED = ("backslash", "asciicircum", "asciitilde", "less", "greater", "bar", "asciigrave")
ESCAPES = tuple(f"text{name}" for name in _ESCAPED)
COMMANDS = {*OURS, *SIGNS, *ESCAPES, "textperiodcentered"}


@dataclass(frozen=True)
class Judged:
    """What became of a hostile submission: the faults that name it, and what was wrong with how it was shown."""

    case: Hostile
    faults: tuple[str, ...]
    readable: bool
    harms: tuple[str, ...]

    @property
    def outcome(self) -> str:
        """Refused by a fault, or shown."""
        return REFUSED if self.faults else SHOWN

    @property
    def wrong(self) -> str:
        """What a correct program would have done otherwise, or nothing."""
        ended = [fault for fault in self.faults if "could not be looked into" in fault]
        if self.harms or ended:
            return f"{self.case.name}: {(*self.harms, *ended)[0]}"
        if self.case.expected in (REFUSED, SHOWN) and self.case.expected != self.outcome:
            return f"{self.case.name}: should be {self.case.expected}, faults {list(self.faults)[:3]}"
        return ""


def judge(
    cases: Sequence[Hostile], world: World, root: Path, *, alone: bool = False, pages: bool = True
) -> list[Judged]:
    """Send in submissions, one track each, verify all of them at once, and show what can be read.

    Score files are looked into in this process, or `alone`: in one of its own with bounded memory and time. Equal
    ones are looked into once.
    """
    root.mkdir(parents=True)
    tracks = [replace(world.track, name=f"t{number:05d}") for number in range(len(cases))]
    for case, track in zip(cases, tracks, strict=True):
        case.change(world.place(root, track.name))
    before = _outside(root)
    faults = _faults(root, tracks, _alone if alone else _here)
    records = [record for run in scan_runs(root)[0] for record in run.records]
    judged = []
    for case, track in zip(cases, tracks, strict=True):
        own = [record for record in records if record.track == track.name]
        harms = _harms_once(own, track, root, pages=pages) if own else ()
        judged.append(Judged(case, tuple(faults[track.name]), any(r.method.role == "method" for r in own), harms))
    assert _outside(root) == before, "something was written outside the folder of results"
    return judged


def _faults(root: Path, tracks: Sequence[object], work_on: Callable) -> dict[str, list[str]]:
    whole = examination.in_processes
    examination.in_processes = lambda work, tasks, *, died, **_: _each_once(work_on, work, tasks, died)
    try:
        found = verification.verify_results(root, tracks)
    finally:
        examination.in_processes = whole
    faults = defaultdict(list)
    for fault in found.faults:
        assert str(fault).isprintable()
        faults[Path(fault.file).parts[0]].append(fault.what)
    return faults


def _here(work: Callable, tasks: Sequence, _: Callable) -> list:
    return [work(task) for task in tasks]


def _alone(work: Callable, tasks: Sequence, died: Callable) -> list:
    kept = parallel.MOST_MEMORY, parallel.MOST_SECONDS
    parallel.MOST_MEMORY, parallel.MOST_SECONDS = MEMORY, SECONDS
    try:
        return parallel.in_processes(work, tasks, jobs=1, died=died)
    finally:
        parallel.MOST_MEMORY, parallel.MOST_SECONDS = kept


_KNOWN: dict[str, object] = {}


def _each_once(work_on: Callable, work: Callable, tasks: Sequence, died: Callable) -> list:
    """Do tasks; score files examined before, beside an equal record of another track, are not examined again."""
    keys = [examination._memory_key(task) or f"task {number}" for number, task in enumerate(tasks)]
    known = {key: _KNOWN[key] for key in keys if key in _KNOWN}
    new = {key: task for key, task in zip(keys, tasks, strict=True) if key not in known}
    known |= dict(zip(new, work_on(work, list(new.values()), died), strict=True))
    _KNOWN.update({key: known[key] for key in new if not key.startswith("task ")})
    return [known[key] for key in keys]


def _outside(root: Path) -> list[str]:
    return sorted(str(path) for path in root.parent.iterdir())


_SHOWN: dict[str, tuple[str, ...]] = {}


def _harms_once(records: Sequence[object], track: object, root: Path, *, pages: bool) -> tuple[str, ...]:
    """Show records; a teacher that is left alone is shown once, for it is the same beside all that cannot be read."""
    if any(record.method.role == "method" for record in records):
        return _harms(records, track, root, pages=pages)
    runs = [dump_run(replace(record.run, track="")) for record in records]
    key = repr((pages, replace(track, name=""), runs, [dump_record(record) for record in records]))
    if key not in _SHOWN:
        _SHOWN[key] = _harms(records, track, root, pages=pages)
    return _SHOWN[key]


def _harms(records: Sequence[object], track: object, root: Path, *, pages: bool) -> tuple[str, ...]:
    try:
        return harms_of(standings_of(records, track), root, pages=pages)
    except Exception as error:  # noqa: BLE001 - whatever is raised is what the test is after
        return (f"it cannot be shown: {type(error).__name__}: {str(error)[:200]}",)


def harms_of(board: Standings, results: Path, *, pages: bool = True) -> tuple[str, ...]:
    """Return what is wrong with how standings are shown: whatever is not text, and whatever cannot be shown."""
    harms = []
    for measurements in (False, True):
        sheet = sheet_of((board,), measurements=measurements)
        harms += _harms_of_csv(csv_text(sheet))
        harms += _harms_of_json(json_text(sheet))
    harms += _harms_of_markdown(standings_markdown(board))
    harms += _harms_of_latex(standings_latex(board))
    written = io.StringIO()
    Console(file=written, width=100, color_system=None, highlight=False).print(standings_group(board))
    harms += [f"the terminal gets {bad}" for bad in _invisible(written.getvalue())]
    records = [result.record for entry in board.entries for result in entry.results.values()]
    for dataset in board.track.datasets:
        alone = standings_of(records, board.track, dataset=dataset)
        for text in (csv_text(sheet_of((alone,))), standings_latex(alone)):
            harms += [f"a table gets {bad}" for bad in _invisible(text)]
    return tuple(harms + (_harms_of_pages(board, results) if pages else []))


def _harms_of_pages(board: Standings, results: Path) -> list[str]:
    whole = charts.roc_svg
    charts.roc_svg = _drawn_once
    try:
        shown = [method_page(entry, board, sources=Sources(results)) for entry in board.entries]
        shown += [dataset_page(dataset, board, sources=Sources(results)) for dataset in board.track.datasets]
    finally:
        charts.roc_svg = whole
    return [harm for page in shown for harm in _harms_of_page(page)]


_DRAW = charts.roc_svg
_DRAWN: dict[str, str] = {}


def _drawn_once(curves: Sequence[charts.Curve]) -> str:
    """Draw curves; those drawn before, with the same words, are not drawn again, for that takes long."""
    parts = [getattr(curve, part.name) for curve in curves for part in fields(curve)]
    key = repr([part.tobytes() if hasattr(part, "tobytes") else part for part in parts])
    if key not in _DRAWN:
        _DRAWN[key] = _DRAW(curves)
    return _DRAWN[key]


def _invisible(text: str) -> list[str]:
    return [
        f"U+{ord(character):04X}" for character in text if not character.isprintable() and character not in "\n\xa0"
    ][:1]


def _harms_of_csv(text: str) -> list[str]:
    rows = list(csv.reader(io.StringIO(text)))
    harms = [f"CSV holds {bad}" for bad in _invisible(text)]
    if len({len(row) for row in rows}) != 1:
        harms.append("rows of the CSV have different lengths")
    for cell in (cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))):
        try:
            float(cell)
        except ValueError:
            harms.append(f"a spreadsheet computes {cell[:40]}")
    return harms


def _harms_of_json(text: str) -> list[str]:
    json.loads(text, parse_constant=_refuse)
    return [f"JSON holds {bad}" for bad in _invisible(text)]


def _refuse(text: str) -> None:
    raise ValueError(text)


def _harms_of_markdown(text: str) -> list[str]:
    harms = [f"Markdown holds {bad}" for bad in _invisible(text)]
    bare = re.sub(r"\\[\\`*_\[\]<>|~&#@!$:]", "", text)
    harms += [f"Markdown has markup of others: {found!r}" for found in re.findall(r"<|\]\(|!\[|`|www\.|://", bare)[:1]]
    table = [line for line in bare.splitlines() if line.startswith("|")]
    return harms + (["cells of the Markdown table are torn"] if len({line.count("|") for line in table}) > 1 else [])


def _harms_of_latex(text: str) -> list[str]:
    harms = [f"LaTeX holds {bad}" for bad in _invisible(text)]
    body = [line for line in text.splitlines() if not line.startswith("% ")]
    used = {
        name
        for line in body
        for name in re.findall(r"\\([A-Za-z]+)", line.replace("\\\\", " ").replace("{\\char34}", " "))
    }
    harms += [f"LaTeX runs \\{name}" for name in sorted(used - COMMANDS - {"$"})[:1] if name]
    for line in body:
        rest = re.sub(r"\\[{}$&#_%\\]", "", line)
        if "%" in rest or "#" in rest or rest.count("$") % 2 or rest.count("{") != rest.count("}"):
            harms.append(f"LaTeX is torn: {line[:80]}")
    return harms


class _Page(HTMLParser):
    """What of a page could act: elements, attributes of events, and where it would go."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.harms: list[str] = []
        self.scripts = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        if tag in {"iframe", "object", "embed", "base", "form", "img-x", "audio", "video"}:
            self.harms.append(f"a page has <{tag}>")
        for name, value in attrs:
            target = (value or "").strip().lower()
            if name.startswith("on") or name in {"srcdoc", "formaction", "style"}:
                self.harms.append(f"a page has the attribute {name}")
            far = ":" in target and not target.startswith(("data:image/png;base64,", "https://", "http://"))
            if name in {"href", "src", "action", "xlink:href"} and (far or target.startswith("//")):
                self.harms.append(f"a page leads to {target[:60]}")
            if (
                tag in {"img", "script", "link"}
                and name in {"src", "href"}
                and not target.startswith("data:image/png;")
            ):
                self.harms.append(f"a page asks for {target[:60]}")


def _harms_of_page(text: str) -> list[str]:
    read = _Page(text)
    harms = [*read.harms, *(f"a page holds {bad}" for bad in _invisible(text))]
    return harms + ([f"a page has {read.scripts} scripts"] if read.scripts > 1 else [])


def summary(judged: Sequence[Judged]) -> str:
    """Say how many were refused and how many shown."""
    refused = sum(one.outcome == REFUSED for one in judged)
    unreadable = sum(not one.readable for one in judged)
    return f"{len(judged)} files: {refused} refused ({unreadable} unreadable), {len(judged) - refused} shown as text"
