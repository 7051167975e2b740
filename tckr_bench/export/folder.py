"""Writes an export in one step: a folder that is complete, or is not there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tckr_bench.engine.fingerprint import hash_file
from tckr_bench.errors import RunError
from tckr_bench.export.card import Contents, Subject, data_card
from tckr_bench.export.card_provenance import PROVENANCE_FILE, ExportProvenance, FileSum, same_export, to_json
from tckr_bench.export.shards import write_shards

if TYPE_CHECKING:
    from tckr_bench.export.shards import Table

CARD_FILE, DATA_FOLDER = "README.md", "data"
ELSEWHERE = "give another folder with --to, or remove this one"


@dataclass(frozen=True)
class Documents:
    """What stands beside the images: the cell the card is about, what the folder holds, and where it comes from."""

    subject: Subject
    contents: Contents
    provenance: ExportProvenance


def check_target(target: Path) -> None:
    """Refuse a target that holds anything that is no export, before anything is computed.

    Raises:
        RunError: it is a file, or a folder with something else in it.
    """
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise RunError(f"{target} is no folder; give another with --to")
    if target.is_dir() and any(target.iterdir()) and not (target / PROVENANCE_FILE).is_file():
        raise RunError(f"{target} is not empty and holds no export; {ELSEWHERE}")


def is_written(target: Path, provenance: ExportProvenance) -> bool:
    """Return whether a folder holds this very export, undamaged; its card may have been edited.

    Raises:
        RunError: it holds another export, or this one changed.
    """
    if not target.is_dir() or not any(target.iterdir()):
        return False
    files = same_export((target / PROVENANCE_FILE).read_bytes(), provenance)
    if files is None:
        raise RunError(f"{target} holds another export, or one of another version or run; {ELSEWHERE}")
    present = {path.relative_to(target).as_posix() for path in (target / DATA_FOLDER).rglob("*") if path.is_file()}
    whole = present == set(files) and (target / CARD_FILE).is_file()
    if not whole or any(_sum(target / name) != entry for name, entry in files.items()):
        raise RunError(f"{target} holds this export, but files of it are missing or were changed; {ELSEWHERE}")
    return True


def write_export(target: Path, table: Table, documents: Documents, *, progress: Callable[[int], None]) -> int:
    """Write shards, card and provenance beside the target, then rename; return the bytes written.

    Raises:
        RunError: the folder cannot be written.
    """
    target = target.absolute()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{target.name}-", suffix=".partial", dir=target.parent))
        try:
            _fill(staged, table, documents, progress=progress)
            staged.chmod(0o755)
            if target.is_dir():
                target.rmdir()
            staged.rename(target)
        finally:
            shutil.rmtree(staged, ignore_errors=True)  # nothing is there once it was renamed
    except OSError as error:
        raise RunError(f"cannot write {target}: {error.strerror or error}; choose another folder with --to") from error
    return sum(path.stat().st_size for path in target.rglob("*") if path.is_file())


def _fill(folder: Path, table: Table, documents: Documents, *, progress: Callable[[int], None]) -> None:
    (folder / DATA_FOLDER).mkdir()
    shards = write_shards(table, folder / DATA_FOLDER, progress=progress)
    files = {path.relative_to(folder).as_posix(): _sum(path) for path in shards}
    card = data_card(documents.subject, documents.contents)
    (folder / CARD_FILE).write_text(card, encoding="utf-8", newline="\n")
    (folder / PROVENANCE_FILE).write_bytes(to_json(replace(documents.provenance, files=files)))


def _sum(path: Path) -> FileSum:
    return FileSum(hash_file(path), path.stat().st_size)
