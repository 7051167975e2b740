"""The answer of a dataset: in sentences, and as its best synthetic method's numbers beside those of real data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_bench.judging import metric_names
from tckr_bench.judging.quantities import columns_of, interval, measured_by
from tckr_bench.leaderboard.site.dataset_board import found_on, standings_on, submission_boards
from tckr_bench.leaderboard.site.method_words import unbroken
from tckr_bench.show.answer import answer
from tckr_bench.show.contrasts import best_differences
from tckr_bench.text import short_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tckr_bench.judging.quantities import Column
    from tckr_bench.judging.rows import DatasetBoard
    from tckr_bench.leaderboard.site.dataset_board import SubmissionBoard
    from tckr_bench.leaderboard.site.sources import Sources
    from tckr_bench.leaderboard.standings import Standings
    from tckr_bench.records import Estimate


@dataclass(frozen=True)
class Tile:
    """A number of the best method: the number, the same of real data, and within what the change lies."""

    title: str
    value: str
    real: str
    change: str


@dataclass(frozen=True)
class DatasetAnswerView:
    """What a dataset says in sentences, the first as a headline; `best` is who the tiles are of."""

    trusted: bool
    sentences: tuple[str, ...]
    best: str = ""
    tiles: tuple[Tile, ...] = ()


def dataset_answer(name: str, standings: Standings, sources: Sources) -> DatasetAnswerView | None:
    """Answer for a dataset of a track; None where nobody has a record on it."""
    return answer_of(submission_boards(found_on(name, standings_on(name, standings))), sources)


def answer_of(boards: Sequence[SubmissionBoard], sources: Sources) -> DatasetAnswerView | None:
    """Answer by the submission that has the best synthetic method; by the first one where none is ranked."""
    ranked = [own for own in boards if own.board.best is not None]
    if not boards:
        return None
    chosen = min(ranked, key=_rank_of_best) if ranked else boards[0]
    board = chosen.board
    differences = best_differences(sources.evidence_of(chosen.records), board)
    best = unbroken(chosen.names[board.best.method.name]) if board.best else ""
    sentences = answer(board, short_names(chosen.methods)[1], differences)
    return DatasetAnswerView(board.trusted, sentences, best, _tiles(board, differences))


def _rank_of_best(own: SubmissionBoard) -> tuple[int, float]:
    best = own.board.best
    assert best is not None, "asked for boards that have one"
    aop = best.get(metric_names.AOP)
    return best.rank or 0, -aop.value if aop else 0.0


def _tiles(board: DatasetBoard, differences: Mapping[str, Estimate]) -> tuple[Tile, ...]:
    """Return the best method's numbers beside those of real data."""
    best = board.best
    if best is None or not board.trusted:
        return ()
    baseline = board.baseline_of(best)
    tiles = []
    for column in columns_of(measured_by([best])):
        own, beside = column.of(best), column.of(baseline) if baseline else None
        if own is not None:
            tiles.append(_tile(column, own, beside, differences.get(column.name)))
    return tuple(tiles)


def _tile(column: Column, own: Estimate, beside: Estimate | None, change: Estimate | None) -> Tile:
    """Show a column of the best method; what is a difference from real data itself has its interval instead."""
    if column.difference:
        return Tile(column.title, column.value(own), interval(column.quantity, own), "")
    real = f"real data {column.value(beside)}" if beside else ""
    reach = f"change {interval(column.quantity, change)}" if change else ""
    return Tile(column.title, column.value(own), real, reach)
