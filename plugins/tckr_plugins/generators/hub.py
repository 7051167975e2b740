"""Models on the hub: what the local cache holds comes first, and a hub that does not answer is noticed at once.

Imports `huggingface_hub` late: a plan that names no hub id does not pay for it.
"""

from __future__ import annotations

import functools
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tckr_plugins.generators.models import ModelError, local_folder

INDEX = "model_index.json"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TIMEOUT_SECONDS = 5.0
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
    snapshot = cached_snapshot(model, revision)
    if snapshot is not None and _is_complete(snapshot, variant):
        return Source(str(snapshot))
    try:
        return Source(model, _ask_commit(model, revision or "main"))
    except _NoAnswer as error:
        held = "is not in the local cache" if snapshot is None else f"is only partly in the local cache ('{snapshot}')"
        raise ModelError(
            f"the model '{model}' cannot be loaded: it {held}, and {error}; "
            "download it while online, or name a diffusers folder or a packaged model such as 'miniature'"
        ) from error


def commit_of(model: str, revision: str | None) -> str:
    """Return the commit that a revision of a hub id stands for, from the cache or the hub; "" where neither knows."""
    if revision is not None and _COMMIT.fullmatch(revision):
        return revision
    snapshot = cached_snapshot(model, revision)
    if snapshot is not None:
        return snapshot.name
    try:
        return _ask_commit(model, revision or "main")
    except _NoAnswer:
        return ""


def cached_snapshot(model: str, revision: str | None) -> Path | None:
    """Return the folder of a hub id's cached files, named after their commit; None where there are none."""
    from huggingface_hub import try_to_load_from_cache

    found = (try_to_load_from_cache(model, name, revision=revision) for name in (INDEX, "config.json"))
    return next((Path(path).parent for path in found if isinstance(path, str)), None)


class _NoAnswer(Exception):  # noqa: N818 - never leaves this module
    """The hub does not say; the text tells why, as the end of a sentence."""


@functools.cache
def _ask_commit(model: str, revision: str) -> str:
    """Ask the hub once per process; raises `_NoAnswer` within seconds, where the hub's own client retries for long."""
    from huggingface_hub import constants, get_token

    if constants.HF_HUB_OFFLINE:
        raise _NoAnswer("HF_HUB_OFFLINE forbids asking the hub")
    address = f"{constants.ENDPOINT}/api/models/{model}/revision/{urllib.parse.quote(revision, safe='')}"
    request = urllib.request.Request(address)  # noqa: S310 - the hub's address, set by the user's environment
    token = get_token()
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
            commit = json.load(answer)["sha"]
    except urllib.error.HTTPError as error:
        error.close()
        meaning = "needs its terms accepted and a login" if error.code == 403 else "has no such model or revision"
        raise _NoAnswer(f"the hub {meaning} (it answered {error.code})") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "reason", error)
        raise _NoAnswer(f"the hub at {constants.ENDPOINT} does not answer ({reason})") from error
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise _NoAnswer(f"the hub at {constants.ENDPOINT} names no commit")
    return commit


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
