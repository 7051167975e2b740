"""Laws of work in processes: results are in order, and one that dies names its own task and no other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tckr_bench.errors import RunError
from tckr_bench.results import parallel
from tckr_bench.results.parallel import in_processes


def work(task):
    if task == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "raises":
        raise RunError("it is damaged")
    if task == "takes memory":
        return len(bytearray(2**34))
    while task == "never ends":
        sum(range(10**9))  # one call into C: no handler of Python's would be run within it
    return f"{task} done"


def died(task, why):
    return f"{task}: {why}"


def test_one_that_dies_names_its_task_and_the_others_are_done_in_order():
    told = []
    found = in_processes(work, ["a", "dies", "b"], jobs=2, died=died, progress=told.append)
    assert found == ["a done", "dies: the process died", "b done"]
    assert told[-1] == 3


def test_one_that_never_ends_is_ended_and_named_and_the_others_are_done(monkeypatch):
    monkeypatch.setattr(parallel, "MOST_SECONDS", 0.5)
    found = in_processes(work, ["a", "never ends", "b"], jobs=1, died=died)
    assert found == ["a done", "never ends: it took more than 0.5 seconds of CPU time", "b done"]


def test_one_that_takes_too_much_memory_is_refused_it():
    with pytest.raises(MemoryError):
        in_processes(work, ["takes memory"], jobs=1, died=died)


def test_an_error_of_work_that_is_done_again_alone_is_raised_here():
    with pytest.raises(RunError, match="it is damaged"):
        in_processes(work, ["dies", "raises"], jobs=1, died=died)


def test_nothing_to_do_is_nothing_done():
    assert in_processes(work, [], jobs=2, died=died) == []


def test_an_error_of_the_work_is_raised_here():
    with pytest.raises(RunError, match="it is damaged"):
        in_processes(work, ["raises"], jobs=1, died=died)


SCRIPT = """
from tckr_bench.results.parallel import in_processes
print(in_processes(abs, [-1, -2], jobs=2, died=lambda task, why: why))
"""


@pytest.mark.parametrize("given", ["a file", "standard input"])
def test_a_script_that_guards_nothing_is_not_run_again_in_the_processes(given, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    name, said = (str(tmp_path / "script.py"), None) if given == "a file" else ("-", SCRIPT)
    done = subprocess.run([sys.executable, name], input=said, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[1, 2]\n", "")
