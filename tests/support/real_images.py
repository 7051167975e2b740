"""Looks through a folder for real images: in tables of pictures, in pages, and in files of images."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

DATA_ADDRESS = re.compile(rb"data:image/[a-z]+;base64,([A-Za-z0-9+/=]+)")


def pictures_in(folder):
    """Yield every picture (height, width, 3) of a folder that anything can decode."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        found = [base64.b64decode(text) for text in DATA_ADDRESS.findall(content)]
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            binary = [column for column in table.columns if pa.types.is_binary(column.type)]
            found += [value for column in binary for value in column.to_pylist() if value]
        elif path.suffix in (".png", ".jpg", ".webp"):
            found.append(content)
        for encoded in found:
            with Image.open(io.BytesIO(encoded)) as image:
                yield np.asarray(image.convert("RGB"))


def real_images_in(folder, images):
    """Return how many pictures of a folder hold one of some images (n, s, s, 3), pixel by pixel or mirrored."""
    side = images.shape[1]
    wanted = {image.tobytes() for image in images} | {image[:, ::-1].tobytes() for image in images}
    return sum(
        any(
            np.ascontiguousarray(picture[top : top + side, left : left + side]).tobytes() in wanted
            for top in range(picture.shape[0] - side + 1)
            for left in range(picture.shape[1] - side + 1)
        )
        for picture in pictures_in(folder)
    )
