"""Render a run as one self-contained page, beside the leaderboard as CSV and Markdown.

Every measurement shown is recomputed from the saved evidence; where the run says something else, the page
says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tckr_bench.errors import storage_error
from tckr_bench.judging.caveats import caveats
from tckr_bench.judging.reported import LABEL, PAPER, TITLE, differences, reported_table
from tckr_bench.judging.rows import build_leaderboard
from tckr_bench.results.verify import verified
from tckr_bench.show.audit import threat_models
from tckr_bench.show.pages import dataset_page
from tckr_bench.show.tables import (
    MARKS,
    fixed_parts,
    leaderboard_csv,
    leaderboard_markdown,
    legend_of_limits,
    limits,
)
from tckr_bench.text import duration, plain, short_names, size

if TYPE_CHECKING:
    from pathlib import Path

    from tckr_bench.judging.rows import Leaderboard, Row
    from tckr_bench.results.verify import Verified

REPORT_FILE, CSV_FILE, MARKDOWN_FILE = "report.html", "leaderboard.csv", "leaderboard.md"


def verified_leaderboard(found: Verified) -> Leaderboard:
    """Build the leaderboard of a verified run; a dataset with a measurement that does not match is not trusted."""
    wrong: dict[str, int] = {}
    for mismatch in found.mismatches:
        wrong[mismatch.dataset] = wrong.get(mismatch.dataset, 0) + 1
    doubts = {
        dataset: [
            f"{count} {'measurement does' if count == 1 else 'measurements do'} not follow from the saved evidence"
        ]
        for dataset, count in wrong.items()
    }
    return build_leaderboard(found.run, control_limits=found.control_limits, doubts=doubts)


def render_report(run: Path, *, found: Verified | None = None) -> Path:
    """Write report.html, leaderboard.csv and leaderboard.md into a run folder and return the page's path.

    `found` is what `verified(run)` returned, where it is at hand already.

    Raises:
        RunError: the folder holds no readable run.
        StoreError: the files cannot be written.
    """
    found = found or verified(run)
    folder = found.run.folder
    leaderboard = verified_leaderboard(found)
    texts = {
        REPORT_FILE: _page(found, leaderboard),
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


def _page(found: Verified, leaderboard: Leaderboard) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("tckr_bench.show"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"plain": plain, "duration": duration, "bytes": size, "code": _code, "limits": _limits}
    names, _ = short_names(leaderboard.methods)
    pages = [dataset_page(found, board, names=names) for board in leaderboard.boards]
    return environment.get_template("report.html").render(
        leaderboard=leaderboard,
        information=found.run.information,
        pages=pages,
        names=names,
        revised=found.revised,
        mismatches=[str(mismatch) for mismatch in found.mismatches],
        caveats=caveats(leaderboard),
        fixed=fixed_parts(leaderboard),
        uses=_uses(leaderboard),
        legend=legend_of_limits(leaderboard),
        reported=[table for board in leaderboard.boards if (table := reported_table(board)) is not None],
        reported_words={"title": TITLE, "label": LABEL, "paper": PAPER, "differences": differences()},
        threat_models=threat_models(leaderboard, names),
    )


def _limits(row: Row) -> list[str]:
    return [MARKS[key][1] for key in limits(row)]


def _code(value: Any) -> str:  # noqa: ANN401 - options hold any JSON value
    return plain(value if isinstance(value, str) else repr(value))


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
