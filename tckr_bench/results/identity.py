"""Names and digests: what a run is called follows from its scores."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tckr_bench.results.evidence import flatten_evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tckr_bench.records import CellEvidence
    from tckr_bench.results.records import SeedResult, StoredRecord


def identity_of(records: Iterable[StoredRecord]) -> str:
    """Return the name of a run: sixteen hexadecimal digits of its cells and the files of their scores."""
    lines = sorted(
        f"{record.dataset}/{record.method.name}/{result.seed} {_digest_of_seed(result)}"
        for record in records
        for result in record.seeds
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _digest_of_seed(result: SeedResult) -> str:
    """Return what stands for a seed: the digest of its file of scores, or of why it failed."""
    if result.scores is not None:
        return result.scores.sha256
    return hashlib.sha256(f"failed: {result.failure}".encode()).hexdigest()


def digest_of(evidence: CellEvidence) -> str:
    """Return a sha256 of evidence that does not depend on the file it is saved in."""
    arrays, header = flatten_evidence(evidence)
    digest = hashlib.sha256(header.encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
