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
from tckr_bench.leaderboard.verification import verified_digest, verify_results
from tckr_bench.records import Gate, ThreatModel
from tckr_bench.results import examination
from tckr_bench.results.files import (
    RUN_FILE,
    file_reference,
    pictures_path,
    read_records,
    record_folder,
    record_path,
    scan_runs,
    scores_name,
    write_record,
)
from tckr_bench.results.pictures import read_pictures, write_pictures
from tckr_bench.results.records import RunInformation, StoredRecord
from tckr_bench.results.scores import read_scores

CLOTHES = ("clothes",)
LORA = "attributes-miniature-lora"


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    """Look into score files in this process, and compute the measurements of each evidence once."""
    monkeypatch.setattr(examination, "in_processes", serially)
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
        first, *others = found.run.information.metrics
        found.change_run(metrics=(dataclasses.replace(first, **changes), *others))

    return change


def with_attack(label, **changes):
    def change(found: Board):
        uses = found.run.information.attacks
        found.change_run(attacks=tuple(dataclasses.replace(u, **changes) if u.label == label else u for u in uses))

    return change


def with_models_of_all(label, model):
    def change(found: Board):
        for record in found.run.records:
            found.put(record, dataclasses.replace(record, threat_models={**record.threat_models, label: model}))

    return change


def for_all(**changes):
    def change(found: Board):
        for record in found.run.records:
            found.put(record, dataclasses.replace(record, **changes))

    return change


def remove_a_record(found: Board):
    for path in found.path("dp-sgd").parent.glob("dp-sgd.*"):
        path.unlink()


def add_a_record(found: Board):
    """Add another method of the same run: all that its files can make right, but for the scores, is right."""
    record = found.record("dp-sgd")
    call_otherwise(found, record, method=dataclasses.replace(record.method, name="dp-sgd-2"), keep=True)


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


def link_the_run(found: Board):
    path = found.folder / RUN_FILE
    path.rename(found.root / "elsewhere.txt")
    path.symlink_to(found.root / "elsewhere.txt")


def link_the_submission(found: Board):
    path = found.folder
    outside = path.rename(found.root.parent / path.name)
    path.symlink_to(outside)


def rename_a_record(found: Board):
    path = found.path("dp-sgd")
    path.rename(path.with_name("best.json"))


def write_beside(*names):
    """Write a file below the folder of results, `*` for that of the submission."""

    def change(found: Board):
        names_found = [name if name != "*" else found.folder.relative_to(found.root) for name in names]
        path = found.root.joinpath(*names_found)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")

    return change


def damage_the_pictures(found: Board):
    found.pictures(LORA).write_bytes(b"PAR1")


def show_a_class_that_is_not_there(found: Board):
    path = found.pictures(LORA)
    write_pictures([dataclasses.replace(pair, label=10) for pair in read_pictures(path)], path)


def show_pictures_of_nobody(found: Board):
    path = found.pictures(LORA)
    path.rename(path.with_name("nobody.parquet"))


def call_otherwise(found: Board, record, *, keep=False, **changes):
    """Change what a record is called by, and call its files so."""
    folder = record_folder(found.folder, record)
    renamed = dataclasses.replace(record, **changes)

    def moved(old, name):
        path = shutil.copyfile(folder / old.name, folder / name)
        if not keep:
            (folder / old.name).unlink()
        return file_reference(path)

    seeds = [dataclasses.replace(it, scores=moved(it.scores, scores_name(renamed, it.seed))) for it in record.seeds]
    pictures = pictures_path(found.folder, record)
    if pictures.exists():
        pictures.rename(pictures_path(found.folder, renamed))
    if not keep:
        record_path(found.folder, record).unlink()
    write_record(dataclasses.replace(renamed, seeds=tuple(seeds)), found.folder)


def give_another_name(found: Board):
    record = found.record(LORA)
    call_otherwise(found, record, method=dataclasses.replace(record.method, name="best"))


def move_a_run(found: Board):
    found.folder.rename(found.folder.with_name("0" * 16))


