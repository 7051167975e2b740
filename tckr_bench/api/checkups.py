"""The check-up that a run does of datasets that are somebody's own, once for the same images."""

from __future__ import annotations

import contextlib
import os
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from tckr_bench.api.watching import Watch
from tckr_bench.datasets.checkup import check_dataset
from tckr_bench.datasets.findings import Finding, judge
from tckr_bench.engine.fingerprint import fingerprint
from tckr_bench.errors import DatasetError
from tckr_bench.plugin.registry import Registry
from tckr_bench.records import ComponentUse, DatasetDescription

CHECKUP_VERSION = 1
"""Part of the name of a remembered check-up; raise it whenever the same dataset would be judged otherwise."""


def check_up_before_run(
    uses: Sequence[ComponentUse],
    registry: Registry,
    image_size: int,
    *,
    descriptions: Mapping[str, DatasetDescription],
    store: Path,
    watch: Watch,
) -> list[str]:
    """Return the warnings, one sentence each, about the datasets of a run that are somebody's own.

    Those are the datasets that take an argument, such as `imagefolder:photos`. A dataset without errors is remembered
    in the store by its fingerprint, so that the same command does not check it again.

    Raises:
        DatasetError: a dataset cannot be used; names the first problem and the command that shows the others.
    """
    sentences = []
    for use in uses:
        argument = registry.get(use.family, use.name).component.argument
        if not argument:
            continue
        description = descriptions[use.label]
        remembered = _memory(store, use, description, image_size)
        findings = _recall(remembered)
        if findings is None:
            with watch(use.label) as progress:
                checkup = check_dataset(
                    registry.load(use), image_size=image_size, description=description, progress=progress
                )
            findings = judge(checkup)
            errors = [finding.sentence for finding in findings if finding.severity == "error"]
            if errors:
                command = f"tckr-bench datasets check {shlex.quote(f'{use.name}:{use.options[argument]}')}"
                raise DatasetError(
                    f"dataset '{use.label}' cannot be used: {first_of(errors)}; see all with `{command}`"
                )
            _remember(remembered, findings)
        sentences += [f"{use.label}: {found.sentence}" for found in findings if found.severity == "warning"]
    return sentences


def first_of(errors: Sequence[str]) -> str:
    """Return the first of some sentences, and how many more there are."""
    return errors[0] + (f"; and {len(errors) - 1} more" if len(errors) > 1 else "")


def _memory(store: Path, use: ComponentUse, description: DatasetDescription, image_size: int) -> Path:
    """Return where the check-up of these very images, in these splits, is remembered."""
    value = {
        "checkup": CHECKUP_VERSION,
        "component": [use.name, use.version],
        "content": description.fingerprint,
        "counts": dict(description.counts),
        "source": description.source,
        "image_size": image_size,
    }
    return store / "checkups" / f"{fingerprint(value)}.json"


def _recall(path: Path) -> tuple[Finding, ...] | None:
    """Return remembered findings; None where there are none or they are damaged."""
    try:
        return TypeAdapter(tuple[Finding, ...]).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _remember(path: Path, findings: tuple[Finding, ...]) -> None:
    """Write findings in one rename; a store that cannot be written is the run's to speak of."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, staged = tempfile.mkstemp(dir=path.parent, prefix=".staged-")
        with os.fdopen(handle, "wb") as file:
            file.write(TypeAdapter(tuple[Finding, ...]).dump_json(findings, indent=1))
        Path(staged).replace(path)
