"""What limits the measurements of a row: signs for narrow tables, words, and why it matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tckr_bench.judging.rows import Row

MARKS = {
    "paper": ("T", "epochs chosen on the test set"),
    "images": ("I", "generator pretrained on these images"),
    "classes": ("C", "generator pretrained on these classes"),
    "unknown": ("?", "generator's pretraining unknown"),
}
"""What limits a row, by protocol or contamination: a sign for narrow tables, and words."""
EXPLANATIONS = {
    "paper": "the kept epoch is the one that did best on the test set, which flatters accuracy; such rows are never "
    "ranked",
    "images": "the base generator was pretrained on images of this dataset, so the synthetic images may repeat them "
    "without any adaptation",
    "classes": "the base generator was pretrained on other images of these classes, which a private dataset would "
    "not offer",
    "unknown": "what the base generator was pretrained on is not known in full; this dataset may have been in it",
}


def limits(row: Row) -> tuple[str, ...]:
    """Return what limits a row, as keys of `MARKS`: its protocol, and its generator's contamination."""
    return tuple(key for key in (row.protocol, row.contamination) if key in MARKS)


def explained(keys: Iterable[str]) -> tuple[tuple[str, str, str], ...]:
    """Return sign, words and explanation of limits, each once, in the order of `MARKS`."""
    found = set(keys)
    return tuple((*MARKS[key], EXPLANATIONS[key]) for key in MARKS if key in found)
