"""Laws of the local executor that need no worker process."""

from tckr_bench.engine import executor as module
from tckr_bench.engine.estimate import Rates
from tckr_bench.engine.executor import Executor
from tckr_bench.engine.graph import Graph


def test_workers_are_dealt_to_the_devices_in_turn(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(module, "_Worker", lambda index, **options: started.append((index, options["device"])))
    executor = Executor(
        Graph({}, {}, {}, 0),
        store=None,
        jobs=5,
        devices=("cuda:0", "cuda:1"),
        logs=tmp_path,
        rates=Rates(tmp_path / "rates.json"),
    )
    for index in range(5):
        executor._start(index)
    assert [device for _, device in started] == ["cuda:0", "cuda:1", "cuda:0", "cuda:1", "cuda:0"]
