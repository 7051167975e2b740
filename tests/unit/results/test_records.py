"""Laws of records: the published schema takes what is written and nothing else, and a record gives its rows back."""

from __future__ import annotations

import copy
import dataclasses
import json

import jsonschema
import pytest
from made_standings import made_records
from submitted_runs import finished_run, submitted

from tckr_bench.records import ComponentUse, Gate, Measurement, Method, Shadows, StepCost, ThreatModel
from tckr_bench.results.files import RUN_FILE, read_records, read_run, record_files
from tckr_bench.results.records import (
    SCHEMA_DIALECT,
    FileReference,
    RunInformation,
    RunProvenance,
    SeedResult,
    StageCounts,
    StoredRecord,
    cell_slug,
    cells_of,
    json_schema,
)


def has_default(field):
    return dataclasses.MISSING is not field.default or dataclasses.MISSING is not field.default_factory


CLOTHES = ("clothes",)
PARTS = (
    StoredRecord,
    RunInformation,
    StageCounts,
    Shadows,
    SeedResult,
    StepCost,
    Gate,
    FileReference,
    Method,
    ComponentUse,
    Measurement,
    RunProvenance,
    ThreatModel,
)
OPTIONAL = {field.name for part in PARTS for field in dataclasses.fields(part) if has_default(field)}


@pytest.fixture(scope="module", params=["record", "run"])
def part(request):
    return request.param


@pytest.fixture(scope="module")
def validator(part):
    return validator_of(part)


def validator_of(part):
    schema = json_schema(part)
    assert schema["$schema"] == SCHEMA_DIALECT
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def files_of(part):
    run = next(submitted(CLOTHES).glob("*/*"))
    return [run / RUN_FILE] if part == "run" else list(record_files(run))


@pytest.fixture(scope="module")
def raw(part):
    return json.loads(files_of(part)[0].read_bytes())


def test_every_file_that_is_written_follows_its_schema(validator, part):
    for path in files_of(part):
        validator.validate(json.loads(path.read_bytes()))


def paths_of(value, path=()):
    """Yield the path of every object whose keys the schema fixes."""
    free = {"options", "counts", "splits", "threat_models", "versions", "distributions", "seconds", "keys", "failed"}
    if path and path[-1] == "keys":
        return
    if isinstance(value, dict):
        if not path or path[-1] not in free:
            yield path
        for key, part in value.items():
            yield from paths_of(part, (*path, key))
    if isinstance(value, list) and value:
        yield from paths_of(value[0], (*path, 0))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def test_an_unknown_or_a_missing_key_anywhere_does_not(validator, raw):
    places = list(paths_of(raw))
    assert len(places) > 4
    for path in places:
        more = copy.deepcopy(raw)
        at(more, path)["unknown"] = 1
        assert not validator.is_valid(more), path
        for key in set(at(raw, path)) - OPTIONAL:
            less = copy.deepcopy(raw)
            del at(less, path)[key]
            assert not validator.is_valid(less), (*path, key)


@pytest.mark.parametrize(
    ("part", "path", "value"),
    [
        ("record", ("schema_version",), 1),
        ("record", ("seeds", 0, "seed"), "0"),
        ("record", ("seeds", 0, "status"), "fine"),
        ("record", ("seeds", 0, "measurements", 0, "value"), "0.5"),
        ("record", ("seeds", 0, "measurements", 0, "value"), None),
        ("record", ("gates", 0, "passed"), "yes"),
        ("record", ("method", "role"), "winner"),
        ("record", ("protocol",), "best"),
        ("run", ("schema_version",), 1),
        ("run", ("attacks",), "all"),
        ("run", ("stages", "ran"), "many"),
        ("run", ("keys",), []),
        ("run", ("provenance", "dirty"), "yes"),
    ],
)
def test_a_value_of_another_kind_does_not(part, path, value):
    changed = json.loads(files_of(part)[0].read_bytes())
    at(changed, path[:-1])[path[-1]] = value
    assert not validator_of(part).is_valid(changed)


def test_a_record_has_a_cell_for_each_of_its_seeds():
    for record in read_records(submitted(CLOTHES)):
        cells = cells_of(record)
        assert [cell.seed for cell in cells] == [result.seed for result in record.seeds]
        for cell, result in zip(cells, record.seeds, strict=True):
            assert (cell.dataset, cell.method, cell.track) == (record.dataset, record.method, record.track)
            for name in ("status", "measurements", "cost", "failure"):
                assert getattr(cell, name) == getattr(result, name), name
            for name in ("description", "protocol", "contamination", "splits", "threat_models"):
                assert getattr(cell, name) == getattr(record, name), name
            slug = cell_slug(record.dataset, record.method.name, cell.seed)
            assert cell.keys == record.run.keys[slug]
            assert cell.keys


def test_a_failed_seed_faced_no_attack():
    record = read_records(submitted(CLOTHES))[0]
    lost = dataclasses.replace(record.seeds[0], status="failed", measurements=(), scores=None, failure="none")
    failed, finished = cells_of(dataclasses.replace(record, seeds=(lost, record.seeds[1])))
    assert failed.threat_models == {}
    assert finished.threat_models == record.threat_models


def test_a_record_names_the_attacks_of_its_run_that_it_faced():
    run = read_run(finished_run(CLOTHES))
    assert len({use.label for record in run.records for use in record.attacks}) == len(run.information.attacks)
    for record in run.records:
        assert {use.label for use in record.attacks} == set(record.threat_models)
        assert all(use in run.information.attacks for use in record.attacks)


def test_only_what_has_gates_and_passed_them_all_is_trusted():
    records = made_records()
    assert any(record.trusted for record in records)
    for record in records:
        assert record.trusted == (len(record.gates) > 0 and all(gate.passed for gate in record.gates))
    assert not dataclasses.replace(records[0], gates=()).trusted


def test_the_slug_tells_method_and_submission():
    record = made_records()[0]
    assert record.slug == f"{record.method.name}-{record.submission[:8]}"
