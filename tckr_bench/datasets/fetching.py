"""What a dataset that can be fetched offers the commands: where it lies, what fetching would take, and fetching it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from tckr_bench.plugin.protocols import Dataset
from tckr_bench.records import DatasetDescription


@dataclass(frozen=True)
class Whereabouts:
    """Where a dataset was found.

    Attributes:
        at: the place, for people.
        counts: images per split.
        own: whether it lies in a folder of the user's, which comes before anything that is fetched.
    """

    at: str
    counts: Mapping[str, int]
    own: bool = False


@dataclass(frozen=True)
class FetchPlan:
    """What fetching a dataset would do.

    Attributes:
        source: where from, for people.
        files: paths at the source.
        size: bytes to fetch, an upper bound where only some images of each file are taken.
        destination: where to, for people.
        limit_per_class: images of each class and split to take; None for all.
    """

    source: str
    files: tuple[str, ...]
    size: int
    destination: str
    limit_per_class: int | None = None


@runtime_checkable
class FetchableDataset(Dataset, Protocol):
    """A dataset that is used from disk alone and can be put there by `tckr-bench datasets prepare`."""

    def whereabouts(self) -> Whereabouts | None:
        """Return where the dataset is, without reading images or hashing; None where it is not on disk.

        Raises:
            DatasetError: it is there but cannot be used.
        """

    def published(self) -> DatasetDescription | None:
        """Return the dataset as published, to compare with what was found; None where that is not known."""

    @property
    def download_size(self) -> int | None:
        """Bytes to fetch, about; None where that is not known."""

    def plan_fetch(self, *, limit_per_class: int | None) -> FetchPlan:
        """Ask the source what there is to fetch; nothing is fetched.

        Raises:
            DatasetError: there is no network, no such source, or the limited copy has nowhere to go.
        """

    def fetch(self, plan: FetchPlan, *, progress: Callable[[float], None]) -> None:
        """Fetch as planned; what was fetched before an interruption is kept. `progress` hears the share done.

        Raises:
            DatasetError: the network or the source failed, or the disk is full.
        """


def shortfall(found: Mapping[str, int], published: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Return the splits whose number of images is not the published one, as (found, published).

    >>> shortfall({"train": 5, "test": 2}, {"train": 50, "test": 2})
    {'train': (5, 50)}
    """
    return {
        split: (found.get(split, 0), images) for split, images in published.items() if found.get(split, 0) != images
    }
