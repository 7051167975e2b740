"""Class names however they are spelled: as in the catalogue, with underscores, in capitals, or as WordNet ids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tckr_bench.errors import DatasetError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_APART = re.compile(r"[\W_]+")


def spelling_key(name: str) -> str:
    """Return what is left of a name where case and everything but letters and digits do not count.

    >>> spelling_key("Ram C/V Cargo_Van") == spelling_key("ram c-v cargo van")
    True
    """
    return _APART.sub(" ", name.casefold()).strip()


def match_classes(found: Sequence[str], spellings: Mapping[str, Sequence[str]], *, dataset: str) -> tuple[int, ...]:
    """Return the index in the catalogue of each class name found.

    Of a list of synonyms, such as `goldfish, Carassius auratus`, the first counts.

    Raises:
        DatasetError: a name is none of the dataset's, or two of them mean one class.

    >>> match_classes(["cra", "Apple"], {"apple": [], "crab": ["cra"]}, dataset="cifar100")
    (1, 0)
    """
    index = {
        spelling_key(spelling): position
        for position, (name, others) in enumerate(spellings.items())
        for spelling in (name, *others)
    }
    positions: list[int] = []
    for name in found:
        position = index.get(spelling_key(name), index.get(spelling_key(name.partition(",")[0])))
        if position is None:
            hint = nearest(name, spellings) if len(spellings) < _MANY else ""
            raise DatasetError(f"'{name}' is no class of the dataset '{dataset}'{hint}; rename or remove it")
        if position in positions:
            other = found[positions.index(position)]
            raise DatasetError(f"'{other}' and '{name}' are one class of the dataset '{dataset}'; merge them")
        positions.append(position)
    return tuple(positions)


_MANY = 30  # more known names than this do not fit a sentence