def move_a_run_to_another_track(found: Board):
    (found.root / "other").mkdir()
    found.folder.rename(found.root / "other" / found.folder.name)


TAMPERINGS = {
    "schema_version: another": (lambda b: b.change("dp-sgd", schema_version=3), "has schema 3"),
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
        "the rest of its run: description",
    ),
    "description: a class less": (
        with_description("dp-sgd", class_names=tuple(map(str, range(9)))),
        "9 classes instead of 10",
    ),
    "description: licence": (with_description("dp-sgd", licence="CC0"), "the rest of its run: description"),
    "splits: fewer": (
        lambda b: b.change("dp-sgd", splits={"train": 90, "validation": 100, "test": 200}),
        "90 train images instead of 100",
    ),
    "splits: fewer test images": (
        lambda b: b.change("dp-sgd", splits={"train": 100, "validation": 100, "test": 199}),
        "199 test images instead of 200",
    ),
    "dataset: another": (lambda b: b.change("dp-sgd", dataset="digits"), "other images than the track's"),
    "protocol: another": (lambda b: b.change("dp-sgd", protocol="paper"), "the rest of its run: protocol"),
    "contamination: of real data": (lambda b: b.change("dp-sgd", contamination="none"), "without a generator"),
    "contamination: not said": (lambda b: b.change(LORA, contamination=None), "or not said"),
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
    "seeds: another teacher": (replace_the_teacher, "is no teacher of its run"),
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
    "(files): a record less": (remove_a_record, "is not made of these records"),
    "(files): a record more": (add_a_record, "is not made of these records"),
    "(files): a record renamed": (rename_a_record, "its content belongs at records/clothes/dp-sgd.json"),
    "(files): a link to a record": (link_a_record, "link"),
    "(files): pictures that are none": (damage_the_pictures, "the file of pictures"),
    "(files): pictures of a class that is not there": (
        show_a_class_that_is_not_there,
        "a class that the dataset does not have",
    ),
    "(files): pictures of nobody": (show_pictures_of_nobody, "no record names this file"),
    "(files): one more": (write_beside("*", "records", "clothes", "notes.txt"), "no record names this file"),
    "(files): a report": (write_beside("*", "report", "index.html"), "no record names this file"),
    "(files): a record that is none": (write_beside("*", "records", "clothes", "x.json"), "clothes/x.json"),
    "(files): a record above its place": (write_beside("*", "records", "x.json"), "no record names this file"),
    "(files): a record below its place": (
        write_beside("*", "records", "clothes", "a", "x.json"),
        "no record names this file",
    ),
    "(files): records without a run": (
        write_beside("small", "0" * 16, "records", "clothes", "x.json"),
        "no record names",
    ),
    "(files): a run of no submission": (write_beside("small", "run.json"), "no record names this file"),
}
RUN_TAMPERINGS = {
    "schema_version: another": (lambda b: b.change_run(schema_version=1), "has schema 1"),
    "track: another": (lambda b: b.change_run(track="other"), "there is no track other"),
    "track: moved": (move_a_run_to_another_track, "its content belongs at small/"),
    "submission: another": (lambda b: b.change_run(submission="0123456789abcdef"), "is not made of these records"),
    "submission: moved": (move_a_run, "its content belongs at small/"),
    "primary_attack: another": (lambda b: b.change_run(primary_attack="loss"), "saved with the primary attack lira"),
    "attacks: another surface": (
        with_attack("blind", surface="classifier"),
        "its attacks are not those of its threat models",
    ),
    "attacks: one less": (
        lambda b: b.change_run(attacks=b.run.information.attacks[1:]),
        "its attacks are not those of its threat models",
    ),
    "metrics: version": (with_metric(version="0"), "the metric accuracy is installed in version"),
    "metrics: options": (with_metric(options={"scale": 2}), "has options of its own"),
    "metrics: identity": (with_metric(identity="elsewhere"), "is not described as it is installed"),
    "metrics: one not installed": (with_metric(name="luck", label="luck"), "luck"),
    "metrics: one less": (
        lambda b: b.change_run(metrics=b.run.information.metrics[1:]),
        "lacks the metrics accuracy",
    ),
    "metrics: one twice": (
        lambda b: b.change_run(metrics=(*b.run.information.metrics, b.run.information.metrics[0])),
        "not each there once",
    ),
    "(files): not there": (lambda b: (b.folder / RUN_FILE).unlink(), "no record names this file"),
    "(files): none": (lambda b: (b.folder / RUN_FILE).write_text("{}"), "has schema None"),
    "(files): a link": (link_the_run, "it is a link"),
    "(files): a link to its folder": (link_the_submission, "it is a link"),
}
CLAIMS = {
    *("matrix", "matrix_digest", "command", "recipe", "provenance"),
    *("stages", "seconds", "wall_seconds", "keys"),
}
"""What a run says of how it was made: no file can tell whether that is so, only running it again."""


