"""Laws of runs on disk: what is written is read, and what is not a record or a run is refused in one sentence."""

from __future__ import annotations

import dataclasses
import json

import pytest
from made_standings import made_records, write_made_records
from submitted_runs import board, contents, finished_run, submitted

from tckr_bench.errors import RunError, StoreError
from tckr_bench.results import files
from tckr_bench.results.files import (
    RUN_FILE,
    Fault,
    copy_run,
    dump_record,
    dump_run,
    file_reference,
    pictures_path,
    read_information,
    read_record,
    read_records,
    read_run,
    record_files,
    record_path,
    scan_runs,
    scores_name,
    submission_folder,
    write_record,
    write_run,
    write_saved_run,
)

CLOTHES = ("clothes",)
RECORD = made_records()[0]
RUN = RECORD.run


@pytest.fixture
def path(tmp_path):
    return write_record(RECORD, tmp_path)


@pytest.fixture
def run_path(tmp_path):
    run = dataclasses.replace(RUN, keys={"digits/teacher/seed-0": {"train": ("a" * 64,)}})
    return write_run(run, tmp_path)


def changed(path, change):
    raw = json.loads(path.read_text())
    path.write_text(json.dumps(change(raw) or raw))
    return path


def read(path):
    return read_information(path) if path.name == RUN_FILE else read_record(path, RUN)


def refused(path):
    with pytest.raises(RunError) as error:
        read(path)
    said = str(error.value)
    assert path.name in said
    assert "\n" not in said
    assert len(said) < 600
    return said


def test_what_is_written_is_read_and_written_the_same(tmp_path):
    for record in made_records():
        path = write_record(record, tmp_path)
        assert read_record(path, record.run) == record
        assert dump_record(read_record(path, record.run)) == path.read_bytes()
        run = write_run(record.run, tmp_path)
        assert read_information(run) == record.run
        assert dump_run(read_information(run)) == run.read_bytes()


def test_a_record_does_not_repeat_what_its_run_says(path):
    own, common = ({part.name for part in dataclasses.fields(kind)} for kind in (files.StoredRecord, type(RUN)))
    assert own & common == {"schema_version"}
    assert set(json.loads(path.read_text())) == own


def test_a_run_is_read_by_its_folder_or_its_file(tmp_path):
    run = finished_run(CLOTHES)
    assert read_run(run / RUN_FILE) == read_run(run)
    for folder in (tmp_path, tmp_path / "absent", run / "records"):
        with pytest.raises(RunError, match=r"holds no run\.json; give the folder that `tckr-bench run` named"):
            read_run(folder)


def test_a_board_holds_the_records_of_its_runs(tmp_path):
    records = made_records()
    write_made_records(records, tmp_path)
    found = read_records(tmp_path)
    assert sorted(found, key=lambda r: (r.dataset, r.slug)) == sorted(records, key=lambda r: (r.dataset, r.slug))


def test_what_a_run_no_longer_names_is_removed_when_it_is_written_again(tmp_path):
    found = board(tmp_path, CLOTHES)
    run = found.run
    kept = [record for record in run.records if record.method.name != "dp-sgd"]
    write_saved_run(dataclasses.replace(run, records=tuple(kept)))
    left = contents(found.folder)
    assert not [name for name in left if "dp-sgd" in name]
    assert found.run.records == tuple(kept)


def test_a_run_that_is_interrupted_while_it_is_written_is_no_run(tmp_path, monkeypatch):
    found = board(tmp_path, CLOTHES)
    run = found.run

    def interrupted(*_):
        raise StoreError("the disk is full")

    monkeypatch.setattr(files, "write_record", interrupted)
    with pytest.raises(StoreError):
        write_saved_run(run)
    with pytest.raises(RunError, match=r"holds no run\.json"):
        read_run(run.folder)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1e16"])
