"""What shadow-based attacks share: how many shadow models they need, and the moments of those on one side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.errors import TckrError
from tckr_plugins.late import np

if TYPE_CHECKING:
    import numpy.typing as npt

    from tckr_bench.records import Bools, Floats

SMALLEST_VARIANCE = 1e-12  # shadows that all agree would otherwise make the likelihood ratio infinite


@dataclass(frozen=True)
class Moments:
    """What shadow models on one side, IN or OUT, say of n examples.

    Attributes:
        counts: how many of them there are for each example, (n,) int64, at least 1.
        means: their mean signal, (n,).
        squares: their summed squared deviations from that mean, (n,).
    """

    counts: npt.NDArray[np.int64]
    means: Floats
    squares: Floats


def moments(signals: Floats, chosen: Bools) -> Moments:
    """Return the moments of the chosen among K signals of n examples, both (K, n).

    >>> found = moments(np.array([[3.0], [5.0], [9.0]]), np.array([[True], [True], [False]]))
    >>> found.counts.tolist(), found.means.tolist(), found.squares.tolist()
    ([2], [4.0], [2.0])
    """
    counts = chosen.sum(axis=0)
    means = np.where(chosen, signals, 0.0).sum(axis=0) / counts
    squares = np.where(chosen, (signals - means) ** 2, 0.0).sum(axis=0)
    return Moments(counts, means, squares)


def require_both_sides(membership: Bools, *, attack: str, needed: int = 1) -> None:
    """Refuse membership (K, n) in which some example is IN or OUT of fewer than `needed` shadow models.

    Raises:
        TckrError: how many examples lack shadow models.
    """
    _require_any(membership, attack)
    counts = np.minimum(membership.sum(axis=0), (~membership).sum(axis=0))
    lacking = int((counts < needed).sum())
    if lacking:
        raise TckrError(
            f"the attack '{attack}' needs every example in the training set of {needed} or more shadow "
            f"models and out of as many, but {lacking} of {membership.shape[1]} examples are not with "
            f"{len(membership)} shadow models; train more of them"
        )


def require_outside(membership: Bools, *, attack: str, needed: int = 1) -> None:
    """Refuse membership (K, n) in which some example is OUT of fewer than `needed` shadow models.

    Raises:
        TckrError: how many examples lack shadow models.
    """
    _require_any(membership, attack)
    lacking = int(((~membership).sum(axis=0) < needed).sum())
    if lacking:
        raise TckrError(
            f"the attack '{attack}' needs every example out of the training set of {needed} or more shadow "
            f"models, but {lacking} of {membership.shape[1]} examples are not with {len(membership)} shadow "
            "models; train more of them"
        )


def _require_any(membership: Bools, attack: str) -> None:
    if not len(membership):
        raise TckrError(f"the attack '{attack}' was given no shadow models; set its option shadows to 16, say")