def test_a_sound_folder_has_no_fault_and_everything_in_it_was_looked_at(tmp_path, monkeypatch):
    root = submitted()
    monkeypatch.setenv("TCKR_BENCH_STORE", str(tmp_path / "store"))
    told = []
    found = verify_results(root, [small_track()], progress=told.append)
    assert found.faults == ()
    records = read_records(root)
    assert found.records == len(records) == 18
    assert found.seeds == len(list(root.rglob("*.seed-*.parquet"))) == 36
    assert found.measurements == sum(len(seed.measurements) for record in records for seed in record.seeds) > 0
    assert told[-1] == 40  # scores, and the pictures of four records


def test_a_second_look_computes_nothing_and_finds_the_same(tmp_path, monkeypatch):
    found = board(tmp_path, CLOTHES)
    monkeypatch.setenv("TCKR_BENCH_STORE", str(tmp_path / "store"))
    first = verify_results(found.root, [small_track()])
    monkeypatch.setattr(examination, "compute_measurements", lambda *_, **__: pytest.fail("measurements were computed"))
    assert verify_results(found.root, [small_track()], progress=pytest.fail) == first
    monkeypatch.undo()
    computed = []
    monkeypatch.setenv("TCKR_BENCH_STORE", str(tmp_path / "store"))
    monkeypatch.setattr(examination, "in_processes", serially)
    monkeypatch.setattr(examination, "compute_measurements", lambda *given, **_: computed.append(given) or ())
    found.change("dp-sgd", images_generated=1)
    verify_results(found.root, [small_track()])
    assert len(computed) == len(SEEDS)


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_tampering_is_found_and_named(name, tmp_path):
    tamper, words = TAMPERINGS[name]
    found = board(tmp_path, CLOTHES)
    tamper(found)
    faults = faults_of(found.root)
    assert any(words in fault for fault in faults), faults


@pytest.mark.parametrize("name", RUN_TAMPERINGS)
def test_a_tampering_with_what_records_have_in_common_is_found_and_named(name, tmp_path):
    tamper, words = RUN_TAMPERINGS[name]
    found = board(tmp_path, CLOTHES)
    tamper(found)
    faults = faults_of(found.root)
    assert any(words in fault for fault in faults), faults


def test_every_field_is_tampered_with_or_known_to_be_a_claim():
    for kind, tamperings, claims in ((StoredRecord, TAMPERINGS, set()), (RunInformation, RUN_TAMPERINGS, CLAIMS)):
        fields = {field.name for field in dataclasses.fields(kind)}
        assert fields == ({name.split(":")[0] for name in tamperings} - {"(files)"}) | claims


def test_a_fault_is_named_with_its_file_and_no_sound_record_is(tmp_path):
    found = board(tmp_path, CLOTHES)
    found.change_measurement("dp-sgd", "accuracy", value=0.99)
    (fault,) = verify_results(found.root, [small_track()]).faults
    assert fault.file == found.path("dp-sgd").relative_to(found.root).as_posix()


