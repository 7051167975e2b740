"""Laws of failure in a worker: what the user can mend is told from a bug."""

import errno
import io
import os

import pytest

from tckr_bench.engine import worker
from tckr_bench.engine.protocol import Order, report_adapter
from tckr_bench.engine.worker import _failure

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
