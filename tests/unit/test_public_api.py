"""What `import tckr_bench` gives: a version and the leaderboard; `test_frame.py` holds that it loads nothing else."""

import inspect
from importlib import metadata

import tckr_bench


def test_the_package_has_the_version_that_is_installed():
    assert tckr_bench.__version__ == metadata.version("tckr-bench")


def test_the_package_gives_the_leaderboard_and_no_other_function_or_class():
    named = {name: value for name, value in vars(tckr_bench).items() if not name.startswith("_")}
    own = {name for name, value in named.items() if getattr(value, "__module__", "") == "tckr_bench"}
    assert own == {"load_leaderboard"}


def test_the_leaderboard_is_asked_for_by_path_track_and_measurements():
    parameters = inspect.signature(tckr_bench.load_leaderboard).parameters
    assert {name: parameter.default for name, parameter in parameters.items()} == {
        "path": None,
        "track": None,
        "measurements": False,
    }
    assert [name for name, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY] == [
        "track",
        "measurements",
    ]
