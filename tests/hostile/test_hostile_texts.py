"""Hostile records are refused with a sentence, or shown as text in every form the leaderboard has."""

from __future__ import annotations

import pytest
from hostile_files.families import TEXTS


@pytest.mark.parametrize("family", TEXTS)
def test_every_hostile_record_is_named_or_shown_as_text(family, wrongs):
    assert wrongs(family, pages=False) == []
