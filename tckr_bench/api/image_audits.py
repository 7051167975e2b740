"""An audit of synthetic images by the folders they are in: planned, carried out, and written as one page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.api.watching import Watch, unwatched
from tckr_bench.errors import OptionError, storage_error
from tckr_bench.image_audit.auditing import audit_folders
from tckr_bench.image_audit.folders import AuditFolders, list_folders
from tckr_bench.image_audit.outcome import PairCounts
from tckr_bench.image_audit.pairing import count_pairs
from tckr_bench.image_audit.scoring import uses

if TYPE_CHECKING:
    from tckr_bench.image_audit.outcome import ImageAudit


@dataclass(frozen=True)
class AuditRequest:
    """An audit as it is asked for.

    Attributes:
        synthetic: folder of the synthetic images.
        train: folder of the images they were made from.
        holdout: folder of images of the same source that nothing was made from.
        page: file to write, an HTML page; None for none.
        delta: of the differential privacy whose epsilon is bounded.
        seed: of the pairs.
        show_real_images: whether the page shows training images.

    Raises:
        OptionError: delta is out of range, or real images are to be shown where there is no page.
    """

    synthetic: Path
    train: Path
    holdout: Path
    page: Path | None = None
    delta: float = 1e-5
    seed: int = 0
    show_real_images: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.delta < 1:
            raise OptionError(f"a delta of {self.delta:g} is not possible; give 0 or more, and less than 1")
        if self.show_real_images and self.page is None:
            raise OptionError("real images can be shown on a page alone, and none was asked for; name one")


@dataclass(frozen=True)
class PlannedImageAudit:
    """An audit whose folders have been listed, with how much they can tell at the most."""

    request: AuditRequest
    folders: AuditFolders
    pairs: PairCounts


def plan_image_audit(request: AuditRequest) -> PlannedImageAudit:
    """List the folders and count the pairs; no image is opened.

    Raises:
        DatasetError: a folder is missing, empty, another one or within another; or there are too few images.
        PluginError: an attack that it takes is not installed.
        StoreError: the page cannot be written where it is to be.
    """
    uses()
    folders = list_folders(request.synthetic, train=request.train, holdout=request.holdout)
    pairs = count_pairs(len(folders.train.files), len(folders.holdout.files), delta=request.delta)
    if request.page is not None:
        _open_page(request.page)
    return PlannedImageAudit(request, folders, pairs)


def carry_out_audit(planned: PlannedImageAudit, *, watch: Watch = unwatched) -> ImageAudit:
    """Audit, write the page if one is asked for, and return what was found.

    Raises:
        DatasetError: an image cannot be decoded, or too few are left once shared pictures are out.
        StoreError: the page cannot be written.
    """
    from tckr_bench.leaderboard.site.image_audit_page import image_audit_page, nearest_pictures

    request = planned.request
    found = audit_folders(planned.folders, delta=request.delta, seed=request.seed, watch=watch)
    if request.page is not None:
        pictures = nearest_pictures(found, planned.folders) if request.show_real_images else ()
        try:
            request.page.write_text(image_audit_page(found, pictures=pictures), encoding="utf-8")
        except OSError as error:
            raise storage_error(error, f"cannot write the page '{request.page}'") from error
    return found.audit


def _open_page(page: Path) -> None:
    """See that a page can be written before anything long begins."""
    if page.is_dir():
        raise OptionError(f"'{page}' is a folder; name a file for the page, such as '{page / 'image-audit.html'}'")
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        there = page.exists()
        with page.open("a", encoding="utf-8"):
            pass
        if not there:
            page.unlink()
    except OSError as error:
        raise storage_error(error, f"cannot write the page '{page}'") from error
