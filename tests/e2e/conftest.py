"""Drives the installed command, each test with a store and a working folder of its own unless it says otherwise."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock


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

    def information(self, run):
        """Return what all records of a run have in common."""
        return json.loads((self.folder / run / "run.json").read_text())

    def records(self, run):
        """Return the records of a run, as their files hold them."""
        return [json.loads(path.read_text()) for path in sorted((self.folder / run / "records").glob("*/*.json"))]

    def statuses(self, run):
        """Return what became of the cells of a run."""
        return {seed["status"] for record in self.records(run) for seed in record["seeds"]}

    def measurements(self, run):
        """Return every measurement of a run of one seed, without what it cost."""
        return {
            (record["dataset"], record["method"]["name"], measurement["metric"], measurement["attack"]): measurement
            for record in self.records(run)
            for seed in record["seeds"]
            for measurement in seed["measurements"]
        }

    def manifests(self):
        """Return the checksums of every artifact in the store, by key."""
        return {path.parent.name: path.read_text() for path in self.store.glob("artifacts/*/*/manifest.json")}


@pytest.fixture
def command(tmp_path):
    return Command(tmp_path, tmp_path / "store")


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """A finished smoke run, one for all workers of the session: it is copied and never changed."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    command = Command(shared / "smoke", shared / "smoke" / "store")
    done = command.folder / "done"
    with FileLock(shared / "smoke.lock"):
        if not done.exists():
            command.folder.mkdir(exist_ok=True)
            command("run", "--matrix", "smoke", "--jobs", "2")
            done.touch()
    return command


def copied(smoke, folder):
    """Return a command whose store and folder have what those of another one have."""
    shutil.copytree(smoke.folder, folder, dirs_exist_ok=True)
    return Command(folder, folder / "store")


@pytest.fixture(scope="module")
def finished(smoke, tmp_path_factory):
    """A finished smoke run of a module's own; tests that change it must put it back."""
    return copied(smoke, tmp_path_factory.mktemp("finished"))


@pytest.fixture
def damaged(smoke, tmp_path):
    """A finished smoke run that a test may damage as it likes."""
    return copied(smoke, tmp_path / "damaged")
