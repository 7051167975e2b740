"""An audit of images in words: the answer first, then what it rests on, and what it leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.image_audit.folders import SIDE
from tckr_bench.image_audit.pairing import CONFIDENCE
from tckr_bench.image_audit.scoring import SCORES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tckr_bench.image_audit.folders import AuditFolders
    from tckr_bench.image_audit.outcome import AuditCheck, ImageAudit, PairCounts

COVERED = (
    (
        "It holds if training and hold-out images are a random division of one pool: who of a pair was trained on is "
        "then a fair coin. The checks notice many a difference between the folders, and not every one."
    ),
    (
        "The p-value and the bound on epsilon hold together with 95 % confidence. Half of the pairs taught how to "
        "tell, and how many guesses to make; the other half was judged once."
    ),
    (
        "Epsilon is that of replacing one training image by another; of adding or leaving one out, the bound is half "
        "as high. It covers everything between the training images and this folder, and is no upper bound."
    ),
)
LEFT_OUT = (
    (
        "Attacks that repeat the making of the images, or see its model, captions or students, may find more: "
        "`tckr-bench run --matrix audit` makes some."
    ),
    "It speaks of the images as a whole: where the whole leaves no trace, a few may still be copied.",
    f"Images are compared at {SIDE} pixels a side; copies that were turned or recoloured may be missed.",
)


def headline(audit: ImageAudit) -> str:
    """Return the answer as one sentence."""
    if audit.answer == "trace":
        return "Your training images leave a trace in the synthetic images."
    if audit.answer == "no trace":
        return "Your training images leave no trace in the synthetic images that this audit can find."
    if audit.void:
        return "This audit is void: a check failed without which its measurements mean nothing."
    return "This audit finds nothing, and could not have found copies either: there is not enough evidence."


def findings(audit: ImageAudit) -> tuple[str, ...]:
    """Say what was measured, a sentence each; where the audit is void, why first."""
    found, pairs = audit.found, audit.pairs
    auc = found.auc
    return (
        *(f"{check.name[0].upper()}{check.name[1:]}: {check.reason}." for check in audit.void),
        (
            f"By the synthetic images, a training image is told from a hold-out image in {100 * auc.value:.1f} of 100 "
            f"pairs (95 %: {100 * auc.low:.1f} to {100 * auc.high:.1f}; 50 is guessing)."
        ),
        (
            f"Had none of them been used, as much would be told with p = {probability(found.p_value)}; at most "
            f"{1 - CONFIDENCE:g} counts as a trace, and {pairs.judged:,} judged pairs can give "
            f"{probability(pairs.smallest_p)} at the least."
        ),
        _epsilon_sentence(audit),
        *_released(audit),
    )


def _released(audit: ImageAudit) -> Iterator[str]:
    """Say which real images are among the synthetic ones as they are."""
    folders = audit.folders
    if folders.released:
        yield f"{folders.released:,} training images are among the synthetic ones, pixel by pixel at {SIDE} a side."
    if folders.released_holdout:
        yield (
            f"{folders.released_holdout:,} hold-out images are among the synthetic ones, from which nothing may "
            "have been made: what was found is less than there is."
        )


def _epsilon_sentence(audit: ImageAudit) -> str:
    value, largest = audit.found.epsilon.value, audit.pairs.largest_epsilon
    most = f"so many pairs can refute up to {largest:.2f}"
    if value == 0:
        return f"No epsilon of differential privacy is refuted; {most}."
    return (
        f"Whatever made these images is not differentially private with an epsilon below {value:.2f} "
        f"({100 * CONFIDENCE:g} % confidence, delta {audit.delta:g}); {most}."
    )


def counted(audit: ImageAudit) -> tuple[str, ...]:
    """Say what was compared and what was left out, a sentence each."""
    folders, pairs = audit.folders, audit.pairs
    return (
        f"{folders.synthetic:,} synthetic, {folders.train:,} training and {folders.holdout:,} hold-out images.",
        f"{pairs.pairs:,} pairs of a training and a hold-out image, {pairs.judged:,} of them judged.",
        f"{pairs.references:,} hold-out images stood apart, to tell how near images lie to others like them anyway.",
        *_left_out(audit),
        *audit.remarks,
    )


def _left_out(audit: ImageAudit) -> Iterator[str]:
    folders = audit.folders
    if folders.shared:
        one = folders.shared == 1
        yield (
            f"{folders.shared:,} picture{' was' if one else 's were'} in both the training and the hold-out folder and "
            f"{'was' if one else 'were'} left out of both."
        )
    if folders.repeated:
        yield f"{folders.repeated:,} further copies of pictures within a folder were left out."
    if folders.ignored:
        yield f"{folders.ignored:,} files in the folders are no images and were passed over."


def plan_sentences(folders: AuditFolders, pairs: PairCounts) -> tuple[str, ...]:
    """Say what an audit will do before it does it."""
    listed = (folders.synthetic, folders.train, folders.holdout)
    total = sum(len(folder.files) for folder in listed)
    return (
        *(f"{folder.name}: {len(folder.files):,} in {folder.root}" for folder in listed),
        (
            f"To do: decode {total:,} images to {SIDE} pixels a side, score {pairs.pairs:,} pairs of a training and a "
            f"hold-out image by {len(SCORES)} attacks, learn from half, judge {pairs.judged:,}; then 4 checks."
        ),
        (
            f"So many can give a p-value of {probability(pairs.smallest_p)} at the least, and refute an epsilon of "
            f"{pairs.largest_epsilon:.2f} at the most."
        ),
    )


def probability(value: float) -> str:
    """Return a p-value with as many digits as say something.

    >>> probability(0.0001), probability(0.2914), probability(1.0)
    ('0.0001', '0.29', '1')
    """
    return f"{value:.2g}"


def outcome_word(check: AuditCheck) -> str:
    """Return whether a check came out as it must, in a word."""
    return "passed" if check.passed else "failed"
