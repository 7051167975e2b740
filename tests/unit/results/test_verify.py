"""Measurements follow from the evidence, or it is said that they do not."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
from tckr_bench.results.run_files import cell_folder, read_results, write_results

from tckr_bench.errors import RunError
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import Copies, PrivacyGuarantee, ShadowAudit
from tckr_bench.results.evidence import (
    COPIES_FILE,
    EVIDENCE_FILE,
    SAMPLES_FILE,
    read_evidence,
    read_samples,
    write_evidence,
    write_samples,
)
from tckr_bench.results.verify import copies_of, evidence_of, recompute_measurements, samples_of, verified, verify_run


def change_record(run, index, **changes):
    results = read_results(run)
    records = list(results.records)
    records[index] = dataclasses.replace(records[index], **changes)
    write_results(dataclasses.replace(results, records=tuple(records)), run)


def change_evidence(run, index, **changes):
    record = read_results(run).records[index]
    path = cell_folder(run, record) / EVIDENCE_FILE
    write_evidence(dataclasses.replace(read_evidence(path), **changes), path)


def test_a_sound_run_has_no_mismatch(whole_run):
    assert verify_run(whole_run) == []
    assert verify_run(whole_run / "results.json") == []


def test_recomputing_gives_what_was_saved(whole_run):
    record = read_results(whole_run).records[1]
    assert tuple(recompute_measurements(whole_run, record)) == record.measurements


@pytest.mark.parametrize("part", ["value", "low", "high"])
def test_a_changed_measurement_is_noticed_and_the_evidence_wins(run_copy, part):
    record = read_results(run_copy).records[1]
    measurements = list(record.measurements)
    measurements[0] = dataclasses.replace(measurements[0], **{part: getattr(measurements[0], part) + 2e-9})
    change_record(run_copy, 1, measurements=tuple(measurements))
    found = verified(run_copy)
    assert [(mismatch.method, mismatch.measurement) for mismatch in found.mismatches] == [
        (record.method.name, "accuracy")
    ]
    assert f"{part} is" in found.mismatches[0].what
    assert found.results.records[1].measurements == record.measurements


def test_a_difference_below_the_tolerance_is_none(run_copy):
    record = read_results(run_copy).records[1]
    measurements = (
        dataclasses.replace(record.measurements[0], value=record.measurements[0].value + 5e-10),
        *record.measurements[1:],
    )
    change_record(run_copy, 1, measurements=measurements)
    assert verify_run(run_copy) == []


def test_a_measurement_that_is_not_a_number_is_noticed(run_copy):
    record = read_results(run_copy).records[1]
    change_record(
        run_copy, 1, measurements=(dataclasses.replace(record.measurements[0], value=1e308), *record.measurements[1:])
    )
    assert len(verify_run(run_copy)) == 1


def test_a_dropped_and_an_invented_measurement_are_noticed(run_copy, made):
    record = read_results(run_copy).records[1]
    change_record(run_copy, 1, measurements=(*record.measurements[1:], made.measurement("invented", 0.5)))
    whats = {mismatch.measurement: mismatch.what for mismatch in verify_run(run_copy)}
    assert whats["accuracy"].startswith("missing from the results")
    assert whats["invented"] == "the evidence and the installed metrics do not give it"


@pytest.mark.parametrize(("version", "noticed"), [(None, True), ("0", False)])
def test_a_metric_of_another_version_may_find_otherwise_and_its_measurements_win(run_copy, version, noticed):
    registry = default_registry()
    names = [entry.component.name for entry in registry.family("metric")]
    uses = [registry.use("metric", name, label=name, options={}) for name in names]
    if version is not None:
        uses = [dataclasses.replace(use, version=version) if use.name == "accuracy" else use for use in uses]
    record = read_results(run_copy).records[1]
    changed = [
        dataclasses.replace(measurement, low=measurement.low / 2) if measurement.metric == "accuracy" else measurement
        for measurement in record.measurements
    ]
    change_record(run_copy, 1, measurements=tuple(changed))
    write_results(dataclasses.replace(read_results(run_copy), metrics=tuple(uses)), run_copy)
    found = verified(run_copy)
    assert [mismatch.measurement for mismatch in found.mismatches] == (["accuracy"] if noticed else [])
    assert found.revised == (() if noticed else ("accuracy",))
    assert found.results.records[1].measurements == record.measurements


def test_changed_evidence_is_noticed(run_copy):
    evidence = read_evidence(cell_folder(run_copy, read_results(run_copy).records[1]) / EVIDENCE_FILE)
    change_evidence(run_copy, 1, test_logits=np.roll(evidence.test_logits, 1, axis=0))
    assert {mismatch.measurement for mismatch in verify_run(run_copy)} >= {"accuracy", "accuracy-gap"}


def test_missing_evidence_is_a_mismatch_and_keeps_the_saved_measurements(run_copy):
    record = read_results(run_copy).records[1]
    shutil.rmtree(cell_folder(run_copy, record))
    found = verified(run_copy)
    assert [mismatch.measurement for mismatch in found.mismatches] == ["measurements"]
    assert found.results.records[1].measurements == record.measurements


def test_failed_cells_need_no_evidence(run_copy):
    change_record(run_copy, 1, status="failed", measurements=(), failure="train: killed")
    assert verify_run(run_copy) == []


def test_names_cannot_lead_out_of_the_run(run_copy):
    record = read_results(run_copy).records[1]
    for dataset in ("../../..", "/etc"):
        hostile = dataclasses.replace(record, dataset=dataset)
        with pytest.raises(RunError, match="outside the run"):
            evidence_of(run_copy, hostile)
        with pytest.raises(RunError, match="outside the run"):
            samples_of(run_copy, hostile)


@pytest.mark.parametrize("fault", ["logits", "labels", "scores", "masks", "empty"])
def test_inconsistent_evidence_is_refused(run_copy, fault):
    record = read_results(run_copy).records[1]
    evidence = read_evidence(cell_folder(run_copy, record) / EVIDENCE_FILE)
    attack = evidence.attacks["lira"]
    scores = attack.scores.copy()
    scores[0] = np.nan
    changes = {
        "logits": {"test_logits": evidence.test_logits[:-1]},
        "labels": {"test_labels": evidence.test_labels + 5},
        "scores": {"attacks": {"lira": dataclasses.replace(attack, scores=scores)}},
        "masks": {"attacks": {"lira": dataclasses.replace(attack, members=attack.members[1:])}},
        "empty": {
            "test_labels": evidence.test_labels[:0],
            "test_logits": evidence.test_logits[:0],
            "teacher_logits": evidence.teacher_logits[:0],
        },
    }
    change_evidence(run_copy, 1, **changes[fault])
    with pytest.raises(RunError, match="is not a file of evidence"):
        evidence_of(run_copy, record)
    assert len(verify_run(run_copy)) == 1


def sound_audit(count):
    generator = np.random.default_rng(0)
    return ShadowAudit(
        generator.random(4), generator.normal(size=count), generator.normal(size=(4, 6)), generator.random((4, 6)) < 0.5
    )


def changed(part, **arrays):
    return dataclasses.replace(part, **{name: change(getattr(part, name)) for name, change in arrays.items()})


def spoilt(values):
    values = values.copy()
    values.flat[0] = np.nan
    return values


ARRAY_FAULTS = {
    "labels-short": {"labels": lambda labels: labels[1:]},
    "labels-negative": {"labels": lambda labels: labels - 5},
    "labels-real": {"labels": lambda labels: labels.astype(np.float64)},
    "labels-flat": {"labels": lambda labels: labels[:, None]},
    "audit-aucs-shape": {"audit": lambda audit: changed(audit, aucs=lambda old: old[None])},
    "audit-aucs-range": {"audit": lambda audit: changed(audit, aucs=lambda old: old + 1)},
    "audit-aucs-nan": {"audit": lambda audit: changed(audit, aucs=spoilt)},
    "audit-aucs-none": {"audit": lambda audit: changed(audit, aucs=lambda old: old[:0])},
    "audit-vulnerability": {"audit": lambda audit: changed(audit, vulnerability=lambda old: old[1:])},
    "audit-vulnerability-nan": {"audit": lambda audit: changed(audit, vulnerability=spoilt)},
    "audit-canaries": {"audit": lambda audit: changed(audit, canary_scores=lambda old: old[:, 1:])},
    "audit-canaries-nan": {"audit": lambda audit: changed(audit, canary_scores=spoilt)},
    "audit-canaries-shadows": {
        "audit": lambda audit: changed(audit, canary_scores=lambda old: old[1:], canary_membership=lambda old: old[1:])
    },
    "audit-membership": {"audit": lambda audit: changed(audit, canary_membership=lambda old: old.astype(np.int64))},
    "copies-shape": {"copies": lambda copies: changed(copies, to_members=lambda old: old[None])},
    "copies-length": {"copies": lambda copies: changed(copies, to_others=lambda old: old[1:])},
    "copies-nan": {"copies": lambda copies: changed(copies, to_others=spoilt)},
    "copies-negative": {"copies": lambda copies: changed(copies, to_members=lambda old: -old)},
}


def audited_attack(run, index):
    record = read_results(run).records[index]
    attack = read_evidence(cell_folder(run, record) / EVIDENCE_FILE).attacks["lira"]
    count = len(attack.scores)
    copies = Copies(np.arange(1.0, 8.0), np.arange(2.0, 9.0))
    labels = np.arange(count) % 3
    return record, dataclasses.replace(attack, labels=labels, audit=sound_audit(count), copies=copies)


def test_sound_labels_audits_copies_and_guarantees_are_accepted(run_copy):
    record, attack = audited_attack(run_copy, 1)
    nothing_planted = changed(
        attack.audit, canary_scores=lambda old: old[:, :0], canary_membership=lambda old: old[:, :0]
    )
    for audit in (attack.audit, nothing_planted):
        attacks = {"lira": dataclasses.replace(attack, audit=audit)}
        change_evidence(run_copy, 1, attacks=attacks, guarantee=PrivacyGuarantee(8.0, 1e-5, "rdp"))
        assert evidence_of(run_copy, record).guarantee.epsilon == 8.0


@pytest.mark.parametrize("fault", ARRAY_FAULTS)
def test_arrays_that_do_not_fit_together_are_refused(run_copy, fault):
    record, attack = audited_attack(run_copy, 1)
    change_evidence(run_copy, 1, attacks={"lira": changed(attack, **ARRAY_FAULTS[fault])})
    with pytest.raises(RunError, match="is not a file of evidence"):
        evidence_of(run_copy, record)


@pytest.mark.parametrize(
    ("epsilon", "delta"), [(-1.0, 1e-5), (float("inf"), 1e-5), (float("nan"), 1e-5), (8.0, -0.1), (8.0, 1.5)]
)
def test_a_guarantee_that_guarantees_nothing_is_refused(run_copy, epsilon, delta):
    record = read_results(run_copy).records[1]
    change_evidence(run_copy, 1, guarantee=PrivacyGuarantee(epsilon, delta, "rdp"))
    with pytest.raises(RunError, match="is not a file of evidence"):
        evidence_of(run_copy, record)


def test_threat_models_that_are_not_those_of_the_scores_are_noticed(run_copy):
    record = read_results(run_copy).records[1]
    boasted = {label: dataclasses.replace(model, adaptive=True) for label, model in record.threat_models.items()}
    change_record(run_copy, 1, threat_models=boasted)
    found = verified(run_copy)
    assert [mismatch.measurement for mismatch in found.mismatches] == ["threat models"]
    assert found.results.records[1].threat_models == record.threat_models


def test_copies_are_optional_pictures_like_samples(run_copy):
    record = read_results(run_copy).records[1]
    assert copies_of(run_copy, record) is None
    folder = cell_folder(run_copy, record)
    shutil.copyfile(folder / SAMPLES_FILE, folder / COPIES_FILE)
    assert len(copies_of(run_copy, record).prompts) == 5
    (folder / COPIES_FILE).write_bytes(b"nonsense")
    with pytest.raises(RunError, match="cannot be read"):
        copies_of(run_copy, record)


def test_samples_are_optional_but_must_fit_together(run_copy):
    with_samples, without = read_results(run_copy).records[1], read_results(run_copy).records[2]
    assert samples_of(run_copy, without) is None
    path = cell_folder(run_copy, with_samples) / SAMPLES_FILE
    samples = read_samples(path)
    for changes in (
        {"real": samples.real[:-1]},
        {"synthetic": samples.synthetic[:, :0]},
        {"real": samples.real.astype(np.float32)},
        {"labels": np.stack([samples.labels, samples.labels], axis=1)},
    ):
        write_samples(dataclasses.replace(samples, **changes), path)
        with pytest.raises(RunError, match="do not fit together"):
            samples_of(run_copy, with_samples)


def test_controls_get_limits_of_their_own_evidence(whole_run):
    limits = verified(whole_run).control_limits
    assert set(limits) == {("fashion-mnist", "noise", 0), ("fashion-mnist", "memorizer", 0)}
    assert 0.1 < limits["fashion-mnist", "noise", 0] < 0.3


def test_one_dataset_of_a_run_is_verified_as_in_the_whole(whole_run):
    whole, part = verified(whole_run), verified(whole_run, dataset="fashion-mnist")
    own = tuple(record for record in whole.results.records if record.dataset == "fashion-mnist")
    assert part.results.records == own
    assert part.mismatches == tuple(wrong for wrong in whole.mismatches if wrong.dataset == "fashion-mnist")
    assert not verified(whole_run, dataset="elsewhere").results.records
