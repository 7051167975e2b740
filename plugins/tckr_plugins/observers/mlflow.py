"""MLflow: a run in a database of the run's own folder, or on a tracking server that is named."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tckr_bench.components import ObserverComponent, Options
from tckr_plugins.observers.library import needing
from tckr_plugins.observers.tracked import Progress, circumstances_of, endings_of, measurements_of, parameters_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tckr_bench.plugin.observing import RunEnd, RunStart, StageFailed, StageFinished
    from tckr_bench.records import CellRecord

IDENTITY = "tckr-bench.identity"
STATUS = {"finished": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}
LONGEST = 5000  # characters of a parameter that every store of MLflow takes


class MlflowOptions(Options):
    """Options of the observer `mlflow`."""

    tracking_uri: str = Field(
        default="", description="an MLflow tracking URI, to which measurements are sent; <run>/mlflow.db if empty"
    )
    experiment: str = Field(default="", description="name of the experiment; the matrix's if empty")


class MlflowObserver:
    """Logs metrics, parameters and tags; the same command again continues the same run, found by its identity."""

    def __init__(self, options: MlflowOptions) -> None:
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"  # read when the library is imported, as is the next
        os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
        import alembic  # noqa: F401 - a database needs it and its companion; better known now than in the run
        import sqlalchemy  # noqa: F401
        from mlflow import MlflowClient, entities

        self._options = options
        self._connect = MlflowClient
        self._entities = entities
        self._client: Any = None
        self._run = ""
        self._progress = Progress()

    def run_started(self, start: RunStart) -> None:
        """Find the run by its identity or create it, and log its parameters."""
        self._client = self._connect(tracking_uri=self._options.tracking_uri or f"sqlite:///{start.folder}/mlflow.db")
        self._progress.start(start)
        experiment = self._experiment(self._options.experiment or start.matrix, start)
        found = self._client.search_runs([experiment], f"tags.`{IDENTITY}` = '{start.identity}'", max_results=1)
        if found:
            self._run = found[0].info.run_id
            self._client.update_run(self._run, status="RUNNING")
        else:
            made = self._client.create_run(experiment, run_name=start.name, tags={IDENTITY: start.identity})
            self._run = made.info.run_id
            parameters = [
                self._entities.Param(name, str(value)[:LONGEST]) for name, value in parameters_of(start).items()
            ]
            self._client.log_batch(self._run, params=parameters)
        tags = [self._entities.RunTag(name, value) for name, value in circumstances_of(start).items()]
        self._client.log_batch(self._run, tags=tags)

    def stage_finished(self, stage: StageFinished) -> None:
        """Log the seconds of the stage's kind."""
        self._log(self._progress.advance(stage))

    def stage_failed(self, stage: StageFailed) -> None:
        """Keep the reason as a tag."""
        self._client.set_tag(
            self._run, f"failed/{stage.kind}/{stage.key[:12]}", f"{stage.label}: {stage.reason}"[:LONGEST]
        )

    def cell_measured(self, record: CellRecord) -> None:
        """Log the cell's measurements."""
        self._log(measurements_of(record))

    def run_ended(self, end: RunEnd) -> None:
        """Log what the run took, and say how it ended."""
        self._log(endings_of(end))
        self._client.set_terminated(self._run, status=STATUS[end.ending])

    def _experiment(self, name: str, start: RunStart) -> str:
        found = self._client.get_experiment_by_name(name)
        if found:
            return str(found.experiment_id)
        folder = None if self._options.tracking_uri else (start.folder / "mlflow").as_uri()
        return str(self._client.create_experiment(name, artifact_location=folder))

    def _log(self, values: Mapping[str, float]) -> None:
        now, step = int(time.time() * 1000), self._progress.step
        metrics = [self._entities.Metric(name, value, now, step) for name, value in values.items()]
        if metrics:
            self._client.log_batch(self._run, metrics=metrics)


MLFLOW = ObserverComponent(
    "mlflow",
    version="1",
    options=MlflowOptions,
    load=needing("mlflow", MlflowObserver),
    summary="a run of MLflow in the run's mlflow.db, or on a tracking server that is named",
)
