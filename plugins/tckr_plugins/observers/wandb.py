"""Weights & Biases: a run in the run's own folder, sent by nobody until `wandb sync` or the mode `online`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tckr_bench.components import ObserverComponent, Options
from tckr_plugins.observers.library import needing
from tckr_plugins.observers.tracked import (
    Progress,
    cell_name,
    circumstances_of,
    endings_of,
    measurements_of,
    parameters_of,
)

if TYPE_CHECKING:
    from tckr_bench.plugin.observing import RunEnd, RunStart, StageFailed, StageFinished
    from tckr_bench.records import CellRecord


class WandbOptions(Options):
    """Options of the observer `wandb`."""

    mode: Literal["offline", "online"] = Field(
        default="offline",
        description="'online' sends measurements to the account that is logged in; `wandb sync` does so later",
    )
    project: str = Field(default="tckr-bench", min_length=1, description="name of the project")
    entity: str = Field(default="", description="user or team; the account's default if empty")
    folder: str = Field(default="", description="folder that gets the folder 'wandb'; the run's if empty")


class WandbObserver:
    """Logs seconds as series, and measurements as the summary; the run's identity is its id, so it is continued.

    Offline each execution leaves a folder of its own, and syncing them makes one run, as they share the id.
    """

    def __init__(self, options: WandbOptions) -> None:
        os.environ["WANDB_ERROR_REPORTING"] = "false"  # read when the library is imported
        import wandb

        self._options = options
        self._wandb = wandb
        self._run: Any = None
        self._progress = Progress()

    def run_started(self, start: RunStart) -> None:
        """Open the run; of machine, code and packages it learns only what this program says."""
        options = self._options
        self._progress.start(start)
        self._run = self._wandb.init(
            project=options.project,
            entity=options.entity or None,
            dir=Path(options.folder).expanduser() if options.folder else start.folder,
            id=start.identity,
            name=start.name,
            resume="allow",
            config={**parameters_of(start), **circumstances_of(start)},
            mode=options.mode,
            settings=self._wandb.Settings(
                silent=True,
                console="off",
                disable_code=True,
                disable_git=True,
                x_disable_machine_info=True,
                x_disable_meta=True,
                x_disable_stats=True,
                x_save_requirements=False,
            ),
        )

    def stage_finished(self, stage: StageFinished) -> None:
        """Log the seconds of the stage's kind."""
        self._run.log(dict(self._progress.advance(stage)), step=self._progress.step)

    def stage_failed(self, stage: StageFailed) -> None:
        """Keep the reason in the summary."""
        self._run.summary[f"failed/{stage.kind}/{stage.key[:12]}"] = f"{stage.label}: {stage.reason}"

    def cell_measured(self, record: CellRecord) -> None:
        """Put the cell's measurements in the summary."""
        self._run.summary.update({f"{cell_name(record)}/status": record.status, **measurements_of(record)})

    def run_ended(self, end: RunEnd) -> None:
        """Put what the run took in the summary, and close it."""
        self._run.summary.update(endings_of(end))
        self._run.finish(exit_code=0 if end.ending == "finished" else 1)
        self._wandb.teardown()  # offline, finishing a run does not wait until its file is written


WANDB = ObserverComponent(
    "wandb",
    version="1",
    options=WandbOptions,
    load=needing("wandb", WandbObserver),
    summary="a run of Weights & Biases in the run's folder 'wandb'; offline unless told",
)
