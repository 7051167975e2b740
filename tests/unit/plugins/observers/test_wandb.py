"""Laws of the observer `wandb`, read back from the file that `wandb sync` would send."""

import json
import os
import struct

import pytest
from tckr_plugins.observers.wandb import WandbObserver, WandbOptions

from tckr_bench.plugin.rehearsal import rehearsed

BLOCK, HEADER = 32768, 7


def records(folder):
    """Yield the records of a transaction log: blocks of 32 KiB, each chunk with checksum, length and kind."""
    from wandb.proto.wandb_internal_pb2 import Record

    (path,) = folder.glob("*.wandb")
    content, place, whole = path.read_bytes(), HEADER, b""
    while place + HEADER <= len(content):
        if BLOCK - place % BLOCK < HEADER:
            place += BLOCK - place % BLOCK
            continue
        _checksum, length, kind = struct.unpack("<IHB", content[place : place + HEADER])
        whole += content[place + HEADER : place + HEADER + length]
        place += HEADER + length
        if kind in (1, 4):  # whole, or the last part
            yield Record.FromString(whole)
            whole = b""


def read(folder):
    """Return the configuration, the history rows and the summary of an offline run."""
    config, history, summary = {}, [], {}
    for record in records(folder):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
        elif kind == "history":
            items = record.history.item
            history.append({item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items})
        elif kind == "summary":
            items = record.summary.update
            summary |= {item.key or item.nested_key[0]: json.loads(item.value_json) for item in items}
    return config, history, summary


def offline_runs(folder):
    return sorted((folder / "wandb").glob("offline-run-*"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    rehearsed(folder).tell(WandbObserver(WandbOptions()))
    return folder


def test_measurements_parameters_and_seconds_are_those_of_the_run(folder):
    config, history, summary = read(offline_runs(folder)[0])
    assert config["matrix"] == "rehearsal"
    assert config["version/python"] == "3.11.0"
    assert [(row["_step"], row["seconds/train"]) for row in history if "seconds/train" in row] == [(3, 2.5)]
    assert summary["digits/teacher/seed-0/accuracy"] == 0.75
    assert summary["digits/teacher/seed-0/auc-mia/lira"] == 0.625
    assert summary["digits/student-0.2x/seed-0/status"] == "failed"
    assert summary["cpu-seconds/train"] == 2.25


def test_it_is_offline_and_tells_nothing_of_machine_and_code(folder):
    assert os.environ["WANDB_ERROR_REPORTING"] == "false"
    (offline,) = offline_runs(folder)
    kinds = {record.WhichOneof("record_type") for record in records(offline)}
    assert not kinds & {"stats", "output", "output_raw"}
    files = {path.name for path in (offline / "files").rglob("*")}
    assert not files & {"requirements.txt", "wandb-metadata.json", "diff.patch"}


def test_the_same_command_again_bears_the_same_id(folder):
    rehearsed(folder).again().tell(WandbObserver(WandbOptions()))
    assert len(offline_runs(folder)) == 2
    found = [record.run.run_id for path in offline_runs(folder) for record in records(path) if record.HasField("run")]
    assert set(found) == {rehearsed(folder).start.identity}
