"""Laws of what a track asks: a record that has it lacks nothing, and whatever is taken away is named."""

from __future__ import annotations

import dataclasses

import pytest
from made_standings import made_records, made_track, of_run

from tckr_bench.leaderboard.requirements import faults_of_data, on_datasets, shortcomings
from tckr_bench.leaderboard.tracks import RequiredAttack
from tckr_bench.records import Shadows

TRACK = made_track()
RECORDS = {record.method.name: record for record in made_records(TRACK) if record.dataset == "digits"}
STUDENT = next(r for r in RECORDS.values() if r.method.role == "method" and all(s.status == "ok" for s in r.seeds))
TEACHER = RECORDS["teacher"]
PLAIN = of_run(STUDENT, attacks=tuple(u for u in STUDENT.attacks if not u.label.startswith("adaptive")))


def with_shadows(record, component, count):
    shadows = Shadows(count)
    uses = [dataclasses.replace(u, shadows=shadows) if u.name.endswith(component) else u for u in record.attacks]
    return of_run(record, attacks=tuple(uses))


def faced(record, *attacks):
    return shortcomings(record, dataclasses.replace(TRACK, attacks=attacks))


def without_measurements(record, *metrics):
    seeds = [
        dataclasses.replace(seed, measurements=tuple(f for f in seed.measurements if f.metric not in metrics))
        for seed in record.seeds
    ]
    return dataclasses.replace(record, seeds=tuple(seeds))


def test_a_record_that_has_what_its_track_asks_lacks_nothing():
    assert faced(STUDENT, RequiredAttack("lira", shadows=16)) == ()
    assert faced(TEACHER, RequiredAttack("lira", shadows=16), RequiredAttack("lira", adaptive=True, shadows=8)) == ()


def test_adaptive_attacks_are_asked_of_synthetic_methods_alone():
    asked = RequiredAttack("lira", adaptive=True, shadows=8)
    assert faced(STUDENT, asked) == ()
    assert faced(PLAIN, asked) == ("not attacked by adaptive lira with 8 shadow pipelines",)
    assert faced(TEACHER, asked) == ()


@pytest.mark.parametrize("count", [15, 0, -1])
def test_fewer_shadow_models_are_too_few(count):
    found = faced(with_shadows(STUDENT, "lira", count), RequiredAttack("lira", shadows=16))
    assert found == ("not attacked by lira with 16 shadow models",)


def test_an_attack_that_is_named_but_has_no_measurements_was_not_faced():
    seeds = [
        dataclasses.replace(
            seed, measurements=tuple(f for f in seed.measurements if f.attack != "lira" or f.metric.startswith("w"))
        )
        for seed in STUDENT.seeds
    ]
    seeds[0] = dataclasses.replace(seeds[0], measurements=tuple(f for f in seeds[0].measurements if f.attack != "lira"))
    bare = dataclasses.replace(PLAIN, seeds=tuple(seeds))
    assert "not attacked by lira with 16 shadow models" in faced(bare, RequiredAttack("lira", shadows=16))


def test_an_attack_on_something_else_than_the_classifier_does_not_count():
    models = {**STUDENT.threat_models, "lira": dataclasses.replace(STUDENT.threat_models["lira"], surface="captions")}
    elsewhere = dataclasses.replace(PLAIN, threat_models=models)
    assert faced(elsewhere, RequiredAttack("lira", shadows=16)) == ("not attacked by lira with 16 shadow models",)


def test_an_adaptive_attack_serves_where_one_that_is_not_is_asked():
    uses = tuple(use for use in STUDENT.attacks if use.label == "adaptive-lira")
    assert faced(of_run(STUDENT, attacks=uses), RequiredAttack("lira", shadows=8)) == ()


@pytest.mark.parametrize("metric", ["accuracy", "worst-auc"])
def test_a_record_without_what_it_is_ranked_by_says_so(metric):
    assert faced(without_measurements(STUDENT, metric)) == ("no accuracy or no AUC of an attack on the classifier",)


def test_fewer_seeds_are_counted_and_failed_ones_count_as_seeds():
    fewer = dataclasses.replace(STUDENT, seeds=STUDENT.seeds[:1])
    assert faced(fewer) == ("1 of 2 seeds",)
    failed = dataclasses.replace(STUDENT.seeds[1], status="failed", measurements=(), scores=None, failure="none")
    assert faced(dataclasses.replace(STUDENT, seeds=(STUDENT.seeds[0], failed))) == ()


def test_other_images_are_named_and_any_copy_serves_where_the_track_has_no_fingerprint():
    other = dataclasses.replace(STUDENT, description=dataclasses.replace(STUDENT.description, fingerprint="0" * 64))
    assert faults_of_data(other, TRACK) == ("other images than the track's",)
    datasets = {name: dataclasses.replace(dataset, fingerprint="") for name, dataset in TRACK.datasets.items()}
    assert faults_of_data(other, dataclasses.replace(TRACK, datasets=datasets)) == ()


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_every_split_is_counted(split):
    other = dataclasses.replace(STUDENT, splits={**STUDENT.splits, split: 7})
    assert faults_of_data(other, TRACK) == (f"7 {split} images instead of {STUDENT.splits[split]:,}",)


def test_classes_are_counted_and_a_dataset_the_track_has_not_is_all_that_is_said_of_it():
    fewer = dataclasses.replace(STUDENT.description, class_names=STUDENT.description.class_names[:9])
    assert faults_of_data(dataclasses.replace(STUDENT, description=fewer), TRACK) == ("9 classes instead of 10",)
    assert shortcomings(dataclasses.replace(STUDENT, dataset="x"), TRACK) == ("a dataset the track does not have",)


def test_phrases_that_datasets_share_are_said_once_in_order():
    phrases = [("a", "x"), ("b", "x"), ("a", "y"), ("a", "x")]
    assert on_datasets(phrases) == ("a on x and y", "b on x")
