"""trackio: a run in a database of the run's own folder, or in a Hugging Face Space that is named."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tckr_bench.components import ObserverComponent, Options
from tckr_plugins.observers.library import needing
from tckr_plugins.observers.tracked import Progress, circumstances_of, endings_of, measurements_of, parameters_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tckr_bench.plugin.observing import RunEnd, RunStart, StageFailed, StageFinished
    from tckr_bench.records import CellRecord

FOLDER = "TRACKIO_DIR"
ELSEWHERE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_BUCKET_ID", "TRACKIO_DATASET_ID", "TRACKIO_WEBHOOK_URL")


class TrackioOptions(Options):
    """Options of the observer `trackio`."""

    project: str = Field(default="tckr-bench", min_length=1, description="name of the project")
    folder: str = Field(default="", description="where the database goes; <run>/trackio if empty")
    space: str = Field(default="", description="a Hugging Face Space, to which measurements are sent; none if empty")


class TrackioObserver:
    """Logs metrics and parameters; the same command again continues the run of the same name."""

    def __init__(self, options: TrackioOptions) -> None:
        from importlib.util import find_spec

        # Importing it now would settle where the database lies, before the run's folder is known.
        if find_spec("trackio") is None:
            raise ImportError("No module named 'trackio'")
        self._options = options
        self._run: Any = None
        self._finish: Callable[[], None] = lambda: None
        self._progress = Progress()

    def run_started(self, start: RunStart) -> None:
        """Open the run in its folder, and log its parameters."""
        folder = Path(self._options.folder).expanduser() if self._options.folder else start.folder / "trackio"
        os.environ[FOLDER] = str(folder)  # the library reads it when it is imported, and nothing else tells it where
        for name in ELSEWHERE:
            os.environ.pop(
                name, None
            )  # an option says where measurements are sent; the library would send them unasked
        import trackio

        self._progress.start(start)
        self._finish = trackio.finish  # the run's own would be called once more when the program ends
        with _quiet():
            self._run = trackio.init(
                project=self._options.project,
                name=start.name,
                space_id=self._options.space or None,
                config={**parameters_of(start), **circumstances_of(start)},
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )

    def stage_finished(self, stage: StageFinished) -> None:
        """Log the seconds of the stage's kind."""
        self._log(self._progress.advance(stage))

    def stage_failed(self, stage: StageFailed) -> None:
        """Log the reason."""
        self._run.log({f"failed/{stage.kind}": f"{stage.label}: {stage.reason}"}, step=self._progress.step)

    def cell_measured(self, record: CellRecord) -> None:
        """Log the cell's measurements."""
        self._log(measurements_of(record))

    def run_ended(self, end: RunEnd) -> None:
        """Log what the run took, and close it."""
        self._log(endings_of(end))
        with _quiet():
            self._finish()

    def _log(self, values: Mapping[str, float]) -> None:
        if values:
            self._run.log(dict(values), step=self._progress.step)


def _quiet() -> contextlib.AbstractContextManager[object]:
    """Keep the library's greetings, and its word of an upload that is none, from the terminal."""
    return contextlib.redirect_stdout(io.StringIO())


TRACKIO = ObserverComponent(
    "trackio",
    version="1",
    options=TrackioOptions,
    load=needing("trackio", TrackioObserver),
    summary="a run of trackio in the run's folder 'trackio'; local unless told",
)
