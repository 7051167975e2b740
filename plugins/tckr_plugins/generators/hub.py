"""Diffusers models on the hub: a whole copy in the local cache comes first, then the hub at a known commit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tckr_plugins import hub
from tckr_plugins.generators.models import ModelError, local_folder
from tckr_plugins.hub import NoAnswerError, Repository

if TYPE_CHECKING:
    from pathlib import Path

INDEX = "model_index.json"
_UNUSED = frozenset({"safety_checker", "feature_extractor", "image_encoder"})


@dataclass(frozen=True)
class Source:
    """Where a model is read from: a folder, or a hub id at a commit that is still to be downloaded."""

    path: str
    commit: str | None = None


def locate(model: str, *, revision: str | None, variant: str | None = None) -> Source:
    """Return where to read a model from: its folder, the cached snapshot of a hub id, else the hub.

    Raises:
        ModelError: there is no such model, or it is not in the cache and the hub does not give it.
    """
    folder = local_folder(model)
    if folder is not None:
        return Source(str(folder))
    repository = Repository(model, revision or "main")
    snapshot = _cached(repository)
    if snapshot is not None and _is_complete(snapshot, variant):
        return Source(str(snapshot))
    try:
        return Source(model, hub.settle(repository))
    except NoAnswerError as error:
        held = "is not in the local cache" if snapshot is None else f"is only partly in the local cache ('{snapshot}')"
        raise ModelError(
            f"the model '{model}' cannot be loaded: it {held}, and {error}; "
            "download it while online, or name a diffusers folder or a packaged model such as 'miniature'"
        ) from error


def commit_of(model: str, revision: str | None) -> str:
    """Return the commit that a revision of a hub id stands for, from the cache or the hub; "" where neither knows."""
    repository = Repository(model, revision or "main")
    return hub.commit_of(repository, cached=_cached(repository))


def _cached(repository: Repository) -> Path | None:
    """Return the snapshot with a pipeline's index, or the configuration of one part; None where neither is cached."""
    found = hub.cached_file(repository, INDEX) or hub.cached_file(repository, "config.json")
    return None if found is None else found.parent


def _is_complete(snapshot: Path, variant: str | None) -> bool:
    """Return whether a snapshot holds every part its index names, weights included."""
    index_path = snapshot / INDEX
    if not index_path.is_file():
        return _has_weights(snapshot, variant)
    index = json.loads(index_path.read_text(encoding="utf-8"))
    parts = [
        snapshot / name
        for name, kind in index.items()
        if isinstance(kind, list) and kind and kind[0] is not None and name not in _UNUSED
    ]
    return all(part.is_dir() and _has_weights(part, variant) for part in parts)


def _has_weights(part: Path, variant: str | None) -> bool:
    """Return whether a part is whole; one without a `config.json`, such as a tokenizer, has no weights."""
    if not (part / "config.json").is_file():
        return any(part.glob("*.json"))
    names = {path.name for path in part.glob("*.safetensors*")}
    shards = [name for name in names if name.endswith(".index.json")]
    for name in shards:
        listed = json.loads((part / name).read_text(encoding="utf-8"))["weight_map"].values()
        if names.issuperset(listed):
            return True
    marked = f".{variant}.safetensors" if variant else ".safetensors"
    single = [name for name in names if name.endswith(marked) and "-of-" not in name]
    return any(variant or name.count(".") == 1 for name in single)
