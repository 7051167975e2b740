"""Pictures of a report: a real image beside a synthetic one."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tckr_bench.records import Images


def pair_png(real: Images, synthetic: Images, *, height: int = 96) -> bytes:
    """Return a real and a synthetic image beside each other as PNG, enlarged without smoothing.

    Args:
        real: (height, width, 3) uint8.
        synthetic: the same; it may have another size.
        height: least height in pixels of the result; images are enlarged by whole factors to reach it.
    """
    import numpy as np
    from PIL import Image

    factors = [max(1, -(-height // part.shape[0])) for part in (real, synthetic)]
    enlarged = [
        part.repeat(factor, axis=0).repeat(factor, axis=1)
        for part, factor in zip((real, synthetic), factors, strict=True)
    ]
    tallest = max(part.shape[0] for part in enlarged)
    gap = max(2, tallest // 24)
    canvas = np.zeros((tallest, sum(part.shape[1] for part in enlarged) + gap, 4), dtype=np.uint8)
    left = 0
    for part in enlarged:
        canvas[: part.shape[0], left : left + part.shape[1], :3] = part
        canvas[: part.shape[0], left : left + part.shape[1], 3] = 255
        left += part.shape[1] + gap
    written = io.BytesIO()
    Image.fromarray(canvas, "RGBA").save(written, format="PNG", optimize=False, compress_level=9)
    return written.getvalue()
