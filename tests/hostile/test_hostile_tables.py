"""Hostile scores and pictures are named by a sentence; memory and time they may take are bounded."""

from __future__ import annotations

import pytest
from hostile_files.families import TABLES


@pytest.mark.parametrize("family", TABLES)
def test_every_hostile_table_is_named_by_a_sentence_or_is_the_evidence_it_says(family, wrongs):
    assert wrongs(family, alone=True, pages=False) == []
