"""What attacks read off a classifier's outputs: one number per example and model, in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.errors import TckrError
from tckr_plugins.late import np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from tckr_bench.records import Floats, Labels, Logits, Scores, ShadowLogits

    Signal = Callable[[Logits, Labels], Scores]


def require_finite(logits: npt.NDArray[np.float32], owner: str) -> None:
    """Refuse logits with infinities or NaN.

    Raises:
        TckrError: how many rows are affected.
    """
    broken = int((~np.isfinite(logits).all(axis=-1)).sum())
    if broken:
        raise TckrError(
            f"an attack cannot score {owner}: {broken} rows of its logits are not finite; "
            "its training diverged, lower the learning rate"
        )


def of_target(signal: Signal, logits: Logits, labels: Labels) -> Scores:
    """Return the signal of the attacked classifier, (n, classes) -> (n,).

    Raises:
        TckrError: its logits are not finite.
    """
    require_finite(logits, "the attacked classifier")
    return signal(logits, labels)


def of_shadows(signal: Signal, logits: ShadowLogits, labels: Labels) -> Floats:
    """Return the signal of K shadow models, (K, n, classes) -> (K, n), one model at a time to bound memory.

    Raises:
        TckrError: their logits are not finite.
    """
    found = np.empty(logits.shape[:2])
    for row, of_one in zip(found, logits, strict=True):
        if not np.isfinite(of_one).all():
            require_finite(logits, "its shadow models")
        row[:] = signal(of_one, labels)
    return found


def logit_scaled_confidence(logits: Logits, labels: Labels) -> Scores:
    """Return log p_y - log sum_{k != y} p_k for each example, (n, classes >= 2) -> (n,) float64.

    It equals z_y - log sum_{k != y} exp z_k: no probability is formed, so confident examples do not round to
    infinity.

    >>> logits = np.array([[2.0, 0.0], [0.0, 99.0]], dtype=np.float32)
    >>> logit_scaled_confidence(logits, np.array([0, 0])).tolist()
    [2.0, -99.0]
    """
    from scipy.special import logsumexp

    wide = np.asarray(logits, dtype=np.float64)
    own = labels[:, None]
    others = wide.copy()
    np.put_along_axis(others, own, -np.inf, axis=1)
    confidence: Scores = np.take_along_axis(wide, own, axis=1)[:, 0] - logsumexp(others, axis=1)
    return confidence
