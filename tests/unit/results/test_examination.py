"""Laws of looking into score files: what they give is told, and nonsense is a finding, not a crash."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from submitted_runs import board, remembered_measurements, submitted

from tckr_bench.results import examination
from tckr_bench.results.examination import ExaminationTask, died, examine
from tckr_bench.results.files import read_records, record_folder
from tckr_bench.results.identity import digest_of
from tckr_bench.results.scores import read_scores

CLOTHES = ("clothes",)


@pytest.fixture(autouse=True)
def computed_once(monkeypatch):
    monkeypatch.setattr(examination, "compute_measurements", remembered_measurements)


def records():
    return {record.method.name: record for record in read_records(submitted(CLOTHES))}


def folder():
    return next(submitted(CLOTHES).glob("*/*"))


def task(name, seed=0):
    return ExaminationTask(folder(), records()[name], seed)


def test_a_sound_file_has_no_fault_and_tells_its_measurements_and_its_digest():
    found = examine(task("dp-sgd", 1))
    record = records()["dp-sgd"]
    evidence = read_scores(record_folder(folder(), record) / record.seeds[1].scores.name)
    assert found.faults == ()
    assert found.measurements == record.seeds[1].measurements
    assert found.digest == digest_of(evidence)


def test_all_of_a_seed_share_labels_and_teacher_and_the_teacher_is_its_own():
    found = {name: examine(task(name)) for name in ("teacher", "dp-sgd", "noise")}
    assert len({result.labels for result in found.values()}) == 1
    assert {result.teacher for result in found.values()} == {found["teacher"].outputs}
    assert len({result.outputs for result in found.values()}) == 3
    assert len({result.digest for result in found.values()}) == 3


def test_controls_that_their_evidence_limits_have_a_limit_and_others_none():
    limits = {name: examine(task(name)).control_limit for name in ("noise", "memorizer", "teacher", "untrained")}
    assert 0.1 < limits["noise"] < 0.5
    assert limits["memorizer"] == 1.0
    assert limits["teacher"] is limits["untrained"] is None


def more(values, times):
    return np.tile(values, times)


def larger(evidence, label="lira", **changes):
    attacks = {**evidence.attacks, label: dataclasses.replace(evidence.attacks[label], **changes)}
    return dataclasses.replace(evidence, attacks=attacks)


@pytest.mark.parametrize("part", ["examples", "shadows"])
def test_what_is_out_of_proportion_is_refused_before_anything_is_computed(part, tmp_path, monkeypatch):
    found = board(tmp_path, CLOTHES)
    name = "attributes-miniature-lora"

    def grow(evidence):
        attack = evidence.attacks["adaptive-lira"]
        if part == "shadows":
            audit = attack.audit
            grown = dataclasses.replace(
                audit,
                aucs=more(audit.aucs, 200),
                canary_scores=np.tile(audit.canary_scores, (200, 1)),
                canary_membership=np.tile(audit.canary_membership, (200, 1)),
            )
            return larger(evidence, "adaptive-lira", audit=grown)
        return larger(
            evidence,
            "lira",
            scores=more(attack.scores, 3),
            members=more(attack.members, 3),
            canaries=more(attack.canaries, 3),
            labels=None,
        )

    with monkeypatch.context() as quick:
        quick.setattr("submitted_runs.remembered_measurements", lambda evidence, metrics: ())
        found.change_evidence(name, grow)
    monkeypatch.setattr(examination, "compute_measurements", lambda *_, **__: pytest.fail("measurements were computed"))
    (fault,) = examine(ExaminationTask(found.folder, found.record(name), 0)).faults
    assert (
        "shadow models" if part == "shadows" else "more than twice as many examples as the dataset has images"
    ) in fault


@pytest.mark.parametrize("error", [ValueError, ZeroDivisionError, IndexError, AssertionError])
def test_what_a_metric_makes_of_nonsense_is_a_fault(error, monkeypatch):
    def failing(evidence, metrics, **asked):
        raise error("nonsense")

    monkeypatch.setattr(examination, "compute_measurements", failing)
    found = examine(task("dp-sgd"))
    assert not found.digest
    assert "cannot be computed" in found.faults[0]


def test_a_process_that_died_is_a_fault_of_its_seed():
    found = died(task("dp-sgd", 1), "it took too long")
    assert found.faults == ("the scores of seed 1 could not be looked into: it took too long",)
    assert found.digest == ""
