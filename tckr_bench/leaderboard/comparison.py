"""What a submission changes: who is new, who is gone, and whose rank moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tckr_bench.leaderboard.standings import Entry, Standings

Kind = Literal["new", "gone", "moved", "same"]


@dataclass(frozen=True)
class Change:
    """An entry before and after; None where it is not there."""

    kind: Kind
    before: Entry | None
    after: Entry | None

    @property
    def entry(self) -> Entry:
        """The entry as it is after, or was before it went."""
        found = self.after or self.before
        assert found is not None, "a change is of an entry"
        return found


def compare_standings(before: Standings, after: Standings) -> tuple[Change, ...]:
    """Return every entry of either, in the order of `after`, those that are gone last.

    An entry has moved if its rank, what chance allows it, its standing or one of its means is another.
    """
    changes = [_change(before.entry(entry.slug), entry) for entry in after.entries]
    gone = [Change("gone", entry, None) for entry in before.entries if after.entry(entry.slug) is None]
    return (*changes, *gone)


def _change(before: Entry | None, after: Entry) -> Change:
    if before is None:
        return Change("new", None, after)
    return Change("same" if _place(before) == _place(after) else "moved", before, after)


def _place(entry: Entry) -> tuple[object, ...]:
    values = {name: mean.value for name, mean in entry.estimates.items()}
    return (entry.standing, entry.rank, entry.rank_low, entry.rank_high, values, entry.pareto)
