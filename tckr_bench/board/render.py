"""Render a run as one self-contained page, beside the leaderboard as CSV and Markdown.

Every figure shown is recomputed from the saved evidence; where results.json says something else, the page
says so.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tckr_bench.board import rank
from tckr_bench.board.answer import answer
from tckr_bench.board.caveats import caveats
from tckr_bench.board.paired import ordinary, paired_differences
from tckr_bench.board.rank import build_leaderboard
from tckr_bench.board.reported import LABEL, PAPER, TITLE, differences, reported_table
from tckr_bench.board.tables import (
    MARKS,
    fixed_parts,
    leaderboard_csv,
    leaderboard_markdown,
    legend_of_limits,
    limits,
    method_label,
)
from tckr_bench.board.text import NOTHING, duration, listing, percent, plain, short_names, signed, size, span
from tckr_bench.board.verify import key_of, recompute_figures, samples_of, verified, verify_run
from tckr_bench.errors import RunError, storage_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tckr_bench.board.charts import Curve, Point
    from tckr_bench.board.estimates import Estimate
    from tckr_bench.board.rank import DatasetBoard, Leaderboard, Row
    from tckr_bench.board.verify import Verified
    from tckr_bench.records import Role

REPORT_FILE, CSV_FILE, MARKDOWN_FILE = "report.html", "leaderboard.csv", "leaderboard.md"
MOST_PAIRS = 12

__all__ = ["recompute_figures", "render_report", "verified_leaderboard", "verify_run"]


@dataclass(frozen=True)
class Shown:
    """A number as the page shows it: the value, its interval beneath, and the spread between seeds."""

    value: str
    interval: str = ""
    spread: str = ""


@dataclass(frozen=True)
class Pair:
    """A real image beside the synthetic one made from its caption, as a data URI, with caption and class."""

    picture: str
    caption: str
    name: str


@dataclass(frozen=True)
class Gallery:
    """Pairs of one method."""

    method: str
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Page:
    """What the template shows of one dataset."""

    board: DatasetBoard
    sentences: tuple[str, ...]
    tiles: tuple[tuple[str, Shown], ...]
    rows: tuple[tuple[Row, str, tuple[Shown, ...]], ...]
    scatter: str
    roc: str
    beyond: str
    galleries: tuple[Gallery, ...]
    faults: tuple[str, ...]
    attacks: tuple[str, ...]
    by_attack: tuple[tuple[str, tuple[tuple[Shown, Shown], ...]], ...]
    stages: tuple[str, ...]
    costs: tuple[tuple[str, tuple[str, ...], str], ...]


def verified_leaderboard(found: Verified) -> Leaderboard:
    """Build the leaderboard of a verified run; a dataset with a figure that does not match is not trusted."""
    wrong: dict[str, int] = {}
    for mismatch in found.mismatches:
        wrong[mismatch.dataset] = wrong.get(mismatch.dataset, 0) + 1
    doubts = {
        dataset: [f"{count} {'figure does' if count == 1 else 'figures do'} not follow from the saved evidence"]
        for dataset, count in wrong.items()
    }
    return build_leaderboard(found.results, chance_limits=found.chance_limits, doubts=doubts)


def render_report(run: Path, *, found: Verified | None = None) -> Path:
    """Write report.html, leaderboard.csv and leaderboard.md into a run folder and return the page's path.

    `found` is what `verified(run)` returned, where it is at hand already.

    Raises:
        RunError: the folder holds no readable results.
        StoreError: the files cannot be written.
    """
    found = found or verified(run)
    folder = run if run.is_dir() else run.parent
    leaderboard = verified_leaderboard(found)
    texts = {
        REPORT_FILE: _page(folder, found, leaderboard),
        CSV_FILE: leaderboard_csv(leaderboard),
        MARKDOWN_FILE: leaderboard_markdown(leaderboard),
    }
    try:
        for name, text in texts.items():
            partial = folder / f"{name}.partial"
            partial.write_text(text, encoding="utf-8", newline="\n")
            partial.replace(folder / name)
    except OSError as error:
        raise storage_error(error, "writing the report") from error
    return folder / REPORT_FILE


def _page(run: Path, found: Verified, leaderboard: Leaderboard) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("tckr_bench.board"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": plain, "duration": duration, "bytes": size, "code": _code, "limits": _limits}
    names, _ = short_names(leaderboard.methods)
    pages = [
        _dataset_page(run, found, board, names=names, identity=f"d{index}")
        for index, board in enumerate(leaderboard.boards)
    ]
    return environment.get_template("report.html").render(
        leaderboard=leaderboard,
        results=found.results,
        pages=pages,
        names=names,
        mismatches=[str(mismatch) for mismatch in found.mismatches],
        caveats=caveats(leaderboard),
        fixed=fixed_parts(leaderboard),
        uses=_uses(leaderboard),
        legend=legend_of_limits(leaderboard),
        reported=[table for board in leaderboard.boards if (table := reported_table(board)) is not None],
        reported_words={"title": TITLE, "label": LABEL, "paper": PAPER, "differences": differences()},
        threat_models={label: model for page in pages for label, model in page.board.threat_models.items()},
    )


def _limits(row: Row) -> list[str]:
    return [MARKS[key][1] for key in limits(row)]


def _code(value: Any) -> str:  # noqa: ANN401 - options hold any JSON value
    return plain(value if isinstance(value, str) else repr(value))


def _dataset_page(run: Path, found: Verified, board: DatasetBoard, *, names: Mapping[str, str], identity: str) -> Page:
    galleries, faults = _galleries(run, board, names)
    attacks = tuple(board.threat_models)
    differences = _best_differences(found, board)
    stages = tuple(dict.fromkeys(stage.kind for row in board.rows for record in row.records for stage in record.stages))
    scatter, roc, beyond = _charts(found, board, names=names, identity=identity)
    return Page(
        board=board,
        sentences=answer(board, short_names([row.method for row in board.rows])[1], differences),
        tiles=_tiles(board, differences) if board.trusted else (),
        rows=tuple((row, method_label(row, names), _numbers(row)) for row in board.rows),
        scatter=scatter,
        roc=roc,
        beyond=beyond,
        galleries=galleries,
        faults=faults,
        attacks=attacks,
        by_attack=tuple(
            (
                method_label(row, names),
                tuple((_share(row.get(rank.AUC, name), 1, 3), _share(row.get(rank.TPR, name))) for name in attacks),
            )
            for row in board.rows
            if row.status != "failed"
        ),
        stages=stages,
        costs=tuple(_costs(row, method_label(row, names), stages) for row in board.rows if row.records[0].stages),
    )


def _best_differences(found: Verified, board: DatasetBoard) -> Mapping[str, Estimate]:
    """Pair the best method with its baseline by their evidence; with more than one seed nothing is paired."""
    best = board.best
    baseline = board.baseline_of(best) if best else None
    if best is None or baseline is None or len(best.seeds) != 1 or best.seeds != baseline.seeds:
        return {}
    cells = [found.evidence.get(key_of(_finished(row))) for row in (best, baseline)]
    own, reference = cells
    return paired_differences(own, reference) if own is not None and reference is not None else {}


def _finished(row: Row) -> Any:  # noqa: ANN401 - a CellRecord; the import would be for this word only
    return next(record for record in row.records if record.status == "ok")


def _share(estimate: Estimate | None, scale: float = 100, digits: int = 1) -> Shown:
    if estimate is None:
        return Shown(NOTHING)
    spread = "" if estimate.spread is None else f"seeds ± {signed(scale * estimate.spread, digits)}"
    reach = span(estimate.low, estimate.high, scale=scale, digits=digits)
    return Shown(signed(scale * estimate.value, digits), reach, spread)


def _numbers(row: Row) -> tuple[Shown, ...]:
    if row.status == "failed":
        return ()
    gap = Shown(NOTHING) if row.method.role == "baseline" else _share(row.get(rank.GAP))
    return (
        _share(row.get(rank.ACCURACY)),
        gap,
        _share(row.get(rank.AUC), 1, 3),
        _share(row.get(rank.TPR)),
        _share(row.get(rank.AOP), 1, 3),
        Shown(duration(row.making_seconds)),
    )


def _tiles(board: DatasetBoard, differences: Mapping[str, Estimate]) -> tuple[tuple[str, Shown], ...]:
    """Return the best method's numbers beside those of real data."""
    best = board.best
    if best is None:
        return ()
    baseline = board.baseline_of(best)
    tiles = [("accuracy lost, points", _share(best.get(rank.GAP)))]
    for title, metric, scale, digits in (
        ("attack's AUC", rank.AUC, 1, 3),
        ("members found at 1 % FPR, %", rank.TPR, 100, 1),
        ("AOP", rank.AOP, 1, 3),
    ):
        reference = baseline.get(metric) if baseline else None
        shown = _share(best.get(metric), scale, digits)
        beside = f"real data {signed(scale * reference.value, digits)}" if reference else ""
        change = differences.get(metric)
        reach = f"change {span(change.low, change.high, scale=scale, digits=digits)}" if change else ""
        tiles.append((title, Shown(shown.value, beside, reach)))
    return tuple(tiles)


