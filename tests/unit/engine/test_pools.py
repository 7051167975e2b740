"""Laws of the local pool: its workers' devices, and what becomes of a slot whose worker dies."""

from tckr_bench.engine.pools import local
from tckr_bench.engine.pools.api import Died
from tckr_bench.engine.protocol import Order


def test_workers_are_dealt_to_the_devices_in_turn(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(local, "_Worker", lambda slot, **_options: started.append(slot))
    pool = local.LocalPool(5, devices=("cuda:0", "cuda:1"), logs=tmp_path)
    assert list(pool.slots) == started
    assert [slot.device for slot in started] == ["cuda:0", "cuda:1", "cuda:0", "cuda:1", "cuda:0"]


def test_a_worker_that_dies_is_an_event_and_another_takes_its_place(tmp_path):
    pool = local.LocalPool(1, devices=("cpu",), logs=tmp_path)
    try:
        (slot,) = pool.slots
        first = pool._workers[slot].process
        first.kill()
        first.wait()
        pool.send(slot, Order("/store", "k" * 64, "train", {}, {}, 0, {}, "label", "component", 1.0, "cpu"))
        words = "its process was killed by signal 9 (out of memory? try fewer --jobs)"
        assert pool.wait() == Died(slot, words, tmp_path / "worker-0.log")
        second = pool._workers[slot].process
        assert second.pid != first.pid
        assert second.poll() is None
    finally:
        pool.close()
        pool.close()
    assert second.poll() == -9
