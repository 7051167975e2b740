"""Where the files of the records shown lie: in a run's own folder, or below a folder of submissions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.results.files import submission_folder
from tckr_bench.results.verify import SavedEvidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.results.records import ResultRecord


@dataclass(frozen=True)
class Sources:
    """The files of some records: those of one run, if `of_run`, with `root` its folder; else `root` holds submissions.

    Pages never say where `root` is.
    """

    root: Path
    of_run: bool = False

    @property
    def what(self) -> str:
        """Return what the pages are of, in a word."""
        return "run" if self.of_run else "leaderboard"

    def folder_of(self, record: ResultRecord) -> Path:
        """Return the folder of a record's run."""
        return self.root if self.of_run else submission_folder(self.root, record)

    def place_of(self, record: ResultRecord) -> Path:
        """Return the folder of a record's run from the root, as pages name it."""
        return Path() if self.of_run else submission_folder(Path(), record)

    def evidence_of(self, records: Sequence[ResultRecord]) -> SavedEvidence:
        """Return what the measurements of some records of one run rest on; scores are read when they are asked for."""
        sound = [
            (record.dataset, record.method.name, seed.seed)
            for record in records
            for seed in record.seeds
            if seed.scores is not None
        ]
        return SavedEvidence(self.folder_of(records[0]) if records else self.root, records, sound)
