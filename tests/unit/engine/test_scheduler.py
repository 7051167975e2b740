"""Laws of scheduling, in many random worlds: every stage ends as it must, and none begins too early or twice."""

import random
from dataclasses import dataclass, field

import pytest

from tckr_bench.engine.estimate import Rates
from tckr_bench.engine.executor import Executor
from tckr_bench.engine.graph import Graph, Stage
from tckr_bench.engine.outcome import Failure
from tckr_bench.engine.pools.api import Died, Reported, Slot
from tckr_bench.engine.protocol import WorkerReport
from tckr_bench.engine.scheduler import MOST_REPAIRS, Scheduler, longest_chains
from tckr_bench.engine.store import Store
from tckr_bench.records import Cost

COST = Cost(1.0, 1.0, 1)
WORLDS = 1000


def stage(key, parents=(), work=1.0):
    half = len(parents) // 2
    roles = {"some": tuple(parents[:half]), "others": tuple(parents[half:])}
    return Stage(key, "train", {}, {}, 0, roles, key, work)


@dataclass
class World:
    """A graph, what is cached, and what happens to each stage that runs.

    The artifact of a `damaged` stage is not sound until it is made once more; that of an `unmendable` one never is.
    """

    stages: dict[str, Stage]
    cached: set[str]
    fates: dict[str, str]
    damaged: set[str]
    unmendable: set[str]
    slots: int

    @property
    def pending(self):
        return [key for key in self.stages if key not in self.cached]


def random_world(generator):
    stages = {}
    for number in range(generator.randint(1, 30)):
        parents = generator.sample(list(stages), min(len(stages), generator.choice([0, 1, 1, 2, 3])))
        stages[f"s{number}"] = stage(f"s{number}", parents, generator.random())
    trouble = generator.random()
    cached = {key for key in stages if generator.random() < 0.3}
    fates = {key: "found" if generator.random() < 0.2 else "done" for key in stages}
    fates |= {key: generator.choice(["user", "bug", "died"]) for key in stages if generator.random() < 0.15 * trouble}
    damaged = {key for key in stages if generator.random() < 0.4 * trouble}
    unmendable = {key for key in damaged if generator.random() < 0.2}
    return World(stages, cached, fates, damaged, unmendable, generator.randint(1, 4))


@dataclass
class FakePool:
    """Runs orders by the world's fates, in a random order, and checks that each was due."""

    world: World
    generator: random.Random
    running: dict[Slot, str] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    put_back: set[str] = field(default_factory=set)

    def __post_init__(self):
        self.slots = tuple(Slot(index, "cpu") for index in range(self.world.slots))
        self.made = set(self.world.cached)
        self.intact = self.world.cached - self.world.damaged

    def send(self, slot, order):
        parents = set(self.world.stages[order.key].parent_keys())
        assert slot not in self.running, "a slot takes one order at a time"
        assert order.key not in self.running.values(), "a stage runs once at a time"
        assert order.key not in self.intact, "what is sound is not made again"
        assert order.key in self.world.damaged | self.put_back or order.key not in self.started, "nothing runs twice"
        assert not parents & set(self.running.values()), "a parent that is being made is waited for"
        assert order.key in self.world.cached or parents <= self.made, "no stage starts before its parents"
        self.running[slot] = order.key
        self.started.append(order.key)

    def wait(self):
        slot = self.generator.choice(list(self.running))
        key = self.running[slot]
        if self.generator.random() < 0.2:
            return Reported(slot, WorkerReport("progress", key, fraction=self.generator.random()))
        if self.generator.random() < 0.1:
            return Reported(slot, WorkerReport("done", "a stage of another run", cost=COST))
        del self.running[slot]
        return self.end(slot, key)

    def end(self, slot, key):
        unsound = tuple(parent for parent in self.world.stages[key].parent_keys() if parent not in self.intact)
        if unsound:
            self.put_back.add(key)
            return Reported(slot, WorkerReport("damaged", key, damaged=unsound))
        fate = self.world.fates[key]
        if fate == "died":
            return Died(slot, "its process was killed by signal 9")
        if fate in ("user", "bug"):
            return Reported(
                slot, WorkerReport("failed", key, failure=fate, message=f"{key} failed", traceback="a traceback")
            )
        if key not in self.world.unmendable and (key in self.made or key not in self.world.damaged):
            self.intact.add(key)
        self.made.add(key)
        return Reported(slot, WorkerReport(fate, key, cost=COST if fate == "done" else None))

    def close(self):
        raise AssertionError("who opened the pool closes it")


class Journal:
    """Hears what an executor tells."""

    def __init__(self):
        self.begun, self.ended = [], []

    def started(self, stage):
        self.begun.append(stage.key)

    def progressed(self, stage, fraction):
        assert stage.key in self.begun
        assert 0 <= fraction <= 1

    def finished(self, stage, cost):
        self.ended.append(stage.key)

    def failed(self, failure):
        self.ended.append(failure.stage.key)


class ForgottenRates(Rates):
    """Rates that are not saved: thousands of executions write nothing."""

    def write(self):
        pass


def expected_ends(world):
    """Return how each stage ends if it is asked for: by what it needs and its own fate, whatever the order."""
    ends = {}
    for key, one in world.stages.items():
        parents = [parent for parent in one.parent_keys() if parent not in world.cached or parent in world.damaged]
        if any(ends[parent] not in ("done", "found") for parent in parents):
            ends[key] = "lost"
        elif world.unmendable.intersection(parents):
            ends[key] = "user"  # again and again
        else:
            ends[key] = world.fates[key]
    return ends


