"""The records of the leaderboard travel in the wheel, without their scores: the board is shown anywhere."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "leaderboard" / "results"
SHIPPED = "tckr_bench/leaderboard/shipped/"
MOST_BYTES = 2**20
"""That the records may add to the wheel."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (found,) = out.glob("*.whl")
    return found


def test_the_wheel_holds_every_record_as_it_is_committed_and_no_scores(wheel):
    committed = {path.relative_to(RESULTS).as_posix(): path.read_bytes() for path in RESULTS.rglob("*.json")}
    with zipfile.ZipFile(wheel) as packed:
        shipped = [info for info in packed.infolist() if info.filename.startswith(SHIPPED)]
        assert {info.filename.removeprefix(SHIPPED): packed.read(info) for info in shipped} == committed
        assert {"tckr_bench/__init__.py", "tckr_plugins/__init__.py"} <= set(packed.namelist())
    assert sum(info.compress_size for info in shipped) < MOST_BYTES


def test_the_board_is_shown_where_there_is_no_checkout(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "installed")
    (tmp_path / "elsewhere").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tckr_bench", "leaderboard", "show", "--format", "csv"],
        cwd=tmp_path / "elsewhere",
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "these records came with the program" in " ".join(done.stderr.split())
    assert done.stdout.count("\n") > 20
