import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from tckr_plugins.datasets.tables import Columns, count_rows, encoded_rows, read_labels

from tckr_bench.errors import DatasetError

COLUMNS = Columns("image", "label")


def rows(files, chosen=None):
    batches = list(encoded_rows(files, COLUMNS, chosen))
    return [
        (name, source().read()) for batch in batches for name, source in zip(batch.names, batch.sources, strict=True)
    ]


def test_labels_index_the_names_of_the_file(tmp_path, write_table):
    path = write_table(tmp_path / "a.parquet", [1, 0, 1], names=["cat", "dog"])
    found = read_labels([path], COLUMNS)
    assert (found.names, found.codes.tolist(), found.numbered) == (("cat", "dog"), [1, 0, 1], False)


def test_texts_and_plain_numbers_are_labels_too(tmp_path, write_table):
    texts = read_labels([write_table(tmp_path / "a.parquet", ["dog", "cat", "dog"])], COLUMNS)
    assert [texts.names[code] for code in texts.codes] == ["dog", "cat", "dog"]
    numbers = read_labels([write_table(tmp_path / "b.parquet", [7, 3, 7])], COLUMNS)
    assert (numbers.names, numbers.codes.tolist(), numbers.numbered) == (("3", "7"), [1, 0, 1], True)


def test_files_that_number_their_classes_differently_agree_by_name(tmp_path, write_table):
    one = write_table(tmp_path / "a.parquet", [0, 1], names=["cat", "dog"])
    two = write_table(tmp_path / "b.parquet", [0, 1], names=["dog", "cat"])
    found = read_labels([one, two], COLUMNS)
    assert [found.names[code] for code in found.codes] == ["cat", "dog", "dog", "cat"]


KINDS = [
    (".parquet", {}),
    (".arrow", {"stored": "stream"}),
    (".arrow", {"stored": "file"}),
    (".arrow", {"stored": "stream", "compression": "zstd"}),
]


@pytest.mark.parametrize(("suffix", "stored"), KINDS)
@pytest.mark.parametrize("group", [1, 3, 100])
def test_rows_depend_neither_on_the_format_nor_on_its_groups(tmp_path, group, suffix, stored, png, write_table):
    files = [write_table(tmp_path / (n + suffix), [0] * 7, names=["x"], group=group, **stored) for n in "ab"]
    found = rows(files, np.array([0, 6, 7, 12]))
    assert [name.replace(suffix, "") for name, _ in found] == ["a row 0", "a row 6", "b row 7", "b row 12"]
    assert [data for _, data in found] == [png(0), png(6), png(0), png(5)]
    assert len(rows(files)) == count_rows(files) == 14


def test_plain_binary_columns_hold_images_too(tmp_path, png, write_table):
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"image": pa.array([png(9)], pa.large_binary()), "label": ["x"]}), path)
    assert rows([path]) == [("a.parquet row 0", png(9))]


def test_wrong_columns_are_named_with_those_found(tmp_path, write_table):
    path = write_table(tmp_path / "a.parquet", [0], image="img")
    with pytest.raises(DatasetError, match=r"no column 'image'; found: img, label; name one with image_column"):
        read_labels([path], COLUMNS)
    with pytest.raises(DatasetError, match=r"'label' of .* is of type int64, not encoded images"):
        read_labels([path], Columns("label", "label"))
    with pytest.raises(DatasetError, match=r"neither numbers nor texts"):
        read_labels([path], Columns("img", "img"))


@pytest.mark.parametrize(("suffix", "stored"), KINDS)
def test_labels_do_not_depend_on_the_format(tmp_path, suffix, stored, write_table):
    path = write_table(tmp_path / f"a{suffix}", [1, 0, 1], names=["cat", "dog"], group=2, **stored)
    found = read_labels([path], COLUMNS)
    assert (found.names, found.codes.tolist(), found.numbered) == (("cat", "dog"), [1, 0, 1], False)
    texts = read_labels([write_table(tmp_path / f"b{suffix}", ["dog", "cat"], **stored)], COLUMNS)
    assert [texts.names[code] for code in texts.codes] == ["dog", "cat"]


def test_more_rows_than_a_piece_come_in_pieces(tmp_path, write_table):
    files = [write_table(tmp_path / f"a{suffix}", [0] * 600, names=["x"]) for suffix in (".parquet", ".arrow")]
    lengths = [[len(batch.names) for batch in encoded_rows([path], COLUMNS)] for path in files]
    assert lengths == [[256, 256, 88]] * 2


@pytest.mark.parametrize("stored", ["stream", "file"])
def test_a_damaged_arrow_file_is_one_sentence(tmp_path, stored, write_table):
    path = write_table(tmp_path / "a.arrow", [0] * 50, names=["cat"], stored=stored)
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:4], b"", b"no table" * 40):
        path.write_bytes(damaged)
        with pytest.raises(DatasetError, match=r"cannot be read as Arrow: .*; fetch or copy it again"):
            read_labels([path], COLUMNS)
        with pytest.raises(DatasetError, match=r"cannot be read as Arrow"):
            rows([path])


@pytest.mark.parametrize("stored", ["stream", "file"])
def test_an_arrow_file_that_points_beyond_its_bytes_is_refused(tmp_path, stored, png, write_table):
    path = write_table(tmp_path / "a.arrow", [0, 0, 0], names=["cat"], stored=stored)
    whole, ends = path.read_bytes(), np.cumsum([0] + [len(png(i)) for i in range(3)]).astype(np.int32)
    assert whole.count(ends.tobytes()) == 1
    wild = np.array([0, 1 << 30, 1 << 30, 1 << 30], np.int32)
    path.write_bytes(whole.replace(ends.tobytes(), wild.tobytes()))
    with pytest.raises(DatasetError, match=r"cannot be read as Arrow"):
        rows([path])


@pytest.mark.parametrize(("label", "names", "allowed"), [(2, ["cat", "dog"], "0 to 1"), (-1, None, "0 and up")])
def test_a_label_out_of_range_is_refused(tmp_path, label, names, allowed, write_table):
    path = write_table(tmp_path / "a.parquet", [0, label], names=names)
    with pytest.raises(DatasetError, match=rf"label {label}, which is out of range \({allowed}\)"):
        read_labels([path], COLUMNS)


def test_missing_labels_and_images_are_refused(tmp_path, write_table):
    path = write_table(tmp_path / "a.parquet", [0, None], names=["cat"])
    with pytest.raises(DatasetError, match=r"1 rows without a label"):
        read_labels([path], COLUMNS)
    # A path instead of bytes may point anywhere, so it is never followed.
    path = write_table(tmp_path / "b.parquet", [0], names=["cat"], images=[None])
    with pytest.raises(DatasetError, match=r"row 0 of 'b.parquet' holds no image bytes; embed"):
        rows([path])


def test_a_truncated_file_is_one_sentence(tmp_path, write_table):
    path = write_table(tmp_path / "a.parquet", [0] * 50, names=["cat"])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DatasetError, match=r"cannot be read as parquet: .*; fetch or copy it again"):
        read_labels([path], COLUMNS)
    whole = write_table(tmp_path / "b.parquet", [0] * 50, names=["cat"])
    data = bytearray(whole.read_bytes())
    data[4:400] = b"\0" * 396
    whole.write_bytes(data)
    with pytest.raises(DatasetError, match=r"cannot be read as parquet"):
        rows([whole])
