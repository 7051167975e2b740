"""Laws of the room: a control is one module and one line; who knows the controls knows a new one at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from made_standings import made_standings
from pydantic import Field

import tckr_bench
from tckr_bench import controls
from tckr_bench.controls import Control, ControlOptions, ControlOutcome, Regime
from tckr_bench.engine.builder import build_graph
from tckr_bench.engine.matrix import load_matrix
from tckr_bench.engine.matrix_file import shipped_matrices
from tckr_bench.errors import MatrixError
from tckr_bench.export.card_privacy import gate_lines
from tckr_bench.judging.gates import judge_gates
from tckr_bench.judging.rows import DatasetBoard, _order, row_of
from tckr_bench.leaderboard.site.index import track_view
from tckr_bench.leaderboard.site.method_words import what_it_is
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import ChallengeParameters, DatasetDescription, Method, Sample
from tckr_bench.show.chart_data import is_charted

WORDS = "learns with its eyes shut, so nobody must be told apart by it"
ROOM = Path(controls.__file__).parent


class SleeperOptions(ControlOptions):
    per_side: int = Field(default=30, ge=20)


def regime(options):
    challenge = ChallengeParameters(options.per_side, canaries=7)
    return Regime(Sample("outside", challenge), challenge, epoch="last", sees_members=False)


def checks(trial):
    yield ControlOutcome(trial.limit == 0.25, f"limit {trial.limit}, {len(trial.records)} records")


SLEEPER = Control(
    name="sleeper",
    summary="learns with its eyes shut",
    expectation="nobody must be told apart by it",
    methods=lambda parts, options: (Method("sleeper", "control", parts.memorising(options.per_side)),),
    checks=checks,
    options=SleeperOptions,
    regime=regime,
    protocols=("sound",),
    limit=lambda record, evidence: 0.25,
    charted=True,
)


@pytest.fixture
def sleeper(monkeypatch):
    monkeypatch.setattr(controls, "CONTROLS", (*controls.CONTROLS, SLEEPER))


def matrix(*settings):
    return load_matrix("smoke", default_registry(), settings=settings)


def stages_of(found):
    description = DatasetDescription(
        name="digits",
        class_names=tuple("abcdefghij"),
        counts={"train": 1000, "validation": 200, "test": 597},
        fingerprint="f" * 64,
        native_size="8x8",
        source="here",
        licence="MIT",
    )
    graph = build_graph(found, {use.label: description for use in found.datasets})
    return {(stage.kind, stage.label): stage for stage in graph.stages.values()}


def records_of(made):
    cells = list(made.stated_cells().values())
    return [*cells, made.stated_record(made.plain_method("sleeper", "control"), made.measurements_for(0.5, 0.5))]


def test_no_other_room_knows_a_control_by_name():
    names = [control.name for control in controls.CONTROLS]
    quoted = [f"{mark}{name}{end}" for name in names for mark in "\"'" for end in ('"', "'", "-")]
    told = {
        path.relative_to(ROOM.parent).as_posix()
        for path in Path(tckr_bench.__file__).parent.rglob("*.py")
        if ROOM not in path.parents and any(word in path.read_text(encoding="utf-8") for word in quoted)
    }
    assert not told


def test_the_readme_tells_how_to_add_one():
    assert "CONTROLS" in (ROOM / "README.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("sleeper")
def test_a_new_control_is_in_the_matrix_after_the_others_where_its_protocol_asks_for_it():
    methods = matrix("control.sleeper.per_side=40").methods
    assert [method.name for method in methods if method.role == "control"][-2:] == ["outsider", "sleeper"]
    options = methods[-1].classifier.options
    assert (options["epochs"], options["augment"]) == (40, False)
    assert "sleeper" not in [method.name for method in matrix('protocol="paper"').methods]


@pytest.mark.usefixtures("sleeper")
def test_a_new_control_is_trained_and_attacked_by_its_own_regime():
    stages = stages_of(matrix("control.sleeper.per_side=40"))
    parameters = stages["train", "digits · sleeper"].parameters
    assert (parameters["sample"]["take"], parameters["epoch"]) == ("outside", "last")
    assert parameters["challenge"] == dataclasses.asdict(ChallengeParameters(per_side=40, canaries=7))
    teacher, own = (stages["attack", f"digits · {name} · lira"] for name in ("teacher", "sleeper"))
    assert own.parents["shadows"] == teacher.parents["shadows"], (
        "what saw no member is attacked with the teacher's bank"
    )


@pytest.mark.usefixtures("sleeper")
def test_a_new_control_has_a_gate_with_its_limit_and_is_missed(made):
    records = records_of(made)
    limits = {(records[-1].dataset, "sleeper", 0): 0.25}
    gate = judge_gates(records, "lira", limits=limits)[-1]
    assert (gate.name, gate.passed, gate.reason) == ("sleeper", True, f"limit 0.25, {len(records)} records")
    assert not judge_gates(records, "lira", limits={})[-1].passed
    missed = judge_gates(records[:-1], "lira", limits=limits)[-1]
    assert (missed.name, missed.passed, missed.reason) == ("sleeper", False, "was not run")
    assert controls.limit_rule(records[-1])(records[-1], None) == 0.25


@pytest.mark.usefixtures("sleeper")
def test_a_new_control_is_explained_in_the_same_words_on_the_board_the_card_and_the_site(made):
    records = records_of(made)
    gates = judge_gates(records, "lira", limits={(records[-1].dataset, "sleeper", 0): 0.25})
    assert gate_lines(DatasetBoard("digits", (), gates, ()))[-1][:3] == ("sleeper", WORDS, "passed")
    rows = [row_of([record], "lira") for record in reversed(records)]
    assert max(rows, key=_order).method.name == "sleeper"
    assert [row.method.name for row in rows if row.method.role == "control" and is_charted(row)] == [
        "sleeper",
        "memorizer",
    ]
    assert what_it_is(records[-1].method) == f"A control: it {WORDS}."
    standings = made_standings(datasets=1, methods=3)
    entries = tuple(
        dataclasses.replace(entry, method=dataclasses.replace(entry.method, name="sleeper"))
        if entry.standing == "control"
        else entry
        for entry in standings.entries
    )
    view = track_view(dataclasses.replace(standings, entries=entries))
    assert {line.expected for line in view.controls} == {WORDS}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("control.overfti.epochs=1", "no control is called 'overfti'"),
        ("control.overfit.epoch=1", "'control.overfit.epoch' is not a part of a matrix"),
        ("control.overfit.canaries=1", "control.overfit.canaries: Input should be greater than or equal to 10"),
        ("control.untrained.epochs=1", "'control.untrained.epochs' is not a part of a matrix"),
    ],
)
def test_what_no_control_takes_is_refused_by_name(setting, said):
    with pytest.raises(MatrixError, match=said):
        matrix(setting)


@pytest.mark.parametrize("name", sorted(shipped_matrices()))
def test_every_control_of_the_protocol_is_in_every_matrix(name):
    found = load_matrix(name, default_registry())
    names = [method.name for method in found.methods if method.role == "control"]
    assert names == [control.name for control in controls.asked_under([found.file.protocol])]


def test_a_control_owns_its_name_and_what_begins_with_it():
    overfit = next(control for control in controls.CONTROLS if control.name == "overfit")
    assert overfit.owns("overfit")
    assert overfit.owns("overfit-small")
    assert not overfit.owns("overfitted")


def test_the_longer_name_owns_what_begins_with_two(made):
    names = ["memorizer", "memorizer-small", "memorizer-augmented", "memorizer-augmented-small"]
    owners = [controls.control_of(made.plain_method(name, "control")).name for name in names]
    assert owners == ["memorizer", "memorizer", "memorizer-augmented", "memorizer-augmented"]
    assert controls.words_of_gate("memorizer-augmented").startswith("releases the training images mirrored")


def test_altered_images_are_judged_without_a_student_or_shadow_models_of_their_own():
    stages = stages_of(matrix('attack.adaptive={component="lira",adaptive=true,shadows=4}'))
    trained = stages["train", "digits · memorizer-augmented"]
    assert trained.components["classifier"].options["epochs"] == 0
    own, teacher = (
        stages["attack", f"digits · {name} · adaptive"].parents["shadows"]
        for name in ("memorizer-augmented", "teacher")
    )
    assert own == teacher


@pytest.mark.parametrize("role", ["method", "baseline", "defended"])
def test_a_method_that_is_no_control_is_none_whatever_it_is_called(made, role):
    assert controls.control_of(made.plain_method("untrained", role)) is None
    assert controls.place_of(made.plain_method("unheard-of", "control")) == len(controls.CONTROLS)
