"""Measurements follow from the scores, or it is said that they do not."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from submitted_runs import (
    board,
    finished_run,
    remembered_measurements,
    small_cells,
    small_evidence,
)

from tckr_bench.errors import RunError
from tckr_bench.records import Copies, PrivacyGuarantee, ShadowAudit
from tckr_bench.results import examination
from tckr_bench.results.files import RUN_FILE, read_run
from tckr_bench.results.scores import read_scores, write_scores
from tckr_bench.results.verify import pictures_of, verified

CLOTHES = ("clothes",)
NAME, STUDENT = "dp-sgd", "attributes-miniature-lora"


@pytest.fixture(autouse=True)
def computed_once(monkeypatch):
    monkeypatch.setattr(examination, "compute_measurements", remembered_measurements)


@pytest.fixture
def found(tmp_path):
    """A run that is free to break."""
    return board(tmp_path, CLOTHES)


def saved(run, name=NAME):
    return next(record for record in run.records if record.method.name.startswith(name))


def test_a_sound_run_has_no_mismatch_and_is_as_it_was():
    run = finished_run(CLOTHES)
    for path in (run, run / RUN_FILE):
        whole = verified(path)
        assert whole.mismatches == ()
        assert whole.run == read_run(run)
        assert whole.revised == ()


@pytest.mark.parametrize("part", ["value", "low", "high"])
def test_a_changed_measurement_is_noticed_and_the_scores_win(found, part):
    record = found.record(NAME)
    old = next(it for it in record.seeds[0].measurements if it.metric == "accuracy")
    found.change_measurement(NAME, "accuracy", **{part: getattr(old, part) + 2e-9})
    after = verified(found.folder)
    (mismatch,) = after.mismatches
    assert (mismatch.dataset, mismatch.method) == ("clothes", NAME)
    assert f"seed 0: accuracy: {part} is" in mismatch.what
    assert str(mismatch).startswith("clothes/dp-sgd: ")
    assert saved(after.run) == record


def test_a_difference_below_the_tolerance_is_none(found):
    old = next(it for it in found.record(NAME).seeds[0].measurements if it.metric == "accuracy")
    found.change_measurement(NAME, "accuracy", value=old.value + 5e-10)
    assert verified(found.folder).mismatches == ()


def test_a_dropped_and_an_invented_measurement_are_noticed(found):
    first, *others = found.record(NAME).seeds[0].measurements
    invented = dataclasses.replace(first, metric="invented")
    found.change_seed(NAME, measurements=(*others, invented))
    whats = " ".join(mismatch.what for mismatch in verified(found.folder).mismatches)
    assert f"{first.metric}: missing from the results" in whats
    assert "invented: the evidence and the installed metrics do not give it" in whats


@pytest.mark.parametrize("revised", [False, True])
def test_a_metric_of_another_version_may_find_otherwise_and_its_measurements_win(found, revised):
    record = found.record(NAME)
    found.change_measurement(NAME, "accuracy", low=0.1)
    if revised:
        metrics = found.run.information.metrics
        found.change_run(
            metrics=tuple(dataclasses.replace(it, version="0") if it.name == "accuracy" else it for it in metrics)
        )
    after = verified(found.folder)
    assert len(after.mismatches) == (0 if revised else 1)
    assert after.revised == (("accuracy",) if revised else ())
    assert saved(after.run).seeds == record.seeds


def test_scores_that_were_swapped_for_others_are_noticed_and_not_used(found):
    path, record = found.scores(NAME), found.record(NAME)
    write_scores(small_evidence(small_cells()[0], key=(9,)), path)
    after = verified(found.folder)
    assert [mismatch.what for mismatch in after.mismatches] == [
        f"{path.name} is not the file the record names (sha256 or size differ)"
    ]
    assert ("clothes", NAME, 0) not in after.evidence
    assert saved(after.run) == record


def test_scores_with_their_reference_rewritten_give_other_measurements(found):
    evidence = read_scores(found.scores(NAME))
    found.change_evidence(NAME, lambda it: dataclasses.replace(it, test_logits=np.roll(it.test_logits, 1, axis=0)))
    found.change_seed(NAME, measurements=remembered_measurements(evidence, found.run.information.metrics))
    whats = " ".join(mismatch.what for mismatch in verified(found.folder).mismatches)
    assert "accuracy:" in whats
    assert "accuracy-gap:" in whats


def test_lost_scores_are_a_mismatch_and_keep_the_saved_measurements(found):
    record = found.record(NAME)
    found.scores(NAME).unlink()
    after = verified(found.folder)
    assert [mismatch.what for mismatch in after.mismatches] == ["its scores dp-sgd.seed-0.parquet are not there"]
    assert saved(after.run) == record
    assert ("clothes", NAME, 1) in after.evidence


def test_a_record_that_cannot_be_read_is_a_mismatch_of_its_method(found):
    raw = json.loads(found.path(NAME).read_text())
    found.path(NAME).write_text(json.dumps({**raw, "extra": 1}))
    (mismatch,) = verified(found.folder).mismatches
    assert (mismatch.dataset, mismatch.method) == ("clothes", NAME)
    assert "the schema has no extra" in mismatch.what


def test_failed_seeds_need_no_scores(found):
    found.scores(NAME).unlink()
    found.change_seed(NAME, status="failed", measurements=(), scores=None, failure="train: killed")
    assert verified(found.folder).mismatches == ()


def test_threat_models_that_are_not_those_of_the_scores_are_noticed(found):
    models = found.record(NAME).threat_models
    found.change(NAME, threat_models={label: dataclasses.replace(m, adaptive=True) for label, m in models.items()})
    whats = {mismatch.what for mismatch in verified(found.folder).mismatches}
    assert whats == {"its threat models are not those of the saved scores"}


def test_evidence_is_read_when_it_is_asked_for_and_kept(found, monkeypatch):
    after = verified(found.folder)
    key = ("clothes", NAME, 1)
    assert len(after.evidence) == 18
    assert after.evidence[key] is after.evidence[key]
    assert after.evidence.get(("clothes", "nobody", 0)) is None


def test_controls_get_limits_of_their_own_evidence():
    limits = verified(finished_run(CLOTHES)).control_limits
    assert set(limits) == {("clothes", name, seed) for name in ("noise", "memorizer") for seed in (0, 1)}
    assert 0.1 < limits["clothes", "noise", 0] < 0.3


def test_one_dataset_of_a_run_is_verified_as_in_the_whole():
    whole, part = verified(finished_run()), verified(finished_run(), dataset="digits")
    assert part.run.records == tuple(record for record in whole.run.records if record.dataset == "digits")
    assert set(part.evidence) == {key for key in whole.evidence if key[0] == "digits"}
    assert not verified(finished_run(), dataset="elsewhere").run.records


def test_pictures_are_those_of_their_kind_and_need_not_be_there(found):
    with_pictures, without = found.record(STUDENT), found.record(NAME)
    for kind in ("sample", "copy"):
        pairs = pictures_of(found.folder, with_pictures, kind)
        assert len(pairs) == 5
        assert {pair.kind for pair in pairs} == {kind}
        assert pictures_of(found.folder, without, kind) == ()


def test_pictures_outside_the_run_or_damaged_are_not_shown(found, tmp_path):
    record, path = found.record(STUDENT), found.pictures(STUDENT)
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    with pytest.raises(RunError, match="lies outside the run"):
        pictures_of(found.folder, record, "sample")
    path.unlink()
    path.write_bytes(b"nonsense")
    with pytest.raises(RunError, match="is not valid"):
        pictures_of(found.folder, record, "sample")


def refused(evidence, tmp_path, words="holds no evidence"):
    write_scores(evidence, tmp_path / "scores.parquet")
    with pytest.raises(RunError, match=words):
        read_scores(tmp_path / "scores.parquet")


def made():
    return small_evidence(small_cells()[1], key=(3,))


@pytest.mark.parametrize("fault", ["labels", "scores", "one class", "masks"])
def test_inconsistent_evidence_is_refused(tmp_path, fault):
    evidence = made()
    attack = evidence.attacks["lira"]
    changes = {
        "labels": {"test_labels": evidence.test_labels + 5},
        "scores": {"attacks": {"lira": dataclasses.replace(attack, scores=spoilt(attack.scores))}},
        "masks": {"attacks": {"lira": dataclasses.replace(attack, members=attack.members[1:])}},
        "one class": {"test_logits": evidence.test_logits[:, :1], "teacher_logits": evidence.teacher_logits[:, :1]},
    }
    refused(dataclasses.replace(evidence, **changes[fault]), tmp_path)


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
    "audit-canaries-shadows": {"audit": lambda audit: changed(audit, canary_scores=lambda old: old[1:])},
    "audit-membership": {"audit": lambda audit: changed(audit, canary_membership=lambda old: old.astype(np.int64))},
    "copies-shape": {"copies": lambda copies: changed(copies, to_members=lambda old: old[None])},
    "copies-length": {"copies": lambda copies: changed(copies, to_others=lambda old: old[1:])},
    "copies-nan": {"copies": lambda copies: changed(copies, to_others=spoilt)},
    "copies-negative": {"copies": lambda copies: changed(copies, to_members=lambda old: -old)},
}


def audited_attack():
    attack = made().attacks["lira"]
    count = len(attack.scores)
    copies = Copies(np.arange(1.0, 8.0), np.arange(2.0, 9.0))
    return dataclasses.replace(attack, labels=np.arange(count) % 3, audit=sound_audit(count), copies=copies)


def test_sound_labels_audits_copies_and_guarantees_are_accepted(tmp_path):
    attack = audited_attack()
    nothing_planted = changed(
        attack.audit, canary_scores=lambda old: old[:, :0], canary_membership=lambda old: old[:, :0]
    )
    for audit in (attack.audit, nothing_planted):
        attacks = {"lira": dataclasses.replace(attack, audit=audit)}
        whole = dataclasses.replace(made(), attacks=attacks, guarantee=PrivacyGuarantee(8.0, 1e-5, "rdp"))
        write_scores(whole, tmp_path / "scores.parquet")
        assert read_scores(tmp_path / "scores.parquet").guarantee.epsilon == 8.0


@pytest.mark.parametrize("fault", ARRAY_FAULTS)
def test_arrays_that_do_not_fit_together_are_refused(tmp_path, fault):
    attacks = {"lira": changed(audited_attack(), **ARRAY_FAULTS[fault])}
    refused(dataclasses.replace(made(), attacks=attacks), tmp_path, "holds no evidence|is not valid")


@pytest.mark.parametrize(
    ("epsilon", "delta"), [(-1.0, 1e-5), (float("inf"), 1e-5), (float("nan"), 1e-5), (8.0, -0.1), (8.0, 1.5)]
)
def test_a_guarantee_that_guarantees_nothing_is_refused(tmp_path, epsilon, delta):
    refused(dataclasses.replace(made(), guarantee=PrivacyGuarantee(epsilon, delta, "rdp")), tmp_path)
