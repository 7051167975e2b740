"""Laws of the keys of stages: what was written in an older layout is not found again."""

from tckr_bench.engine import keys


def key(stage):
    return keys.key_of(stage, components={}, parameters=None, seed=0, parents={})


def test_a_new_layout_of_a_stage_changes_its_keys_and_no_other(monkeypatch):
    before = {stage: key(stage) for stage in ("prepare", "train")}
    monkeypatch.setattr(keys, "LAYOUTS", {"prepare": 99})
    assert key("prepare") != before["prepare"]
    assert key("train") == before["train"]
