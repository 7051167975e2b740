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


@pytest.mark.parametrize("group", [1, 3, 100])
def test_rows_do_not_depend_on_row_groups(tmp_path, group, png, write_table):
    files = [write_table(tmp_path / name, [0] * 7, names=["x"], group=group) for name in ("a.parquet", "b.parquet")]
    found = rows(files, np.array([0, 6, 7, 12]))
    assert [name for name, _ in found] == ["a.parquet row 0", "a.parquet row 6", "b.parquet row 7", "b.parquet row 12"]
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
