"""Laws of the stage graph: shared work once, prefixes for cardinalities, keys that say everything."""

import dataclasses

import pytest

from tckr_bench.engine.builder import build_graph
from tckr_bench.engine.graph import split_sizes
from tckr_bench.engine.matrix import load_matrix
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import DatasetDescription


def description(name="digits", **changes):
    known = DatasetDescription(
        name=name,
        class_names=tuple("abcdefghij"),
        counts={"train": 1000, "validation": 200, "test": 597},
        fingerprint="f" * 64,
        native_size="8x8",
        source="here",
        licence="MIT",
    )
    return dataclasses.replace(known, **changes)


def graph(*settings, name="smoke", **changes):
    matrix = load_matrix(name, default_registry(), settings=settings)
    return build_graph(matrix, {use.label: description(use.label, **changes) for use in matrix.datasets})


def keys(graph, kind):
    return {key for key, stage in graph.stages.items() if stage.kind == kind}


def test_parents_come_before_children():
    seen = set()
    for stage in graph(name="default").stages.values():
        assert seen.issuperset(stage.parent_keys())
        seen.add(stage.key)


def test_shared_work_is_counted_once():
    whole = graph(name="default")
    assert len(whole.stages) < whole.naive / 2
    assert len(keys(whole, "prepare")) == 2
    # one bank of 16 for the recipe and one for the overfit control, for each of two datasets
    assert len(keys(whole, "shadow")) == 2 * 2 * 16


def test_every_attack_of_every_target_reads_the_same_bank():
    whole = graph()
    banks = {
        stage.parents["shadows"]
        for stage in whole.stages.values()
        if stage.label.endswith(" · lira") and not any(name in stage.label for name in ("overfit", "stopped"))
    }
    assert len(banks) == 1


def test_a_smaller_cardinality_is_a_prefix_of_a_larger_one():
    small, large = graph("cardinalities=[1]"), graph("cardinalities=[1,20]")
    assert keys(small, "generate") < keys(large, "generate")
    chunks = {chunk for stage in large.stages.values() for chunk in stage.parents.get("images", ())}
    assert keys(large, "generate") | keys(large, "shadow-generate") == chunks


@pytest.mark.parametrize(
    "setting",
    [
        "generator.steps=3",
        "adapter.rank=2",
        "classifier.epochs=3",
        "seeds=[1]",
        "image_size=16",
        "cardinalities=[0.3]",
        'labels=["hard"]',
        "generation_chunk=60",
    ],
)
def test_a_change_of_the_matrix_changes_the_keys_below_it_and_keeps_those_above(setting):
    before, after = graph(), graph(setting)
    method = next(slug for slug, cell in before.cells.items() if cell.method.role == "method")
    changed = next(slug for slug, cell in after.cells.items() if cell.method.role == "method")
    assert before.leaves[method] != after.leaves[changed]
    if setting != "image_size=16":
        assert keys(before, "prepare") == keys(after, "prepare")


def test_a_change_of_the_data_changes_every_key():
    assert not set(graph().stages) & set(graph(fingerprint="e" * 64).stages)


def test_a_change_of_a_component_version_changes_its_keys_only():
    before = graph()
    matrix = load_matrix("smoke", default_registry())
    attack = dataclasses.replace(matrix.attacks[1], version="next")
    newer = dataclasses.replace(matrix, attacks=(matrix.attacks[0], attack))
    after = build_graph(newer, {"digits": description()})
    new = set(after.stages) - set(before.stages)
    assert {after.stages[key].kind for key in new} == {"attack", "measure"}


def test_labels_of_components_and_distributions_are_not_part_of_a_key():
    matrix = load_matrix("smoke", default_registry())
    relabelled = dataclasses.replace(
        matrix, datasets=(dataclasses.replace(matrix.datasets[0], distribution="somebody else 9"),)
    )
    assert set(build_graph(relabelled, {"digits": description()}).stages) == set(graph().stages)


