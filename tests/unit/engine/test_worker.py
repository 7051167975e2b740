"""Laws of failure in a worker: what the user can mend is told from a bug."""

import dataclasses
import errno
import io
import os
import time
import types

import pytest

from tckr_bench.engine import worker
from tckr_bench.engine.protocol import Order, report_adapter
from tckr_bench.engine.store import Provenance, Store
from tckr_bench.engine.worker import _damaged_parents, _failure
from tckr_bench.records import Cost
from tckr_bench.stages.inapplicable import read_reason, write_reason
from tckr_bench.stages.isolation import FAILURES_FILE

ORDER = Order("/store", "k" * 64, "train", {}, {}, 0, {}, "label", "component", 1.0, "cpu")


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_the_users_to_mend(error):
    event = _failure(ORDER, error)
    assert event.failure == "user"
    assert "the disk is full" in event.message
    assert event.traceback == ""


@pytest.mark.parametrize("error", [ValueError("first line\nsecond line"), OSError("without a number")])
def test_anything_else_is_a_bug_with_its_traceback(error):
    try:
        raise error
    except (ValueError, OSError) as raised:
        event = _failure(ORDER, raised)
    assert event.failure == "bug"
    assert "\n" not in event.message
    assert type(error).__name__ in event.traceback


@pytest.mark.parametrize("raised", [SystemExit(3), KeyboardInterrupt(), GeneratorExit("left"), ValueError("no")])
def test_whatever_a_plugin_raises_is_the_failure_of_its_stage(raised, monkeypatch):
    def run(order, tell):
        raise raised

    monkeypatch.setattr(worker, "_run", run)
    reports = io.StringIO()
    worker._serve(ORDER, reports)
    report = report_adapter().validate_json(reports.getvalue())
    assert (report.event, report.failure, report.key) == ("failed", "bug", ORDER.key)
    assert report.message.startswith(type(raised).__name__)
    assert "raise raised" in report.traceback


def test_a_parent_marked_with_a_failure_is_sound_and_a_missing_one_is_not(tmp_path):
    store, marked, missing = Store(tmp_path), "a" * 64, "b" * 64
    store.open_for_writing()
    with store.lock(marked):
        staged = store.begin(marked)
        (staged / FAILURES_FILE).write_text("[]")
        store.commit(marked, staged, kind="attack", provenance=Provenance("", "", Cost(0, 0, 0), "cpu", 1, time.time()))
    order = dataclasses.replace(ORDER, store=str(tmp_path), parents={"attacks": (marked, missing)})
    assert _damaged_parents(store, order) == (missing,)


@pytest.mark.parametrize(("kind", "runs"), [("shadow-adapt", False), ("attack", False), ("measure", True)])
def test_a_stage_whose_parent_does_not_apply_is_not_run_and_says_the_same(kind, runs, tmp_path, monkeypatch):
    store, parent, own = Store(tmp_path), "a" * 64, "c" * 64
    store.open_for_writing()
    with store.lock(parent):
        staged = store.begin(parent)
        write_reason("nobody wrote captions", staged)
        store.commit(
            parent, staged, kind="caption", provenance=Provenance("", "", Cost(0, 0, 0), "cpu", 1, time.time())
        )
    ran = []
    stage = types.SimpleNamespace(run=lambda request, folder, context: ran.append(request))
    monkeypatch.setattr(worker, "_stage_module", lambda kind: stage)
    monkeypatch.setattr(worker, "stage_request", lambda stage, **request: request)
    order = dataclasses.replace(ORDER, store=str(tmp_path), key=own, kind=kind, parents={"prompts": (parent,)})
    assert worker._run(order, ran.append).event == "done"
    assert bool(ran) is runs
    assert read_reason(store.path(own)) == ("" if runs else "nobody wrote captions")
