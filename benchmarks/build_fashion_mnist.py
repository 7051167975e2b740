"""Build the embedded private part of Fashion-MNIST from the idx files of its Debian package.

The 60,000 images of the training file are public: the miniature is pretrained on them. The private
part is drawn, seeded and stratified, from the 10,000 images of the test file. Its three splits are
exchangeable: one permutation per class is cut into train, validation and test.
"""

import argparse
import gzip
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as parquet
from PIL import Image
from tckr_plugins.datasets.fashion import CLASS_NAMES

SIZES = {"train": 2000, "validation": 500, "test": 2000}
README = """# Fashion-MNIST, private part

- **Source**: Fashion-MNIST (Han Xiao, Kashif Rasul, Roland Vollgraf, Zalando SE, 2017), as packaged in
  Debian's `dataset-fashion-mnist`. 28x28 grey images of ten kinds of clothing.
- **Licence**: MIT, copyright (c) 2017 Zalando SE (https://tech.zalando.com).
- **Drawn by** `benchmarks/build_fashion_mnist.py` with seed {seed}, from the 10,000 images of the `t10k` file
  only. Left out first: {public} images equal, pixel by pixel, to one of the 60,000 of the `train` file (which
  are public: the miniature is pretrained on them), and {repeated} equal to an earlier one of the same file.
- **Splits**: {counts}, the same number of every class. One seeded
  permutation per class is cut into the three, so that they are exchangeable: a member and a non-member differ by
  nothing but the draw.
- **Format**: `image` (PNG bytes, 28x28, grey) and `label` (ClassLabel). Load with
  `datasets.load_dataset("parquet", data_files=...)`.

MIT licence: permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction, including without
limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the
Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:
the above copyright notice and this permission notice shall be included in all copies or substantial portions of
the Software. The software is provided "as is", without warranty of any kind, express or implied, including but
not limited to the warranties of merchantability, fitness for a particular purpose and noninfringement. In no
event shall the authors or copyright holders be liable for any claim, damages or other liability, whether in an
action of contract, tort or otherwise, arising from, out of or in connection with the software or the use or
other dealings in the software.
"""

Pixels = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int64]


def read_idx(path: Path) -> Pixels:
    """Read one gzipped IDX file of unsigned bytes, of any rank."""
    with gzip.open(path, "rb") as stream:
        raw = stream.read()
    rank = raw[3]
    shape = np.frombuffer(raw, dtype=">u4", count=rank, offset=4).astype(np.int64)
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * rank).reshape(tuple(shape))


def digests(images: Pixels) -> list[str]:
    """Return one hash per image (n, 28, 28)."""
    return [hashlib.sha256(image.tobytes()).hexdigest() for image in images]


def find_private(private: Pixels, public: Pixels) -> tuple[Indices, int, int]:
    """Return the indices of usable private images and how many were left out.

    Args:
        private: (n, 28, 28) candidates.
        public: (m, 28, 28) images that must not be among them.

    Returns:
        The indices, the number of copies of public images, and of copies of earlier candidates.
    """
    forbidden, seen = set(digests(public)), set[str]()
    kept: list[int] = []
    repeated = 0
    for index, digest in enumerate(digests(private)):
        if digest in forbidden:
            continue
        if digest in seen:
            repeated += 1
            continue
        seen.add(digest)
        kept.append(index)
    copied = len(private) - len(kept) - repeated
    return np.asarray(kept, dtype=np.int64), copied, repeated


def draw_splits(kept: Indices, labels: Pixels, seed: int) -> dict[str, Indices]:
    """Draw equal shares of every class for each split, in a shuffled order."""
    generator = np.random.default_rng(seed)
    parts: dict[str, list[Indices]] = {name: [] for name in SIZES}
    for label in range(len(CLASS_NAMES)):
        members = generator.permutation(kept[labels[kept] == label])
        start = 0
        for name, size in SIZES.items():
            share = size // len(CLASS_NAMES)
            parts[name].append(members[start : start + share])
            start += share
    return {name: generator.permutation(np.concatenate(part)) for name, part in parts.items()}


def encode_png(image: Pixels) -> bytes:
    """Encode a grey image (28, 28) as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def build_table(images: Pixels, labels: Pixels) -> pa.Table:
    """Build a table in the form of Hugging Face ``datasets``: an Image and a ClassLabel."""
    records = [{"bytes": encode_png(image), "path": None} for image in images]
    fields = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    features = {
        "image": {"_type": "Image"},
        "label": {"names": list(CLASS_NAMES), "_type": "ClassLabel"},
    }
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    columns = [pa.array(records, fields), pa.array(labels.tolist(), pa.int64())]
    schema = pa.schema([("image", fields), ("label", pa.int64())], metadata=metadata)
    return pa.table(columns, schema=schema)


def build(source: Path, output: Path, seed: int) -> None:
    """Read the idx files of ``source`` and write three parquet files and a README to ``output``."""
    images = read_idx(source / "t10k-images-idx3-ubyte.gz")
    labels = read_idx(source / "t10k-labels-idx1-ubyte.gz")
    public = read_idx(source / "train-images-idx3-ubyte.gz")
    kept, copied, repeated = find_private(images, public)
    splits = draw_splits(kept, labels, seed)
    output.mkdir(parents=True, exist_ok=True)
    for name, indices in splits.items():
        table = build_table(images[indices], labels[indices])
        parquet.write_table(table, output / f"{name}.parquet", compression="zstd")
    counts = ", ".join(f"{len(indices):,} {name}" for name, indices in splits.items())
    text = README.format(seed=seed, public=copied, repeated=repeated, counts=counts)
    (output / "README.md").write_text(text, encoding="utf-8")


def main() -> None:
    """Parse the command line and build the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="folder of the idx .gz files")
    parser.add_argument("--output", type=Path, required=True, help="folder of the parquet files")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    build(options.source, options.output, options.seed)


if __name__ == "__main__":
    main()
