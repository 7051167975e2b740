"""Laws of devices: a run needs the one it names, a plan does not."""

import pytest

from tckr_bench.engine.provenance import devices_of, require_device
from tckr_bench.errors import RunError


def test_the_cpu_is_always_there():
    require_device("cpu")
    assert devices_of("cpu") == ("cpu",)


def test_a_device_that_is_not_there_is_answered_with_a_sentence(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(RunError, match="use --device cpu"):
        require_device("cuda")


def test_every_gpu_is_used(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    require_device("cuda")
    assert devices_of("cuda") == ("cuda:0", "cuda:1", "cuda:2")
