"""The page of an audit of images: one HTML document that asks for nothing outside itself."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.datasets import decode_images
from tckr_bench.leaderboard.site.entry_charts import Chart
from tckr_bench.leaderboard.site.frame import render, static
from tckr_bench.leaderboard.site.galleries import Picture, beside_png
from tckr_bench.show import charts
from tckr_bench.show.chart_parts import SERIES
from tckr_bench.show.image_audit_words import COVERED, LEFT_OUT, counted, findings, headline, probability
from tckr_bench.show.shown import Shown
from tckr_bench.stats import roc_curve
from tckr_bench.text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tckr_bench.image_audit.folders import AuditFolders, ListedFolder
    from tckr_bench.image_audit.outcome import AuditedImages, ImageAudit
    from tckr_bench.records import Estimate, Images

TITLE = "Audit of synthetic images"
_PICTURE_SIDE = 96
_HEADINGS = ("AUC",)


@dataclass(frozen=True)
class _Tile:
    title: str
    value: str
    beside: str


@dataclass(frozen=True)
class _Table:
    headings: tuple[str, ...]
    lines: tuple[tuple[str, str, tuple[Shown, ...]], ...]


def image_audit_page(found: AuditedImages, *, pictures: Sequence[Picture] = ()) -> str:
    """Return the page of an audit: the answer, measurements, checks, charts, and what is not covered."""
    audit = found.audit
    return render(
        "image_audit.html",
        title=TITLE,
        depth=0,
        what="image audit",
        styles=(static("pages.css"),),
        audit=audit,
        headline=headline(audit),
        findings=findings(audit),
        counted=counted(audit),
        covered=COVERED,
        left_out=LEFT_OUT,
        tiles=_tiles(audit),
        scores=_score_table(audit),
        roc=_roc(found),
        histogram=_histogram(found),
        pictures=pictures,
    )


def nearest_pictures(found: AuditedImages, folders: AuditFolders) -> tuple[Picture, ...]:
    """Return the training images nearest a synthetic one, beside it, as pictures that name no file.

    Raises:
        DatasetError: an image cannot be decoded any more.
    """
    sides = [
        _decoded(folder, found.closest[:, column].tolist())
        for column, folder in enumerate((folders.train, folders.synthetic))
    ]
    pictures = []
    for place, (real, synthetic) in enumerate(zip(*sides, strict=True), start=1):
        png = base64.b64encode(beside_png([real, synthetic], height=1)).decode("ascii")
        pictures.append(Picture(f"data:image/png;base64,{png}", f"{place}", ""))
    return tuple(pictures)


def _decoded(folder: ListedFolder, places: Sequence[int]) -> Images:
    paths: list[Path] = [folder.root / folder.files[place] for place in places]
    sources = [folder.opener(place) for place in places]
    return decode_images(sources, names=[str(path) for path in paths], size=_PICTURE_SIDE)


def _tiles(audit: ImageAudit) -> tuple[_Tile, ...]:
    found, pairs = audit.found, audit.pairs
    return (
        _Tile(
            "p-value that none was used", probability(found.p_value), f"least possible {probability(pairs.smallest_p)}"
        ),
        _Tile("AUC, all scores together", f"{found.auc.value:.3f}", f"95 %: {_reach(found.auc)}; 0.5 is guessing"),
        _Tile("epsilon is at least", f"{found.epsilon.value:.2f}", f"highest possible {pairs.largest_epsilon:.2f}"),
    )


def _score_table(audit: ImageAudit) -> _Table:
    together = ("all together", "judged pairs alone, by what the others taught", (_shown(audit.found.auc),))
    each = ((plain(it.score), f"owns {plain(it.owns)}", (_shown(it.auc),)) for it in audit.scores)
    return _Table(_HEADINGS, (together, *each))


def _shown(estimate: Estimate) -> Shown:
    return Shown(f"{estimate.value:.3f}", _reach(estimate))


def _reach(estimate: Estimate) -> str:
    return f"{estimate.low:.3f} to {estimate.high:.3f}"


def _roc(found: AuditedImages) -> Chart:
    scores = np.concatenate([found.members, found.others])
    curve = roc_curve(scores, np.arange(len(scores)) < len(found.members))
    rates = (curve.false_positive_rates, curve.true_positive_rates)
    svg = charts.roc_svg([charts.Curve("all scores together", "method", *rates, SERIES[0])])
    return Chart(svg, "ROC curve of all scores together, on the judged pairs.")


def _histogram(found: AuditedImages) -> Chart:
    svg = charts.histogram_svg([charts.ScoreSample("all scores together", found.members, found.others)])
    return Chart(svg, "Histogram of all scores together, of the judged training and hold-out images.")
