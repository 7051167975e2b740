"""What is committed under leaderboard/ fits together; `make check` recomputes its measurements."""

import itertools
import json
import shlex
from pathlib import Path

import pytest

import tckr_bench
from tckr_bench.engine.collect import matrix_digest
from tckr_bench.engine.matrix import load_matrix
from tckr_bench.leaderboard.standings import standings_of
from tckr_bench.leaderboard.tracks import find_track
from tckr_bench.plugin.registry import default_registry
from tckr_bench.results.files import pictures_path, read_records, record_path, scan_runs, submission_folder
from tckr_bench.results.identity import identity_of
from tckr_bench.results.pictures import may_be_shown
from tckr_bench.results.records import json_schema

BOARD = Path(__file__).parents[3] / "leaderboard"
RESULTS = BOARD / "results"
SHIPPED = {path.stem for path in (Path(tckr_bench.__file__).parent / "matrices").glob("*.toml")}


@pytest.fixture(scope="module")
def records():
    return read_records(RESULTS)


@pytest.mark.parametrize("part", ["record", "run"])
def test_the_published_schema_is_that_of_the_program(part):
    assert json.loads((BOARD / f"{part}.schema.json").read_text(encoding="utf-8")) == json_schema(part)


def test_records_lie_where_they_belong(records):
    where = {record_path(submission_folder(RESULTS, record), record) for record in records}
    assert where == set(RESULTS.glob("*/*/records/*/*.json"))


def test_every_submission_is_made_of_its_records():
    for run in scan_runs(RESULTS)[0]:
        assert identity_of(run.records) == run.information.submission


def values_of(command, *options):
    words = shlex.split(command)
    return [value for option, value in itertools.pairwise(words) if option in options]


def test_a_submission_named_after_a_shipped_matrix_is_of_that_matrix():
    runs = [run.information for run in scan_runs(RESULTS)[0] if run.information.matrix in SHIPPED]
    assert {run.track for run in runs} >= {"default", "mini", "audit"}
    for run in runs:
        settings, datasets = values_of(run.command, "--set"), values_of(run.command, "--dataset", "-d")
        matrix = load_matrix(run.matrix, default_registry(), settings=settings, datasets=datasets)
        assert matrix_digest(matrix) == run.matrix_digest, f"{run.track}/{run.submission} is of an older {run.matrix}"


def test_pictures_are_committed_only_where_they_may_be_shown(records):
    for record in records:
        shown = pictures_path(submission_folder(RESULTS, record), record).exists()
        assert not shown or may_be_shown(record.description.licence)


def test_every_entry_is_ranked_or_says_why_not(records):
    for name in sorted({record.track for record in records}):
        for entry in standings_of(records, find_track(name)).entries:
            assert (entry.rank is not None) == (entry.standing == "ranked")
            assert entry.standing in ("ranked", "control") or entry.reasons
