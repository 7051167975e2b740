"""The content-addressed store: one folder per artifact, complete or absent.

<store>/artifacts/<ab>/<key>/manifest.json    sha256 and size of every file; the same for the same inputs
<store>/artifacts/<ab>/<key>/provenance.json  what it took and where; differs from run to run
<store>/artifacts/<ab>/<key>/checked.json     sizes and times of the files at their last full check
<store>/staging/<key>-<random>/               an artifact being written
<store>/locks/<key>.lock                      held by the process that writes it
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import filelock
from pydantic import TypeAdapter, ValidationError

from tckr_bench.engine.fingerprint import STORE_FORMAT, hash_file
from tckr_bench.errors import MOVE_STORE, StoreError, storage_error
from tckr_bench.records import Cost
from tckr_bench.stages.isolation import FAILURES_FILE

STORE_VARIABLE = "TCKR_BENCH_STORE"
MANIFEST = "manifest.json"
PROVENANCE = "provenance.json"
CHECKED = "checked.json"
# Hashing reads everything, at every plan, and full-size runs keep a terabyte. So an artifact that was hashed once
# counts as sound while sizes and times stay; a fresh time may hide a later write of the same tick.
FRESH_SECONDS = 2.0


@dataclass(frozen=True)
class FileEntry:
    """Checksum and size in bytes of one file of an artifact."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """What an artifact is and holds; `files` maps relative paths to checksums."""

    key: str
    kind: str
    files: Mapping[str, FileEntry]
    format: int = STORE_FORMAT


@dataclass(frozen=True)
class Provenance:
    """What making an artifact took; `work` is in units of its kind, so that seconds per unit can be learned."""

    label: str
    component: str
    cost: Cost
    device: str
    work: float
    created: float


@dataclass(frozen=True)
class Usage:
    """Disk use of one kind of artifact: how many, and bytes."""

    kind: str
    artifacts: int
    size: int


def default_store_path() -> Path:
    """Return the folder named by `TCKR_BENCH_STORE`, or the user's cache folder."""
    given = os.environ.get(STORE_VARIABLE)
    if given:
        return Path(given).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("tckr-bench")) / "store"


