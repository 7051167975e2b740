"""Laws of records: the published schema takes what is written and nothing else, and a record gives its rows back."""

from __future__ import annotations

import copy
import dataclasses
import json

import jsonschema
import pytest
from made_standings import made_records
from submitted_runs import finished_run, prepared, submitted
from tckr_bench.results.run_files import RunProvenance, read_results

from tckr_bench.records import ComponentUse, Gate, Measurement, Method, ThreatModel
from tckr_bench.results.files import record_files
from tckr_bench.results.records import (
    SCHEMA_DIALECT,
    FileReference,
    ResultRecord,
    SeedResult,
    StepCost,
    cells_of,
    json_schema,
)


def has_default(field):
    return dataclasses.MISSING is not field.default or dataclasses.MISSING is not field.default_factory


CLOTHES = ("clothes",)
PARTS = (
    ResultRecord,
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


@pytest.fixture(scope="module")
def validator():
    schema = json_schema()
    assert schema["$schema"] == SCHEMA_DIALECT
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture(scope="module")
def raw():
    return json.loads(next(record_files(submitted(CLOTHES))).read_bytes())


def test_every_record_that_is_written_follows_the_schema(validator):
    for path in record_files(submitted(CLOTHES)):
        validator.validate(json.loads(path.read_bytes()))


def paths_of(value, path=()):
    """Yield the path of every object of a record whose keys the schema fixes."""
    free = {"options", "counts", "splits", "threat_models", "versions", "distributions", "run_seconds", "failed"}
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
    assert len(places) > 10
    for path in places:
        more = copy.deepcopy(raw)
        at(more, path)["unknown"] = 1
        assert not validator.is_valid(more), path
        for key in set(at(raw, path)) - OPTIONAL:
            less = copy.deepcopy(raw)
            del at(less, path)[key]
            assert not validator.is_valid(less), (*path, key)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema_version",), 2),
        (("seeds", 0, "seed"), "0"),
        (("seeds", 0, "status"), "fine"),
        (("seeds", 0, "measurements", 0, "value"), "0.5"),
        (("seeds", 0, "measurements", 0, "value"), None),
        (("gates", 0, "passed"), "yes"),
        (("method", "role"), "winner"),
        (("protocol",), "best"),
        (("pictures",), "none"),
    ],
)
def test_a_value_of_another_kind_does_not(validator, raw, path, value):
    changed = copy.deepcopy(raw)
    at(changed, path[:-1])[path[-1]] = value
    assert not validator.is_valid(changed)


def test_the_rows_of_a_record_are_those_of_the_run_but_for_their_single_stages():
    rows = {(row.method.name, row.seed): row for row in read_results(finished_run(CLOTHES)).records}
    for record in prepared(CLOTHES).records:
        for cell in cells_of(record):
            row = rows[cell.method.name, cell.seed]
            for name in (
                "dataset",
                "method",
                "seed",
                "track",
                "status",
                "measurements",
                "threat_models",
                "description",
            ):
                assert getattr(cell, name) == getattr(row, name), name
            for name in ("protocol", "contamination", "splits", "failure"):
                assert getattr(cell, name) == getattr(row, name), name


def test_only_what_has_gates_and_passed_them_all_is_trusted():
    records = made_records()
    assert any(record.trusted for record in records)
    for record in records:
        assert record.trusted == (len(record.gates) > 0 and all(gate.passed for gate in record.gates))
    assert not dataclasses.replace(records[0], gates=()).trusted


def test_the_slug_tells_method_and_submission():
    record = made_records()[0]
    assert record.slug == f"{record.method.name}-{record.submission[:8]}"
