"""Third-party plugins: installed in a fresh environment, listed and run; and plugins that break, alone."""

import json
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import replace
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "plugins" / "example"
BAD_ATTACK = """
from pydantic import Field
from tckr_bench.plugin.components import AttackOptions, Component
from tckr_bench.plugin.hookspecs import hookimpl
from tckr_bench.records import ThreatModel

class Options(AttackOptions):
    shadows: int = Field(default=0, description="none")

class Failing:
    threat_model = ThreatModel(sees="nothing", owns="nothing")
    def score(self, evidence):
        raise RuntimeError("the plugin has a bug")

class Dying(Failing):
    def score(self, evidence):
        import os
        os.kill(os.getpid(), 9)

@hookimpl
def register_attacks(register):
    register(Component("failing", "1", Options, lambda options: Failing(), "fails"))
    register(Component("dying", "1", Options, lambda options: Dying(), "dies"))
"""


BAD_OBSERVER = """
from pathlib import Path
from pydantic import Field
from tckr_bench.plugin.components import Component, Options
from tckr_bench.plugin.hookspecs import hookimpl

class FileOptions(Options):
    file: str = Field(default="", description="where the end goes")

class Failing:
    def __init__(self, options):
        self.file = options.file
    def run_started(self, start):
        for cell in start.cells:
            cell.method.classifier.options.clear()
    def stage_finished(self, stage):
        raise RuntimeError("the plugin has a bug")
    def run_ended(self, end):
        Path(self.file).write_text(end.ending)

@hookimpl
def register_observers(register):
    register(Component("failing", "1", FileOptions, Failing, "fails"))
"""