class Store:
    """Artifacts by key. Reading checks every checksum once; writing is atomic."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def open_for_writing(self) -> None:
        """Create the folders and try a write.

        Raises:
            StoreError: the store cannot be written; says why and what to do.
        """
        try:
            for name in ("artifacts", "staging", "locks"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root / "staging") as probe:
                probe.write(b"probe")
        except OSError as error:
            raise storage_error(error, f"cannot write to the store {self.root}", elsewhere=MOVE_STORE) from error

    def path(self, key: str) -> Path:
        """Return where the artifact of a key lies, or would lie."""
        return self.root / "artifacts" / key[:2] / key

    def find(self, key: str, *, thorough: bool = False, marked: bool = False) -> Manifest | None:
        """Return the manifest of a complete and undamaged artifact; None where it is missing or damaged.

        An artifact marked with a component's failure is to be made again, and is found with `marked` alone. With
        `thorough`, files that were checked before and did not change since are hashed again.
        """
        folder = self.path(key)
        try:
            manifest = _manifest_adapter().validate_json((folder / MANIFEST).read_bytes())
            self.provenance(key)
        except (OSError, ValidationError, StoreError):
            return None
        if manifest.key != key or manifest.format != STORE_FORMAT or (FAILURES_FILE in manifest.files and not marked):
            return None
        if not thorough and _was_checked(folder, manifest):
            return manifest
        if any(damaged_files(folder, manifest)):
            return None
        _remember_check(folder, manifest)
        return manifest

    def provenance(self, key: str) -> Provenance:
        """Return what making the artifact took.

        Raises:
            StoreError: there is none, or it is damaged.
        """
        path = self.path(key) / PROVENANCE
        try:
            return _provenance_adapter().validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise StoreError(f"{path} is missing or damaged; run `tckr-bench cache verify`") from error

    @contextlib.contextmanager
    def lock(self, key: str) -> Iterator[None]:
        """Hold the right to write the artifact of a key; waits while another process holds it."""
        with filelock.FileLock(self.root / "locks" / f"{key}.lock"):
            yield

    def begin(self, key: str) -> Path:
        """Return an empty staging folder; call it with the lock held, so that leftovers of a key are nobody's."""
        staging = self.root / "staging"
        for leftover in staging.glob(f"{key}-*"):
            shutil.rmtree(leftover)
        return Path(tempfile.mkdtemp(prefix=f"{key}-", dir=staging))

    def commit(self, key: str, staged: Path, *, kind: str, provenance: Provenance) -> None:
        """Make a staged folder the artifact of a key, in one rename after everything is on disk."""
        names = sorted(path for path in staged.rglob("*") if path.is_file())
        entries = {
            path.relative_to(staged).as_posix(): FileEntry(hash_file(path), path.stat().st_size) for path in names
        }
        manifest = Manifest(key=key, kind=kind, files=entries)
        (staged / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1, sort_keys=True), encoding="utf-8")
        (staged / PROVENANCE).write_text(json.dumps(asdict(provenance), indent=1), encoding="utf-8")
        for path in (*names, staged / MANIFEST, staged / PROVENANCE):
            _flush(path)
        final = self.path(key)
        self.discard(key)
        final.parent.mkdir(parents=True, exist_ok=True)
        staged.chmod(0o755)
        staged.rename(final)
        _flush(final.parent)

    def discard(self, key: str) -> None:
        """Remove the artifact of a key, if any; renamed away first, so that no half of it is ever seen."""
        folder = self.path(key)
        if folder.exists():
            doomed = Path(tempfile.mkdtemp(prefix="discarded-", dir=self.root / "staging"))
            folder.rename(doomed / key)
            shutil.rmtree(doomed)

    def keys(self) -> list[str]:
        """Return the keys of every artifact folder, sound or not, in order."""
        return sorted(path.name for path in (self.root / "artifacts").glob("??/*") if path.is_dir())

    def touch(self, key: str) -> None:
        """Mark an artifact as used now, for `cache gc`."""
        with contextlib.suppress(OSError):
            os.utime(self.path(key))

    def last_used(self, key: str) -> float:
        """Return when an artifact was last used, in seconds since the epoch."""
        return self.path(key).stat().st_mtime

    def size(self, key: str) -> int:
        """Return the bytes an artifact takes."""
        return sum(path.stat().st_size for path in self.path(key).rglob("*") if path.is_file())

    def usage(self) -> list[Usage]:
        """Return disk use by kind of artifact."""
        totals: dict[str, tuple[int, int]] = {}
        for key in self.keys():
            kind = self._kind(key)
            count, size = totals.get(kind, (0, 0))
            totals[kind] = (count + 1, size + self.size(key))
        return [Usage(kind, count, size) for kind, (count, size) in sorted(totals.items())]

    def damaged(self) -> list[str]:
        """Return the keys of artifacts that are incomplete or whose checksums do not match."""
        return [key for key in self.keys() if self.find(key, thorough=True, marked=True) is None]

    def collect(self, *, unused_for: float, dry_run: bool = False) -> list[tuple[str, int]]:
        """Remove artifacts not used for `unused_for` seconds, damaged ones, and abandoned staging folders.

        Returns the names and bytes of what was (or would be) removed.
        """
        now = time.time()
        keys = [
            key for key in self.keys() if now - self.last_used(key) >= unused_for or self.find(key, marked=True) is None
        ]
        removed = [(key, self.size(key)) for key in keys]
        for key in () if dry_run else keys:
            with self.lock(key):
                self.discard(key)
        return removed + self._collect_staging(dry_run=dry_run)

    def _collect_staging(self, *, dry_run: bool) -> list[tuple[str, int]]:
        removed = []
        for folder in sorted((self.root / "staging").glob("*")):
            key = folder.name.split("-")[0]
            lock = filelock.FileLock(self.root / "locks" / f"{key}.lock")
            try:
                with lock.acquire(timeout=0):
                    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
                    removed.append((f"staging/{folder.name}", size))
                    if not dry_run:
                        shutil.rmtree(folder)
            except filelock.Timeout:
                continue  # being written right now
        return removed

    def _kind(self, key: str) -> str:
        try:
            return _manifest_adapter().validate_json((self.path(key) / MANIFEST).read_bytes()).kind
        except (OSError, ValidationError):
            return "damaged"


def damaged_files(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Yield the files of an artifact that are missing, truncated or altered."""
    for name, entry in manifest.files.items():
        path = folder / name
        try:
            intact = path.stat().st_size == entry.size and hash_file(path) == entry.sha256
        except OSError:
            intact = False
        if not intact:
            yield name


def _was_checked(folder: Path, manifest: Manifest) -> bool:
    """Return whether every file has the size and time it had when its checksum was last right."""
    try:
        return bool(json.loads((folder / CHECKED).read_text(encoding="utf-8")) == _stamps(folder, manifest))
    except (OSError, ValueError):
        return False


def _remember_check(folder: Path, manifest: Manifest) -> None:
    """Note the sizes and times of the files of an artifact that was found sound, unless a time is fresh."""
    with contextlib.suppress(OSError):  # a store that can only be read is checked in full each time
        stamps = _stamps(folder, manifest)
        if max((changed for _, changed in stamps.values()), default=0) < (time.time() - FRESH_SECONDS) * 1e9:
            partial = folder / f"{CHECKED}.{os.getpid()}"
            partial.write_text(json.dumps(stamps), encoding="utf-8")
            partial.replace(folder / CHECKED)


def _stamps(folder: Path, manifest: Manifest) -> dict[str, list[int]]:
    """Return the size in bytes and the time of the last change in nanoseconds of every file."""
    found = {name: (folder / name).stat() for name in manifest.files}
    return {name: [stamp.st_size, stamp.st_mtime_ns] for name, stamp in found.items()}


def _flush(path: Path) -> None:
    """Force a file or folder to disk, so that a rename never outruns its content."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@functools.cache
def _manifest_adapter() -> TypeAdapter[Manifest]:
    """Return what reads manifests; to make it takes longer than to read a hundred of them."""
    return TypeAdapter(Manifest)


@functools.cache
def _provenance_adapter() -> TypeAdapter[Provenance]:
    return TypeAdapter(Provenance)
