"""Where the weights of a diffusers model lie, and which weights they are."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from tckr_bench.datasets import fingerprint_files
from tckr_bench.errors import TckrError

MINIATURE = "miniature"
MINIATURE_FOLDER = Path(__file__).parent / "miniature"

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_WEIGHT_SUFFIXES = frozenset({".safetensors", ".json", ".txt"})


class ModelError(TckrError):
    """A generative model is not there, or is not one that can be used."""


def local_folder(model: str) -> Path | None:
    """Return the folder of a local model, or None for a hub id.

    Raises:
        ModelError: `model` is neither a folder with a `model_index.json` nor shaped like a hub id.
    """
    folder = MINIATURE_FOLDER if model == MINIATURE else Path(model).expanduser()
    if (folder / "model_index.json").is_file():
        return folder
    if model == MINIATURE:
        raise ModelError(f"the packaged miniature is not at '{folder}'; reinstall tckr-bench")
    if folder.is_dir() or not _HUB_ID.fullmatch(model):
        raise ModelError(
            f"no diffusers model is at '{model}': there is no model_index.json; "
            "name a folder in the diffusers format, a hub id, or 'miniature'"
        )
    return None


def identify_model(model: str) -> str:
    """Return a sha256 over the weights, configuration and vocabulary of a local model, or "" for a hub id.

    Raises:
        ModelError: there is no such local model.
    """
    folder = local_folder(model)
    if folder is None:
        return ""
    files = sorted(
        path.relative_to(folder) for path in folder.rglob("*") if path.suffix in _WEIGHT_SUFFIXES and path.is_file()
    )
    stamps = ((folder / path).stat() for path in files)
    return _hash(
        folder,
        tuple((path, stamp.st_mtime_ns, stamp.st_size) for path, stamp in zip(files, stamps, strict=True)),
    )


@functools.cache
def _hash(folder: Path, stamped: tuple[tuple[Path, int, int], ...]) -> str:
    """Hash once per process for as long as no file's time or size changes."""
    return fingerprint_files(folder, [path for path, _, _ in stamped])
