"""What is committed under leaderboard/ fits together; `make check` recomputes its measurements."""

import json
from pathlib import Path

import pytest

from tckr_bench.leaderboard.site.links import dataset_link, method_link
from tckr_bench.leaderboard.standings import standings_of
from tckr_bench.leaderboard.tracks import find_track
from tckr_bench.leaderboard.verification import verified_digest
from tckr_bench.results.files import read_records, record_path
from tckr_bench.results.pictures import may_be_shown
from tckr_bench.results.records import json_schema

BOARD = Path(__file__).parents[3] / "leaderboard"
RESULTS, SITE = BOARD / "results", BOARD / "site"


@pytest.fixture(scope="module")
def records():
    return read_records(RESULTS)


def test_the_published_schema_is_that_of_the_program():
    assert json.loads((BOARD / "record.schema.json").read_text(encoding="utf-8")) == json_schema()


def test_records_lie_where_they_belong(records):
    assert {record_path(RESULTS, record) for record in records} == set(RESULTS.glob("*/*/*.json"))


def test_pictures_are_committed_only_where_they_may_be_shown(records):
    shown = {record.dataset for record in records if record.pictures}
    assert all(may_be_shown(record.description.licence) for record in records if record.dataset in shown)


def test_the_site_was_built_from_the_committed_records(records):
    assert verified_digest(records) in (SITE / "index.html").read_text(encoding="utf-8")


def test_the_site_has_a_page_for_every_method_and_dataset(records):
    for name in sorted({record.track for record in records}):
        standings = standings_of(records, find_track(name))
        assert standings.entries
        pages = [method_link(name, entry.slug) for entry in standings.entries]
        pages += [dataset_link(name, dataset) for dataset in standings.track.datasets]
        assert [page for page in pages if not (SITE / page).is_file()] == []


def test_every_entry_is_ranked_or_says_why_not(records):
    for name in sorted({record.track for record in records}):
        for entry in standings_of(records, find_track(name)).entries:
            assert (entry.rank is not None) == (entry.standing == "ranked")
            assert entry.standing in ("ranked", "control") or entry.reasons
