"""Laws of what pages of methods and datasets are made of: curves, costs, words, components."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from made_standings import made_standings

from tckr_bench import stats
from tckr_bench.judging import metric_names
from tckr_bench.leaderboard.site import entry_charts, reproduction
from tckr_bench.leaderboard.site.attack_view import attack_groups, threats_of
from tckr_bench.leaderboard.site.costs import costs_of
from tckr_bench.leaderboard.site.dataset_view import dataset_view
from tckr_bench.leaderboard.site.method_words import unbroken, what_it_is
from tckr_bench.leaderboard.site.sources import Sources
from tckr_bench.records import AttackScores, CellEvidence
from tckr_bench.results.files import file_reference, record_folder, submission_folder
from tckr_bench.results.records import StepCost
from tckr_bench.results.scores import write_scores
from tckr_bench.show import charts
from tckr_bench.show.chart_parts import shortened

NOWHERE = Sources(Path("nowhere"))


@pytest.fixture(scope="module")
def standings():
    """Made standings; not to be changed."""
    return made_standings(datasets=1, methods=8)


def first(entry):
    return next(iter(entry.results.values()))


def entry_of(standings, role):
    return next(entry for entry in standings.entries if entry.method.role == role)


def with_run(record, **changes):
    return dataclasses.replace(record, run=dataclasses.replace(record.run, **changes))


def evidence_of(result, *, shift):
    generator = np.random.default_rng(round(10 * shift))
    members, canaries = np.arange(300) % 2 == 0, np.arange(300) < 40
    attacks = {}
    for label, model in result.record.threat_models.items():
        scores = generator.normal(size=300) + shift * members + 50 * canaries * members
        attacks[label] = AttackScores(label, scores, members, canaries, model)
    zeros = np.zeros((result.record.splits["test"], 10), np.float32)
    return CellEvidence(np.zeros(len(zeros), np.int64), zeros, zeros, attacks, result.record.primary_attack)


def save(result, results, *, shift):
    evidence = evidence_of(result, shift=shift)
    folder = record_folder(submission_folder(results, result.record), result.record)
    folder.mkdir(parents=True, exist_ok=True)
    seed = next(seed for seed in result.record.seeds if seed.scores)
    write_scores(evidence, folder / seed.scores.name)
    seeds = (dataclasses.replace(seed, scores=file_reference(folder / seed.scores.name)), *result.record.seeds[1:])
    named = dataclasses.replace(result, record=dataclasses.replace(result.record, seeds=seeds))
    worst = next(
        measurement.attack for measurement in seed.measurements if measurement.metric == metric_names.WORST_AUC
    )
    return named, (evidence, worst)


def with_result(standings, result):
    """Return standings with a result in the place of that of its method."""
    name, slug = result.record.dataset, result.record.slug
    entries = [
        dataclasses.replace(entry, results={**entry.results, name: result}) if entry.slug == slug else entry
        for entry in standings.entries
    ]
    return dataclasses.replace(standings, entries=tuple(entries))


def drawn_curves(result, standings, results, monkeypatch):
    drawn = []
    draw = charts.roc_svg
    monkeypatch.setattr(charts, "roc_svg", lambda curves: drawn.extend(curves) or draw(curves))
    chart = entry_charts.roc_chart(result, standings, sources=Sources(results))
    return chart, drawn


def test_curves_are_those_of_the_saved_scores_without_canaries_the_teachers_beside_them(
    standings, tmp_path, monkeypatch
):
    own, teacher = first(entry_of(standings, "method")), first(entry_of(standings, "baseline"))
    named, of_own = save(own, tmp_path, shift=0.3)
    taught, of_teacher = save(teacher, tmp_path, shift=1.5)
    saved = {"this entry": of_own, "real data": of_teacher}
    chart, drawn = drawn_curves(named, with_result(standings, taught), tmp_path, monkeypatch)
    expected = []
    for name, (evidence, worst) in saved.items():
        for label in dict.fromkeys((evidence.primary_attack, worst)):
            attack = evidence.attacks[label]
            plain = ~attack.canaries
            expected.append((name, label, stats.roc_curve(attack.scores[plain], attack.members[plain])))
    assert len(drawn) == len(expected)
    for curve, (name, label, roc) in zip(drawn, expected, strict=True):
        assert curve.label.startswith(f"{name}: {label}, ")
        np.testing.assert_array_equal(curve.true_positive_rates, roc.true_positive_rates)
        np.testing.assert_array_equal(curve.false_positive_rates, roc.false_positive_rates)
    assert chart.svg.startswith("<svg")
    assert "style=" not in chart.svg


def test_real_data_has_no_teacher_beside_it(standings, tmp_path, monkeypatch):
    teacher = first(entry_of(standings, "baseline"))
    named, _ = save(teacher, tmp_path, shift=1.0)
    _, drawn = drawn_curves(named, standings, tmp_path, monkeypatch)
    assert drawn
    assert all(curve.label.startswith("this entry") for curve in drawn)


def test_a_teacher_of_another_submission_is_not_set_beside_an_entry(standings):
    own = first(entry_of(standings, "method"))
    assert entry_charts.teacher_of(own, standings) is not None
    other = dataclasses.replace(own, record=with_run(own.record, submission="f" * 16))
    assert entry_charts.teacher_of(other, standings) is None


def test_a_chart_leaves_out_controls_and_measurements_that_are_not_trusted(standings, monkeypatch):
    drawn = []
    monkeypatch.setattr(charts, "tradeoff_svg", lambda points: drawn.extend(points) or "<svg></svg>")
    name = next(iter(standings.track.datasets))
    dataset_view(name, standings, sources=NOWHERE)
    found = [(entry, entry.results[name]) for entry in standings.entries if name in entry.results]
    shown = [
        result.row.get(metric_names.ACCURACY).value
        for entry, result in found
        if entry.method.role != "control" and result.record.trusted
    ]
    assert sorted(point.accuracy[0] for point in drawn) == sorted(shown)
    assert len(shown) < sum(entry.method.role != "control" for entry, _ in found), "one entry is not trusted"


def test_costs_part_making_from_judging_as_the_row_does(standings):
    for entry in standings.entries:
        result = first(entry)
        groups = {group.judging: group for group in costs_of(result.record).groups}
        finished = [seed for seed in result.record.seeds if seed.status == "ok"]
        for judging, seconds in ((False, result.row.pipeline_seconds), (True, result.row.evaluation_seconds)):
            steps = [step for seed in finished for step in seed.cost if (step.kind in ("shadow", "attack")) == judging]
            assert math.isclose(sum(step.cpu_seconds for step in steps) / len(finished), seconds)
            assert len(groups[judging].lines) == len({step.kind for step in steps})


def step(kind, seconds, *, memory=1, stages=1):
    return StepCost(kind, f"part of {kind}", "cpu", stages, 2 * seconds, seconds, memory)


def test_every_kind_that_begins_with_shadow_is_judging_and_bars_share_one_scale(standings):
    record = first(entry_of(standings, "method")).record
    steps = (step("train", 50.0), step("shadow-adapt", 100.0, memory=2**21, stages=8), step("measure", 25.0))
    seeds = tuple(dataclasses.replace(seed, status="ok", cost=steps) for seed in record.seeds)
    making, judging = costs_of(dataclasses.replace(record, seeds=seeds)).groups
    assert [(line.kind, line.bar, line.cpu) for line in making.lines] == [("train the classifier", "50.0", "50.0 s")]
    assert [(line.bar, line.cpu) for line in judging.lines] == [("100.0", "1 min 40 s"), ("25.0", "25.0 s")]
    assert judging.lines[0].stages == "8"
    assert judging.lines[0].memory == "2.1 MB"
    assert judging.total == "2 min 5 s"


def test_a_failed_seed_does_not_cheapen_the_others(standings):
    record = first(entry_of(standings, "method")).record
    good = dataclasses.replace(record.seeds[0], status="ok", cost=(step("train", 50.0),))
    bad = dataclasses.replace(good, seed=7, status="failed", cost=(step("train", 2.0),), scores=None, measurements=())
    costs = costs_of(dataclasses.replace(record, seeds=(good, bad)))
    assert costs.groups[0].total == "50.0 s"


def test_a_record_without_costs_has_none(standings):
    record = first(entry_of(standings, "method")).record
    seeds = tuple(dataclasses.replace(seed, cost=()) for seed in record.seeds)
    assert costs_of(dataclasses.replace(record, seeds=seeds)) is None


def test_a_sentence_says_what_an_entry_learns_from(standings):
    method = entry_of(standings, "method").method
    soft, hard = (dataclasses.replace(method, labels=labels) for labels in ("soft", "hard"))
    assert "never sees a real image" in what_it_is(soft)
    assert "a teacher's probabilities" in what_it_is(soft)
    assert "the classes of images" in what_it_is(hard)
    assert "0.5 for each real one" in what_it_is(dataclasses.replace(method, cardinality=0.5))
    assert "adapted with lora" in what_it_is(method)
    untouched = dataclasses.replace(method, adapter=dataclasses.replace(method.adapter, name="none", label="none"))
    assert "not adapted to the real images" in what_it_is(untouched)
    assert "every other entry is measured against" in what_it_is(entry_of(standings, "baseline").method)
    assert "with a defence of its own" in what_it_is(entry_of(standings, "defended").method)
    assert what_it_is(entry_of(standings, "control").method).startswith("A control: ")
    for entry in standings.entries:
        assert what_it_is(entry.method).count(".") - what_it_is(entry.method).count("0.5") == 1, "one sentence"


def test_every_component_with_its_options_stands_once(standings):
    record = first(entry_of(standings, "method")).record
    groups = reproduction.components_of([record, record])
    assert [len(group.components) for group in groups] == [4, len(record.attacks), len(record.metrics)]
    nested = dataclasses.replace(record.method.generator, options={"b": [1, None], "a": {"x": "\x1b<i>"}})
    assert reproduction.options_of(nested.options) == (("a", '{"x": "\\u001b<i>"}'), ("b", "[1, null]"))


def test_a_recipe_keeps_its_lines_and_shows_what_is_invisible():
    assert reproduction.lines_of("a = 1\r\n\tb\n\n\u202ec\n") == "a = 1\n    b\n\n\ufffdc"


def test_a_command_given_for_every_dataset_stands_once(standings):
    board = made_standings(datasets=2, methods=8)
    records = [result.record for result in entry_of(board, "method").results.values()]
    one = reproduction.recipes_of(records)
    assert [recipe.datasets for recipe in one] == [tuple(record.dataset for record in records)]
    timed = [with_run(record, seconds={"train": 60.0, "attack": 15.0}) for record in records]
    assert [recipe.cpu for recipe in reproduction.recipes_of(timed)] == ["1 min 15 s"]
    untimed = [with_run(record, seconds={}) for record in records]
    assert [recipe.cpu for recipe in reproduction.recipes_of(untimed)] == [""]
    other = with_run(records[0], command="another")
    assert len(reproduction.recipes_of([other, *records[1:]])) == 2


def test_names_in_charts_keep_beginning_and_end():
    name = "attributes · miniature · lora · soft · 0.5x"
    assert shortened(name) == "attribut…ture · lora · soft · 0.5x"
    assert unbroken("a · b").split(" ") == ["a\u00a0·", "b"]


def test_another_copy_of_a_dataset_is_said(standings):
    name = next(iter(standings.track.datasets))
    facts = {fact.title: fact.words for fact in dataset_view(name, standings, sources=NOWHERE).facts}
    assert facts["fingerprint"] == standings.track.datasets[name].fingerprint
    entry = entry_of(standings, "method")
    description = dataclasses.replace(first(entry).record.description, fingerprint="0" * 64)
    record = dataclasses.replace(first(entry).record, description=description)
    changed = dataclasses.replace(entry, results={name: dataclasses.replace(first(entry), record=record)})
    entries = tuple(changed if other is entry else other for other in standings.entries)
    facts = {
        fact.title: fact.words
        for fact in dataset_view(name, dataclasses.replace(standings, entries=entries), sources=NOWHERE).facts
    }
    assert f"1 of {len(entries)} records have another" in facts["fingerprint"]


def test_attacks_that_get_furthest_stand_first_in_what_they_look_at(standings):
    for entry in standings.entries:
        result = first(entry)
        models = result.record.threat_models
        groups = attack_groups(result)
        assert [line.name for group in groups for line in group.lines] == [
            label
            for surface in ("classifier", "generator", "images", "captions", "data")
            for label in sorted(
                (label for label, model in models.items() if model.surface == surface),
                key=lambda label: -result.row.get(metric_names.AUC, label).value,
            )
        ]


def test_attacks_of_one_threat_model_share_its_words_and_how_often_they_adapt(standings):
    own, other = (first(entry_of(standings, role)) for role in ("method", "baseline"))
    model = next(iter(own.record.threat_models.values()))
    fixed, adapted = (dataclasses.replace(model, adaptive=adaptive) for adaptive in (False, True))
    one = dataclasses.replace(own.record, threat_models={"a": fixed, "b": fixed, "c": adapted})
    two = dataclasses.replace(other.record, threat_models={"a": fixed, "b": fixed, "c": fixed})
    groups = threats_of([dataclasses.replace(own, record=one), dataclasses.replace(other, record=two)])
    assert [(threat.names, threat.adaptive) for group in groups for threat in group.threats] == [
        (("a", "b"), "no"),
        (("c",), "against 1 of 2 entries"),
    ]


def test_costs_stand_in_the_order_in_which_stages_run(standings):
    record = first(entry_of(standings, "method")).record
    kinds = ("attack", "train", "shadow", "zz-own", "caption", "shadow-caption", "prepare")
    seeds = tuple(
        dataclasses.replace(seed, status="ok", cost=tuple(step(kind, 1.0) for kind in kinds)) for seed in record.seeds
    )
    groups = costs_of(dataclasses.replace(record, seeds=seeds)).groups
    assert [[line.kind for line in group.lines] for group in groups] == [
        ["prepare the images", "caption", "train the classifier", "zz-own"],
        ["shadow: caption", "shadow: train", "attack"],
    ]


def test_a_component_with_other_options_on_a_dataset_names_the_dataset():
    board = made_standings(datasets=2, methods=8)
    records = [result.record for result in entry_of(board, "method").results.values()]
    assert all(not use.datasets for group in reproduction.components_of(records) for use in group.components)
    adapter = dataclasses.replace(records[0].method.adapter, options={"rank": 99})
    records[0] = dataclasses.replace(records[0], method=dataclasses.replace(records[0].method, adapter=adapter))
    made = reproduction.components_of(records)[0].components
    told = {use.options: use.datasets for use in made if use.family == "adapter"}
    assert told[("rank", "99"),] == (records[0].dataset,)
    assert sorted(name for names in told.values() for name in names) == sorted(record.dataset for record in records)