def test_adding_an_attack_adds_that_attack_only():
    before = graph()
    matrix = load_matrix("smoke", default_registry())
    more = dataclasses.replace(matrix, attacks=(*matrix.attacks, dataclasses.replace(matrix.attacks[0], version="own")))
    after = build_graph(more, {"digits": description()})
    assert set(before.stages) - set(after.stages) == keys(before, "measure")
    assert {after.stages[key].kind for key in set(after.stages) - set(before.stages)} == {"attack", "measure"}


def test_growing_the_bank_keeps_the_models_it_has():
    small, large = graph("attack.lira.shadows=4"), graph("attack.lira.shadows=8")
    assert keys(small, "shadow") < keys(large, "shadow")


def test_a_soft_student_rests_on_its_teacher_and_a_hard_one_does_not():
    whole = graph('labels=["soft","hard"]')
    students = {s.label: s for s in whole.stages.values() if s.kind == "train" and "-lora-" in s.label}
    assert {"teacher" in s.parents for label, s in students.items() if "soft" in label} == {True}
    assert {"teacher" in s.parents for label, s in students.items() if "hard" in label} == {False}


def test_controls_without_validation_images_keep_their_last_epoch_and_everybody_else_chooses():
    for stage in graph().stages.values():
        if stage.kind in ("train", "shadow"):
            last = "overfit" in stage.label or "outsider" in stage.label
            assert stage.parameters["epoch"] == ("last" if last else "validation")


def test_the_papers_protocol_chooses_epochs_on_the_test_set_and_holds_no_training_image_out():
    counts = {"train": 1000, "test": 500}
    sound, paper = graph(counts=counts), graph('protocol="paper"', counts=counts)
    chosen = {stage.parameters["epoch"] for stage in paper.stages.values() if stage.kind == "train"}
    assert chosen == {"test", "last"}
    prepare = [next(s for s in each.stages.values() if s.kind == "prepare") for each in (sound, paper)]
    assert [stage.parameters["validation_fraction"] for stage in prepare] == [0.2, 0.0]
    assert not keys(sound, "train") & keys(paper, "train")


def test_a_share_of_the_samples_changes_the_adapter_alone():
    whole, tenth = graph(), graph("adapter.lora.sample_fraction=0.1")
    assert keys(whole, "caption") == keys(tenth, "caption")
    assert keys(whole, "adapt") != keys(tenth, "adapt")
    trained = [
        next(s for s in each.stages.values() if s.kind == "adapt" and s.components["adapter"].name == "lora")
        for each in (whole, tenth)
    ]
    assert trained[1].work == pytest.approx(0.1 * trained[0].work)


def test_a_student_trains_on_synthetic_images_and_a_teacher_on_none():
    trained = [stage for stage in graph().stages.values() if stage.kind == "train"]
    counts = {stage.label.split(" · ")[1]: stage.parameters["synthetic_count"] for stage in trained}
    assert counts == {
        "teacher": None,
        "stopped": None,
        "attributes-miniature-lora-small-cnn-soft-0.2x": 100,
        "memorizer": 500,
        "memorizer-augmented": 500,
        "noise": 500,
        "overfit": None,
        "untrained": None,
        "outsider": None,
    }
    assert all(("images" in stage.parents) == (stage.parameters["synthetic_count"] is not None) for stage in trained)


def test_split_sizes_without_a_validation_split():
    sizes = split_sizes(description(counts={"train": 1000, "test": 10}), 0.2)
    assert sizes == {"train": 800, "validation": 200, "test": 10}


ADAPTIVE = ('attack.adaptive={component="lira",adaptive=true,shadows=8}', "attack.lira.shadows=8")


def attacked(graph, label):
    """Return the attack stages of a cell by attack."""
    return {s.label.split(" · ")[-1]: s for s in graph.stages.values() if s.kind == "attack" and label in s.label}


