"""A check-up of a dataset before a run: what cannot be decoded, what is there twice, what is too few or too small.

One decode per image, to a thumbnail; memory grows with the number of images, about a kilobyte each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from tckr_bench.datasets import inspect_images, shrink
from tckr_bench.datasets.duplicates import Duplicates, ImageKey, find_duplicates
from tckr_bench.errors import DatasetError
from tckr_bench.plugin.protocols import InspectableDataset
from tckr_bench.records import SPLITS, DatasetDescription, Split

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from tckr_bench.datasets import ImageFacts
    from tckr_bench.plugin.protocols import Dataset

LONG_SIDE = 3.0  # times the short one
_READ_SIDE = 36  # pixels; where only `read` is there, it is asked for this size


@runtime_checkable
class SelectiveDataset(Protocol):
    """A dataset that passes some of the files it finds over."""

    @property
    def ignored_files(self) -> tuple[str, ...]:
        """Names of the files that were passed over."""


@dataclass(frozen=True)
class DamagedImage:
    """An image that cannot be decoded, and the sentence why."""

    split: Split
    name: str
    reason: str


@dataclass(frozen=True)
class Shapes:
    """Sizes of the images as stored, upright: width and height in pixels of the smallest, median and largest by area.

    `small` images have a side shorter than the run's image size, `long` ones one more than three times the other.
    """

    smallest: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]
    small: int
    long: int


@dataclass(frozen=True)
class Work:
    """What a check-up took: images decoded, pairs of hashes compared, pairs of thumbnails compared."""

    images: int
    hashes_compared: int
    pairs_verified: int


@dataclass(frozen=True)
class CheckUp:
    """What is known of a dataset once every image was looked at.

    Attributes:
        description: what the dataset says of itself.
        image_size: the side in pixels that a run would ask for.
        classes: images that can be decoded per class, by split.
        damaged: images that cannot be decoded.
        duplicates: pictures that are there more than once, the worst first.
        modes: Pillow's modes as stored, with how many images have each; empty where only `read` is there.
        transparent, turned, animated: images with transparency, turned by their metadata, with several frames.
        shapes: sizes of the images; None where only `read` is there.
        ignored: files that were passed over because they are no images.
        work: what the check-up took.
    """

    description: DatasetDescription
    image_size: int
    classes: Mapping[Split, tuple[int, ...]]
    damaged: tuple[DamagedImage, ...]
    duplicates: tuple[Duplicates, ...]
    modes: Mapping[str, int]
    transparent: int
    turned: int
    animated: int
    shapes: Shapes | None
    ignored: tuple[str, ...]
    work: Work

    @property
    def images(self) -> int:
        """Images that can be decoded."""
        return sum(map(sum, self.classes.values()))


def check_dataset(
    dataset: Dataset,
    *,
    image_size: int,
    description: DatasetDescription | None = None,
    progress: Callable[[float], None] = lambda _fraction: None,
) -> CheckUp:
    """Look at every image of a dataset once; `description` spares describing it again where that was done.

    Raises:
        DatasetError: the dataset is not there or its layout is not usable.
    """
    import numpy as np

    described = description or dataset.describe()
    seen = _Seen(image_size)
    total = max(1, sum(described.counts.values()))
    for split in (split for split in SPLITS if split in described.counts):
        if isinstance(dataset, InspectableDataset):
            for encoded, facts in inspect_images(dataset.encoded_images(split)):
                seen.add(split, encoded.name, encoded.label, facts)
                progress(min(1.0, (len(seen.keys) + len(seen.damaged)) / total))
        else:
            seen.read(dataset, split)
    thumbnails = np.stack(seen.thumbnails) if seen.thumbnails else np.empty((0, 16, 18, 3), dtype=np.uint8)
    duplicates, search = find_duplicates(seen.keys, thumbnails)
    counts = Counter((key.split, key.label) for key in seen.keys)
    every = range(len(described.class_names))
    return CheckUp(
        description=described,
        image_size=image_size,
        classes={
            split: tuple(counts[split, label] for label in every) for split in SPLITS if split in described.counts
        },
        damaged=tuple(seen.damaged),
        duplicates=duplicates,
        modes=dict(seen.modes.most_common()),
        transparent=seen.traits["transparent"],
        turned=seen.traits["turned"],
        animated=seen.traits["animated"],
        shapes=_shapes(seen.sizes, image_size),
        ignored=dataset.ignored_files if isinstance(dataset, SelectiveDataset) else (),
        work=Work(len(seen.keys) + len(seen.damaged), search.hashes_compared, search.pairs_verified),
    )


@dataclass
class _Seen:
    """What is gathered while the images go by."""

    image_size: int
    keys: list[ImageKey] = field(default_factory=list)
    thumbnails: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    damaged: list[DamagedImage] = field(default_factory=list)
    modes: Counter[str] = field(default_factory=Counter)
    traits: Counter[str] = field(default_factory=Counter)
    sizes: list[tuple[int, int]] = field(default_factory=list)

    def add(self, split: Split, name: str, label: int, facts: ImageFacts | str) -> None:
        """Take up an image, or the sentence why it cannot be decoded."""
        if isinstance(facts, str):
            self.damaged.append(DamagedImage(split, name, facts))
            return
        self.keys.append(ImageKey(split, name, label, facts.file_digest, facts.pixel_digest))
        self.thumbnails.append(facts.thumbnail)
        self.modes[facts.mode] += 1
        self.sizes.append((facts.width, facts.height))
        for trait in ("transparent", "turned", "animated"):
            self.traits[trait] += getattr(facts, trait)

    def read(self, dataset: Dataset, split: Split) -> None:
        """Take up a split of a dataset whose images can only be read all at once; names are their positions."""
        import hashlib

        from PIL import Image

        try:
            data = dataset.read(split, size=_READ_SIDE)
        except DatasetError as error:
            self.damaged.append(DamagedImage(split, f"{split} split", str(error)))
            return
        for index, (image, label) in enumerate(zip(data.images, data.labels.tolist(), strict=True)):
            pixels = hashlib.sha256(image.tobytes()).digest()
            self.keys.append(ImageKey(split, f"{split} {index}", label, b"", pixels))
            self.thumbnails.append(shrink(Image.fromarray(image)))


def _shapes(sizes: list[tuple[int, int]], image_size: int) -> Shapes | None:
    if not sizes:
        return None
    ordered = sorted(sizes, key=lambda size: size[0] * size[1])
    return Shapes(
        smallest=ordered[0],
        median=ordered[len(ordered) // 2],
        largest=ordered[-1],
        small=sum(min(size) < image_size for size in sizes),
        long=sum(max(size) > LONG_SIDE * min(size) for size in sizes),
    )
