"""Laws of the checking of records: a sound folder has no fault, and whatever is changed is found and named."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
from submitted_runs import (
    SEEDS,
    Board,
    board,
    remembered_measurements,
    serially,
    small_track,
    submitted,
)

from tckr_bench.errors import LeaderboardError
from tckr_bench.leaderboard import examination, verification
from tckr_bench.leaderboard.verification import verified_digest, verify_results
from tckr_bench.records import Gate, ThreatModel
from tckr_bench.results.files import (
    file_reference,
    pictures_name,
    record_folder,
    record_path,
    scan_records,
    scores_name,
)
from tckr_bench.results.pictures import read_pictures, write_pictures
from tckr_bench.results.records import ResultRecord
from tckr_bench.results.scores import read_scores

CLOTHES = ("clothes",)
LORA = "attributes-miniature-lora"


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    """Look into score files in this process, and compute the measurements of each evidence once."""
    monkeypatch.setattr(verification, "in_processes", serially)
    monkeypatch.setattr(examination, "compute_measurements", remembered_measurements)


def faults_of(root, **asked):
    return [str(fault) for fault in verify_results(root, [small_track()], **asked).faults]


def with_description(name, **changes):
    def change(found: Board):
        found.change(name, description=dataclasses.replace(found.record(name).description, **changes))

    return change


def with_model(name, label, **changes):
    def change(found: Board):
        models = found.record(name).threat_models
        found.change(name, threat_models={**models, label: dataclasses.replace(models[label], **changes)})

    return change


def with_metric(**changes):
    def change(found: Board):
        first, *others = found.record("teacher").metrics
        found.change_all(metrics=(dataclasses.replace(first, **changes), *others))

    return change


def with_attack(name, label, **changes):
    def change(found: Board):
        uses = found.record(name).attacks
        found.change(name, attacks=tuple(dataclasses.replace(u, **changes) if u.label == label else u for u in uses))

    return change


def with_models_of_all(label, model):
    def change(found: Board):
        for record in scan_records(found.root)[0]:
            found.put(record, dataclasses.replace(record, threat_models={**record.threat_models, label: model}))

    return change


def remove_a_record(found: Board):
    record = found.record("dp-sgd")
    for path in record_folder(found.root, record).glob(f"{record.slug}.*"):
        path.unlink()


def remove_a_seed(found: Board):
    found.scores("dp-sgd", 1).unlink()
    found.change("dp-sgd", seeds=found.record("dp-sgd").seeds[:1])


def say_a_seed_failed(found: Board):
    found.scores("dp-sgd", 1).unlink()
    found.change_seed("dp-sgd", 1, status="failed", measurements=(), scores=None, failure="out of memory")


def swap_scores(found: Board):
    one, other = found.scores("dp-sgd"), found.scores("outsider")
    one_bytes, other_bytes = one.read_bytes(), other.read_bytes()
    one.write_bytes(other_bytes)
    other.write_bytes(one_bytes)
    for name, path in (("dp-sgd", one), ("outsider", other)):
        found.change_seed(name, scores=file_reference(path))


def copy_scores(found: Board):
    found.change_evidence("dp-sgd", lambda evidence: read_scores(found.scores("outsider")))


def repeat_a_seed(found: Board):
    found.change_evidence("dp-sgd", lambda evidence: read_scores(found.scores("dp-sgd", 0)), seed=1)


def replace_the_teacher(found: Board):
    found.change_evidence(
        "teacher", lambda evidence: dataclasses.replace(evidence, test_logits=evidence.test_logits + np.float32(0.01))
    )


def change_test_labels(found: Board):
    found.change_evidence(
        "dp-sgd", lambda evidence: dataclasses.replace(evidence, test_labels=(evidence.test_labels + 1) % 10)
    )


def flip_a_byte(found: Board):
    content = bytearray(found.scores("dp-sgd").read_bytes())
    content[len(content) // 2] ^= 1
    found.scores("dp-sgd").write_bytes(content)


def link_the_scores(found: Board):
    path = found.scores("dp-sgd")
    path.rename(found.root.parent / "elsewhere.parquet")
    path.symlink_to(found.root.parent / "elsewhere.parquet")


def link_a_record(found: Board):
    path = found.path("dp-sgd")
    path.rename(found.root / "elsewhere.txt")
    path.symlink_to(found.root / "elsewhere.txt")


def rename_a_record(found: Board):
    path = found.path("dp-sgd")
    path.rename(path.with_name("best-00000000.json"))


def write_beside(*names):
    def change(found: Board):
        path = found.root.joinpath(*names)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")

    return change


def change_the_pictures(found: Board):
    record = found.record(LORA)
    path = record_folder(found.root, record) / record.pictures.name
    pairs = read_pictures(path)
    write_pictures([dataclasses.replace(pairs[0], caption="another"), *pairs[1:]], path)


def show_a_class_that_is_not_there(found: Board):
    record = found.record(LORA)
    path = record_folder(found.root, record) / record.pictures.name
    write_pictures([dataclasses.replace(pair, label=10) for pair in read_pictures(path)], path)
    found.change(LORA, pictures=file_reference(path))


def leave_the_pictures_unnamed(found: Board):
    found.change(LORA, pictures=None)


def call_otherwise(found: Board, record, **changes):
    """Change what a record is called by, and call its files so."""
    folder = record_folder(found.root, record)
    renamed = dataclasses.replace(record, **changes)

    def moved(old, name):
        return file_reference((folder / old.name).rename(folder / name))

    seeds = [dataclasses.replace(it, scores=moved(it.scores, scores_name(renamed, it.seed))) for it in record.seeds]
    pictures = record.pictures and moved(record.pictures, pictures_name(renamed))
    found.put(record, dataclasses.replace(renamed, seeds=tuple(seeds), pictures=pictures))


def give_another_submission(found: Board):
    for record in scan_records(found.root)[0]:
        call_otherwise(found, record, submission="0123456789abcdef")


def give_another_name(found: Board):
    record = found.record(LORA)
    call_otherwise(found, record, method=dataclasses.replace(record.method, name="best"))


def move_to_another_track(found: Board):
    record = found.record("dp-sgd")
    moved = found.root / "other" / "clothes"
    moved.mkdir(parents=True)
    for seed in SEEDS:
        found.scores("dp-sgd", seed).rename(moved / scores_name(record, seed))
    found.change("dp-sgd", track="other")


TAMPERINGS = {
    "schema_version: another": (lambda b: b.change("dp-sgd", schema_version=2), "has schema 2"),
    "track: another": (move_to_another_track, "there is no track other"),
    "submission: another": (give_another_submission, "is not made of these records"),
    "method: its name": (give_another_name, "are not those of its role and name"),
    "method: its labels": (lambda b: b.change_method(LORA, labels="hard"), "are not those of its role and name"),
    "method: its cardinality": (lambda b: b.change_method(LORA, cardinality=2.0), "are not those of its role and name"),
    "method: its captioner": (lambda b: b.change_method(LORA, captioner=None), "are not those of its role and name"),
    "method: a student that would be a defence": (
        lambda b: b.change_method(LORA, role="defended"),
        "are not those of its role and name",
    ),
    "method: a teacher that would be a defence": (
        lambda b: b.change_method("teacher", role="defended"),
        "its gates are not those",
    ),
    "method: a control that would be a method": (
        lambda b: b.change_method("memorizer", role="method"),
        "are not those of its role and name",
    ),
    "description: fingerprint": (with_description("dp-sgd", fingerprint="0" * 64), "other images than the track's"),
    "description: a class named otherwise": (
        with_description("dp-sgd", class_names=("?", *map(str, range(9)))),
        "the rest of its submission: description",
    ),
    "description: a class less": (
        with_description("dp-sgd", class_names=tuple(map(str, range(9)))),
        "9 classes instead of 10",
    ),
    "description: licence": (with_description("dp-sgd", licence="CC0"), "the rest of its submission: description"),
    "splits: fewer": (
        lambda b: b.change("dp-sgd", splits={"train": 90, "validation": 100, "test": 200}),
        "90 train images instead of 100",
    ),
    "splits: fewer test images": (
        lambda b: b.change("dp-sgd", splits={"train": 100, "validation": 100, "test": 199}),
        "199 test images instead of 200",
    ),
    "dataset: another": (lambda b: b.change("dp-sgd", dataset="digits"), "other images than the track's"),
    "protocol: another": (lambda b: b.change("dp-sgd", protocol="paper"), "the rest of its submission: protocol"),
    "contamination: of real data": (lambda b: b.change("dp-sgd", contamination="none"), "without a generator"),
    "contamination: not said": (lambda b: b.change(LORA, contamination=None), "or not said"),
    "primary_attack: another": (lambda b: b.change("dp-sgd", primary_attack="loss"), "submission: primary attack"),
    "attacks: more shadow models": (
        with_attack("dp-sgd", "lira", options={"shadows": 64}),
        "the rest of its submission: attacks",
    ),
    "attacks: another surface": (
        with_attack("dp-sgd", "blind", surface="classifier"),
        "its attacks are not those of its threat models",
    ),
    "attacks: one less": (
        lambda b: b.change("dp-sgd", attacks=b.record("dp-sgd").attacks[1:]),
        "its attacks are not those of its threat models",
    ),
    "metrics: version": (with_metric(version="0"), "the metric accuracy is installed in version"),
    "metrics: options": (with_metric(options={"scale": 2}), "has options of its own"),
    "metrics: one not installed": (with_metric(name="luck", label="luck"), "luck"),
    "metrics: one less": (lambda b: b.change_all(metrics=b.record("dp-sgd").metrics[1:]), "lacks the metrics accuracy"),
    "metrics: one twice": (
        lambda b: b.change_all(metrics=(*b.record("dp-sgd").metrics, b.record("dp-sgd").metrics[0])),
        "not each there once",
    ),
    "threat_models: what it sees": (with_model("dp-sgd", "lira", sees="nothing"), "threat models are not those"),
    "threat_models: adaptive": (with_model("dp-sgd", "lira", adaptive=True), "threat models are not those"),
    "threat_models: one that has no scores": (
        with_models_of_all("adaptive-rmia", ThreatModel("all", "all", adaptive=True)),
        "threat models are not those",
    ),
    "threat_models: one less": (lambda b: b.change("dp-sgd", threat_models={}), "threat models are not those"),
    "seeds: a measurement's value": (lambda b: b.change_measurement("dp-sgd", "accuracy", value=0.99), "value is 0.99"),
    "seeds: a measurement's lower bound": (lambda b: b.change_measurement("dp-sgd", "accuracy", low=0.5), "low is 0.5"),
    "seeds: a measurement's upper bound": (
        lambda b: b.change_measurement("dp-sgd", "worst-auc", high=0.5),
        "high is 0.5",
    ),
    "seeds: a measurement's interval": (
        lambda b: b.change_measurement("dp-sgd", "accuracy", interval="exact"),
        "its kind of",
    ),
    "seeds: a measurement's examples": (
        lambda b: b.change_measurement("dp-sgd", "accuracy", examples=9),
        "number of examples",
    ),
    "seeds: a measurement's attack": (
        lambda b: b.change_measurement("dp-sgd", "worst-auc", attack="blind"),
        "worst-auc (blind)",
    ),
    "seeds: a measurement less": (
        lambda b: b.change_seed("dp-sgd", measurements=b.record("dp-sgd").seeds[0].measurements[1:]),
        "missing from the results",
    ),
    "seeds: a measurement more": (
        lambda b: b.change_measurement("dp-sgd", "accuracy", metric="beauty"),
        "beauty: the evidence and the installed metrics do not give it",
    ),
    "seeds: a measurement twice": (
        lambda b: b.change_seed("dp-sgd", measurements=b.record("dp-sgd").seeds[0].measurements * 2),
        "a measurement is there twice",
    ),
    "seeds: one less": (remove_a_seed, "is not made of these records"),
    "seeds: one said to have failed": (say_a_seed_failed, "is not made of these records"),
    "seeds: a cost below nothing": (
        lambda b: b.change_seed(
            "dp-sgd", cost=(dataclasses.replace(b.record("dp-sgd").seeds[0].cost[0], cpu_seconds=-1.0),)
        ),
        "a cost is less than nothing",
    ),
    "seeds: scores swapped with another's": (swap_scores, "by the evidence"),
    "seeds: scores of another record": (copy_scores, "submitted twice"),
    "seeds: scores of another seed": (repeat_a_seed, "submitted twice"),
    "seeds: a byte of the scores": (flip_a_byte, "is not the file the record names"),
    "seeds: scores that are not there": (lambda b: b.scores("dp-sgd").unlink(), "are not there"),
    "seeds: a link to scores": (link_the_scores, "it is a link"),
    "seeds: another teacher": (replace_the_teacher, "is no teacher of its submission"),
    "seeds: other test labels": (change_test_labels, "more than one set of test labels"),
    "images_generated: none": (lambda b: b.change(LORA, images_generated=0), "it generated 100 images"),
    "gates: one failed": (
        lambda b: b.change("dp-sgd", gates=(dataclasses.replace(b.record("dp-sgd").gates[0], passed=False),)),
        "its gates are not those",
    ),
    "gates: one less": (lambda b: b.change("dp-sgd", gates=b.record("dp-sgd").gates[1:]), "its gates are not those"),
    "gates: one more": (
        lambda b: b.change("dp-sgd", gates=(*b.record("dp-sgd").gates, Gate("honesty", True, "yes"))),
        "its gates are not those",
    ),
    "gates: another reason": (
        lambda b: b.change("dp-sgd", gates=tuple(dataclasses.replace(g, reason="") for g in b.record("dp-sgd").gates)),
        "its gates are not those",
    ),
    "pictures: other ones": (change_the_pictures, "are not the file the record names"),
    "pictures: of a class that is not there": (
        show_a_class_that_is_not_there,
        "a class that the dataset does not have",
    ),
    "pictures: unnamed": (leave_the_pictures_unnamed, "no record names this file"),
    "command: another": (lambda b: b.change("dp-sgd", command="true"), "the rest of its submission: command"),
    "recipe: another": (lambda b: b.change("dp-sgd", recipe="x = 1"), "the rest of its submission: recipe"),
    "provenance: another": (
        lambda b: b.change("dp-sgd", provenance=dataclasses.replace(b.record("dp-sgd").provenance, cores=999)),
        "the rest of its submission: provenance",
    ),
    "run_seconds: less": (
        lambda b: b.change("dp-sgd", run_seconds={"train": 1.0}),
        "the rest of its submission: run seconds",
    ),
    "(files): a record less": (remove_a_record, "is not made of these records"),
    "(files): a record renamed": (rename_a_record, "its content belongs at small/clothes/dp-sgd-"),
    "(files): a link to a record": (link_a_record, "link"),
    "(files): one more": (write_beside("small", "clothes", "notes.txt"), "no record names this file"),
    "(files): a record that is none": (write_beside("small", "clothes", "x.json"), "small/clothes/x.json"),
    "(files): a record above its place": (write_beside("x.json"), "no record names this file"),
    "(files): a record below its place": (write_beside("small", "clothes", "a", "x.json"), "no record names this file"),
}


def test_a_sound_folder_has_no_fault_and_everything_in_it_was_looked_at():
    told = []
    found = verify_results(submitted(), [small_track()], progress=lambda done, total: told.append((done, total)))
    assert found.faults == ()
    records, _ = scan_records(submitted())
    assert found.records == len(records) == 18
    assert found.seeds == len(list(submitted().rglob("*.seed-*.parquet"))) == 36
    assert found.measurements == sum(len(seed.measurements) for record in records for seed in record.seeds) > 0
    assert told[-1] == (40, 40)  # scores, and the pictures of four records


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_tampering_is_found_and_named(name, tmp_path):
    tamper, words = TAMPERINGS[name]
    found = board(tmp_path, CLOTHES)
    tamper(found)
    faults = faults_of(found.root)
    assert any(words in fault for fault in faults), faults


def test_every_field_of_a_record_is_tampered_with():
    fields = {field.name for field in dataclasses.fields(ResultRecord)}
    assert fields == {name.split(":")[0] for name in TAMPERINGS} - {"(files)"}


def test_a_fault_is_named_with_its_file_and_no_sound_record_is(tmp_path):
    found = board(tmp_path, CLOTHES)
    found.change_measurement("dp-sgd", "accuracy", value=0.99)
    (fault,) = verify_results(found.root, [small_track()]).faults
    assert fault.file == record_path(found.root, found.record("dp-sgd")).relative_to(found.root).as_posix()


def test_pictures_of_a_dataset_that_may_not_be_shown_are_a_fault(tmp_path):
    found = board(tmp_path)
    with_pictures, without = found.record(LORA), found.record(LORA, "digits")
    assert without.pictures is None
    path = record_folder(found.root, without) / f"{without.slug}.images.parquet"
    shutil.copy(record_folder(found.root, with_pictures) / with_pictures.pictures.name, path)
    found.put(without, dataclasses.replace(without, pictures=file_reference(path)))
    assert any("does not let its images be shown" in fault for fault in faults_of(found.root))


def test_a_submission_sent_again_under_another_name_is_a_fault(tmp_path):
    found = board(tmp_path, CLOTHES)
    give_another_submission(found)
    shutil.copytree(submitted(CLOTHES), found.root, dirs_exist_ok=True)
    assert any("submitted twice" in fault for fault in faults_of(found.root))


def test_a_dataset_left_out_of_a_submission_is_a_fault(tmp_path):
    found = board(tmp_path)
    shutil.rmtree(found.root / "small" / "digits")
    assert any("is not made of these records" in fault for fault in faults_of(found.root))


def test_a_gate_that_failed_cannot_be_said_to_have_passed(tmp_path):
    """All that a whole submission can make right is made right: the name, files and measurements; not the gates."""
    found = board(tmp_path, CLOTHES)
    found.change_evidence("noise", lambda evidence: dataclasses.replace(evidence, test_logits=right(evidence)))
    assert any("its gates are not those" in fault for fault in faults_of(found.root))


def right(evidence):
    return (4 * np.eye(10)[evidence.test_labels]).astype(np.float32)


def test_with_files_named_their_submissions_are_checked_and_others_are_not(tmp_path):
    found = board(tmp_path, CLOTHES)
    found.change_measurement("dp-sgd", "accuracy", value=0.99)
    path = found.path("teacher")
    write_beside("small", "clothes", "x.json")(found)
    checked = verify_results(found.root, [small_track()], only=[path])
    assert checked.records == 9
    assert [fault.what for fault in checked.faults if "value is 0.99" in fault.what]
    assert not any("x.json" in fault.file for fault in checked.faults)


@pytest.mark.parametrize("name", ["x.json", "absent.json"])
def test_a_file_named_that_is_no_record_is_said_in_a_sentence(name, tmp_path):
    found = board(tmp_path, CLOTHES)
    write_beside("small", "clothes", "x.json")(found)
    with pytest.raises(LeaderboardError, match=name):
        verify_results(found.root, [small_track()], only=[found.root / "small" / "clothes" / name])


def test_a_folder_that_is_not_there_is_said_in_a_sentence(tmp_path):
    with pytest.raises(LeaderboardError, match="is not a folder of results"):
        verify_results(tmp_path / "absent", [small_track()])


def test_the_digest_of_records_changes_with_any_of_them_and_not_with_their_order(tmp_path):
    records, _ = scan_records(submitted(CLOTHES))
    assert verified_digest(records) == verified_digest(records[::-1])
    changed = dataclasses.replace(records[0], command="another")
    assert verified_digest([changed, *records[1:]]) != verified_digest(records)
