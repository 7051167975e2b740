"""Files that are too large, no files, elsewhere or forged are named by `verify`; the families are a thousand files."""

from __future__ import annotations

import pytest
from hostile_files.families import FAMILIES, FILES
from hostile_files.judging import judge
from hostile_files.world import SHOWN, Hostile


def test_the_submission_that_all_are_made_from_is_sound(world, tmp_path):
    judged = judge([Hostile("sound", lambda _: None, SHOWN)], world, tmp_path / "results")
    assert [one.wrong for one in judged] == [""]


@pytest.mark.parametrize("family", FILES)
def test_every_hostile_file_is_named_or_shown_as_text(family, wrongs):
    assert wrongs(family, pages=False) == []


def test_the_files_are_a_thousand_and_more(sample):
    assert sum(len(list(make(sample))) for make in FAMILIES.values()) >= 1000