def _charts(found: Verified, board: DatasetBoard, *, names: Mapping[str, str], identity: str) -> tuple[str, str, str]:
    from tckr_bench.board import charts

    shown: list[tuple[str, Role]] = [(row.method.name, row.method.role) for row in board.rows]
    palette = charts.colours(shown)
    points: list[Point] = []
    for row in board.rows:
        accuracy, auc = row.get(rank.ACCURACY), row.get(rank.AUC)
        if accuracy and auc:
            ends = [(part.value, part.low, part.high) for part in (accuracy, auc)]
            label = "real data" if row.method.role == "baseline" else names[row.method.name]
            points.append(charts.Point(label, row.method.role, ends[0], ends[1], palette[row.method.name]))
    curves = [
        curve
        for row in board.rows
        if row.status != "failed"
        for curve in _curve(found, row, names=names, colour=palette[row.method.name])
    ]
    scatter = charts.scatter_svg(points, identity=f"{identity}s") if points else ""
    beyond = [
        f"{point.label} ({percent(point.accuracy[0])} %, AUC {point.auc[0]:.3f})"
        for point in charts.beyond_frame(points)
    ]
    return scatter, charts.roc_svg(curves, identity=f"{identity}r") if curves else "", listing(beyond)


def _curve(found: Verified, row: Row, *, names: Mapping[str, str], colour: str) -> Sequence[Curve]:
    """Return the ROC curve of a row's first seed under the primary attack, without canaries, if any."""
    from tckr_bench import stats
    from tckr_bench.board.charts import Curve

    evidence = found.evidence.get(key_of(_finished(row)))
    attack = ordinary(evidence.attacks.get(row.primary_attack)) if evidence else None
    if attack is None:
        return []
    roc = stats.roc_curve(attack.scores, attack.members)
    label = "real data" if row.method.role == "baseline" else names[row.method.name]
    return [Curve(label, row.method.role, roc.false_positive_rates, roc.true_positive_rates, colour)]


