"""Laws of records on disk: what is written is read, and what is not a record is refused in one sentence."""

from __future__ import annotations

import dataclasses
import json

import pytest
from made_standings import made_records
from submitted_runs import board, prepared, submitted

from tckr_bench.errors import LeaderboardError, StoreError
from tckr_bench.leaderboard import files
from tckr_bench.results.files import (
    Fault,
    dump_record,
    file_reference,
    read_record,
    read_records,
    record_path,
    scan_records,
    write_record,
)

CLOTHES = ("clothes",)
RECORD = made_records()[0]


@pytest.fixture
def path(tmp_path):
    return write_record(RECORD, tmp_path)


def changed(path, change):
    raw = json.loads(path.read_text())
    path.write_text(json.dumps(change(raw) or raw))
    return path


def refused(path):
    with pytest.raises(LeaderboardError) as error:
        read_record(path)
    said = str(error.value)
    assert path.name in said
    assert "\n" not in said
    assert len(said) < 600
    return said


def test_what_is_written_is_read_and_written_the_same(tmp_path):
    for record in made_records():
        path = write_record(record, tmp_path)
        assert read_record(path) == record
        assert dump_record(read_record(path)) == path.read_bytes()


def test_records_of_a_submission_are_read_as_they_are(tmp_path):
    records = read_records(submitted(CLOTHES))
    bare = [
        dataclasses.replace(
            record, pictures=None, seeds=tuple(dataclasses.replace(seed, scores=None) for seed in record.seeds)
        )
        for record in records
    ]
    assert sorted(bare, key=lambda r: r.slug) == sorted(prepared(CLOTHES).records, key=lambda r: r.slug)
    assert [r.slug for r in records] == sorted(r.slug for r in records)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1e16"])
def test_a_number_that_is_none_or_immense_is_refused(path, number):
    path.write_text(
        path.read_text().replace(f'"images_generated": {RECORD.images_generated}', f'"images_generated": {number}')
    )
    assert f'"images_generated": {number}' in path.read_text()
    refused(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw.update(extra=1), "the schema has no extra"),
        (lambda raw: raw["method"].update(extra=1), "the schema has no method.extra"),
        (lambda raw: raw["seeds"][0]["measurements"][0].update(extra=1), "the schema has no seeds.measurements.extra"),
        (lambda raw: raw.pop("gates") and None, "gates"),
        (lambda raw: raw.update(schema_version=99), "has schema 99, this version reads 1"),
        (lambda raw: raw.pop("schema_version") and None, "has schema None"),
        (lambda raw: raw.update(track="../elsewhere"), "the track is not a name"),
        (lambda raw: raw.update(dataset="a/b"), "the dataset is not a name"),
        (lambda raw: raw["method"].update(name="..x.."), "the method is not a name"),
        (lambda raw: raw.update(submission="xyz"), "sixteen hexadecimal digits"),
        (lambda raw: raw.update(seeds=[]), "its seeds"),
        (lambda raw: raw["seeds"].reverse(), "its seeds are not in order"),
        (lambda raw: raw["seeds"].append(raw["seeds"][-1]), "its seeds are not in order"),
        (lambda raw: raw["seeds"][0].update(status="failed"), "that its status does not have"),
        (lambda raw: raw["seeds"][0].update(scores=None), "that its status does not have"),
        (lambda raw: raw["seeds"][0].update(failure="it broke"), "that its status does not have"),
        (lambda raw: raw["seeds"][0]["scores"].update(name="../../x.parquet"), "must be called"),
        (lambda raw: raw["seeds"][0]["scores"].update(sha256="x" * 64), "a sha256 is not"),
        (lambda raw: raw.update(command="a\u202eb"), "U+202E"),
        (lambda raw: raw.update(command="a\x1b[31m"), "U+001B"),
        (lambda raw: raw.update(command="x" * 20_001), "20,000 characters"),
        (lambda raw: [raw], "is not one"),
        (lambda raw: 3, "is not one"),
    ],
)
def test_what_is_not_a_record_is_refused_with_the_reason(path, change, words):
    assert words in refused(changed(path, change))


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("seeds", 0, "measurements", 0, "value"), "0.5"),
        (("seeds", 0, "seed"), "0"),
        (("seeds", 0, "seed"), False),
        (("gates", 0, "passed"), "true"),
        (("gates", 0, "passed"), 1),
        (("images_generated",), "2000"),
    ],
)
def test_a_value_that_is_only_nearly_of_its_kind_is_refused(path, keys, value):
    def change(raw):
        *above, last = keys
        for key in above:
            raw = raw[key]
        raw[last] = value

    refused(changed(path, change))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": 1, "a": 2}', b"1" * 5000, b"null"])
def test_bytes_that_are_no_json_are_refused(path, content):
    path.write_bytes(content)
    refused(path)


def test_a_record_that_is_not_there_or_too_large_is_refused(path, monkeypatch):
    monkeypatch.setattr(files, "MOST_RECORD_BYTES", path.stat().st_size - 1)
    assert "more than" in refused(path)
    path.unlink()
    refused(path)


def test_a_scan_names_what_it_leaves_out_and_reads_the_rest(tmp_path):
    found = board(tmp_path, CLOTHES)
    path = found.path("dp-sgd")
    path.write_text("{}")
    other = found.path("outsider")
    other.rename(other.with_name("elsewhere-01234567.json"))
    records, faults = scan_records(found.root)
    assert len(records) == 7
    assert [fault.file for fault in faults] == [f"small/clothes/{path.name}", "small/clothes/elsewhere-01234567.json"]
    assert "belongs at small/clothes/outsider-" in faults[1].what
    with pytest.raises(LeaderboardError, match="leaderboard verify"):
        read_records(found.root)


def test_a_link_out_of_the_folder_is_not_read(tmp_path):
    found = board(tmp_path, CLOTHES)
    path = found.path("dp-sgd")
    outside = path.rename(tmp_path / "outside.json")
    path.symlink_to(outside)
    records, faults = scan_records(found.root)
    assert len(records) == 8
    assert "link" in faults[0].what


def test_a_folder_that_is_not_there_is_said_in_a_sentence(tmp_path):
    with pytest.raises(LeaderboardError, match="is not a folder of results"):
        read_records(tmp_path / "absent")


def test_a_record_that_cannot_be_written_is_said_in_a_sentence_and_leaves_nothing(tmp_path):
    (tmp_path / RECORD.track).write_text("a file where a folder should be")
    with pytest.raises(StoreError, match="writing the record"):
        write_record(RECORD, tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == [RECORD.track]


def test_a_reference_changes_with_the_content_and_the_name(tmp_path):
    one, other = tmp_path / "a", tmp_path / "b"
    one.write_bytes(b"x")
    other.write_bytes(b"x")
    reference = file_reference(one)
    assert (reference.name, reference.size, len(reference.sha256)) == ("a", 1, 64)
    assert dataclasses.replace(file_reference(other), name="a") == reference
    other.write_bytes(b"y")
    assert file_reference(other).sha256 != reference.sha256


def test_a_fault_is_printed_without_what_a_terminal_would_obey():
    assert "\x1b" not in str(Fault("a\x1b[31m.json", "b\x07"))


def test_a_path_is_made_of_track_dataset_method_and_submission(tmp_path):
    path = record_path(tmp_path, RECORD)
    assert path.relative_to(tmp_path).parts == (RECORD.track, RECORD.dataset, f"{RECORD.slug}.json")
