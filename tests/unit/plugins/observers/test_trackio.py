"""Laws of the observer `trackio`, read back from its database; each told in a process of its own.

The library reads where its database lies when it is imported, once for all.
"""

import json
import os
import sqlite3
import subprocess
import sys
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(
    find_spec("trackio") is None, reason="trackio is not installed; `make test` has an environment for it"
)

TELL = """
import sys
from pathlib import Path
from tckr_bench.plugin.rehearsal import rehearsed
from tckr_plugins.observers.trackio import TrackioOptions
from tckr_plugins.observers.trackio import TrackioObserver
run = rehearsed(Path(sys.argv[1]))
(run.again() if "again" in sys.argv else run).tell(TrackioObserver(TrackioOptions()))
"""


def tell(folder, *arguments, **environment):
    command = [sys.executable, "-W", "error", "-c", TELL, str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done


def rows(folder):
    """Return the run, the step and the values of every row that was logged."""
    (path,) = (folder / "trackio").glob("*.db")
    with sqlite3.connect(path) as database:
        found = database.execute("SELECT run_id, step, metrics FROM metrics ORDER BY id").fetchall()
    database.close()
    return [(run, step, json.loads(metrics)) for run, step, metrics in found]


def test_measurements_and_seconds_are_in_the_database_of_the_run(tmp_path):
    done = tell(tmp_path)
    assert done.stdout == ""
    values = {name: value for _run, _step, metrics in rows(tmp_path) for name, value in metrics.items()}
    assert values["digits/teacher/seed-0/accuracy"] == 0.75
    assert values["digits/teacher/seed-0/auc-mia/lira"] == 0.625
    assert values["cpu-seconds/train"] == 2.25
    assert [step for _run, step, metrics in rows(tmp_path) if "seconds/train" in metrics] == [3]


def test_the_same_command_again_continues_the_same_run(tmp_path):
    tell(tmp_path)
    tell(tmp_path, "again")
    assert len({run for run, _step, _metrics in rows(tmp_path)}) == 1
    assert [step for _run, step, metrics in rows(tmp_path) if "run/stages-done" in metrics] == [2, 3, 4, 5]


def test_nothing_is_sent_because_of_the_environment(tmp_path):
    tell(tmp_path, TRACKIO_SPACE_ID="somebody/elsewhere", TRACKIO_SERVER_URL="http://127.0.0.1:9")
    assert rows(tmp_path)
