"""Talks to the Hugging Face hub: what files a dataset has there, reading parts of them, and fetching them whole."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from tckr_bench.errors import DatasetError, first_line
from tckr_plugins.datasets.catalogue import CONVERTED
from tckr_plugins.hub import offline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

_TIMEOUT = 10.0  # seconds to wait for the list of files


@dataclass(frozen=True)
class RemoteFile:
    """A file at the source and its size in bytes."""

    path: str
    size: int


class Remote(Protocol):
    """A place that holds the files of a dataset."""

    @property
    def label(self) -> str:
        """What to call the place."""

    def files(self) -> tuple[RemoteFile, ...]:
        """List the parquet files."""

    def open(self, path: str) -> AbstractContextManager[BinaryIO]:
        """Open a file for reading parts of it."""

    def download(self, paths: Sequence[str]) -> None:
        """Fetch files whole into the cache; what is there already is kept."""


class HubRemote:
    """A dataset on the hub, at one revision."""

    def __init__(self, repository: str, revision: str) -> None:
        self._repository = repository
        self._revision = revision

    @property
    def label(self) -> str:
        """The identifier and the revision."""
        return f"hub:{self._repository} ({self._revision})"

    def files(self) -> tuple[RemoteFile, ...]:
        """List the parquet files of the revision or, where it holds none, of the hub's converted branch.

        Raises:
            DatasetError: the hub cannot be reached, or has no such dataset or revision.
        """
        for revision in dict.fromkeys((self._revision, CONVERTED)):
            found = self._files_at(revision)
            if found:
                self._revision = revision
                return found
        return ()

    def _files_at(self, revision: str) -> tuple[RemoteFile, ...]:
        from huggingface_hub import HfApi

        with _sentences(self._repository):
            # `dataset_info` asks once; listing the tree would try again for half a minute without a network.
            information = HfApi().dataset_info(
                self._repository, revision=revision, files_metadata=True, timeout=_TIMEOUT
            )
        return tuple(
            RemoteFile(file.rfilename, file.size or 0)
            for file in information.siblings or ()
            if file.rfilename.endswith(".parquet")
        )

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """Open a file on the hub; what is read of it is fetched, no more.

        Raises:
            DatasetError: the hub cannot be reached, now or while the file is read.
        """
        from huggingface_hub import HfFileSystem

        name = f"datasets/{self._repository}@{self._revision.replace('/', '%2F')}/{path}"
        with _sentences(self._repository), HfFileSystem().open(name, "rb") as stream:
            yield cast(BinaryIO, stream)

    def download(self, paths: Sequence[str]) -> None:
        """Fetch files whole into the Hugging Face cache, which keeps what it has and goes on with what is halfway.

        Raises:
            DatasetError: the hub cannot be reached, or the disk is full.
        """
        from huggingface_hub import snapshot_download

        with _sentences(self._repository):
            snapshot_download(
                self._repository, repo_type="dataset", revision=self._revision, allow_patterns=list(paths)
            )


@contextmanager
def _sentences(repository: str) -> Iterator[None]:
    """Turn what the hub's library raises into one sentence for the user."""
    from huggingface_hub import errors

    if offline():
        raise DatasetError(
            f"'{repository}' cannot be fetched: the network is switched off by --offline or HF_HUB_OFFLINE; "
            "leave that away, or copy the dataset here by other means"
        )
    # The base of all errors of whichever transport the library uses.
    transport = cast(type[Exception], errors.HfHubHTTPError.__mro__[1])
    try:
        yield
    except errors.GatedRepoError as error:
        raise DatasetError(
            f"'{repository}' is open only to those who accept its terms on huggingface.co; "
            "accept them there, then log in with `hf auth login`"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise DatasetError(f"the hub has no dataset '{repository}', or it is private; check the identifier") from error
    except errors.RevisionNotFoundError as error:
        raise DatasetError(f"'{repository}' has no such revision on the hub; check the option revision") from error
    except (transport, OSError, errors.LocalEntryNotFoundError) as error:
        raise DatasetError(
            f"'{repository}' cannot be fetched: {first_line(error)}; check the network and the disk, then try again"
        ) from error
