"""Matrix files as written: TOML that names axes, read from the package or a path, with settings applied."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tckr_bench.errors import MatrixError, nearest
from tckr_bench.records import CanaryKind, LabelKind, TrainingProtocol
from tckr_bench.stages.queries import MOST_QUERIES

COMPONENT_AXES = ("captioner", "generator", "adapter", "classifier")
METHOD_AXES = (*COMPONENT_AXES, "labels", "cardinality")
OVERRIDE_AXES = (*COMPONENT_AXES, "defence")
USE_AXES = (*OVERRIDE_AXES, "attack", "metric", "control", "dataset", "observer")


class MatrixFile(BaseModel):
    """A matrix file as written; axes map a label to a component and its options."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    summary: str = ""
    track: str = Field(default="mini", pattern=r"^[a-z0-9][a-z0-9-]*$")
    datasets: list[str] = Field(min_length=1)
    seeds: list[int] = Field(default=[0], min_length=1)
    labels: list[LabelKind] = Field(default=["soft"], min_length=1)
    cardinalities: list[float] = Field(default=[1.0], min_length=1)
    image_size: int = Field(default=32, ge=8, le=2048)
    protocol: TrainingProtocol = "sound"
    validation_fraction: float = Field(default=0.2, gt=0, lt=0.5)
    training_images: int | None = Field(default=None, ge=4)
    generation_chunk: int = Field(default=500, ge=1)
    augmented_queries: int = Field(default=0, ge=0, le=MOST_QUERIES)
    canaries: int = Field(default=0, ge=0)
    canary_kind: CanaryKind = "mislabelled"
    primary_attack: str
    captioner: dict[str, dict[str, Any]] = Field(min_length=1)
    generator: dict[str, dict[str, Any]] = Field(min_length=1)
    adapter: dict[str, dict[str, Any]] = Field(min_length=1)
    classifier: dict[str, dict[str, Any]] = Field(min_length=1)
    attack: dict[str, dict[str, Any]] = Field(min_length=1)
    defence: dict[str, dict[str, Any]] = Field(default={})
    control: dict[str, dict[str, Any]] = Field(default={}, description="control -> options of its own")
    metric: dict[str, dict[str, Any]] = Field(default={})
    dataset: dict[str, dict[str, Any]] = Field(default={})
    observer: dict[str, dict[str, Any]] = Field(default={})
    include: list[dict[str, Any]] = []
    exclude: list[dict[str, Any]] = []
    override: dict[str, dict[str, dict[str, dict[str, Any]]]] = Field(
        default={}, description="dataset label -> axis -> label -> options that differ for this dataset"
    )

    @property
    def held_out(self) -> float:
        """Share of the training images that validates: none under the paper's protocol, which looks at the test set."""
        return 0.0 if self.protocol == "paper" else self.validation_fraction


def shipped_matrices() -> dict[str, str]:
    """Return the matrices that come with the program: name -> TOML text."""
    folder = resources.files("tckr_bench") / "matrices"
    files = (entry for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return {entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8") for entry in files}


def recipe_of(name: str) -> str:
    """Return the text of a matrix file of one's own, or nothing for a matrix that ships."""
    path = Path(name)
    return path.read_text(encoding="utf-8") if path.suffix == ".toml" or path.is_file() else ""


def read_matrix_file(name: str, *, settings: Sequence[str] = (), datasets: Sequence[str] = ()) -> MatrixFile:
    """Read a shipped matrix by name or a file by path, and apply `--set` and `--dataset`.

    Raises:
        MatrixError: unknown matrix, not TOML, or an axis that makes no sense.
    """
    content = _read(name)
    for setting in settings:
        _apply(content, setting)
    if datasets:
        content["datasets"] = list(datasets)
    try:
        return MatrixFile.model_validate(content)
    except ValidationError as error:
        raise MatrixError(f"matrix '{name}': {first_fault(error, MatrixFile)}") from error


def _read(name: str) -> dict[str, Any]:
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise MatrixError(f"matrix file {name} cannot be read: {error}") from error
    else:
        shipped = shipped_matrices()
        if name not in shipped:
            raise MatrixError(f"no matrix is called '{name}'{nearest(name, shipped)}")
        text = shipped[name]
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MatrixError(f"matrix '{name}' is not valid TOML: {error}") from error


def _apply(content: dict[str, Any], setting: str) -> None:
    """Apply one `--set axis.option=value`, `axis.label.option=value`, `axis.label={...}` or `key=value`, as TOML."""
    path, separator, text = setting.partition("=")
    if not separator:
        raise MatrixError(f"--set {setting}: write it as axis.option=value, for example generator.steps=5")
    value = _parse_value(text)
    parts = path.strip().split(".")
    if len(parts) == 1:
        known = MatrixFile.model_fields
        if parts[0] not in known:
            raise MatrixError(f"--set {setting}: a matrix has no '{parts[0]}'{nearest(parts[0], known)}")
        content[parts[0]] = value
        return
    axis, *rest = parts
    if axis == "override" and len(rest) == 4:
        table = content
        for name in parts[:-1]:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                raise MatrixError(f"--set {setting}: '{name}' is not a table, found {table!r}")
        table[parts[-1]] = value
        return
    if axis not in USE_AXES:
        raise MatrixError(f"--set {setting}: no axis is called '{axis}'{nearest(axis, USE_AXES)}")
    labels = content.setdefault(axis, {})
    if not isinstance(labels, dict) or not all(isinstance(options, dict) for options in labels.values()):
        raise MatrixError(f"--set {setting}: '{axis}' is not a set of tables, [{axis}.<label>], found {labels!r}")
    if axis in ("control", "dataset", "observer") and len(rest) == 2:
        labels.setdefault(rest[0], {})  # none of them needs a table of its own in the file
    _set_option(labels, rest, value, setting=setting)


def _set_option(labels: dict[str, Any], rest: list[str], value: object, *, setting: str) -> None:
    if len(rest) == 1 and isinstance(value, dict):
        labels[rest[0]] = value  # a whole table: a use of its own, or in the place of one
    elif len(rest) == 2:
        if rest[0] not in labels:
            raise MatrixError(f"--set {setting}: the axis has no '{rest[0]}'{nearest(rest[0], labels)}")
        labels[rest[0]][rest[1]] = value
    elif len(rest) == 1 and len(labels) == 1:
        next(iter(labels.values()))[rest[0]] = value
    else:
        raise MatrixError(f"--set {setting}: say which one with axis.label.option=value; labels: {', '.join(labels)}")


def _parse_value(text: str) -> object:
    """Read a value as TOML, and as plain text where it is not TOML (so that quotes may be left out)."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def first_fault(error: ValidationError, model: type[BaseModel], *, within: str = "") -> str:
    """Say what of a table is wrong first; `within` is what comes before its keys, and `model` knows them."""
    first = error.errors()[0]
    where = within + ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"'{where}' is not a part of a matrix{nearest(str(first['loc'][-1]), model.model_fields)}"
    return (
        f"{where}: {first['msg']}, found {first['input']!r}" if first["type"] != "missing" else f"'{where}' is missing"
    )
