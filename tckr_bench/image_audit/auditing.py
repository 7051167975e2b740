"""An audit of synthetic images from beginning to end: read, pair, score, judge, check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tckr_bench.image_audit import checks
from tckr_bench.image_audit.folders import count_released, distinct, read_folder
from tckr_bench.image_audit.judging import judge_pairs
from tckr_bench.image_audit.outcome import AuditedImages, FolderCounts, ImageAudit, ScoreFound, Trace
from tckr_bench.image_audit.pairing import CONFIDENCE, count_pairs, pair_up
from tckr_bench.image_audit.scoring import score_images
from tckr_bench.seeds import derive_seed
from tckr_bench.stats import auc_interval

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tckr_bench.image_audit.folders import AuditFolders, DistinctImages, ReadFolder
    from tckr_bench.image_audit.outcome import AuditCheck, DatasetTest, PairCounts
    from tckr_bench.image_audit.scoring import ImageScores
    from tckr_bench.records import Images, Indices

    Watch = Callable[[str], AbstractContextManager[Callable[[float], None]]]

CLOSEST = 12
_SHAPES_APART = 1.1
"""How many times as wide for its height a median image may be before squeezing both to squares is said."""


@dataclass(frozen=True)
class _Compared:
    """The training and the hold-out image of every pair, in order, and the references."""

    members: ReadFolder
    others: ReadFolder
    references: ReadFolder

    @property
    def examples(self) -> Images:
        """The images of the members, then those of the others."""
        return np.concatenate([self.members.images, self.others.images])


def audit_folders(folders: AuditFolders, *, delta: float, seed: int, watch: Watch) -> AuditedImages:
    """Read three folders and tell whether the training images leave a trace in the synthetic ones.

    Raises:
        DatasetError: an image cannot be decoded, or too few are left once shared pictures are out.
    """
    synthetic, train, holdout = _read(folders, watch)
    apart = distinct(train, holdout)
    counts = count_pairs(len(apart.train), len(apart.holdout), delta=delta)
    compared = _draw(apart, counts, seed)
    with watch("scores of the images") as progress:
        scores = _score(compared, synthetic.images, progress)
    judged = judge_pairs(scores.features, delta=delta, seed=derive_seed("image-audit-flips", seed))
    found = _check(compared, scores, delta=delta, seed=seed, watch=watch)
    audit = ImageAudit(
        answer=answer_of(judged.test, found),
        folders=_counts(folders, apart, synthetic),
        pairs=counts,
        found=judged.test,
        scores=_each(scores, counts),
        checks=found,
        remarks=tuple(_remarks(synthetic, compared.members, counts=counts, left=len(apart.train))),
        delta=delta,
        seed=seed,
    )
    return AuditedImages(audit, judged.members, judged.others, _closest(scores, compared.members, synthetic))


def _counts(folders: AuditFolders, apart: DistinctImages, synthetic: ReadFolder) -> FolderCounts:
    listed = (folders.synthetic, folders.train, folders.holdout)
    return FolderCounts(
        synthetic=len(folders.synthetic.files),
        train=len(folders.train.files),
        holdout=len(folders.holdout.files),
        shared=apart.shared,
        repeated=apart.repeated,
        ignored=sum(folder.ignored for folder in listed),
        released=count_released(synthetic, apart.train),
        released_holdout=count_released(synthetic, apart.holdout),
    )


def answer_of(test: DatasetTest, found: tuple[AuditCheck, ...]) -> Trace:
    """Return what the test and the checks come to; a failed check that voids leaves nothing to say."""
    if any(check.voids and not check.passed for check in found):
        return "not enough evidence"
    if test.p_value <= 1 - CONFIDENCE or test.epsilon.value > 0:
        return "trace"
    return "no trace" if all(check.passed for check in found) else "not enough evidence"


def _read(folders: AuditFolders, watch: Watch) -> list[ReadFolder]:
    found = []
    for folder in (folders.synthetic, folders.train, folders.holdout):
        with watch(folder.name) as progress:
            found.append(read_folder(folder, progress=progress))
    return found


def _draw(apart: DistinctImages, counts: PairCounts, seed: int) -> _Compared:
    pairing = pair_up(len(apart.train), len(apart.holdout), counts=counts, seed=seed)
    return _Compared(apart.train[pairing.members], apart.holdout[pairing.others], apart.holdout[pairing.references])


def _score(compared: _Compared, synthetic: Images, progress: Callable[[float], None]) -> ImageScores:
    references = compared.references.images
    return score_images(compared.examples, synthetic=synthetic, references=references, progress=progress)


def _check(
    compared: _Compared, scores: ImageScores, *, delta: float, seed: int, watch: Watch
) -> tuple[AuditCheck, ...]:
    """Return the outcome of every control."""
    files = np.concatenate([compared.members.files, compared.others.files])
    with watch("training and hold-out images alone") as progress:
        pictures = checks.blind_to_pictures(compared.examples, progress=progress)
    with watch("training images as if synthetic") as progress:
        released = _score(compared, compared.members.images, progress)
    return (
        pictures,
        checks.blind_to_files(files, seed=seed),
        checks.shuffled(scores.features, seed=seed),
        checks.copies_are_found(released.features, delta=delta, seed=seed),
    )


def _each(scores: ImageScores, counts: PairCounts) -> tuple[ScoreFound, ...]:
    members = np.arange(2 * counts.pairs) < counts.pairs
    lines = zip(scores.labels, scores.threat_models, scores.values, strict=True)
    return tuple(ScoreFound(label, model.sees, model.owns, auc_interval(row, members)) for label, model, row in lines)


def _closest(scores: ImageScores, members: ReadFolder, synthetic: ReadFolder) -> Indices:
    """Return the training images nearest a synthetic one, and that one, as places among the listed files, (k, 2)."""
    order = np.argsort(-scores.values[0][: len(members)], kind="stable")[:CLOSEST]
    return np.stack([members.places[order], synthetic.places[scores.nearest[order]]], axis=1)


def _remarks(synthetic: ReadFolder, members: ReadFolder, *, counts: PairCounts, left: int) -> list[str]:
    """Say what weakens the audit."""
    remarks = []
    if counts.pairs < left:
        remarks.append(
            f"{counts.pairs:,} of the {left:,} training images were compared, drawn at random; a larger hold-out, "
            "up to four thirds as many images, compares more."
        )
    widths = [float(np.median(part.files[:, 0] / part.files[:, 1])) for part in (synthetic, members)]
    if max(widths) / min(widths) > _SHAPES_APART:
        remarks.append(
            f"The synthetic images are {widths[0]:.2f} times as wide as high, the training images {widths[1]:.2f} "
            "times; all are squeezed to squares, and copies that were cropped may be missed."
        )
    return remarks
