"""Small captioning models and pictures to caption."""

import numpy as np
import pytest
from tiny_captioners import build_tiny_blip, build_tiny_blip2


@pytest.fixture(scope="session")
def blip2_model(tmp_path_factory):
    """Path of a saved BLIP-2 with OPT, as published since transformers 4.46."""
    return build_tiny_blip2(tmp_path_factory.mktemp("blip2"))


@pytest.fixture(scope="session")
def blip_model(tmp_path_factory):
    """Path of a saved BLIP captioning model."""
    return build_tiny_blip(tmp_path_factory.mktemp("blip"))


@pytest.fixture
def pictures():
    """Seven unlike images of 20x24 pixels."""
    return np.random.default_rng(0).integers(0, 256, (7, 20, 24, 3), dtype=np.uint8)
