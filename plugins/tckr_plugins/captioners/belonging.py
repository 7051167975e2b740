"""Which image each caption of a file belongs to: by the name of its file, or by its place in a whole split."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tckr_plugins.captioners.files import MOST_NAMED, ByClass, ByName, BySplit, CaptionFileError, match_classes, named
from tckr_plugins.late import np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tckr_bench.records import ImageCatalogue, Indices, Labels, Split
    from tckr_plugins.captioners.files import Captions, InOrder

Given = tuple[list[str | None], list[str]]
"""A caption, or None, for every image of a catalogue, and sentences on what of the file was left over."""
_AMBIGUOUS = -1


def belonging(found: Captions, catalogue: ImageCatalogue, *, class_names: Sequence[str], path: Path) -> Given:
    """Return the caption of every image of a dataset, in the order of its catalogue; None where the file has none.

    A list is of a whole split as the dataset delivers it, or of a class in it: caption k is that of image k. What is
    left out or held out later does not shift it.

    Raises:
        CaptionFileError: a list has more or fewer captions than there are images, a class is missing, or names fit no
            image or several.
    """
    if isinstance(found, ByName):
        return _by_name(found.captions, catalogue, path=path)
    parts: Mapping[Split, ByClass | InOrder] = found.parts if isinstance(found, BySplit) else {"train": found}
    texts: list[str | None] = [None] * len(catalogue.labels)
    remarks = []
    for split, part in parts.items():
        places = np.arange(len(texts), dtype=np.int64)[catalogue.places(split)]
        if isinstance(part, ByClass):
            pools = match_classes(part.pools, class_names, path=path)
            remarks += _left_over(part, pools, path=path)
            _check_pools(pools, catalogue.labels[places], class_names, split=split, path=path)
            for label, pool in enumerate(pools):
                _put(pool, places[catalogue.labels[places] == label], texts)
        else:
            _check_list(len(part.captions), len(places), split=split, path=path)
            _put(part.captions, places, texts)
    return texts, remarks


def _put(captions: Sequence[str], places: Indices, texts: list[str | None]) -> None:
    for place, caption in zip(places.tolist(), captions, strict=True):
        texts[place] = caption


def _check_list(captions: int, images: int, *, split: Split, path: Path) -> None:
    if captions != images:
        raise CaptionFileError(
            f"{path} has {captions:,} captions for the {images:,} images of the whole {split} split, before any "
            "is held out for validation; give each image one, in the order of the dataset, or name their files"
        )


def _check_pools(
    pools: Sequence[Sequence[str]], labels: Labels, class_names: Sequence[str], *, split: Split, path: Path
) -> None:
    """Refuse classes with more or fewer captions than images: which caption is whose could not be told."""
    images = np.bincount(labels, minlength=len(pools)).tolist()
    wrong = [
        f"{len(pool):,} for {count:,} of '{name[:60]}'"
        for name, pool, count in zip(class_names, pools, images, strict=True)
        if len(pool) != count
    ]
    if wrong:
        more = f" and {len(wrong) - MOST_NAMED} more classes" if len(wrong) > MOST_NAMED else ""
        raise CaptionFileError(
            f"{path} has other numbers of captions than the whole {split} split has images: "
            f"{', '.join(wrong[:MOST_NAMED])}{more}; give each image one, in the order of its class, or name the files"
        )


def _left_over(part: ByClass, pools: Sequence[Sequence[str]], *, path: Path) -> list[str]:
    """Say which classes of a file are none of the dataset."""
    taken = {id(pool) for pool in pools}
    other = [name for name, pool in part.pools.items() if id(pool) not in taken]
    if not other:
        return []
    classes = f"{len(other):,} class{'es' if len(other) > 1 else ''}"
    return [f"{path.name} has captions of {classes} that the dataset does not have: {named(other)}"]


def _by_name(captions: Mapping[str, str], catalogue: ImageCatalogue, *, path: Path) -> Given:
    """Give each image the caption that names it: by its path in the dataset, the end of it, or a longer path.

    What is said of a caption names it by its number: what a run writes down holds no path of an image.
    """
    if not catalogue.names:
        raise CaptionFileError(
            f"{path} names files, and the images of this dataset have none; give the captions in lists, by class or in "
            "the order of the dataset"
        )
    ends = _ends(catalogue.names)
    whole = {name: place for place, name in enumerate(catalogue.names)}
    texts: list[str | None] = [None] * len(catalogue.names)
    unknown = []
    for number, (name, caption) in enumerate(captions.items(), start=1):
        place = _place(name, ends, whole)
        if place is None:
            unknown.append(number)
        elif place == _AMBIGUOUS or texts[place] is not None:
            why = "names several images" if place == _AMBIGUOUS else "names an image that another one names as well"
            raise CaptionFileError(f"caption {number} of {path} {why}; write paths from the folder of the dataset")
        else:
            texts[place] = caption
    if len(unknown) == len(captions):
        raise CaptionFileError(
            f"none of the {len(captions):,} names in {path} is of an image of the dataset; write file names, or paths "
            "from the folder of the dataset"
        )
    left = f"{len(unknown):,} of the {len(captions):,} captions of {path.name} name no image of the dataset"
    return texts, [f"{left}, the first of them caption {unknown[0]}"] if unknown else []


def _ends(names: Sequence[str]) -> dict[str, int]:
    """Return the image that each end of a path means, the whole path included; several images are ambiguous.

    >>> _ends(["train/cat/1.png", "train/dog/1.png"])["1.png"], _ends(["train/cat/1.png"])["cat/1.png"]
    (-1, 0)
    """
    ends: dict[str, int] = {}
    for place, name in enumerate(names):
        parts = PurePosixPath(name).parts
        for start in range(len(parts)):
            end = "/".join(parts[start:])
            ends[end] = _AMBIGUOUS if end in ends else place
    return ends


def _place(name: str, ends: Mapping[str, int], whole: Mapping[str, int]) -> int | None:
    """Return the image that a file of captions means by a name; None where it means none."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    written = "/".join(parts)
    if written in whole:
        return whole[written]
    if written in ends:
        return ends[written]
    longer = ("/".join(parts[start:]) for start in range(1, len(parts)))
    return next((whole[end] for end in longer if end in whole), None)
