"""Stages run as a worker would run them, with components of the test's own."""

import pytest
from stage_worlds import World


@pytest.fixture
def world(tmp_path, monkeypatch):
    world = World(tmp_path)
    rooms = ("prepare", "caption", "train", "tune", "attack", "release")
    for module in (*(f"stages.{name}" for name in rooms), "results.measuring"):
        monkeypatch.setattr(f"tckr_bench.{module}.default_registry", lambda: world.registry)
    return world
