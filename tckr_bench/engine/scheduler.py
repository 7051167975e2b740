"""Which stage runs next, and what a report changes: pure, so that every engine decides alike.

Not `graphlib.TopologicalSorter`: a node it has given out never comes back, and a stage whose artifact turns out to be
damaged does.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable, Mapping

from tckr_bench.engine.graph import Stage
from tckr_bench.engine.outcome import Failure, Outcome
from tckr_bench.records import Cost

MOST_REPAIRS = 3
"""How often a stage may come back for damaged parents before the disk is to blame."""


class Scheduler:
    """Stages of a run that wait, run or are over; the most urgent of those that are ready comes first.

    A stage is ready when none of its parents waits or runs. The urgent one begins the longest chain of what remains.
    """

    def __init__(
        self,
        stages: Mapping[str, Stage],
        pending: Collection[str],
        *,
        seconds: Callable[[Stage], float],
        fail_fast: bool = False,
    ) -> None:
        """Take the `stages` of a graph, parents first, of which `pending` are to run, and a forecast for each."""
        self.outcome = Outcome()
        self._stages = stages
        self._fail_fast = fail_fast
        self._order = {key: position for position, key in enumerate(stages)}
        self._children = _children(stages.values())
        self._priorities = longest_chains(stages.values(), seconds)
        self._waiting: set[str] = set()
        self._running: set[str] = set()
        self._blockers: dict[str, set[str]] = {}
        self._ready: list[tuple[float, int, str]] = []
        self._repairs: dict[str, int] = {}
        self._enqueue(pending)

    @property
    def stopped(self) -> bool:
        """Whether nothing more is to be waited for: nothing runs and nothing can, or the first failure ends it all."""
        if self._fail_fast and self.outcome.failures:
            return True
        return not self._waiting and not self._running

    def take(self) -> Stage | None:
        """Return the most urgent stage that is ready, from now on running; None while there is none."""
        while self._ready and not self.stopped:
            key = heapq.heappop(self._ready)[2]
            if key in self._waiting and not self._blockers[key]:  # else an entry that a repair has overtaken
                self._waiting.remove(key)
                self._running.add(key)
                return self._stages[key]
        return None

    def finished(self, stage: Stage, cost: Cost | None) -> None:
        """Note that a running stage is in the store; no cost if another process made it."""
        if cost is None:
            self.outcome.found.add(stage.key)
        else:
            self.outcome.ran[stage.key] = cost
        self._running.remove(stage.key)
        for child in self._children.get(stage.key, ()):
            if child in self._waiting:
                self._blockers[child].discard(stage.key)
                self._offer(child)

    def failed(self, failure: Failure) -> None:
        """Note that a running stage failed; everything that waits for it is lost."""
        self._running.remove(failure.stage.key)
        self.outcome.failures[failure.stage.key] = failure
        for key in self._waiting_for(failure.stage.key):
            self._waiting.remove(key)
            self.outcome.failures[key] = _lost(self._stages[key], failure)

    def damaged(self, stage: Stage, parents: Collection[str]) -> Failure | None:
        """Put a running stage back, with the damaged parents it must not use before it.

        Returns the failure it has become, already noted, where that has happened too often or a parent has failed.
        """
        self._repairs[stage.key] = self._repairs.get(stage.key, 0) + 1
        failure = next(
            (_lost(stage, self.outcome.failures[key]) for key in parents if key in self.outcome.failures), None
        )
        if failure is None and self._repairs[stage.key] > MOST_REPAIRS:
            message = "artifacts it needs are damaged again and again; check the disk of the store"
            failure = Failure(stage, "user", message)
        if failure is not None:
            self.failed(failure)
            return failure
        self._running.remove(stage.key)
        self._enqueue({stage.key, *parents} - self._running)
        return None

    def _enqueue(self, keys: Iterable[str]) -> None:
        """Let stages wait, whatever became of them before, and let their children that wait wait for them."""
        added = [key for key in keys if key not in self._waiting]
        self._waiting.update(added)
        active = self._waiting | self._running
        for key in added:
            self.outcome.ran.pop(key, None)
            self.outcome.found.discard(key)
            self._blockers[key] = active.intersection(self._stages[key].parent_keys())
            for child in self._children.get(key, ()):
                if child in self._waiting:
                    self._blockers.setdefault(child, set()).add(key)
        for key in added:
            self._offer(key)

    def _offer(self, key: str) -> None:
        if not self._blockers[key]:
            heapq.heappush(self._ready, (-self._priorities[key], self._order[key], key))

    def _waiting_for(self, key: str) -> list[str]:
        """Return the waiting stages that need a stage, parents first; one that is done already needs it no more."""
        lost, unseen = {key}, [key]
        while unseen:
            children = self._children.get(unseen.pop(), ())
            found = [child for child in children if child in self._waiting and child not in lost]
            lost.update(found)
            unseen.extend(found)
        return sorted(lost - {key}, key=self._order.__getitem__)


def longest_chains(stages: Iterable[Stage], seconds: Callable[[Stage], float]) -> dict[str, float]:
    """Return, by key, the forecast seconds of the longest chain that each stage begins; `stages` are parents first."""
    longest: dict[str, float] = {}
    for stage in reversed(list(stages)):
        own = longest[stage.key] = longest.get(stage.key, 0.0) + seconds(stage)
        for parent in stage.parent_keys():
            if longest.get(parent, 0.0) < own:
                longest[parent] = own
    return longest


def _lost(stage: Stage, failure: Failure) -> Failure:
    """Return the failure of a stage that needs one that failed, or that is lost itself and says to what."""
    reason = f"needs the {failure.stage.kind} stage '{failure.stage.label}', which failed"
    return Failure(stage, "parent", failure.message if failure.kind == "parent" else reason, failure.log)


def _children(stages: Iterable[Stage]) -> dict[str, list[str]]:
    children: dict[str, list[str]] = {}
    for stage in stages:
        for parent in dict.fromkeys(stage.parent_keys()):
            children.setdefault(parent, []).append(stage.key)
    return children
