"""Whether a generator knew a dataset before it was adapted to it: then its images are nobody's secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tckr_bench.records import Contamination, DatasetDescription, Pretraining


def judge_contamination(pretraining: Pretraining | None, dataset: DatasetDescription) -> Contamination:
    """Return what of a dataset a generator was pretrained on.

    `images` where the dataset's own images of a class it has were in the pretraining, `classes` where other images of
    such a class were, `none` where neither, and `unknown` where the pretraining is not, or not fully, known.

    >>> from tckr_bench.records import DatasetDescription, Pretraining
    >>> cats = DatasetDescription("pets", ("Cat", "dog"), {}, "", "", "", "")
    >>> judge_contamination(Pretraining({}, ("cat",), "photographs"), cats)
    'classes'
    """
    if pretraining is None:
        return "unknown"
    classes = _normalised(dataset.class_names)
    if classes & _normalised(pretraining.images_of.get(dataset.name, ())):
        return "images"
    if not pretraining.known:
        return "unknown"
    return "classes" if classes & _normalised(pretraining.class_names) else "none"


def _normalised(names: Iterable[str]) -> set[str]:
    """Return class names as they compare: lower case, without separators."""
    return {"".join(letter for letter in name.lower() if letter.isalnum()) for name in names}
