"""TensorBoard: event files that its own reader shows, without TensorFlow."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tckr_bench.components import ObserverComponent, Options
from tckr_plugins.observers.library import needing
from tckr_plugins.observers.tracked import Progress, circumstances_of, endings_of, measurements_of, parameters_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tckr_bench.plugin.observing import RunEnd, RunStart, StageFailed, StageFinished
    from tckr_bench.records import CellRecord


class TensorboardOptions(Options):
    """Options of the observer `tensorboard`."""

    folder: str = Field(default="", description="where event files go; <run>/tensorboard if empty")


class TensorboardObserver:
    """Writes scalars, and the run's parameters as text; a continued run adds a file to the same folder."""

    def __init__(self, options: TensorboardOptions) -> None:
        import tensorboard.compat.proto.event_pb2
        import tensorboard.compat.proto.summary_pb2
        import tensorboard.summary.writer.event_file_writer as writing

        self._folder = options.folder
        self._open = writing.EventFileWriter
        self._event = tensorboard.compat.proto.event_pb2.Event
        self._summary = tensorboard.compat.proto.summary_pb2.Summary
        self._writer: Any = None
        self._progress = Progress()

    def run_started(self, start: RunStart) -> None:
        """Open a file, and write the parameters."""
        folder = Path(self._folder).expanduser() if self._folder else start.folder / "tensorboard"
        self._writer = self._open(str(folder))
        self._progress.start(start)
        content = json.dumps({**parameters_of(start), **circumstances_of(start)}, indent=1)
        self._write([self._text("run", content)])

    def stage_finished(self, stage: StageFinished) -> None:
        """Write the seconds of the stage's kind."""
        self._scalars(self._progress.advance(stage))

    def stage_failed(self, stage: StageFailed) -> None:
        """Write the reason as text."""
        self._write([self._text(f"failed/{stage.kind}", f"{stage.label}: {stage.reason}")])

    def cell_measured(self, record: CellRecord) -> None:
        """Write the cell's measurements."""
        self._scalars(measurements_of(record))

    def run_ended(self, end: RunEnd) -> None:
        """Write what the run took, and close the file."""
        self._scalars(endings_of(end))
        self._writer.close()

    def _scalars(self, values: Mapping[str, float]) -> None:
        self._write([self._summary.Value(tag=name, simple_value=value) for name, value in values.items()])

    def _text(self, tag: str, text: str) -> Any:  # noqa: ANN401 - a message of a library without types
        """Return a text that TensorBoard shows as it stands, indented so that its Markdown is code."""
        from tensorboard.compat.proto.summary_pb2 import SummaryMetadata
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.plugins.text.metadata import PLUGIN_NAME

        shown = "\n".join(f"    {line}" for line in text.splitlines())
        kind = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=PLUGIN_NAME))
        return self._summary.Value(
            tag=tag, metadata=kind, tensor=TensorProto(dtype="DT_STRING", string_val=[shown.encode()])
        )

    def _write(self, values: list[Any]) -> None:
        event = self._event(wall_time=time.time(), step=self._progress.step, summary=self._summary(value=values))
        self._writer.add_event(event)
        self._writer.flush()  # so that a page that is open shows it, and an interrupt loses nothing


TENSORBOARD = ObserverComponent(
    "tensorboard",
    version="1",
    options=TensorboardOptions,
    load=needing("tensorboard", TensorboardObserver),
    summary="event files for TensorBoard, in the run's folder 'tensorboard'",
)
