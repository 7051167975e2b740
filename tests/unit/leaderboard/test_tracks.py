"""Laws of tracks: what ships can be run by what ships, and a file that is no track is refused in a sentence."""

from __future__ import annotations

import dataclasses

import pytest
from submitted_runs import small_track, track_text

from tckr_bench.engine.matrix import load_matrix
from tckr_bench.engine.matrix_file import shipped_matrices
from tckr_bench.errors import LeaderboardError
from tckr_bench.leaderboard.tracks import find_track, read_track, shipped_tracks
from tckr_bench.plugin.registry import default_registry

WHOLE = 'name = "x"\ntitle = "x"\nsummary = "x"\nmatrix = "x"\n'
TRACKS = {track.name: track for track in shipped_tracks()}


@pytest.mark.parametrize("name", TRACKS)
def test_the_matrix_of_a_track_gives_what_the_track_asks(name):
    track = TRACKS[name]
    assert track.matrix in shipped_matrices()
    matrix = load_matrix(track.matrix, default_registry())
    assert matrix.file.track == track.name
    assert len(set(matrix.file.seeds)) >= track.seeds
    assert set(track.datasets) <= {use.label for use in matrix.datasets}
    for asked in track.attacks:
        assert any(
            use.name == asked.component
            and use.shadows.count >= asked.shadows
            and use.shadows.adaptive >= asked.adaptive
            for use in matrix.attacks
        ), f"{track.matrix} has no attack like {asked}"


@pytest.mark.parametrize("name", TRACKS)
def test_a_track_is_called_as_its_file_and_says_what_it_is(name):
    track = TRACKS[name]
    assert track.title
    assert track.summary.endswith(".")
    for dataset in track.datasets.values():
        assert dataset.classes > 1
        assert set(dataset.splits) == {"train", "validation", "test"}
        assert min(dataset.splits.values()) > 0


@pytest.mark.parametrize("name", ["fashion-mnist", "digits"])
def test_embedded_datasets_are_those_the_tracks_name(name):
    """Their fingerprints, classes and sizes are what the installed component says."""
    component = default_registry().get("dataset", name).component
    description = component.load(component.parse_options({})).describe()
    held = [track.datasets[name] for track in TRACKS.values() if name in track.datasets]
    assert held
    for dataset in held:
        assert dataset.fingerprint == description.fingerprint
        assert dataset.classes == len(description.class_names)
        assert all(count <= description.counts[split] for split, count in dataset.splits.items())


def test_a_track_of_ones_own_is_read_as_it_was_written(tmp_path):
    track = small_track()
    (tmp_path / "small.toml").write_text(track_text(track))
    assert read_track(tmp_path / "small.toml") == track


def test_a_track_is_found_by_name_and_the_nearest_is_named():
    assert find_track("mini") == TRACKS["mini"]
    with pytest.raises(LeaderboardError, match=r"no track is called 'minni'.*mini"):
        find_track("minni")
    own = dataclasses.replace(small_track(), name="own")
    assert find_track("own", (own,)) == own


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "is not a valid track file"),
        ('name = "x"', "is not a valid track file: title"),
        (WHOLE + "datasets = 3", "is not a valid track file: datasets"),
        (WHOLE + "seed = 2\ndatasets = {}", "file: seed: "),
        (
            WHOLE + 'datasets = {}\n[[attacks]]\ncomponent = "x"\nadaptiv = 1',
            "file: attacks.0.adaptiv: ",
        ),
    ],
)
def test_a_file_that_says_no_track_is_refused_in_a_sentence(text, words, tmp_path):
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(LeaderboardError, match=words):
        read_track(tmp_path / "own.toml")


def test_a_track_file_that_cannot_be_read_is_said_in_a_sentence(tmp_path):
    with pytest.raises(LeaderboardError, match="cannot be read"):
        read_track(tmp_path / "absent.toml")
    (tmp_path / "own.toml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(LeaderboardError, match="cannot be read"):
        read_track(tmp_path / "own.toml")
