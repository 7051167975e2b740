"""What a check-up means for a run: errors stop it, warnings put its measurements in doubt, notes are good to know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from tckr_bench.datasets.checkup import LONG_SIDE, CheckUp
from tckr_bench.datasets.duplicates import Duplicates

Severity = Literal["error", "warning", "note"]

FEW_TRAINING_IMAGES = 10  # of a class
FEW_TEST_IMAGES = 400  # the 95 % interval of an accuracy of a half is then 5 points either way
MANY = 0.1  # share of the images from which a note becomes a warning
# Formats of cameras and programs that are not read; to pass them over in silence would lose somebody's images.
PHOTOGRAPHS = frozenset(
    {".arw", ".cr2", ".cr3", ".dng", ".heic", ".heif", ".nef", ".orf", ".psd", ".raf", ".rw2", ".svg"}
)
_KINDS = {"file": "the same file", "pixels": "the same pixels", "near": "nearly the same picture"}
_SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """One thing to know: how bad it is, and a sentence that says what was found and what to do."""

    severity: Severity
    sentence: str


def judge(checkup: CheckUp) -> tuple[Finding, ...]:
    """Return what to know of a dataset, the worst first."""
    found = [
        *_unusable(checkup),
        *_leaks(checkup),
        *_classes(checkup),
        *_copies(checkup),
        *_shapes(checkup),
        *_storage(checkup),
    ]
    order: tuple[Severity, ...] = ("error", "warning", "note")
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def _unusable(checkup: CheckUp) -> Iterator[Finding]:
    classes = len(checkup.description.class_names)
    if classes < 2:
        yield Finding("error", f"a classifier needs two or more classes, found {classes}; add class folders")
    for split in ("train", "test"):
        if not checkup.description.counts.get(split):
            yield Finding("error", f"the {split} split has no images; add some")
    if checkup.damaged:
        rest = f" (and {len(checkup.damaged) - 1:,} more like it)" if len(checkup.damaged) > 1 else ""
        yield Finding("error", f"{checkup.damaged[0].reason}{rest}")


def _leaks(checkup: CheckUp) -> Iterator[Finding]:
    """Speak of pictures that are in two splits: the worst there is, as they are taken for images never seen."""
    pairs = dict.fromkeys(entry.splits for entry in checkup.duplicates if entry.splits[0] != entry.splits[1])
    for first, second in pairs:
        entries = [entry for entry in checkup.duplicates if entry.splits == (first, second)]
        images = sum(entry.images for entry in entries)
        share = images / max(1, checkup.description.counts[second])
        kinds = ", ".join(f"{entry.images:,} {_KINDS[entry.kind]}" for entry in entries)
        harm = (
            "attacks take test images for ones that no model was trained on, so every privacy measurement "
            "is wrong, and "
            "accuracy looks too high"
            if (first, second) == ("train", "test")
            else "epochs are then chosen on images that are learnt or tested"
        )
        yield Finding(
            "warning",
            f"{_count(images, f'{second} image')} ({share:.1%}) {_are(images)} in {first} too ({kinds}), "
            f"{_example(entries[0])}: {harm}; remove the copies or keep them in one split",
        )


def _copies(checkup: CheckUp) -> Iterator[Finding]:
    """Speak of copies within a split, and of copies with two labels."""
    disagreeing = sum(duplicates.disagreeing for duplicates in checkup.duplicates if duplicates.kind != "near")
    if disagreeing:
        first = next(entry for entry in checkup.duplicates if entry.disagreeing and entry.kind != "near")
        yield Finding(
            "warning",
            f"{_count(disagreeing, 'picture')} {_are(disagreeing)} in two classes, {_example(first)}: no classifier "
            "can learn both; keep the right one",
        )
    for duplicates in checkup.duplicates:
        first_split, second_split = duplicates.splits
        if first_split != second_split:
            continue
        counted = _count(duplicates.images, f"{first_split} image")
        if duplicates.kind == "near":
            likeness = f"{counted} {_are(duplicates.images)} nearly the same picture as another"
            yield Finding("note", f"{likeness}, {_example(duplicates)}: they count as images of their own")
        else:
            harm = "a copy outside hides a member inside, so attacks look weaker" if first_split == "train" else ""
            harm = harm or "a copy counts twice"
            yield Finding(
                "warning",
                f"{counted} {'repeats' if duplicates.images == 1 else 'repeat'} another, {_KINDS[duplicates.kind]}, "
                f"{_example(duplicates)}: {harm}; remove the copies",
            )


def _classes(checkup: CheckUp) -> Iterator[Finding]:
    names = checkup.description.class_names
    train, test = (checkup.classes.get(split, ()) for split in ("train", "test"))
    few = [f"{name} ({count})" for name, count in zip(names, train, strict=False) if count < FEW_TRAINING_IMAGES]
    if few:
        yield Finding(
            "warning",
            f"{_count(len(few), 'class', 'classes')} {'has' if len(few) == 1 else 'have'} fewer than "
            f"{FEW_TRAINING_IMAGES} training images: {_list(few)}; add images or leave the class out",
        )
    absent = [name for name, count in zip(names, test, strict=False) if not count]
    if absent and len(absent) < len(names):
        yield Finding("warning", f"no test image shows {_list(absent)}: nothing will be known of it; add test images")
    images = sum(test)
    if 0 < images < FEW_TEST_IMAGES:
        half = 98 / images**0.5
        yield Finding(
            "note",
            f"{_count(images, 'test image')}: the 95 % interval of an accuracy may be {half:.0f} points either way, "
            "and small differences between methods cannot be told",
        )


def _shapes(checkup: CheckUp) -> Iterator[Finding]:
    shapes, size = checkup.shapes, checkup.image_size
    if shapes is None:
        return
    if shapes.small:
        yield Finding(
            _by_share(shapes.small, checkup),
            f"{_count(shapes.small, 'image')} {_are(shapes.small)} smaller than the {size} pixels that a run asks for "
            "and would be enlarged; use a smaller image size or larger images",
        )
    if shapes.long:
        yield Finding(
            _by_share(shapes.long, checkup),
            f"{_count(shapes.long, 'image')} {_are(shapes.long)} more than {LONG_SIDE:g} times as long as wide and "
            "would be squeezed to a square; crop them to what matters",
        )


def _storage(checkup: CheckUp) -> Iterator[Finding]:
    if checkup.modes.get("F"):
        counted = _count(checkup.modes["F"], "image")
        yield Finding(
            "warning", f"{counted} hold floating-point levels, read as 0 to 255; scale others and save as PNG"
        )
    changes = [
        f"{checkup.transparent:,} transparent (shown on white)" if checkup.transparent else "",
        f"{checkup.turned:,} turned as their metadata say" if checkup.turned else "",
        f"{checkup.animated:,} with several frames (the first is used)" if checkup.animated else "",
    ]
    kinds = [f"{count:,} {mode}" for mode, count in checkup.modes.items()]
    if len(kinds) > 1 or (kinds and "RGB" not in checkup.modes) or any(changes):
        listed = ", ".join([*kinds, *filter(None, changes)])
        yield Finding("note", f"stored as {listed}; all become RGB, upright")
    lost = [name for name in checkup.ignored if PurePath(name).suffix.lower() in PHOTOGRAPHS]
    if lost:
        yield Finding(
            "warning",
            f"{_count(len(lost), 'file')} such as '{lost[0]}' {_are(len(lost))} of a format that is not read and left "
            "out; save as JPEG or PNG",
        )
    others = len(checkup.ignored) - len(lost)
    if others:
        example = min((name for name in checkup.ignored if name not in lost), key=lambda name: "/." in name)
        yield Finding("note", f"{_count(others, 'file')} such as '{example}' {_are(others)} no image and passed over")


def _by_share(images: int, checkup: CheckUp) -> Severity:
    return "warning" if images >= MANY * checkup.images else "note"


def _example(duplicates: Duplicates) -> str:
    first, second = duplicates.examples[0]
    return f"such as '{second}' and '{first}'"


def _list(words: Sequence[str]) -> str:
    shown = ", ".join(words[:_SHOWN])
    return f"{shown} and {len(words) - _SHOWN:,} more" if len(words) > _SHOWN else shown


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
