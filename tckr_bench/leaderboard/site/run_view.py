"""What the index says of a run besides its standings: doubts first, answers, what it took, and what made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging.caveats import caveats
from tckr_bench.leaderboard.site import costs, reproduction
from tckr_bench.leaderboard.site.dataset_answer import dataset_answer
from tckr_bench.leaderboard.site.links import dataset_link
from tckr_bench.text import duration, listing, plain

if TYPE_CHECKING:
    from tckr_bench.judging.rows import Leaderboard
    from tckr_bench.leaderboard.site.dataset_answer import DatasetAnswerView
    from tckr_bench.leaderboard.site.sources import Sources
    from tckr_bench.leaderboard.standings import Standings
    from tckr_bench.results.records import RunInformation
    from tckr_bench.results.verify import Verified

MOST_CONTRADICTIONS = 20


@dataclass(frozen=True)
class RunAnswerView:
    """The answer of a dataset, and where its page is."""

    dataset: str
    page: str
    answer: DatasetAnswerView


@dataclass(frozen=True)
class RunView:
    """What is said of a run alone; every text is plain.

    Attributes:
        contradictions: what its files say that its scores do not bear out; of many the first, `more` are left out.
        revised: metrics that are installed in another version than the run had.
        costs: CPU time by kind of stage, each stage counted once however many methods share it.
    """

    matrix: str
    track: str
    started: str
    contradictions: tuple[str, ...]
    more: int
    revised: str
    answers: tuple[RunAnswerView, ...]
    caveats: tuple[str, ...]
    command: str
    stages: str
    costs: tuple[tuple[str, str], ...]
    facts: tuple[reproduction.Fact, ...]
    components: tuple[reproduction.ComponentGroup, ...]


def run_view(found: Verified, leaderboard: Leaderboard, standings: Standings, *, sources: Sources) -> RunView:
    """Gather what the index says of a run; `leaderboard` and `standings` are those of its verified records."""
    information, track = found.run.information, standings.track
    contradictions = [str(mismatch) for mismatch in found.mismatches]
    answers = [(name, dataset_answer(name, standings, sources)) for name in track.datasets]
    return RunView(
        matrix=plain(information.matrix),
        track=plain(information.track),
        started=plain(information.provenance.started),
        contradictions=tuple(contradictions[:MOST_CONTRADICTIONS]),
        more=max(0, len(contradictions) - MOST_CONTRADICTIONS),
        revised=plain(listing(list(found.revised))),
        answers=tuple(
            RunAnswerView(plain(name), dataset_link(track.name, name), answer) for name, answer in answers if answer
        ),
        caveats=caveats(leaderboard),
        command=plain(information.command),
        stages=_stages(information),
        costs=tuple((costs.kind_words(kind), duration(seconds)) for kind, seconds in information.seconds.items()),
        facts=reproduction.provenance_of(information),
        components=reproduction.components_of(found.run.records),
    )


def _stages(information: RunInformation) -> str:
    """Say how many stages the run is made of, and what its last execution did."""
    counts = information.stages
    sharing = f"{counts.unique:,} stages, shared by all methods, instead of {counts.naive:,}"
    last = f"{counts.ran:,} ran, {counts.cached:,} came from the store, {counts.failed:,} failed"
    return f"{sharing}. Last time {last}, in {duration(information.wall_seconds)}."