def test_a_number_that_is_none_or_immense_is_refused(path, run_path, number):
    for file, name, value in ((path, "images_generated", RECORD.images_generated), (run_path, "naive", 80)):
        file.write_text(file.read_text().replace(f'"{name}": {value}', f'"{name}": {number}'))
        assert f'"{name}": {number}' in file.read_text()
        refused(file)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw.update(extra=1), "the schema has no extra"),
        (lambda raw: raw["method"].update(extra=1), "the schema has no method.extra"),
        (lambda raw: raw["seeds"][0]["measurements"][0].update(extra=1), "the schema has no seeds.measurements.extra"),
        (lambda raw: raw.pop("gates") and None, "gates"),
        (lambda raw: raw.update(schema_version=99), "has schema 99, this version reads 2"),
        (lambda raw: raw.pop("schema_version") and None, "has schema None"),
        (lambda raw: raw.update(dataset="a/b"), "the dataset is not a name"),
        (lambda raw: raw["method"].update(name="..x.."), "the method is not a name"),
        (lambda raw: raw.update(seeds=[]), "its seeds"),
        (lambda raw: raw["seeds"].reverse(), "its seeds are not in order"),
        (lambda raw: raw["seeds"].append(raw["seeds"][-1]), "its seeds are not in order"),
        (lambda raw: raw["seeds"][0].update(status="failed"), "that its status does not have"),
        (lambda raw: raw["seeds"][0].update(scores=None), "that its status does not have"),
        (lambda raw: raw["seeds"][0].update(failure="it broke"), "that its status does not have"),
        (lambda raw: raw["seeds"][0]["scores"].update(name="../../x.parquet"), "must be called"),
        (lambda raw: raw["seeds"][0]["scores"].update(sha256="x" * 64), "a sha256 is not"),
        (lambda raw: raw["gates"][0].update(reason="a\u202eb"), "U+202E"),
        (lambda raw: raw["gates"][0].update(reason="a\x1b[31m"), "U+001B"),
        (lambda raw: raw["gates"][0].update(reason="x" * 20_001), "20,000 characters"),
        (lambda raw: [raw], "is not valid"),
        (lambda raw: 3, "is not valid"),
    ],
)
def test_what_is_not_a_record_is_refused_with_the_reason(path, change, words):
    assert words in refused(changed(path, change))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw.update(extra=1), "the schema has no extra"),
        (lambda raw: raw["provenance"].update(extra=1), "the schema has no provenance.extra"),
        (lambda raw: raw.pop("stages") and None, "stages"),
        (lambda raw: raw.pop("keys") and None, "it lacks keys"),
        (lambda raw: raw.update(schema_version=99), "has schema 99, this version reads 2"),
        (lambda raw: raw.update(schema_version=1), "has schema 1, this version reads 2"),
        (lambda raw: raw.update(track="../elsewhere"), "the track is not a name"),
        (lambda raw: raw.update(track="."), "the track is not a name"),
        (lambda raw: raw.update(track=".."), "the track is not a name"),
        (lambda raw: raw.update(track="a..b"), "the track is not a name"),
        (lambda raw: raw.update(track=".hidden"), "the track is not a name"),
        (lambda raw: raw.update(submission="xyz"), "sixteen hexadecimal digits"),
        (lambda raw: raw.update(submission="A" * 16), "sixteen hexadecimal digits"),
        (lambda raw: raw.update(metrics=raw["metrics"] * 100), "more than 200 metrics"),
        (lambda raw: raw.update(attacks=raw["attacks"] * 100), "more than 200 attacks"),
        (lambda raw: raw["keys"]["digits/teacher/seed-0"].update(train=["x"]), "a key of its stages is no sha256"),
        (lambda raw: raw["keys"]["digits/teacher/seed-0"].update(train=["../" * 21]), "is no sha256"),
        (lambda raw: raw["stages"].update(naive="80"), "not written as the schema has it"),
        (lambda raw: raw.update(command="a\u202eb"), "U+202E"),
        (lambda raw: raw.update(command="a\x1b[31m"), "U+001B"),
        (lambda raw: raw.update(recipe="x" * 20_001), "20,000 characters"),
        (lambda raw: [raw], "is not valid"),
        (lambda raw: 3, "is not valid"),
    ],
)
def test_what_is_not_a_run_file_is_refused_with_the_reason(run_path, change, words):
    assert words in refused(changed(run_path, change))


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
def test_bytes_that_are_no_json_are_refused(path, run_path, content):
    for file in (path, run_path):
        file.write_bytes(content)
        refused(file)


def test_a_file_that_is_not_there_or_too_large_is_refused(path, run_path, monkeypatch):
    for file, limit in ((path, "MOST_RECORD_BYTES"), (run_path, "MOST_RUN_BYTES")):
        monkeypatch.setattr(files, limit, file.stat().st_size - 1)
        assert "more than" in refused(file)
        file.unlink()
        refused(file)


def test_a_scan_names_what_it_leaves_out_and_reads_the_rest(tmp_path):
    found = board(tmp_path, CLOTHES)
    where = f"small/{found.run.information.submission}/records/clothes"
    path, other = found.path("dp-sgd"), found.path("outsider")
    path.write_text("{}")
    other.rename(other.with_name("elsewhere.json"))
    (run,), faults = scan_runs(found.root)
    assert len(run.records) == 7
    assert [fault.file for fault in faults] == [f"{where}/dp-sgd.json", f"{where}/elsewhere.json"]
    assert "belongs at records/clothes/outsider.json" in faults[1].what
    with pytest.raises(RunError, match="leaderboard verify"):
        read_records(found.root)