def test_pictures_of_a_dataset_that_may_not_be_shown_are_a_fault(tmp_path):
    found = board(tmp_path)
    path = found.pictures(LORA, "digits")
    assert not path.exists()
    path.parent.mkdir()
    shutil.copy(found.pictures(LORA), path)
    (fault,) = faults_of(found.root)
    assert "does not let its images be shown" in fault


def test_a_submission_without_pictures_is_sound(tmp_path):
    found = board(tmp_path, CLOTHES)
    shutil.rmtree(found.folder / "pictures")
    assert faults_of(found.root) == []


def test_a_submission_sent_again_under_another_name_is_a_fault(tmp_path):
    found = board(tmp_path, CLOTHES)
    found.change_run(submission="0123456789abcdef")
    shutil.copytree(submitted(CLOTHES), found.root, dirs_exist_ok=True)
    assert any("submitted twice" in fault for fault in faults_of(found.root))


def test_two_submissions_that_their_first_digits_do_not_tell_apart_are_a_fault(tmp_path):
    found = board(tmp_path, CLOTHES)
    found.change_run(submission=found.run.information.submission[:8] + "0" * 8)
    shutil.copytree(submitted(CLOTHES), found.root, dirs_exist_ok=True)
    assert any("has the first 8 digits of" in fault for fault in faults_of(found.root))


def test_a_dataset_left_out_of_a_submission_is_a_fault(tmp_path):
    found = board(tmp_path)
    shutil.rmtree(found.folder / "records" / "digits")
    assert any("is not made of these records" in fault for fault in faults_of(found.root))


def test_a_gate_that_failed_cannot_be_said_to_have_passed(tmp_path):
    """All that a whole submission can make right is made right: the name, files and measurements; not the gates."""
    found = board(tmp_path, CLOTHES)
    for seed in SEEDS:
        found.change_evidence("noise", lambda it: dataclasses.replace(it, test_logits=right(it)), seed=seed)
    found.seal()
    faults = faults_of(found.root)
    assert any("its gates are not those" in fault for fault in faults)
    assert not any("is not made of these records" in fault for fault in faults)


def right(evidence):
    return (4 * np.eye(10)[evidence.test_labels]).astype(np.float32)


def test_with_files_named_their_runs_are_checked_and_others_are_not(tmp_path):
    found = board(tmp_path, CLOTHES)
    found.change_measurement("dp-sgd", "accuracy", value=0.99)
    write_beside("*", "records", "clothes", "x.txt")(found)
    for path in (found.path("teacher"), found.folder, found.folder / RUN_FILE):
        checked = verify_results(found.root, [small_track()], only=[path])
        assert checked.records == 9
        assert [fault.what for fault in checked.faults if "value is 0.99" in fault.what]
        assert not any("x.txt" in fault.file for fault in checked.faults)


def test_a_path_named_that_is_of_no_run_is_said_in_a_sentence(tmp_path):
    found = board(tmp_path, CLOTHES)
    with pytest.raises(LeaderboardError, match="is of no run below"):
        verify_results(found.root, [small_track()], only=[tmp_path / "absent.json"])
    (found.folder / RUN_FILE).write_text("{}")
    with pytest.raises(LeaderboardError, match="has schema None"):
        verify_results(found.root, [small_track()], only=[found.folder / RUN_FILE])


def test_a_folder_that_is_not_there_is_said_in_a_sentence(tmp_path):
    with pytest.raises(LeaderboardError, match="is not a folder of results"):
        verify_results(tmp_path / "absent", [small_track()])


def test_the_digest_of_records_changes_with_any_of_them_and_not_with_their_order():
    (run,), _ = scan_runs(submitted(CLOTHES))
    records = run.records
    assert verified_digest(records) == verified_digest(records[::-1])
    changed = dataclasses.replace(records[0], gates=())
    assert verified_digest([changed, *records[1:]]) != verified_digest(records)
    other = dataclasses.replace(run.information, command="another")
    claimed = [dataclasses.replace(record, run=other) for record in records]
    assert verified_digest(claimed) != verified_digest(records)