def _galleries(run: Path, board: DatasetBoard, names: Mapping[str, str]) -> tuple[tuple[Gallery, ...], tuple[str, ...]]:
    galleries, faults = [], []
    for row in board.rows:
        for record in row.records[:1]:
            try:
                samples = samples_of(run, record)
            except RunError as error:
                faults.append(plain(f"{names[row.method.name]}: {error}"))
                continue
            if samples is not None and len(samples.prompts):
                galleries.append(Gallery(names[row.method.name], _pairs(samples, board)))
    return tuple(galleries), tuple(faults)


def _pairs(samples: Any, board: DatasetBoard) -> tuple[Pair, ...]:  # noqa: ANN401 - Samples
    """Spread the pairs over the classes: samples are ordered by class."""
    from tckr_bench.board.charts import pair_png

    count = len(samples.prompts)
    shown = sorted({round(index * (count - 1) / max(1, MOST_PAIRS - 1)) for index in range(min(count, MOST_PAIRS))})
    classes = board.description.class_names if board.description else ()
    pairs = []
    for index in shown:
        label = int(samples.labels[index])
        picture = base64.b64encode(pair_png(samples.real[index], samples.synthetic[index])).decode("ascii")
        name = plain(classes[label]) if 0 <= label < len(classes) else str(label)
        pairs.append(Pair(f"data:image/png;base64,{picture}", plain(samples.prompts[index]), name))
    return tuple(pairs)


def _costs(row: Row, label: str, stages: Sequence[str]) -> tuple[str, tuple[str, ...], str]:
    """Return CPU seconds by kind of stage and the highest peak of memory, of a row's first record."""
    used = row.records[0].stages
    cells = []
    for kind in stages:
        own = [stage.cost.cpu_seconds for stage in used if stage.kind == kind]
        cells.append(duration(sum(own)) if own else NOTHING)
    return label, tuple(cells), size(max(stage.cost.peak_memory_bytes for stage in used))


def _uses(leaderboard: Leaderboard) -> list[tuple[str, str, str, str, list[tuple[str, str]]]]:
    """List every component once: family, label, name with version, distribution, options."""
    found = {}
    for method in leaderboard.methods:
        for use in (method.captioner, method.generator, method.adapter, method.classifier):
            if use is not None:
                options = [(plain(key), _code(value)) for key, value in sorted(use.options.items())]
                what = plain(f"{use.name} {use.version}")
                found[use.family, use.label, str(options)] = (
                    plain(use.family),
                    plain(use.label),
                    what,
                    plain(use.distribution),
                    options,
                )
    return list(found.values())
