"""Laws of the local pool that need no worker process."""

from tckr_bench.engine.pools import local


def test_workers_are_dealt_to_the_devices_in_turn(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(local, "_Worker", lambda slot, **_options: started.append(slot))
    pool = local.LocalPool(5, devices=("cuda:0", "cuda:1"), logs=tmp_path)
    assert list(pool.slots) == started
    assert [slot.device for slot in started] == ["cuda:0", "cuda:1", "cuda:0", "cuda:1", "cuda:0"]