def fresh_environment(folder):
    """Make an environment that sees the packages of this one, so that only the plugin is installed into it."""
    venv.create(folder, with_pip=True)
    own = subprocess.run(
        [folder / "bin/python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    shared = sysconfig.get_path("purelib")
    (Path(own) / "shared.pth").write_text(f"import site; site.addsitedir({shared!r})\n")
    return folder / "bin/python"


def run(python, command, *arguments, code=0, **changes):
    program = "from tckr_bench.cli import main; main()"
    done = subprocess.run(
        [python, "-c", program, *arguments],
        cwd=command.folder,
        env=command.environment(**changes),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("environment")
    source = shutil.copytree(EXAMPLE, folder / "example")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder / "dist", source]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    python = fresh_environment(folder / "venv")
    subprocess.run([python, "-m", "pip", "install", "--no-index", "--no-deps", wheel], check=True, capture_output=True)
    return python


def test_the_example_plugin_is_listed_and_takes_part_in_a_run(environment, finished):
    out, _err = run(environment, finished, "plugins", "list")
    for name in ("margin", "brightness", "tckr-bench-example"):
        assert name in out
    settings = ["--set", "attack.loss.component=margin", "--set", "captioner.attributes.component=brightness"]
    # the steps that need the new captioner are few: one caption, one adaptation, two chunks
    run(environment, finished, "run", "--matrix", "smoke", *settings, "--out", "runs/example")
    assert finished.statuses("runs/example") == {"ok"}
    distributions = finished.information("runs/example")["provenance"]["distributions"]
    assert distributions["attack margin"] == "tckr-bench-example 0.1.0"
    assert distributions["captioner brightness"] == "tckr-bench-example 0.1.0"


def test_the_tests_of_the_example_pass(environment):
    done = subprocess.run(
        [environment, "-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLE / "tests"],
        capture_output=True,
        text=True,
        check=False,
        cwd=EXAMPLE,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def plugin_path(tmp_path):
    """Return a folder that, on the import path, is an installed distribution with the plugin `bad_plugin`."""
    folder = tmp_path / "site"
    metadata = folder / "bad_plugin-9.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-plugin\nVersion: 9\n")
    (metadata / "entry_points.txt").write_text("[tckr_bench]\nbad = bad_plugin\n")
    return folder


@pytest.mark.parametrize(("attack", "reason"), [("failing", "the plugin has a bug"), ("dying", "killed by signal 9")])
def test_a_failing_plugin_fails_its_cells_with_a_line_and_a_log(finished, tmp_path, plugin_path, attack, reason):
    (plugin_path / "bad_plugin.py").write_text(BAD_ATTACK)
    command = replace(finished, folder=tmp_path)
    arguments = ("run", "--matrix", "smoke", "--set", f"attack.loss.component={attack}")
    _out, err = run(sys.executable, command, *arguments, code=1, PYTHONPATH=str(plugin_path))
    assert f"{attack} of bad-plugin 9" in err
    assert reason in err
    assert "Traceback" not in err
    (run_folder,) = (tmp_path / "runs").iterdir()
    assert command.statuses(run_folder) == {"failed"}
    if attack == "failing":
        assert any("RuntimeError" in path.read_text() for path in (run_folder / "logs").glob("attack-*.log"))


def test_an_observer_that_raises_neither_stops_nor_changes_a_run(finished, tmp_path, plugin_path):
    (plugin_path / "bad_plugin.py").write_text(BAD_OBSERVER)
    measurements, manifests = finished.measurements("runs/smoke"), finished.manifests()
    kinds = {json.loads(manifest)["kind"]: key for key, manifest in manifests.items()}
    for key in (kinds["attack"], kinds["measure"]):  # so that there is something to observe
        shutil.rmtree(finished.store / "artifacts" / key[:2] / key)
    command = replace(finished, folder=tmp_path)
    arguments = ("run", "--matrix", "smoke", "--observe", "failing", "--set", "observer.failing.file=ends")
    out, err = run(sys.executable, command, *arguments, PYTHONPATH=str(plugin_path))
    assert "Stages: 2 ran" in out
    assert err.count("the observer 'failing' of bad-plugin 9 failed") == 1
    assert "Traceback" not in err
    assert (tmp_path / "ends").read_text() == "finished"
    assert command.measurements("runs/smoke") == measurements
    assert command.manifests() == manifests


def test_fail_fast_stops_at_the_first_failure(finished, tmp_path, plugin_path):
    (plugin_path / "bad_plugin.py").write_text(BAD_ATTACK)
    command = replace(finished, folder=tmp_path)
    arguments = ("run", "--matrix", "smoke", "--set", "attack.loss.component=failing", "--fail-fast")
    _out, err = run(sys.executable, command, *arguments, code=1, PYTHONPATH=str(plugin_path))
    assert err.count("the plugin has a bug") <= 2 + 1  # at most one for each worker, and the summary


def test_a_failure_costs_the_cells_that_need_it_only(finished, tmp_path):
    command = replace(finished, folder=tmp_path)
    arguments = ("--set", "generator.miniature.model=no-such-model")
    _out, err = command("run", "--matrix", "smoke", *arguments, code=2)
    assert "no-such-model" in err
    assert "Traceback" not in err


def test_a_plugin_that_cannot_be_imported_is_shown_and_harms_nobody(command, plugin_path):
    (plugin_path / "bad_plugin.py").write_text("import no_such_package_at_all\n")
    out, _err = run(sys.executable, command, "plugins", "list", PYTHONPATH=str(plugin_path))
    assert "broken" in out
    assert "no_such_package_at_all" in out
    assert "lira" in out
    run(sys.executable, command, "plan", "--matrix", "smoke", PYTHONPATH=str(plugin_path))


def test_a_misspelled_hook_is_not_ignored(command, plugin_path):
    text = BAD_ATTACK.replace("register_attacks", "register_atacks")
    (plugin_path / "bad_plugin.py").write_text(text)
    out, _err = run(sys.executable, command, "plugins", "list", PYTHONPATH=str(plugin_path))
    assert "register_atacks" in out


def test_two_components_of_a_name_name_both_distributions(command, plugin_path):
    (plugin_path / "bad_plugin.py").write_text(BAD_ATTACK.replace('"failing"', '"lira"'))
    _out, err = run(sys.executable, command, "plugins", "list", PYTHONPATH=str(plugin_path), code=2)
    assert "bad-plugin 9" in err
    assert "tckr-bench" in err
