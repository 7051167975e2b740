"""Laws of remarks: what stages left unsaid is said once, of methods alone."""

import json
from types import SimpleNamespace

from tckr_bench.engine.remarks import remarks_on
from tckr_bench.engine.store import Store
from tckr_bench.stages.caption import REMARKS_FILE
from tckr_bench.stages.inapplicable import write_reason


def stage(key, kind, *, parents=None, attack=""):
    components = {"attack": SimpleNamespace(label=attack)} if attack else {}
    return SimpleNamespace(key=key, kind=kind, parents=parents or {}, components=components)


def plan_of(store, roles):
    """Return a plan of cells with these roles, each with one attack that does not apply, and captions left over."""
    stages = [stage("aa", "caption"), stage("bb", "shadow-caption")]
    for folder in map(store.path, ("aa", "bb")):
        folder.mkdir(parents=True)
        (folder / REMARKS_FILE).write_text(json.dumps([f"left over in {folder.name}"]))
    cells, leaves = {}, {}
    for index, role in enumerate(roles):
        attack, leaf = f"c{index}", f"d{index}"
        store.path(attack).mkdir(parents=True)
        write_reason("nobody wrote captions", store.path(attack))
        stages += [stage(attack, "attack", attack="lira"), stage(leaf, "measure", parents={"attacks": (attack,)})]
        cells[f"cell {index}"] = SimpleNamespace(method=SimpleNamespace(role=role))
        leaves[f"cell {index}"] = leaf
    return SimpleNamespace(graph=SimpleNamespace(stages={s.key: s for s in stages}, leaves=leaves, cells=cells))


def test_each_thing_of_note_is_said_once_and_controls_are_left_out(tmp_path):
    store = Store(tmp_path)
    plan = plan_of(store, ["method", "control", "method"])
    assert remarks_on(plan, store) == [
        f"left over in {store.path('aa').name}",
        "lira was left out on 2 cells: nobody wrote captions",
    ]
