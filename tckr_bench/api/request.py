"""A run as it is asked for, by a command or in Python."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from tckr_bench.errors import OptionError

DEFAULT_MATRIX = "default"
PHOTOGRAPH_MATRIX = "ten"
DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True)
class RunRequest:
    """What is asked for: a matrix, what is changed in it, where results go, and how it is executed.

    Real images, their captions and copies of them are written to the run's folder only with `show_real_images`, or
    where the dataset's licence lets anyone show them.

    Without a matrix it is `default` or, where datasets are named, `ten`, whose generator was made for photographs.

    Raises:
        OptionError: there is no such device, or less than one stage at a time.
    """

    matrix: str | None = None
    datasets: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    out: Path | None = None
    jobs: int | None = None
    device: str = "auto"
    fail_fast: bool = False
    observe: tuple[str, ...] = ()
    show_real_images: bool = False

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise OptionError(f"there is no device '{self.device}'; choose one of {', '.join(DEVICES)}")
        if self.jobs is not None and self.jobs < 1:
            raise OptionError(f"{self.jobs} stages at a time is not possible; give 1 or more")

    @property
    def matrix_name(self) -> str:
        """The matrix that is asked for."""
        return self.matrix or (PHOTOGRAPH_MATRIX if self.datasets else DEFAULT_MATRIX)

    @property
    def changes(self) -> tuple[str, ...]:
        """The settings that change the run, without those of observers, which change nothing."""
        from tckr_bench.engine.observers import SETTING  # half a second, which a command has not at its start

        return tuple(setting for setting in self.settings if not setting.strip().startswith(SETTING))

    @property
    def command(self) -> str:
        """What makes the run again, wherever its results go and however many stages run at a time."""
        words = ["tckr-bench", "run", "--matrix", self.matrix_name]
        words += [word for dataset in self.datasets for word in ("--dataset", dataset)]
        words += [word for setting in self.changes for word in ("--set", setting)]
        return shlex.join(words)
