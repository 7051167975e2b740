"""Laws of names: a run is called by its cells and the files of their scores, whatever else is said of it."""

from __future__ import annotations

import dataclasses

from made_standings import made_records
from submitted_runs import finished_run

from tckr_bench.results.files import read_run
from tckr_bench.results.identity import digest_of, identity_of
from tckr_bench.results.records import FileReference
from tckr_bench.results.scores import narrowed, read_scores, write_scores

RECORDS = tuple(made_records(methods=4))[:6]


def changed(record, place=0, **changes):
    seeds = list(record.seeds)
    seeds[place] = dataclasses.replace(seeds[place], **changes)
    return dataclasses.replace(record, seeds=tuple(seeds))


def test_the_name_of_a_run_is_that_of_its_scores():
    run = read_run(finished_run(("clothes",)))
    assert identity_of(run.records) == run.information.submission


def test_order_and_words_do_not_change_the_name():
    name = identity_of(RECORDS)
    assert identity_of(RECORDS[::-1]) == name
    words = [dataclasses.replace(record, gates=(), protocol="paper", splits={}) for record in RECORDS]
    assert identity_of(words) == name
    assert identity_of([changed(record, measurements=(), cost=()) for record in RECORDS]) == name


def test_any_cell_or_file_of_scores_or_failure_does():
    first, *others = RECORDS
    lost = {"status": "failed", "measurements": (), "scores": None}
    other = FileReference("x", "0" * 64, 1)
    swapped = (dataclasses.replace(first.seeds[0], scores=first.seeds[1].scores), first.seeds[1])
    variants = [
        others,
        [*RECORDS, dataclasses.replace(first, dataset="elsewhere")],
        [dataclasses.replace(first, dataset="elsewhere"), *others],
        [dataclasses.replace(first, method=dataclasses.replace(first.method, name="other")), *others],
        [dataclasses.replace(first, seeds=first.seeds[:1]), *others],
        [dataclasses.replace(first, seeds=swapped), *others],
        [changed(first, scores=other), *others],
        [changed(first, seed=7), *others],
        [changed(first, **lost, failure="one"), *others],
        [changed(first, **lost, failure="another"), *others],
    ]
    assert len({identity_of(RECORDS), *map(identity_of, variants)}) == len(variants) + 1


def test_the_digest_of_evidence_is_that_of_its_values_and_not_of_its_file(tmp_path):
    run = finished_run(("clothes",))
    path = next(run.rglob("teacher.seed-0.parquet"))
    evidence = read_scores(path)
    write_scores(narrowed(evidence), tmp_path / "again")
    assert digest_of(read_scores(tmp_path / "again")) == digest_of(evidence)
    assert digest_of(dataclasses.replace(evidence, test_labels=evidence.test_labels[::-1])) != digest_of(evidence)
