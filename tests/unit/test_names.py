"""One thing has one name, and no name is for two things: public classes of the harness and of the shipped plugins."""

import ast
from collections import defaultdict
from pathlib import Path

import tckr_bench

HARNESS = Path(tckr_bench.__file__).parent
PER_STAGE = {"Inputs", "Parameters"}
"""What every stage function is given, by a class of its own in its module."""


def public_classes():
    """Return the files that define each public class at their top level."""
    places = defaultdict(list)
    for root in (HARNESS, HARNESS.parent / "plugins" / "tckr_plugins"):
        for path in root.rglob("*.py"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(str(path.relative_to(HARNESS.parent)))
    return places


def test_no_two_public_classes_share_a_name():
    twice = {name: files for name, files in public_classes().items() if len(files) > 1 and name not in PER_STAGE}
    assert twice == {}


def test_what_stages_share_is_theirs_alone():
    for name in PER_STAGE:
        assert all("stages" in path for path in public_classes()[name])
