"""Which weights of the Hugging Face hub are at hand: the cache is asked before the network is."""

from __future__ import annotations

import re

from tckr_bench.errors import OptionError
from tckr_plugins import hub
from tckr_plugins.hub import Repository

HUB_PREFIX = re.compile(r"hf[-_]hub:")
WEIGHTS_FILE = "model.safetensors"  # naming the file keeps timm from falling back to a pickled one


def hub_id(model: str) -> str | None:
    """Return the hub id `owner/name` or `owner/name@revision` of a timm model, None where timm names no repository.

    >>> hub_id("hf-hub:timm/resnet18.a1_in1k@main")
    'timm/resnet18.a1_in1k@main'
    """
    if HUB_PREFIX.match(model):
        return HUB_PREFIX.sub("", model, count=1)
    import timm

    try:
        known = timm.get_pretrained_cfg(model, allow_unregistered=True)
    except RuntimeError as error:  # a known model, but no such weights
        raise OptionError(
            f"timm does not know the weights '{model}' ({error}); leave out what follows the dot"
        ) from error
    return None if known is None else known.hf_hub_id or None


def cached_commit(repository: Repository, *, file: str = WEIGHTS_FILE) -> str:
    """Return the commit of a repository's file that the cache holds, or "" where it holds none."""
    found = hub.cached_file(repository, file)
    return "" if found is None else found.parent.name


def pinned(text: str, *, file: str = WEIGHTS_FILE) -> str:
    """Return `owner/name[@revision]` at the commit the cache holds, which is then read without asking the network."""
    repository = Repository.parse(text)
    commit = cached_commit(repository, file=file)
    return f"{repository.name}@{commit}" if commit else text


def weights_identity(model: str) -> str:
    """Return the commit of a model's cached weights; "" where they are still to be fetched.

    Raises:
        OptionError: they are neither in the cache nor, offline, to be fetched; or timm knows no repository.
    """
    repository = hub_id(model)
    if repository is None:
        raise OptionError(f"the hub holds no weights for the timm model '{model}'; set pretrained to false")
    commit = cached_commit(Repository.parse(repository))
    if not commit and hub.offline():
        raise OptionError(
            f"the weights of '{model}' are not in the cache of the hub and the network is switched off; "
            "fetch them while online, or point the option weights to a local .safetensors file"
        )
    return commit
