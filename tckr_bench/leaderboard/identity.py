"""Names and digests: what a submission is called follows from its scores, whatever files hold them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tckr_bench.results.evidence import flatten_evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tckr_bench.records import CellEvidence


def identity_of(digests: Iterable[tuple[tuple[str, str, int], str]]) -> str:
    """Return the name of a submission: sixteen hexadecimal digits of its cells and the digests of their scores."""
    lines = sorted(f"{'/'.join(map(str, key))} {digest}" for key, digest in digests)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def digest_of(evidence: CellEvidence) -> str:
    """Return a sha256 of evidence that does not depend on the file it is saved in."""
    arrays, header = flatten_evidence(evidence)
    digest = hashlib.sha256(header.encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def digest_of_failure(failure: str) -> str:
    """Return what stands for the scores of a failed cell in the name of a submission."""
    return hashlib.sha256(f"failed: {failure}".encode()).hexdigest()
