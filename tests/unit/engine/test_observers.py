"""Laws of observers: they hear of a run and change nothing of it, and one that breaks stands alone."""

import copy
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tckr_bench.api.planning import plan_run
from tckr_bench.api.request import RunRequest
from tckr_bench.engine.collect import RunSettings
from tckr_bench.engine.matrix import load_matrix
from tckr_bench.engine.observers import Observers, observers_named, start_of
from tckr_bench.engine.outcome import Failure, Listeners, Outcome
from tckr_bench.engine.plan import make_plan
from tckr_bench.engine.store import Store
from tckr_bench.errors import OptionError, PluginError
from tckr_bench.plugin.components import ObserverComponent
from tckr_bench.plugin.options import NoOptions
from tckr_bench.plugin.registry import Registration, Registry, default_registry
from tckr_bench.records import Cost
from tckr_bench.results.records import cells_of

EVENTS = ("run_started", "stage_finished", "stage_failed", "cell_measured", "run_ended")
COST = Cost(wall_seconds=1.0, cpu_seconds=1.0, peak_memory_bytes=1)


class Recorder:
    """Keeps what it is told; `does` happens each time, after that."""

    def __init__(self, does=lambda event, told: None):
        self.told, self.does = [], does

    def __getattr__(self, event):
        if event not in EVENTS:
            raise AttributeError(event)

        def tell(told):
            self.told.append((event, told))
            self.does(event, told)

        return tell

    @property
    def heard(self):
        return [event for event, _told in self.told]


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    registry = default_registry()
    return make_plan(load_matrix("smoke", registry), registry, Store(tmp_path_factory.mktemp("store")), jobs=1)


@pytest.fixture
def settings(tmp_path):
    return RunSettings(tmp_path / "run", 1, "cpu")


@pytest.fixture
def run(made):
    """A run of one method over two seeds."""
    method = made.plain_method("teacher", "baseline")
    cells = [made.stated_record(method, made.measurements_for(0.8, 0.6), seed=seed) for seed in (0, 1)]
    return made.results_of(cells, seconds={"train": 2.0})


def registry_of(**observers):
    registry = Registry()
    for name, load in observers.items():
        component = ObserverComponent(name, "1", NoOptions, load, "a test's")
        registry.add(Registration("observer", component, "mine 1"))
    return registry


def watchers(*recorders, warn=lambda text: None):
    registry = registry_of(**{f"watcher{index}": lambda _, it=it: it for index, it in enumerate(recorders)})
    uses = [
        registry.use("observer", entry.component.name, label=entry.component.name, options={})
        for entry in registry.family("observer")
    ]
    return Observers(uses, registry, warn=warn)


def a_run(observers, plan, settings, run):
    """Tell of a run of three stages, one of which fails."""
    first, second, third = list(plan.graph.stages.values())[:3]
    with observers.watching(plan, settings):
        observers.finished(first, None)
        observers.finished(second, COST)
        observers.failed(Failure(third, "user", "no luck"))
        observers.measured(run, Outcome(ran={second.key: COST}, found={first.key}))


WHOLE = [
    "run_started",
    "stage_finished",
    "stage_finished",
    "stage_failed",
    "cell_measured",
    "cell_measured",
    "run_ended",
]


def test_observers_hear_of_the_start_the_stages_the_cells_and_the_end(plan, settings, run):
    recorder = Recorder()
    a_run(watchers(recorder), plan, settings, run)
    assert recorder.heard == WHOLE
    start, found, ran, failed, first, second, end = (told for _event, told in recorder.told)
    assert start.cells == tuple(plan.graph.cells.values())
    assert sum(kind.unique for kind in start.stages) == len(plan.graph.stages)
    assert (found.cost, found.done, ran.cost, ran.done, ran.total) == (None, 1, COST, 2, len(plan.graph.stages))
    assert failed.reason == "no luck"
    assert (first, second) == cells_of(run.records[0])
    assert (first.seed, second.seed) == (0, 1)
    assert (end.ending, end.ran, end.found, end.cpu_seconds) == ("finished", 1, 1, {"train": 2.0})


def test_stages_in_the_store_are_counted_and_not_told_again(plan, settings, run):
    keys = tuple(plan.graph.stages)
    recorder = Recorder()
    a_run(watchers(recorder), replace(plan, cached=keys[3:], pending=keys[:3]), settings, run)
    assert sum(kind.cached for kind in recorder.told[0][1].stages) == len(keys) - 3
    assert [told.done for event, told in recorder.told if event == "stage_finished"] == [len(keys) - 2, len(keys) - 1]


@pytest.mark.parametrize("broken", EVENTS)
def test_an_observer_that_raises_is_set_aside_with_one_warning_and_the_others_hear_on(plan, settings, run, broken):
    def fail(event, told):
        if event == broken:
            raise RuntimeError("the server\nis gone")

    bad, good, warnings = Recorder(fail), Recorder(), []
    a_run(watchers(bad, good, warn=warnings.append), plan, settings, run)
    assert good.heard == WHOLE
    assert warnings == [
        "the observer 'watcher0' of mine 1 failed and watches no more: RuntimeError: the server; the run goes on"
    ]
    assert bad.heard == [*WHOLE[: WHOLE.index(broken) + 1], *(["run_ended"] if broken != "run_ended" else [])]


def test_an_observer_that_fails_to_load_stops_nothing_unless_the_user_can_mend_it(plan, settings, run):
    def break_down(_options):
        raise RuntimeError("broken")

    def lack(_options):
        raise PluginError("pip install it")

    registry, warnings = registry_of(broken=break_down, lacking=lack), []
    use = {name: registry.use("observer", name, label=name, options={}) for name in ("broken", "lacking")}
    a_run(Observers([use["broken"]], registry, warn=warnings.append), plan, settings, run)
    assert len(warnings) == 1
    with pytest.raises(PluginError, match="pip install it"):
        Observers([use["lacking"]], registry, warn=warnings.append)


