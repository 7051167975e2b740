"""Laws of the files for programs: full precision, every measurement once, and the same in every format."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math

import pytest
from made_standings import made_standings
from pyarrow import parquet

from tckr_bench.errors import StoreError
from tckr_bench.judging.quantities import quantity_of
from tckr_bench.leaderboard.sheets import sheet_of
from tckr_bench.show.formats import csv_text, json_text, write_parquet

ESTIMATES = ("accuracy", "accuracy-gap", "worst-auc", "worst-tpr-at-1-fpr", "aop")
FORMULAS = ("=1+1", "+1", "-1", "@x", " =1+1", "\t=1+1")


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text)))


def standings_csv(standings, **asked):
    return csv_text(sheet_of((standings,), **asked))


def standings_json(standings, **asked):
    return json_text(sheet_of((standings,), **asked))


def read_parquet(standings, folder, **asked):
    return parquet.read_table(write_parquet(sheet_of((standings,), **asked), folder / "standings.parquet"))


def as_csv(value):
    """What a value reads in CSV: numbers at full precision, flags in words."""
    if value is None:
        return ""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def of_measurement(row):
    return tuple(row[name] for name in ("slug", "dataset", "seed", "metric", "attack"))


def test_a_row_per_entry_holds_its_estimates_at_full_precision():
    standings = made_standings()
    rows = read_csv(standings_csv(standings))
    assert [row["slug"] for row in rows] == [entry.slug for entry in standings.entries]
    for entry, row in zip(standings.entries, rows, strict=True):
        for name in ESTIMATES:
            estimate, key = entry.get(name), name.replace("-", "_")
            found = [row[key], row[f"{key}_low"], row[f"{key}_high"]]
            wanted = [""] * 3 if estimate is None else [estimate.value, estimate.low, estimate.high]
            assert [cell and float(cell) for cell in found] == wanted
        ranks = (entry.rank, entry.rank_low, entry.rank_high)
        assert [row[name] and float(row[name]) for name in ("rank", "rank_low", "rank_high")] == [
            "" if rank is None else rank for rank in ranks
        ]
        assert (row["standing"], row["family"], row["images"]) == (entry.standing, entry.family, str(entry.images))
        assert (float(row["pipeline_cpu_seconds"]), row["dataset"]) == (entry.pipeline_seconds, "")


def test_seeds_gates_and_reasons_are_counted_and_told():
    rows = {row["standing"]: row for row in reversed(read_csv(standings_csv(made_standings())))}
    first = rows["ranked"]
    assert (first["datasets"], first["seeds"], first["failed_seeds"], first["gates_failed"]) == ("2", "3", "1", "0")
    assert "stage generate: the process ran out of memory" in first["notes"]
    assert (rows["untrusted"]["gates_passed"], rows["untrusted"]["gates_failed"]) == ("8", "2")
    assert (rows["incomplete"]["missing"], rows["incomplete"]["datasets"]) == ("digits", "1")
    assert rows["test-chosen"]["limits"] == "paper classes"
    assert rows["control"]["notes"] == ""


def test_a_row_per_measurement_holds_every_measurement_once_with_its_threat_model():
    standings = made_standings()
    wanted = {}
    for entry in standings.entries:
        for name, result in entry.results.items():
            for seed in result.record.seeds:
                for measurement in seed.measurements:
                    key = (entry.slug, name, str(seed.seed), measurement.metric, measurement.attack)
                    wanted[key] = (measurement, result.record.threat_models.get(measurement.attack))
    rows = read_csv(standings_csv(standings, measurements=True))
    assert len(rows) == len(wanted)
    for row in rows:
        measurement, threat = wanted[of_measurement(row)]
        assert [float(row[name]) for name in ("value", "low", "high")] == [
            measurement.value,
            measurement.low,
            measurement.high,
        ]
        assert (row["interval"], int(row["examples"])) == (measurement.interval, measurement.examples)
        assert row["better"] == quantity_of(measurement.metric).better
        told = (row["sees"], row["owns"], row["surface"], row["adaptive"])
        expected = (threat.sees, threat.owns, threat.surface, "yes" if threat.adaptive else "no") if threat else None
        assert told == (expected or ("", "", "", "no"))
    assert {row["adaptive"] for row in rows} == {"yes", "no"}
    assert {row["surface"] for row in rows} == {"", "classifier", "images", "captions", "data"}


@pytest.mark.parametrize("measurements", [False, True])
@pytest.mark.parametrize("dataset", [None, "digits"])
def test_csv_json_and_parquet_agree_cell_by_cell(measurements, dataset, tmp_path):
    standings = made_standings(dataset=dataset)
    asked = {"measurements": measurements}
    in_json = json.loads(standings_json(standings, **asked))
    in_parquet = read_parquet(standings, tmp_path, **asked).to_pylist()
    in_csv = read_csv(standings_csv(standings, **asked))
    assert in_parquet == in_json
    assert in_csv == [{name: as_csv(value) for name, value in row.items()} for row in in_json]


def test_one_dataset_has_the_rows_and_measurements_of_that_dataset():
    standings = made_standings(dataset="digits")
    rows = read_csv(standings_csv(standings))
    assert [row["slug"] for row in rows] == [entry.slug for entry in standings.entries]
    for entry, row in zip(standings.entries, rows, strict=True):
        known = entry.results["digits"].row
        assert row["dataset"] == "digits"
        assert row["rank"] == ("" if entry.rank is None else str(float(entry.rank)))
        assert float(row["worst_auc"]) == known.get("worst-auc").value
        assert float(row["aop_low"]) == known.get("aop").low
        assert row["worst_auc_attack"] == " ".join(known.risk("auc-mia").attacks) != ""
    measurements = read_csv(standings_csv(standings, measurements=True))
    assert {row["dataset"] for row in measurements} == {"digits"}


def test_parquet_columns_are_typed_and_explained(tmp_path):
    table = read_parquet(made_standings(), tmp_path)
    types = {field.name: str(field.type) for field in table.schema}
    assert (types["rank"], types["worst_auc_low"], types["images"]) == ("double", "double", "int64")
    assert (types["pareto"], types["method"]) == ("bool", "string")
    assert all(field.metadata[b"meaning"] for field in table.schema)


def test_an_empty_track_is_an_empty_table_with_all_its_columns(tmp_path):
    standings = dataclasses.replace(made_standings(), entries=())
    for measurements in (False, True):
        heading = standings_csv(standings, measurements=measurements).splitlines()
        assert len(heading) == 1
        table = read_parquet(standings, tmp_path, measurements=measurements)
        assert (table.num_rows, table.column_names) == (0, heading[0].split(","))


def test_hostile_text_is_no_formula_and_no_control_character(tmp_path):
    standings = made_standings(hostile=True)
    entries = [
        dataclasses.replace(entry, name=f"{FORMULAS[number % len(FORMULAS)]}|cmd", reasons=(FORMULAS[0],))
        for number, entry in enumerate(standings.entries)
    ]
    standings = dataclasses.replace(standings, entries=tuple(entries))
    for measurements in (False, True):
        rows = list(csv.reader(io.StringIO(standings_csv(standings, measurements=measurements))))
        assert len({len(row) for row in rows}) == 1
        texts = [cell for row in rows for cell in row if not _is_number(cell)]
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in texts)
        assert sum(cell.startswith("'=1+1") for cell in texts) > 0
        stored = read_parquet(standings, tmp_path, measurements=measurements).to_pylist()
        held = [cell for row in stored for cell in row.values() if isinstance(cell, str)] + texts
        assert all(cell.isprintable() for cell in held)


def test_measurements_that_are_not_finite_are_null_in_json():
    standings = made_standings()
    entry = standings.entries[0]
    aop = dataclasses.replace(entry.get("aop"), high=math.inf, low=math.nan)
    broken = dataclasses.replace(entry, estimates={**entry.estimates, "aop": aop})
    (row, *_) = json.loads(standings_json(dataclasses.replace(standings, entries=(broken,))))
    assert (row["aop"], row["aop_low"], row["aop_high"]) == (entry.get("aop").value, None, None)


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path):
    with pytest.raises(StoreError, match=r"writing it.parquet"):
        write_parquet(sheet_of((made_standings(),)), tmp_path / "nowhere" / "it.parquet")


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True
