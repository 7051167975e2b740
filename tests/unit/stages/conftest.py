"""Stages run as a worker would run them, with components of the test's own."""

import pytest
from stage_worlds import World


@pytest.fixture
def world(tmp_path, monkeypatch):
    world = World(tmp_path)
    for module in ("stages.prepare", "stages.caption", "stages.attack", "stages.release", "results.measuring"):
        monkeypatch.setattr(f"tckr_bench.{module}.default_registry", lambda: world.registry)
    return world
