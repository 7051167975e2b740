"""Tracks: what may be compared with what. A track fixes datasets, sizes, seeds and the attacks a record must face."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from tckr_bench.errors import LeaderboardError, nearest

EXACT = ConfigDict(extra="forbid")
"""A misspelled key would be a requirement that nobody has to keep."""


@with_config(EXACT)
@dataclass(frozen=True)
class TrackDataset:
    """A dataset of a track: its fingerprint, and how many images each split must have.

    Without a fingerprint any copy with the right numbers is taken, and the board says so.
    """

    splits: Mapping[str, int]
    classes: int
    fingerprint: str = ""


@with_config(EXACT)
@dataclass(frozen=True)
class RequiredAttack:
    """An attack that every ranked record must have faced: a component, at least so many shadow models."""

    component: str
    adaptive: bool = False
    shadows: int = 0

    def __str__(self) -> str:
        kind = "adaptive " if self.adaptive else ""
        models = f" with {self.shadows} shadow {'pipelines' if self.adaptive else 'models'}" if self.shadows else ""
        return f"{kind}{self.component}{models}"


@with_config(EXACT)
@dataclass(frozen=True)
class Track:
    """What is compared: a title, what it is about, and what a record needs to be ranked.

    `matrix` is the shipped matrix that runs it. Adaptive attacks are asked of synthetic methods alone: on real data,
    shadow models that repeat the training are adaptive already.
    """

    name: str
    title: str
    summary: str
    matrix: str
    datasets: Mapping[str, TrackDataset]
    seeds: int = 1
    attacks: tuple[RequiredAttack, ...] = field(default=())


def shipped_tracks() -> tuple[Track, ...]:
    """Return the tracks that come with the program: those that rest on most runs of a method first, then by name."""
    folder = resources.files("tckr_bench.leaderboard") / "tracks"
    files = [entry for entry in folder.iterdir() if entry.name.endswith(".toml")]
    tracks = [_parse(entry.name, entry.read_text(encoding="utf-8")) for entry in files]
    return tuple(sorted(tracks, key=lambda track: (-len(track.datasets) * track.seeds, track.name)))


def find_track(name: str, tracks: tuple[Track, ...] | None = None) -> Track:
    """Return a track by name.

    Raises:
        LeaderboardError: there is none; names the nearest.
    """
    known = {track.name: track for track in tracks or shipped_tracks()}
    if name not in known:
        raise LeaderboardError(f"no track is called '{name}'{nearest(name, known)}")
    return known[name]


def read_track(path: Path) -> Track:
    """Read a track file of one's own.

    Raises:
        LeaderboardError: it cannot be read, or is not a valid track file.
    """
    try:
        return _parse(path.name, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LeaderboardError(f"the track file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise LeaderboardError(f"the track file {path} cannot be read: it is no text") from error


def _parse(name: str, text: str) -> Track:
    try:
        return TypeAdapter(Track).validate_python(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else str(error)
        raise LeaderboardError(f"{name} is not a valid track file: {what}") from error
