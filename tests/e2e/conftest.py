"""Drives the installed command, each test with a store and a working folder of its own unless it says otherwise."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest


def _hear_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class Command:
    """The installed `tckr-bench`, its store and the folder it runs in."""

    folder: Path
    store: Path

    def environment(self, **changes):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TCKR_BENCH_")}
        return {**kept, "TCKR_BENCH_STORE": str(self.store), "HF_HUB_OFFLINE": "1", "COLUMNS": "120", **changes}

    def start(self, *arguments, **changes):
        program = Path(sys.executable).with_name("tckr-bench")
        return subprocess.Popen(
            [program, *arguments],
            cwd=self.folder,
            env=self.environment(**changes),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # a test run in the background may have been told to ignore Ctrl-C; a user's command has not
            preexec_fn=_hear_interrupts,
        )

    def __call__(self, *arguments, code=0, **changes):
        process = self.start(*arguments, **changes)
        out, err = process.communicate(timeout=850)
        assert process.returncode == code, f"exit code {process.returncode}\n{out}\n{err}"
        return out, err

    def measurements(self, run):
        """Return every measurement of a run, without what it cost."""
        results = json.loads((self.folder / run / "results.json").read_text())
        return {
            (record["dataset"], record["method"]["name"], measurement["metric"], measurement["attack"]): measurement
            for record in results["records"]
            for measurement in record["measurements"]
        }

    def manifests(self):
        """Return the checksums of every artifact in the store, by key."""
        return {path.parent.name: path.read_text() for path in self.store.glob("artifacts/*/*/manifest.json")}


@pytest.fixture
def command(tmp_path):
    return Command(tmp_path, tmp_path / "store")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished smoke run; tests that change it must put it back."""
    folder = tmp_path_factory.mktemp("finished")
    command = Command(folder, folder / "store")
    command("run", "--matrix", "smoke", "--jobs", "2")
    return command
