"""The Hugging Face hub, for every family: what its cache on disk holds, and which commit a revision is.

The cache is read by its documented layout, and its place by the library's own environment variables, so that a plan
imports nothing heavy; `huggingface_hub` is imported when the network is to be asked.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

_COMMIT = re.compile(r"[0-9a-f]{40}")
_IDENTIFIER = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
_TRUE = frozenset({"1", "ON", "YES", "TRUE"})
_TIMEOUT_SECONDS = 5.0


class NoAnswerError(Exception):
    """The hub does not name a commit; the text tells why, as the end of a sentence."""


@dataclass(frozen=True)
class Repository:
    """A model or a dataset on the hub, at a branch, tag or commit."""

    name: str
    revision: str = "main"
    kind: Literal["model", "dataset"] = "model"

    @classmethod
    def parse(cls, text: str) -> Repository:
        """Return the model that `owner/name` or `owner/name@revision` names.

        >>> Repository.parse("timm/resnet18@v1").revision, Repository.parse("timm/resnet18").revision
        ('v1', 'main')
        """
        name, _, revision = text.partition("@")
        return cls(name, revision or "main")


def is_identifier(text: str) -> bool:
    """Return whether a text is shaped like `owner/name`.

    >>> is_identifier("timm/resnet18"), is_identifier("../resnet18")
    (True, False)
    """
    return _IDENTIFIER.fullmatch(text) is not None


def offline() -> bool:
    """Return whether the environment forbids the network, by the rule of huggingface_hub."""
    given = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return given.upper() in _TRUE


def cache_folder() -> Path:
    """Return the hub's cache folder, by the rules of huggingface_hub: HF_HUB_CACHE, HF_HOME, the user's cache."""
    given = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if given:
        return Path(os.path.expandvars(given)).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(os.path.expandvars(home)).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "huggingface" / "hub"


def repository_folder(repository: Repository) -> Path:
    """Return where the cache keeps a repository, whether it is there or not."""
    return cache_folder() / f"{repository.kind}s--{repository.name.replace('/', '--')}"


def cached_snapshot(repository: Repository) -> Path | None:
    """Return the folder with a repository's cached files, named after their commit; None where there is none.

    The folder may hold some of the files only.
    """
    folder = repository_folder(repository)
    if not _stays_inside(repository.revision):
        return None
    reference = folder / "refs" / repository.revision
    commit = reference.read_text(encoding="utf-8").strip() if reference.is_file() else repository.revision
    snapshot = folder / "snapshots" / commit
    return snapshot if commit and "/" not in commit and _stays_inside(commit) and snapshot.is_dir() else None


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def cached_file(repository: Repository, file: str) -> Path | None:
    """Return the path of a repository's file in the cache, in the folder of its commit; None where it is not there."""
    snapshot = cached_snapshot(repository)
    return snapshot / file if snapshot is not None and (snapshot / file).is_file() else None


def commit_of(repository: Repository, *, cached: Path | None) -> str:
    """Return the commit of a repository: the one it names, that of its `cached` snapshot, the hub's; "" if none knows.

    The stage that needs the files says why they are not there.
    """
    if _COMMIT.fullmatch(repository.revision):
        return repository.revision
    if cached is not None:
        return cached.name
    try:
        return ask_commit(repository)
    except NoAnswerError:
        return ""


def ask_commit(repository: Repository) -> str:
    """Ask the hub, once per process, for the commit of a revision; the hub's own client would try again for long.

    Raises:
        NoAnswerError: the network is switched off, or the hub knows no such revision or is silent for seconds.
    """
    if offline():
        raise NoAnswerError("HF_HUB_OFFLINE forbids asking the hub")
    answer = _ask_once(repository)
    if not _COMMIT.fullmatch(answer):
        raise NoAnswerError(answer)
    return answer


def settle(repository: Repository) -> str:
    """Return the commit to download, and note in the cache which revision it is, as the hub's own client does.

    A download by commit leaves no such note, and without it the files would not be found by their revision offline.

    Raises:
        NoAnswerError: as `ask_commit`.
    """
    commit = ask_commit(repository)
    if commit != repository.revision and _stays_inside(repository.revision):
        reference = repository_folder(repository) / "refs" / repository.revision
        with contextlib.suppress(OSError):  # the download itself says that the cache cannot be written
            reference.parent.mkdir(parents=True, exist_ok=True)
            reference.write_text(commit, encoding="utf-8")
    return commit


@functools.cache
def _ask_once(repository: Repository) -> str:
    """Return the commit, or why there is none: an answer of both kinds is kept."""
    from huggingface_hub import constants, get_token

    revision = urllib.parse.quote(repository.revision, safe="")
    address = f"{constants.ENDPOINT}/api/{repository.kind}s/{repository.name}/revision/{revision}"
    request = urllib.request.Request(address)  # noqa: S310 - the hub's address, set by the user's environment
    token = get_token()
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - as above
            commit = json.load(answer)["sha"]
    except urllib.error.HTTPError as error:
        error.close()
        lacking = f"has no such {repository.kind} or revision"
        meaning = "needs its terms accepted and a login" if error.code == 403 else lacking
        return f"the hub {meaning} (it answered {error.code})"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"the hub at {constants.ENDPOINT} does not answer ({getattr(error, 'reason', error)})"
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        return f"the hub at {constants.ENDPOINT} names no commit"
    return commit
