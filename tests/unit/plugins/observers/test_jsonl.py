"""Laws of `events.jsonl`: everything in order, nothing lost by going on, no damage that spreads."""

import datetime
import json

import pytest
from tckr_plugins.observers.jsonl import JsonlObserver, read_events

from tckr_bench.plugin.rehearsal import rehearsed


@pytest.fixture
def path(tmp_path):
    rehearsed(tmp_path).tell(JsonlObserver())
    return tmp_path / "events.jsonl"


def kinds(path):
    return [event["event"] for event in read_events(path)]


WHOLE = ["run-start", *["stage-finished"] * 3, "stage-failed", "cell", "cell", "run-end"]


def test_every_event_is_a_line_with_its_time_in_utc(path):
    assert kinds(path) == WHOLE
    assert len(path.read_bytes().splitlines()) == len(WHOLE)
    times = [datetime.datetime.fromisoformat(event["time"]) for event in read_events(path)]
    assert times == sorted(times)
    assert {time.utcoffset() for time in times} == {datetime.timedelta(0)}


def test_events_say_what_the_run_said(path):
    start, found, ran, _, failed, cell, lost, end = read_events(path)
    assert start["cells"][1] == {
        "dataset": "digits",
        "method": "student-0.2x",
        "seed": 0,
        "role": "method",
        "captioner": None,
        "generator": None,
        "adapter": None,
        "classifier": "small-cnn",
        "labels": "soft",
        "cardinality": 0.2,
    }
    assert start["stages"]["prepare"] == {"unique": 2, "cached": 1}
    assert (found["how"], found["seconds"]) == ("found", 0.0)
    assert (ran["how"], ran["seconds"], ran["cpu_seconds"], ran["done"], ran["total"]) == ("ran", 2.5, 2.25, 3, 5)
    assert failed["reason"].startswith("out of")
    assert cell["measurements"][1] == {"metric": "auc-mia", "attack": "lira", "value": 0.625, "low": 0.6, "high": 0.65}
    assert cell["measurements"][2]["value"] is None, "JSON has no infinity"
    assert (lost["status"], lost["measurements"]) == ("failed", [])
    assert (end["ending"], end["ran"], end["cpu_seconds"]["train"]) == ("failed", 2, 2.25)


def test_the_same_command_again_appends_and_rewrites_nothing(path):
    before = path.read_bytes()
    rehearsed(path.parent).again().tell(JsonlObserver())
    assert path.read_bytes().startswith(before)
    assert kinds(path) == [*WHOLE, "run-start", "stage-finished", "cell", "cell", "run-end"]
    assert len({event["identity"] for event in read_events(path) if event["event"] == "run-start"}) == 1


@pytest.mark.parametrize("damage", [b'{"time": "2026-01-01', b"\x00\xff\xfe", b"[1]", b""])
def test_a_damaged_last_line_costs_itself_alone(path, damage):
    path.write_bytes(path.read_bytes() + damage)
    assert kinds(path) == WHOLE
    rehearsed(path.parent).again().tell(JsonlObserver())
    assert kinds(path)[len(WHOLE)] == "run-start"


def test_a_text_of_others_cannot_make_a_line_of_its_own(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(json.loads(line)["event"] for line in lines)
    assert "\x1b" not in path.read_text(encoding="utf-8")
