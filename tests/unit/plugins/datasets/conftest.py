"""Tables as the hub and the `datasets` library store images, written small and without a network."""

import io
import json

import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from tckr_bench.plugin.registry import default_registry


def _png(grey, *, side=4):
    stream = io.BytesIO()
    Image.new("L", (side, side), grey).save(stream, "PNG")
    return stream.getvalue()


def _write_table(path, labels, *, names=None, image="image", label="label", images=None, group=None, **ipc):
    """Write rows as `datasets` does: row i is an image of grey i, or as given; the suffix says in what format."""
    stored, compression = ipc.get("stored", "stream"), ipc.get("compression")
    encoded = images or [_png(i % 256) for i in range(len(labels))]
    columns = {
        image: pa.array(
            [{"bytes": data, "path": f"{i}.png"} for i, data in enumerate(encoded)],
            pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
        ),
        label: pa.array(labels, pa.string() if labels and isinstance(labels[0], str) else pa.int64()),
    }
    table = pa.table(columns)
    if names is not None:
        features = {image: {"_type": "Image"}, label: {"names": list(names), "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=group)
        return path
    kind = pa.ipc.new_file if stored == "file" else pa.ipc.new_stream
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with kind(path, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=group)
    return path


def _load(name, **options):
    registry = default_registry()
    return registry.load(registry.use("dataset", name, label=name, options=options))


@pytest.fixture
def hub_cache(hub_cache, monkeypatch):
    """Return an empty cache, and see to it that nothing is found in a data root."""
    monkeypatch.delenv("TCKR_BENCH_DATA", raising=False)
    return hub_cache


@pytest.fixture
def nothing_here(hub_cache, tmp_path, monkeypatch):
    """Return an empty data root."""
    root = tmp_path / "data"
    root.mkdir()
    monkeypatch.setenv("TCKR_BENCH_DATA", str(root))
    return root


@pytest.fixture
def png():
    """Return what makes the bytes of a small grey PNG."""
    return _png


@pytest.fixture
def write_table():
    """Return what writes a parquet file as the hub stores images."""
    return _write_table


@pytest.fixture
def load():
    """Return what loads a registered dataset with options."""
    return _load
