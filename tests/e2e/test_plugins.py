"""Third-party plugins: installed in a fresh environment, listed and run; and plugins that break, alone."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import replace
from pathlib import Path

import pytest

from tckr_bench.results.files import read_run
from tckr_bench.results.records import cells_of

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "plugins" / "example"
EXAMPLE_MATRIX = """
name = "example"
datasets = ["digits"]
cardinalities = [0.2]
training_images = 200
primary_attack = "margin"
[captioner.brightness]
[generator.miniature]
component = "stable-diffusion"
steps = 2
[adapter.none]
[classifier.small-cnn]
epochs = 1
[attack.margin]
[attack.blind]
[control.overfit]
per_side = 20
canaries = 10
epochs = 1
"""
BAD_ATTACK = """
from tckr_bench.components import AttackComponent, NoOptions
from tckr_bench.hookspecs import hookimpl
from tckr_bench.records import ThreatModel

class Failing:
    threat_model = ThreatModel(sees="nothing", owns="nothing")
    def score(self, evidence):
        raise RuntimeError("the plugin has a bug")

class Dying(Failing):
    def score(self, evidence):
        import os
        os.kill(os.getpid(), 9)

class Leaving(Failing):
    def score(self, evidence):
        raise SystemExit(3)

class Stopping(Failing):
    def score(self, evidence):
        raise KeyboardInterrupt

@hookimpl
def register_attacks(register):
    register(AttackComponent("failing", "1", NoOptions, lambda options: Failing(), "fails"))
    register(AttackComponent("dying", "1", NoOptions, lambda options: Dying(), "dies"))
    register(AttackComponent("leaving", "1", NoOptions, lambda options: Leaving(), "leaves"))
    register(AttackComponent("stopping", "1", NoOptions, lambda options: Stopping(), "stops"))
"""


BAD_OBSERVER = """
from pathlib import Path
from pydantic import Field
from tckr_bench.components import ObserverComponent, Options
from tckr_bench.hookspecs import hookimpl

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
    register(ObserverComponent("failing", "1", FileOptions, Failing, "fails"))
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
    if "PYTHONPATH" in changes:
        changes["PYTHONPATH"] = os.pathsep.join(filter(None, [changes["PYTHONPATH"], os.environ.get("PYTHONPATH")]))
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
    (finished.folder / "example.toml").write_text(EXAMPLE_MATRIX)
    run(environment, finished, "run", "--matrix", "example.toml", "--out", "runs/example")
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


def failing(finished, folder, plugin_path, *attacks):
    """Run the smoke matrix with attacks of the bad plugin; return its records, what was said, and its folder."""
    (plugin_path / "bad_plugin.py").write_text(BAD_ATTACK)
    command = replace(finished, folder=folder)
    settings = [f"attack.{attack}={{}}" for attack in attacks]
    given = [word for setting in settings for word in ("--set", setting)]
    _out, err = run(sys.executable, command, "run", "--matrix", "smoke", *given, code=1, PYTHONPATH=str(plugin_path))
    (run_folder,) = (folder / "runs").iterdir()
    assert "Traceback" not in err
    return cells_in(run_folder), err, run_folder


def cells_in(run_folder):
    return [cell for record in read_run(run_folder).records for cell in cells_of(record)]


def test_failing_attacks_cost_every_cell_these_attacks_alone(finished, tmp_path, plugin_path):
    reasons = {"failing": "the plugin has a bug", "leaving": "SystemExit", "stopping": "Interrupt"}
    cells, err, run_folder = failing(finished, tmp_path, plugin_path, *reasons)
    assert all(name in err for name in reasons)
    assert {cell.status for cell in cells} == {"ok"}
    for cell in cells:
        assert cell.failed.keys() == reasons.keys()
        assert all(reason in cell.failed[name] for name, reason in reasons.items())
        assert all(f"{name} of bad-plugin 9" in cell.failed[name] for name in reasons)
        assert {"lira", "loss"} <= cell.threat_models.keys()
        assert not reasons.keys() & cell.threat_models.keys()
        assert {"accuracy", "auc-mia"} <= {measurement.metric for measurement in cell.measurements}
    for name, reason in reasons.items():
        assert any(reason in path.read_text() for path in (run_folder / "logs").glob(f"{name}-*.log"))


def test_an_attack_that_failed_is_tried_again_without_a_new_version(finished, tmp_path, plugin_path):
    _cells, _err, run_folder = failing(finished, tmp_path, plugin_path, "failing")
    bug, mended = 'raise RuntimeError("the plugin has a bug")', "return evidence.target_logits[:, 0] * 1.0"
    (plugin_path / "bad_plugin.py").write_text(BAD_ATTACK.replace(bug, mended))
    arguments = ("run", "--matrix", "smoke", "--set", "attack.failing={}")
    run(sys.executable, replace(finished, folder=tmp_path), *arguments, PYTHONPATH=str(plugin_path))
    assert all("failing" in cell.threat_models and not cell.failed for cell in cells_in(run_folder))


def test_an_attack_whose_process_dies_fails_the_cells_that_need_it(finished, tmp_path, plugin_path):
    cells, err, _run_folder = failing(finished, tmp_path, plugin_path, "dying")
    assert "dying of bad-plugin 9" in err
    assert "killed by signal 9" in err
    assert {cell.status for cell in cells} == {"failed"}


def test_an_observer_that_raises_neither_stops_nor_changes_a_run(finished, tmp_path, plugin_path):
    (plugin_path / "bad_plugin.py").write_text(BAD_OBSERVER)
    measurements, manifests = finished.measurements("runs/smoke"), finished.manifests()
    keys = read_run(finished.folder / "runs/smoke").information.keys.values()
    kinds = {kind: found[0] for cell in keys for kind, found in cell.items()}
    for key in (kinds["train"], kinds["measure"]):  # so that there is something to observe
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
    unfinished = BAD_ATTACK.replace('"failing", "1"', '"failing", "never mended"')
    (plugin_path / "bad_plugin.py").write_text(unfinished)
    command = replace(finished, folder=tmp_path)
    arguments = ("run", "--matrix", "smoke", "--set", "attack.loss.component=failing", "--fail-fast")
    _out, err = run(sys.executable, command, *arguments, code=1, PYTHONPATH=str(plugin_path))
    assert 1 <= err.count("the plugin has a bug") <= 2 + 1  # at most one for each worker, and the summary


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
