"""Pages of hostile records show text: nothing runs, nothing is asked for, nothing leads away."""

from __future__ import annotations

import pytest
from hostile_files.families import SHOWN


@pytest.mark.parametrize("family", SHOWN)
def test_pages_of_every_hostile_record_show_text(family, wrongs):
    assert wrongs(family, readable=True) == []
