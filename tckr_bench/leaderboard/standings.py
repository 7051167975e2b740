"""Who stands where on a track: methods with their means over the datasets, ranks that allow for chance, and why not.

What the tables, the pages and the notebooks show; made by `standings_of`, pure, from records alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tckr_bench.board.estimates import Estimate
    from tckr_bench.board.rank import Row
    from tckr_bench.leaderboard.records import ResultRecord
    from tckr_bench.leaderboard.tracks import Track
    from tckr_bench.records import Method

Standing = Literal["ranked", "incomplete", "untrusted", "test-chosen", "control"]
"""Why an entry is ranked or not: it lacks datasets, seeds or attacks of the track; a gate of its run failed on some
dataset; its epochs were chosen on the test set; or it is a control."""


@dataclass(frozen=True)
class DatasetResult:
    """An entry on one dataset.

    Attributes:
        record: what was submitted.
        row: its figures over the seeds, as the board of a run has them (`row.get(metric)`, `row.risk(metric)`).
        gap: accuracy lost against the real-data baseline of the same submission, fraction; None where there is none.
        faults: why the entry cannot be ranked by this dataset: failed gates, missing seeds or attacks.
    """

    record: ResultRecord
    row: Row
    gap: Estimate | None
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """A method of a submission on a track, over the track's datasets.

    Means run over all datasets of the track, each equally heavy; a failed seed counts as chance. They are None unless
    the entry has every dataset. Their intervals, and the ranks, are of a bootstrap over datasets, seeds and examples.

    Attributes:
        name: short, unique on the track; for people.
        slug: as in file names; unique on the track.
        results: by dataset of the track, as far as they were submitted.
        missing: datasets of the track it has no record of.
        reasons: why it is not ranked, one sentence each; empty where it is.
        accuracy: mean CAS, fraction. gap: mean loss against real data, fraction.
        auc, tpr: of the worst attack on each dataset. aop: accuracy weighed against the worst AUC.
        rank: one more than the methods that are better beyond chance, so that methods that cannot be told apart share
            a rank; None unless ranked.
        rank_low, rank_high: where 95 % of the bootstrap put it.
        pareto: nobody ranked is at least as good in mean accuracy and mean worst AUC, and better in one.
        making_seconds, judging_seconds: CPU seconds to a trained classifier, and to attack it: means over seeds, summed
            over the datasets.
        images: synthetic images generated per seed, over the datasets.
    """

    name: str
    slug: str
    method: Method
    submission: str
    standing: Standing
    results: Mapping[str, DatasetResult]
    missing: tuple[str, ...]
    reasons: tuple[str, ...]
    accuracy: Estimate | None
    gap: Estimate | None
    auc: Estimate | None
    tpr: Estimate | None
    aop: Estimate | None
    making_seconds: float
    judging_seconds: float
    images: int
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    pareto: bool = False

    @property
    def family(self) -> str:
        """Real data, real data defended, synthetic, or control: what kind of thing is released."""
        words = {"baseline": "real data", "defended": "defence", "method": "synthetic", "control": "control"}
        return words[self.method.role]


@dataclass(frozen=True)
class Standings:
    """A track with its entries: ranked ones first, by rank and then by AOP; then the others; controls last."""

    track: Track
    entries: tuple[Entry, ...]

    def entry(self, slug: str) -> Entry | None:
        """Return the entry of a slug."""
        return next((entry for entry in self.entries if entry.slug == slug), None)
