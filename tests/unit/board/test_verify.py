"""Figures follow from the evidence, or it is said that they do not."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest

from tckr_bench.board.results import cell_folder, read_results, write_results
from tckr_bench.board.verify import evidence_of, recompute_figures, samples_of, verified, verify_run
from tckr_bench.errors import RunError
from tckr_bench.evidence import EVIDENCE_FILE, SAMPLES_FILE, read_evidence, read_samples, write_evidence, write_samples


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
    assert tuple(recompute_figures(whole_run, record)) == record.figures


@pytest.mark.parametrize("part", ["value", "low", "high"])
def test_a_changed_figure_is_noticed_and_the_evidence_wins(run_copy, part):
    record = read_results(run_copy).records[1]
    figures = list(record.figures)
    figures[0] = dataclasses.replace(figures[0], **{part: getattr(figures[0], part) + 2e-9})
    change_record(run_copy, 1, figures=tuple(figures))
    found = verified(run_copy)
    assert [(mismatch.method, mismatch.figure) for mismatch in found.mismatches] == [(record.method.name, "accuracy")]
    assert f"{part} is" in found.mismatches[0].what
    assert found.results.records[1].figures == record.figures


def test_a_difference_below_the_tolerance_is_none(run_copy):
    record = read_results(run_copy).records[1]
    figures = (dataclasses.replace(record.figures[0], value=record.figures[0].value + 5e-10), *record.figures[1:])
    change_record(run_copy, 1, figures=figures)
    assert verify_run(run_copy) == []


def test_a_figure_that_is_not_a_number_is_noticed(run_copy):
    record = read_results(run_copy).records[1]
    change_record(run_copy, 1, figures=(dataclasses.replace(record.figures[0], value=1e308), *record.figures[1:]))
    assert len(verify_run(run_copy)) == 1


def test_a_dropped_and_an_invented_figure_are_noticed(run_copy, made):
    record = read_results(run_copy).records[1]
    change_record(run_copy, 1, figures=(*record.figures[1:], made.figure("invented", 0.5)))
    whats = {mismatch.figure: mismatch.what for mismatch in verify_run(run_copy)}
    assert whats["accuracy"].startswith("missing from the results")
    assert whats["invented"] == "the evidence and the installed metrics do not give it"


def test_changed_evidence_is_noticed(run_copy):
    evidence = read_evidence(cell_folder(run_copy, read_results(run_copy).records[1]) / EVIDENCE_FILE)
    change_evidence(run_copy, 1, test_logits=np.roll(evidence.test_logits, 1, axis=0))
    assert {mismatch.figure for mismatch in verify_run(run_copy)} >= {"accuracy", "accuracy-gap"}


def test_missing_evidence_is_a_mismatch_and_keeps_the_saved_figures(run_copy):
    record = read_results(run_copy).records[1]
    shutil.rmtree(cell_folder(run_copy, record))
    found = verified(run_copy)
    assert [mismatch.figure for mismatch in found.mismatches] == ["figures"]
    assert found.results.records[1].figures == record.figures


def test_failed_cells_need_no_evidence(run_copy):
    change_record(run_copy, 1, status="failed", figures=(), failure="train: killed")
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


def test_the_noise_control_gets_a_limit_of_chance(whole_run):
    limits = verified(whole_run).chance_limits
    assert list(limits) == [("fashion-mnist", "noise", 0)]
    assert 0.1 < limits["fashion-mnist", "noise", 0] < 0.3