def execute(world, generator, folder, *, fail_fast=False):
    pool, journal = FakePool(world, generator), Journal()
    graph = Graph(world.stages, {}, {}, 0)
    executor = Executor(
        graph,
        Store(folder),
        pool,
        logs=folder / "logs",
        rates=ForgottenRates(folder / "rates.json"),
        fail_fast=fail_fast,
    )
    return executor.run(world.pending, journal), pool, journal


def ends_of(outcome):
    ends = dict.fromkeys(outcome.ran, "done") | dict.fromkeys(outcome.found, "found")
    assert not set(ends) & set(outcome.failures), "a stage ends once"
    return ends | {key: "lost" if f.kind == "parent" else f.kind for key, f in outcome.failures.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("executions")


@pytest.mark.parametrize("part", range(10))
def test_every_stage_of_a_random_graph_ends_as_it_must(part, folder):
    for seed in range(part * WORLDS // 10, (part + 1) * WORLDS // 10):
        generator = random.Random(seed)
        world = random_world(generator)
        outcome, pool, journal = execute(world, generator, folder)
        found, expected = ends_of(outcome), expected_ends(world)
        assert found == {key: expected[key] for key in found}, f"world {seed}"
        assert set(found) >= set(world.pending), "every stage that was to run has an end"
        assert set(found) >= set(pool.started), "so has every damaged one that was made again"
        assert not pool.running
        assert journal.begun == pool.started
        assert set(pool.started) - pool.put_back <= set(journal.ended) <= set(pool.started)
        assert len(journal.ended) <= len(journal.begun)


def test_fail_fast_ends_with_the_first_failure(folder):
    for seed in range(WORLDS // 5):
        generator = random.Random(seed)
        world = random_world(generator)
        expected = expected_ends(world)
        outcome, pool, journal = execute(world, generator, folder, fail_fast=True)
        first = [failure for failure in outcome.failures.values() if failure.kind != "parent"]
        if any(expected[key] not in ("done", "found") for key in world.pending):
            assert outcome.failures, f"world {seed}"
        assert len(first) <= 1
        assert not first or journal.ended[-1] == first[0].stage.key
        assert first or not pool.running


def test_the_longest_chain_that_is_ready_comes_first():
    for seed in range(100):
        world = random_world(random.Random(seed))
        chains = longest_chains(world.stages.values(), lambda stage: stage.work)
        for key, one in world.stages.items():
            below = [chains[child.key] for child in world.stages.values() if key in child.parent_keys()]
            assert chains[key] == pytest.approx(one.work + max(below, default=0.0))
        scheduler = Scheduler(world.stages, set(world.stages), seconds=lambda stage: stage.work)
        done = set()
        while (chosen := scheduler.take()) is not None:
            ready = [key for key, one in world.stages.items() if set(one.parent_keys()) <= done and key not in done]
            assert chains[chosen.key] == max(chains[key] for key in ready)
            scheduler.finished(chosen, COST)
            done.add(chosen.key)
        assert done == set(world.stages)
        assert scheduler.stopped


def made_of(*stages, pending=None):
    graph = {one.key: one for one in stages}
    return Scheduler(graph, pending or set(graph), seconds=lambda stage: stage.work)


def test_the_lost_are_told_what_failed_and_where_to_read_it(tmp_path):
    root, child, grandchild, other = stage("root"), stage("child", ["root"]), stage("last", ["child"]), stage("other")
    scheduler = made_of(root, child, grandchild, other)
    assert scheduler.take() == root
    scheduler.failed(Failure(root, "bug", "ValueError: no", tmp_path / "log"))
    reasons = {key: (failure.kind, failure.message, failure.log) for key, failure in scheduler.outcome.failures.items()}
    lost = ("parent", "needs the train stage 'root', which failed", tmp_path / "log")
    assert reasons == {"root": ("bug", "ValueError: no", tmp_path / "log"), "child": lost, "last": lost}
    assert scheduler.take() == other


def test_two_that_find_the_same_damage_have_it_mended_once():
    damaged, first, second = stage("damaged"), stage("first", ["damaged"]), stage("second", ["damaged"])
    scheduler = made_of(damaged, first, second, pending={"first", "second"})
    assert {scheduler.take().key, scheduler.take().key} == {"first", "second"}
    scheduler.damaged(first, ["damaged"])
    assert scheduler.take() == damaged
    scheduler.damaged(second, ["damaged"])
    assert scheduler.take() is None
    scheduler.finished(damaged, COST)
    assert {scheduler.take().key, scheduler.take().key} == {"first", "second"}


def test_damage_that_comes_back_is_the_disks_fault():
    damaged, child = stage("damaged"), stage("child", ["damaged"])
    scheduler = made_of(damaged, child)
    for _ in range(MOST_REPAIRS):
        scheduler.finished(scheduler.take(), COST)
        assert scheduler.take() == child
        assert scheduler.damaged(child, ["damaged"]) is None
    scheduler.finished(scheduler.take(), COST)
    failure = scheduler.damaged(scheduler.take(), ["damaged"])
    assert failure.kind == "user"
    assert "check the disk" in failure.message
    assert scheduler.stopped


def test_a_stage_that_ran_and_cannot_be_mended_has_failed():
    parent, child = stage("parent"), stage("child", ["parent"])
    scheduler = made_of(parent, child)
    scheduler.finished(scheduler.take(), COST)
    scheduler.damaged(scheduler.take(), ["parent"])
    scheduler.failed(Failure(scheduler.take(), "died", "its process was killed by signal 9"))
    assert not scheduler.outcome.ran
    assert [failure.kind for failure in scheduler.outcome.failures.values()] == ["died", "parent"]


def test_what_another_process_made_has_no_cost():
    scheduler = made_of(stage("only"))
    scheduler.finished(scheduler.take(), None)
    assert scheduler.outcome.found == {"only"}
    assert not scheduler.outcome.ran
