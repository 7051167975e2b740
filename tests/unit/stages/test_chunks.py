"""Laws of images that stay on disk: they answer as one numpy array would, and files that lie are refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tckr_plugins.classifiers import small_cnn
from tckr_plugins.classifiers.options import SmallCnnOptions

from tckr_bench.errors import StoreError
from tckr_bench.plugin.protocols import Context
from tckr_bench.records import TrainingData
from tckr_bench.stages.arrays import read_arrays, write_arrays
from tckr_bench.stages.chunks import ImageChunks, map_images
from tckr_bench.stages.generate import IMAGES_FILE, read_generated


def pictures(count, *, size=2, seed=0):
    return np.random.default_rng(seed).integers(0, 256, size=(count, size, size, 3), dtype=np.uint8)


def split_up(images, cuts):
    return ImageChunks(np.split(images, sorted(cuts)))


cases = st.integers(1, 12).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.lists(st.integers(0, count), max_size=3),
        st.one_of(
            st.integers(-count, count - 1),
            st.slices(count),
            st.lists(st.integers(-count, count - 1), max_size=9).map(lambda rows: np.array(rows, dtype=np.int64)),
            st.lists(st.booleans(), min_size=count, max_size=count).map(lambda rows: np.array(rows, dtype=bool)),
        ),
    )
)


@given(cases)
def test_it_answers_as_the_whole_array_would(case):
    count, cuts, wanted = case
    images = pictures(count)
    chunks = split_up(images, cuts)
    found = chunks[wanted]
    np.testing.assert_array_equal(found, images[wanted])
    assert found.dtype == np.uint8
    assert found.flags.writeable
    assert (chunks.shape, chunks.dtype, len(chunks), chunks.nbytes, chunks.ndim) == (
        *(images.shape, images.dtype, len(images), images.nbytes, 4),
    )
    np.testing.assert_array_equal(np.asarray(chunks), images)
    np.testing.assert_array_equal(list(chunks), images)


@pytest.mark.parametrize("wanted", [5, -6, [0, 5], np.ones(4, dtype=bool), np.zeros(6, dtype=bool)])
def test_rows_that_are_not_there_are_refused(wanted):
    with pytest.raises(IndexError):
        split_up(pictures(5), [2])[wanted]


def write_chunks(folder, images, *, size):
    folders = []
    for start in range(0, len(images), size):
        place = folder / str(start)
        place.mkdir()
        part = images[start : start + size]
        labels = np.arange(start, start + len(part)) % 3
        write_arrays(place / IMAGES_FILE, {"images": part, "labels": labels, "sources": labels + 100})
        folders.append(place)
    return folders


@pytest.mark.parametrize("count", [None, 1, 4, 7])
def test_a_set_on_disk_reads_as_one_in_memory_does(count, tmp_path):
    images = pictures(7)
    folders = write_chunks(tmp_path, images, size=3)
    held, sources = read_generated(folders, count=count)
    lazy, again = read_generated(folders, count=count, memory=0)
    assert isinstance(held.images, np.ndarray)
    assert isinstance(lazy.images, ImageChunks)
    np.testing.assert_array_equal(held.images, images[:count])
    np.testing.assert_array_equal(lazy.images[:], images[:count])
    np.testing.assert_array_equal(lazy.labels, held.labels)
    np.testing.assert_array_equal(again, sources)
    assert sources.tolist() == (np.arange(7)[:count] % 3 + 100).tolist()


@pytest.mark.parametrize("image_size", [8, 16])
def test_training_from_disk_gives_the_same_weights(image_size, tmp_path):
    folders = write_chunks(tmp_path, pictures(50, size=12), size=16)
    weights = []
    for memory in (10**9, 0):
        split, _ = read_generated(folders, memory=memory)
        options = SmallCnnOptions(image_size=image_size, widths=(4, 8), batch_size=16, epochs=2)
        classifier = small_cnn.load(options)
        classifier.fit(TrainingData(split, ("a", "b", "c")), seed=0, context=Context())
        weights.append(classifier._network.state_dict())
    assert all(np.array_equal(value, weights[1][name]) for name, value in weights[0].items())


def tamper(path, **changes):
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["images"] |= changes
    written = json.dumps(header).encode()
    path.write_bytes(len(written).to_bytes(8, "little") + written + content[8 + length :])


@pytest.mark.parametrize(
    "changes",
    [
        {"dtype": "I64"},
        {"shape": [4, 2, 2, 3]},
        {"shape": [-3, -2, 2, 3]},
        {"data_offsets": [-400, -364]},
        {"data_offsets": [100_000, 100_036]},
        {"shape": "none"},
    ],
)
def test_a_file_that_lies_is_refused(changes, tmp_path):
    path = tmp_path / IMAGES_FILE
    write_arrays(path, {"images": pictures(3)})
    np.testing.assert_array_equal(map_images(path, "images"), read_arrays(path)["images"])
    tamper(path, **changes)
    with pytest.raises(StoreError, match="cannot read the images in"):
        map_images(path, "images")


@pytest.mark.parametrize("content", [b"", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0[]", b"\x02\0\0\0\0\0\0\0{}"])
def test_what_is_no_safetensors_file_is_refused(content, tmp_path):
    (tmp_path / "images").write_bytes(content)
    with pytest.raises(StoreError, match="delete its folder and run again"):
        map_images(tmp_path / "images", "images")


def test_a_chunk_without_images_is_empty(tmp_path):
    write_arrays(tmp_path / IMAGES_FILE, {"images": pictures(0), "labels": np.zeros(2, dtype=np.int64)})
    assert map_images(tmp_path / IMAGES_FILE, "images").shape == (0, 2, 2, 3)