def test_an_observer_cannot_change_what_the_run_goes_by(plan, settings, run):
    def meddle(event, told):
        if event == "run_started":
            for cell in told.cells:
                cell.method.classifier.options["epochs"] = 0
                cell.dataset.options.clear()

    before = copy.deepcopy(plan.graph)
    a_run(watchers(Recorder(meddle)), plan, settings, run)
    assert plan.graph == before


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_a_run_that_stops_is_told_as_stopped(plan, settings, stop):
    recorder = Recorder()
    observers, stage = watchers(recorder), next(iter(plan.graph.stages.values()))

    def a_run_that_stops():
        with observers.watching(plan, settings):
            observers.finished(stage, COST)
            raise stop

    with pytest.raises(stop):
        a_run_that_stops()
    assert recorder.heard == ["run_started", "stage_finished", "run_ended"]
    end = recorder.told[-1][1]
    assert (end.ending, end.ran, end.found, end.failed) == ("stopped", 1, 0, 0)


def test_what_observers_print_does_not_reach_standard_output(plan, settings, run, capsys):
    a_run(watchers(Recorder(lambda event, told: print("hello"))), plan, settings, run)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("hello") == len(WHOLE)


def test_the_identity_is_that_of_the_cells_and_the_folder(plan, settings):
    here = start_of(plan, settings).identity
    assert start_of(plan, replace(settings, jobs=7)).identity == here
    assert start_of(plan, replace(settings, out=Path("elsewhere"))).identity != here
    registry = default_registry()
    other = make_plan(load_matrix("smoke", registry, settings=["seeds=[1]"]), registry, Store(settings.out), jobs=1)
    assert start_of(other, settings).identity != here


def test_options_of_observers_change_no_key_no_identity_and_no_folder(plan, settings):
    registry, changes = default_registry(), ["observer.tensorboard.folder=elsewhere"]
    watched = make_plan(load_matrix("smoke", registry, settings=changes), registry, Store(settings.out), jobs=1)
    assert watched.graph == plan.graph
    assert start_of(watched, settings) == start_of(plan, settings)


def test_a_request_that_changes_observers_alone_has_the_command_and_the_folder_of_the_matrix(tmp_path, monkeypatch):
    monkeypatch.setenv("TCKR_BENCH_STORE", str(tmp_path))
    watched = RunRequest("smoke", settings=("observer.tensorboard.folder=elsewhere",), observe=("tensorboard",))
    assert watched.command == RunRequest("smoke").command
    assert plan_run(watched).folder == Path("runs/smoke")
    assert plan_run(RunRequest("smoke", settings=("seeds=[1]",))).folder != Path("runs/smoke")


def chosen(*names, settings=()):
    registry = default_registry()
    matrix = load_matrix("smoke", registry, settings=settings)
    return {use.label: use for use in observers_named(names, matrix, registry, settings=settings)}


def test_only_the_file_of_events_observes_unasked():
    assert list(chosen()) == ["jsonl"]
    assert list(chosen("tensorboard", "tensorboard", "jsonl")) == ["jsonl", "tensorboard"]


def test_set_gives_an_observer_its_options():
    use = chosen("tensorboard", settings=["observer.tensorboard.folder=elsewhere"])["tensorboard"]
    assert use.options["folder"] == "elsewhere"


def test_a_table_of_the_matrix_gives_options_and_has_nothing_observe(tmp_path):
    from tckr_bench.engine.matrix_file import shipped_matrices

    path = tmp_path / "mine.toml"
    path.write_text(shipped_matrices()["smoke"] + '\n[observer.sent]\ncomponent = "wandb"\nmode = "online"\n')
    registry = default_registry()
    matrix = load_matrix(str(path), registry)
    assert [use.label for use in observers_named((), matrix, registry)] == ["jsonl"]
    (_, sent) = observers_named(("sent",), matrix, registry)
    assert (sent.name, sent.options["mode"]) == ("wandb", "online")


def test_mistakes_are_one_sentence():
    with pytest.raises(PluginError, match="no observer is called 'tensorbord'; did you mean 'tensorboard'"):
        chosen("tensorbord")
    with pytest.raises(OptionError, match="add --observe wandb"):
        chosen("tensorboard", settings=["observer.wandb.mode=online"])
    with pytest.raises(OptionError, match="has no option 'foldr'; did you mean 'folder'"):
        chosen("tensorboard", settings=["observer.tensorboard.foldr=x"])


@pytest.mark.parametrize("name", ["tensorboard", "mlflow", "wandb", "trackio"])
def test_a_missing_library_is_one_sentence_that_names_its_extra(name, monkeypatch):
    for module in [module for module in sys.modules if module.startswith(f"{name}.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)
    registry = default_registry()
    with pytest.raises(PluginError, match=rf"pip install 'tckr-bench\[{name}\]'"):
        Observers([registry.use("observer", name, label=name, options={})], registry, warn=print)


def test_listeners_are_all_told_in_order(plan):
    heard = []

    class Listener:
        def __init__(self, name):
            self.name = name

        def __getattr__(self, event):
            return lambda *told: heard.append((self.name, event, *told))

    listeners, stage = Listeners(Listener("a"), Listener("b")), next(iter(plan.graph.stages.values()))
    listeners.started(stage)
    listeners.progressed(stage, 0.5)
    listeners.finished(stage, COST)
    listeners.failed("a failure")
    said = [("started", stage), ("progressed", stage, 0.5), ("finished", stage, COST), ("failed", "a failure")]
    assert heard == [(name, *each) for each in said for name in ("a", "b")]
