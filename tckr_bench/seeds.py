"""Seeds that depend on what they are for, and on nothing else: no global random state anywhere."""

from __future__ import annotations

import hashlib
import json


def derive_seed(*parts: str | int) -> int:
    """Return a seed in 0 to 2**63 - 1 from the parts that name its use; the same on every machine.

    >>> derive_seed("train", 0) == derive_seed("train", 0)
    True
    >>> derive_seed("train", 0) == derive_seed("train", 1)
    False
    """
    return int.from_bytes(hashlib.sha256(json.dumps(parts).encode()).digest()[:8], "big") >> 1
