"""Hostile submissions are named by `verify`, or what is shown of them is text; nothing crashes, hangs or leaks out."""

from __future__ import annotations

import json

import pytest
from hostile_files import forged, json_files, markup, names, parquet_files
from hostile_files.judging import judge, summary
from hostile_files.world import SHOWN, Hostile, make_world

WITH_PAGES = ("everywhere", "labels", "numbers", "links")
FAMILIES = {
    "broken JSON": lambda _: json_files.broken(),
    "flipped JSON": lambda _: json_files.flipped(80),
    "cut JSON": lambda _: json_files.truncated(30),
    "wrong types": lambda sample: json_files.typed(sample, every=8),
    "keys": json_files.keyed,
    "unseen characters": json_files.unseen,
    "immense": lambda _: json_files.immense(),
    "odd files": lambda _: json_files.odd_files(),
    "names": lambda _: names.named(),
    "places": lambda _: names.placed(),
    "links": lambda _: names.linked(),
    "markup": lambda sample: markup.marked(sample, each=1),
    "everywhere": markup.everywhere,
    "labels": lambda _: markup.labelled(),
    "numbers": lambda _: markup.numbers(),
    "damaged scores": lambda _: parquet_files.damaged(60),
    "damaged pictures": lambda _: parquet_files.damaged(30, "pictures"),
    "tables": lambda _: parquet_files.tables(),
    "headers": lambda _: parquet_files.headers(),
    "pictures": lambda _: parquet_files.pictures(),
    "claims": lambda _: forged.claims(),
    "sealed": lambda _: forged.sealed(),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A sound submission; not to be changed."""
    return make_world(tmp_path_factory.mktemp("world") / "sound")


@pytest.fixture(scope="module")
def sample(world):
    """The student's record as JSON."""
    return json.loads((world.folder / f"{world.student}.json").read_text())


def test_the_submission_that_all_are_made_from_is_sound(world, tmp_path):
    judged = judge([Hostile("sound", lambda _: None, SHOWN)], world, tmp_path / "results")
    assert [one.wrong for one in judged] == [""]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_hostile_file_is_named_or_shown_as_text(family, world, sample, tmp_path, record_property):
    cases = list(FAMILIES[family](sample))
    judged = judge(cases, world, tmp_path / "results", pages=family in WITH_PAGES)
    record_property("summary", summary(judged))
    print(f"{family}: {summary(judged)}")
    assert [one.wrong for one in judged if one.wrong] == []


def test_the_files_are_a_thousand_and_more(sample):
    assert sum(len(list(make(sample))) for make in FAMILIES.values()) >= 1000


def test_a_process_of_its_own_looks_into_damaged_files(world, tmp_path):
    cases = [*parquet_files.damaged(6, seed=1), *parquet_files.damaged(4, "pictures", seed=1)]
    judged = judge(cases, world, tmp_path / "results", processes=1, pages=False)
    assert [one.wrong for one in judged if one.wrong] == []
