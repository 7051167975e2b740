"""Whether a dataset gives what it says it gives: asked once, where it is decoded, and blamed by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.errors import DatasetError
from tckr_bench.records import LabelledImages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.records import DatasetDescription, Split

NEEDED_SPLITS: tuple[Split, ...] = ("train", "test")


def check_description(label: str, description: DatasetDescription) -> None:
    """Check what a dataset says of itself before an image is decoded.

    Raises:
        DatasetError: fewer than two classes, a class without a name or with that of another, or a split without images.
    """
    names = description.class_names
    if len(names) < 2:
        raise DatasetError(f"dataset '{label}' has {len(names)} class; a classifier needs two or more")
    for index, name in enumerate(names):
        if not str(name).strip():
            raise DatasetError(f"dataset '{label}' has no name for its class {index}; every class needs one")
        if name in names[:index]:
            raise DatasetError(f"dataset '{label}' has two classes called '{name}'; give one of them another name")
    for split in NEEDED_SPLITS:
        if not description.counts.get(split):
            raise DatasetError(f"dataset '{label}' has no images in its {split} split")


def checked_split(
    label: str, description: DatasetDescription, split: Split, *, found: LabelledImages, size: int
) -> LabelledImages:
    """Return a decoded split with its labels as int64.

    Raises:
        DatasetError: it is not as many images as described, of shape (n, size, size, 3) uint8, each with the index of
            a class.
    """
    import numpy as np

    images, labels = np.asarray(found.images), np.asarray(found.labels)
    expected = (description.counts.get(split, 0), size, size, 3)
    where = f"the {split} split of dataset '{label}'"
    if len(images) != expected[0]:
        raise DatasetError(f"{where} has {len(images):,} images and says it has {expected[0]:,}; the two must agree")
    if images.shape != expected or images.dtype != np.uint8:
        raise DatasetError(
            f"{where} gives images of shape {images.shape} {images.dtype}; shape {expected} uint8 was asked for"
        )
    if labels.shape != expected[:1] or labels.dtype.kind not in "iu":
        raise DatasetError(
            f"{where} gives labels of shape {labels.shape} {labels.dtype}; one whole number per image is needed"
        )
    classes = len(description.class_names)
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise DatasetError(
            f"{where} has labels from {labels.min()} to {labels.max()}; its {classes} classes are 0 to {classes - 1}"
        )
    return LabelledImages(images, labels.astype(np.int64, copy=False))


def checked_names(
    label: str, description: DatasetDescription, split: Split, *, found: Sequence[str]
) -> tuple[str, ...]:
    """Return what a dataset calls the files of a split.

    Raises:
        DatasetError: it does not name each image once.
    """
    where, expected = f"the {split} split of dataset '{label}'", description.counts.get(split, 0)
    if len(found) != expected:
        raise DatasetError(f"{where} names {len(found):,} images and says it has {expected:,}; the two must agree")
    if len(set(found)) < len(found):
        raise DatasetError(f"{where} gives two images one name; each needs one of its own")
    return tuple(found)
