"""The data of the index: every measurement comes out as it went in, nothing in it can end the element it stands in."""

import dataclasses
import json
import math

import pytest
from made_standings import made_standings

from tckr_bench.judging import metric_names
from tckr_bench.leaderboard.site.measurements import columns_on
from tckr_bench.leaderboard.site.payload import MOST_ATTACKS, SCALE, attack_mean, payload, shown_attacks
from tckr_bench.records import Estimate


@pytest.fixture(scope="module")
def board():
    return made_standings(2, 12)


def read(board):
    return json.loads(payload([board]))["tracks"][0]


def assert_same(columns, index, estimate):
    found = [column[index] for column in columns]
    if estimate is None:
        assert found == [None, None, None]
        return
    value, below, above = found
    numbers = (value, value - below, value + above)
    expected = (estimate.value, estimate.low, estimate.high)
    assert all(abs(number / SCALE - wanted) <= 0.5001 / SCALE for number, wanted in zip(numbers, expected, strict=True))


def test_every_mean_and_every_part_comes_out_as_it_went_in(board):
    data = read(board)
    columns = columns_on(board)
    assert list(data["means"]) == [column.name for column in columns]
    for index, entry in enumerate(board.entries):
        for column in columns:
            assert_same(data["means"][column.name], index, entry.get(column.name))
            for place, dataset in enumerate(board.track.datasets):
                found = entry.results.get(dataset)
                assert_same(data["parts"][place][column.name], index, column.of(found.row) if found else None)


def test_the_teacher_of_an_entry_is_that_of_its_submission(board):
    entries = read(board)["entries"]
    for index, entry in enumerate(board.entries):
        place = entries["teacher"][index]
        if place is None:
            assert not any(o.family == "real data" and o.submission == entry.submission for o in board.entries)
        else:
            assert board.entries[place].submission == entry.submission
            assert board.entries[place].family == "real data"


def test_what_an_attack_did_not_face_on_each_dataset_has_no_mean(board):
    entry = next(entry for entry in board.entries if entry.family == "synthetic" and entry.standing == "ranked")
    teacher = next(entry for entry in board.entries if entry.family == "real data")
    aucs = [found.row.get(metric_names.AUC, "lira") for found in entry.results.values()]
    mean = attack_mean(entry, "lira")
    assert mean.value == pytest.approx(sum(auc.value for auc in aucs) / 2)
    assert mean.high - mean.low < min(auc.high - auc.low for auc in aucs)
    assert attack_mean(teacher, "nearest-copy") is None


def test_hostile_text_cannot_end_the_script_element():
    text = payload([made_standings(2, 12, hostile=True)])
    assert "<" not in text
    assert not set(text) & {"\u2028", "\u2029", "\u202e", "\x00", "\x1b"}
    assert "<img src=x" in json.loads(text)["tracks"][0]["entries"]["reasons"][-1][0]


def test_attacks_beyond_the_columns_are_left_to_the_pages():
    entry = made_standings(1, 6).entries[0]
    (name, found), *_ = entry.results.items()
    (model, *_) = found.record.threat_models.values()
    record = dataclasses.replace(found.record, threat_models={f"attack {index}": model for index in range(40)})
    entry = dataclasses.replace(entry, results={name: dataclasses.replace(found, record=record)})
    assert len(shown_attacks([entry])) == MOST_ATTACKS


def test_numbers_that_are_none_are_null(board):
    first = board.entries[0]
    results = {
        name: dataclasses.replace(found, row=dataclasses.replace(found.row, pipeline_seconds=math.inf))
        for name, found in first.results.items()
    }
    broken = {**first.estimates, "worst-auc": Estimate(math.nan, 0, 1, "")}
    entry = dataclasses.replace(first, estimates=broken, results=results)
    data = read(dataclasses.replace(board, entries=(entry,)))
    assert [column[0] for column in data["means"]["worst-auc"]] == [None, None, None]
    assert data["entries"]["pipeline-cpu-seconds"] == [None]


def test_five_hundred_methods_on_ten_datasets_stay_below_a_megabyte():
    assert len(payload([made_standings(10, 500, seeds=1)]).encode()) < 1_000_000