def test_a_run_that_is_not_where_it_belongs_or_cannot_be_read_is_a_fault(tmp_path):
    found = board(tmp_path, CLOTHES)
    submission = found.run.information.submission
    moved = found.folder.rename(found.folder.with_name("0" * 16))
    runs, (fault,) = scan_runs(found.root)
    assert not runs
    assert fault.file == f"small/{'0' * 16}/run.json"
    assert f"its content belongs at small/{submission}" in fault.what
    (moved / RUN_FILE).write_text("{}")
    runs, (fault,) = scan_runs(found.root)
    assert not runs
    assert "has schema None" in fault.what


def test_a_link_out_of_the_folder_is_not_read(tmp_path):
    found = board(tmp_path, CLOTHES)
    path = found.path("dp-sgd")
    outside = path.rename(tmp_path / "outside.json")
    path.symlink_to(outside)
    (run,), faults = scan_runs(found.root)
    assert len(run.records) == 8
    assert "link" in faults[0].what
    run_file = found.folder / RUN_FILE
    run_file.rename(tmp_path / "run.json")
    run_file.symlink_to(tmp_path / "run.json")
    runs, faults = scan_runs(found.root)
    assert not runs
    assert "link" in faults[0].what


def test_a_folder_that_is_not_there_is_said_in_a_sentence(tmp_path):
    with pytest.raises(RunError, match="is not a folder of results"):
        read_records(tmp_path / "absent")


def test_a_record_that_cannot_be_written_is_said_in_a_sentence_and_leaves_nothing(tmp_path):
    (tmp_path / "records").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match=f"writing {RECORD.method.name}.json"):
        write_record(RECORD, tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["records"]


def test_a_copy_of_a_run_has_its_files_byte_for_byte_and_nothing_else(tmp_path):
    found = board(tmp_path, CLOTHES)
    before = contents(found.folder)
    for name in ("report/index.html", "records/clothes/left.partial", "records/clothes/dp-sgd.seed-9.parquet"):
        path = found.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("made from the records, or left beside them")
    copy_run(found.run, tmp_path / "copy", pictured=lambda _: True)
    assert contents(tmp_path / "copy") == before
    copy_run(found.run, tmp_path / "bare", pictured=lambda _: False)
    assert contents(tmp_path / "bare") == {name: it for name, it in before.items() if not name.startswith("pictures/")}


@pytest.mark.parametrize("what", ["scores", "pictures", "folder"])
def test_a_link_is_not_copied(what, tmp_path):
    found = board(tmp_path, CLOTHES)
    name = "attributes-miniature-lora"
    run, path = found.run, {"scores": found.scores(name), "pictures": found.pictures(name)}.get(what)
    path = path or found.scores(name).parent
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    with pytest.raises(RunError, match="is not there, or is a link"):
        copy_run(run, tmp_path / "copy", pictured=lambda _: True)
    assert not (tmp_path / "copy" / RUN_FILE).exists()


def test_a_file_that_is_lost_or_immense_is_not_copied(tmp_path):
    found = board(tmp_path, CLOTHES)
    run, path = found.run, found.scores("dp-sgd")
    with path.open("r+b") as file:
        file.truncate(2**30)
    with pytest.raises(RunError, match=r"dp-sgd\.seed-0\.parquet .* has more than 16 MiB"):
        copy_run(run, tmp_path / "copy", pictured=lambda _: True)
    path.unlink()
    with pytest.raises(RunError, match=r"dp-sgd\.seed-0\.parquet .* is not there"):
        copy_run(run, tmp_path / "copy", pictured=lambda _: True)


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


def test_paths_are_made_of_track_submission_dataset_and_method(tmp_path):
    name = RECORD.method.name
    assert submission_folder(tmp_path, RECORD).relative_to(tmp_path).parts == (RECORD.track, RECORD.submission)
    assert record_path(tmp_path, RECORD).relative_to(tmp_path).parts == ("records", RECORD.dataset, f"{name}.json")
    assert pictures_path(tmp_path, RECORD).relative_to(tmp_path).parts == (
        "pictures",
        RECORD.dataset,
        f"{name}.parquet",
    )
    assert scores_name(RECORD, 3) == f"{name}.seed-3.parquet"


def test_files_of_a_run_are_found_in_order_of_dataset_and_name():
    run = next(submitted().glob("small/*"))
    found = [path.relative_to(run / "records").as_posix() for path in record_files(run)]
    assert found == sorted(found)
    assert len(found) == 18