def test_adaptive_shadows_repeat_the_whole_pipeline_on_the_parts_of_the_others():
    whole = graph(*ADAPTIVE)
    student = attacked(whole, "-lora-")
    plain, adaptive = (student[name].parents["shadows"] for name in ("lira", "adaptive"))
    assert not set(plain) & set(adaptive)
    for index, (teacher, pupil) in enumerate(zip(plain, adaptive, strict=True)):
        stages = [whole.stages[key] for key in (teacher, pupil)]
        assert {stage.parameters["sample"]["index"] for stage in stages} == {index}
        assert stages[0].parameters["sample"] == stages[1].parameters["sample"]
        assert stages[1].parents["teacher"] == (teacher,)
        kinds = {stage.kind for stage in whole.ancestry(pupil)} - {"prepare"}
        assert kinds == {"shadow", "shadow-caption", "shadow-adapt", "shadow-generate"}
    assert student["adaptive"].parameters["adaptive"]
    assert not student["lira"].parameters["adaptive"]


def test_shadows_of_what_learns_from_real_images_are_adaptive_as_they_are():
    stages = attacked(graph(*ADAPTIVE), "digits · teacher")
    assert stages["lira"].parents == stages["adaptive"].parents
    assert stages["lira"].parameters["adaptive"]


def test_controls_that_saw_no_training_image_are_attacked_with_the_teachers_bank():
    whole = graph(*ADAPTIVE)
    bank = attacked(whole, "digits · teacher")["lira"].parents["shadows"]
    for control in ("untrained", "noise", "outsider"):
        assert attacked(whole, f"digits · {control}")["adaptive"].parents["shadows"] == bank


def test_shadows_have_canaries_where_their_target_has_them_and_those_for_audits_are_a_bank_of_their_own():
    whole = graph(*ADAPTIVE, "canaries=20", 'canary_kind="rare"')
    audited = 0
    for stage in whole.stages.values():
        if stage.kind != "attack" or "target" not in stage.parents:
            continue
        planted = [
            {whole.stages[key].parameters["sample"]["challenge"]["canaries"] for key in stage.parents[role]}
            for role in ("target", "shadows")
            if role in stage.parents
        ]
        assert all(found == planted[0] for found in planted), stage.label
        for key in stage.parents.get("canary_shadows", ()):
            shadow = whole.stages[key].parameters
            assert shadow["sample"]["challenge"] == shadow["challenge"] == stage.parameters["canaries"]
            assert (shadow["challenge"]["canaries"], shadow["challenge"]["canary_kind"]) == (20, "rare")
            audited += 1
    assert audited
    assert not keys(graph(*ADAPTIVE, "canaries=0"), "shadow") - keys(whole, "shadow"), "the other banks are the same"


def test_a_defence_is_trained_on_real_images_and_attacked_with_shadows_of_its_own():
    whole = graph()
    assert [cell.method.role for cell in whole.cells.values()].count("defended") == 1
    stopped = attacked(whole, "digits · stopped")["lira"]
    bank = attacked(whole, "digits · teacher")["lira"].parents["shadows"]
    assert not set(stopped.parents["shadows"]) & set(bank)
    assert all(whole.stages[key].components["classifier"].options["epochs"] == 1 for key in stopped.parents["shadows"])


def test_a_matched_defence_is_tuned_to_the_first_student_once_for_the_target_and_its_shadows():
    whole = graph('defence.matched={component="small-cnn",matched=true}')
    (tuned,) = keys(whole, "tune")
    own = attacked(whole, "digits · matched")["lira"].parents
    assert {whole.stages[key].parents["tuned"] for key in (*own["target"], *own["shadows"])} == {(tuned,)}
    student = whole.stages[whole.stages[tuned].parents["student"][0]]
    assert student.label.endswith("soft-0.2x")


def test_a_limit_of_training_images_comes_before_the_validation_split():
    sizes = split_sizes(description(counts={"train": 1000, "test": 10}), 0.2, training_images=500)
    assert sizes == {"train": 400, "validation": 100, "test": 10}
    assert keys(graph(), "prepare") != keys(graph("training_images=400"), "prepare")
