"""What a user sees of a run: plan, board, files, resume, JSON, and what breaks when something breaks."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow


def test_a_run_ends_with_the_board_and_its_files(finished):
    assert finished.statuses("runs/smoke") == {"ok"}
    for name in ("run.json", "events.jsonl", "report/index.html", "report/board.csv", "report/board.md"):
        assert (finished.folder / "runs/smoke" / name).stat().st_size > 100


def test_a_run_says_where_it_is_from_and_every_record_what_it_rests_on(finished):
    information = finished.information("runs/smoke")
    assert information["provenance"]["versions"]["torch"][0].isdigit()
    assert information["provenance"]["device"] == "cpu"
    assert information["command"] == "tckr-bench run --matrix smoke"
    for record in finished.records("runs/smoke"):
        assert re.fullmatch("[0-9a-f]{64}", record["description"]["fingerprint"])
        assert record["splits"] == {"train": 500, "validation": 200, "test": 597}
        assert all(model["sees"] and model["owns"] for model in record["threat_models"].values())
        assert record["gates"]
        (result,) = record["seeds"]
        assert all(step["peak_memory_bytes"] > 10_000_000 for step in result["cost"])
        scores = finished.folder / "runs/smoke/records" / record["dataset"] / result["scores"]["name"]
        assert hashlib.sha256(scores.read_bytes()).hexdigest() == result["scores"]["sha256"]
        keys = information["keys"][f"{record['dataset']}/{record['method']['name']}/seed-{result['seed']}"]
        assert {key for kind in keys.values() for key in kind} <= set(finished.manifests())
        for measurement in result["measurements"]:
            assert measurement["low"] <= measurement["value"] <= measurement["high"]


def test_every_measurement_of_a_run_follows_from_its_evidence(finished):
    _, err = finished("report", "runs/smoke")
    assert "Warning" not in err


def test_controls_stand_where_they_must(finished):
    measurements = finished.measurements("runs/smoke")
    assert measurements["digits", "overfit", "canary-auc", "lira"]["value"] > 0.9
    for control in ("noise", "untrained"):
        auc = measurements["digits", control, "auc-mia", "lira"]
        assert auc["low"] - 0.03 < 0.5 < auc["high"] + 0.03


def test_running_again_does_no_stage_and_says_so(finished):
    before = finished.manifests()
    out, err = finished("run", "--matrix", "smoke")
    assert "Nothing to do: every stage is in the store." in out
    assert "Stages: 0 ran" in out
    assert finished.manifests() == before
    assert "train " not in err


REREAD = """
import sys
from tckr_bench.results import examination, scores
def refuse(*_, **__): raise AssertionError("scores were read")
examination.read_scores = examination.in_processes = scores.read_scores = refuse
from tckr_bench.cli import main
sys.argv = ["tckr-bench", "run", "--matrix", "smoke", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_finished_run_is_not_written_again_and_its_scores_are_not_read(finished, arguments):
    finished("run", "--matrix", "smoke", *arguments)  # what was looked into once is remembered
    run = finished.folder / "runs/smoke"
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file() and path.suffix != ".jsonl"}
    done = subprocess.run(
        [sys.executable, "-c", REREAD, *arguments],
        cwd=finished.folder,
        env=finished.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "scores were read" not in done.stderr
    after = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file() and path.suffix != ".jsonl"}
    assert after == before


def test_what_is_gone_from_a_finished_run_is_there_again(damaged):
    run = damaged.folder / "runs/smoke"
    report, scores = run / "report/index.html", next((run / "records").glob("*/*.parquet"))
    before, measured = {path: path.read_bytes() for path in (report, scores)}, (run / "run.json").read_bytes()
    report.unlink()
    out, _err = damaged("run", "--matrix", "smoke")
    assert "Stages: 0 ran" in out
    assert report.read_bytes() == before[report]
    assert (run / "run.json").read_bytes() == measured, "the run is not written again for its report"
    scores.unlink()
    damaged("run", "--matrix", "smoke")
    assert scores.read_bytes() == before[scores]


def test_dry_run_plans_and_does_nothing(command):
    out, _err = command("run", "--matrix", "smoke", "--dry-run")
    assert re.search(r"\d+ unique stages instead of \d+; 0 are in the store", out)
    assert "Estimated time" in out
    assert list(command.folder.iterdir()) == []
    assert command("plan", "--matrix", "smoke")[0] == out


def test_json_prints_the_run_with_its_records_and_nothing_else(finished):
    out, _err = finished("run", "--matrix", "smoke", "--json")
    printed = json.loads(out)
    assert printed["run"] == finished.information("runs/smoke")
    records = {(record["dataset"], record["method"]["name"]): record for record in printed["records"]}
    assert records == {(it["dataset"], it["method"]["name"]): it for it in finished.records("runs/smoke")}


def test_events_on_record_are_those_of_the_run(finished):
    from tckr_plugins.observers.jsonl import read_events

    events = read_events(finished.folder / "runs/smoke/events.jsonl")
    first = events[: [event["event"] for event in events].index("run-end") + 1]
    stages = [event for event in first if event["event"] == "stage-finished"]
    assert {event["key"] for event in stages} <= set(finished.manifests())
    assert len(stages) == sum(kind["unique"] for kind in first[0]["stages"].values()) == stages[-1]["done"]
    assert all(event["how"] == "ran" and event["seconds"] > 0 for event in stages)
    values = {
        (cell["dataset"], cell["method"], measurement["metric"], measurement["attack"]): measurement["value"]
        for cell in first
        if cell["event"] == "cell"
        for measurement in cell["measurements"]
    }
    assert values == {place: measurement["value"] for place, measurement in finished.measurements("runs/smoke").items()}


def test_tensorboard_shows_the_measurements_of_the_board(finished):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    before = finished.manifests()
    out, _err = finished("run", "--matrix", "smoke", "--observe", "tensorboard", "--json")
    assert json.loads(out)["records"], "standard output is for the records alone"
    found = EventAccumulator(str(finished.folder / "runs/smoke/tensorboard"))
    found.Reload()
    for (dataset, method, metric, attack), measurement in finished.measurements("runs/smoke").items():
        tag = "/".join(filter(None, (dataset, method, "seed-0", metric, attack)))
        assert found.Scalars(tag)[0].value == pytest.approx(measurement["value"], rel=1e-6), tag
    assert finished.manifests() == before


def test_adding_an_attack_runs_that_attack_only(finished):
    text = (finished.folder / "more.toml").write_text  # a matrix of one's own beside the run
    from tckr_bench.engine.matrix_file import shipped_matrices

    text(shipped_matrices()["smoke"] + '\n[attack.again]\ncomponent = "loss"\n')
    _out, err = finished("run", "--matrix", "more.toml", "--out", "runs/more")
    kinds = {line.split()[0] for line in err.splitlines() if " stages · " in line}
    assert kinds <= {"attack", "measure"}


def test_an_artifact_that_is_damaged_is_made_again(damaged):
    measurements, manifests = damaged.measurements("runs/smoke"), damaged.manifests()
    by_kind = {json.loads(manifests[key])["kind"]: key for key in sorted(manifests)}
    for kind, damage in (("generate", "flip"), ("measure", "truncate"), ("shadow", "remove")):
        key = by_kind[kind]
        folder = damaged.store / "artifacts" / key[:2] / key
        listed = [path for path in folder.rglob("*") if path.is_file() and path.suffix in (".safetensors", ".parquet")]
        victim = max(listed, key=lambda path: path.stat().st_size)
        content = bytearray(victim.read_bytes())
        if damage == "flip":
            content[-1] ^= 1
            victim.write_bytes(content)
        elif damage == "truncate":
            victim.write_bytes(content[:-1])
        else:
            victim.unlink()
    damaged("cache", "verify", code=2)
    out, _err = damaged("run", "--matrix", "smoke")
    assert "Stages: 3 ran" in out
    damaged("cache", "verify")
    assert damaged.manifests() == manifests
    assert damaged.measurements("runs/smoke") == measurements


@pytest.mark.timeout(1800)
def test_a_run_killed_at_eight_moments_ends_with_the_same_records_whatever_its_jobs(finished, command):
    for index in range(8):
        process = command.start("run", "--matrix", "smoke", "--jobs", ("1", "3")[index % 2])
        time.sleep(0.4 + index * 3 % 8)
        process.kill()
        process.communicate()
    command("run", "--matrix", "smoke", "--jobs", "3")
    assert command.measurements("runs/smoke") == finished.measurements("runs/smoke")
    assert command.manifests().items() <= finished.manifests().items()
    command("cache", "verify")


def test_two_runs_at_once_share_a_store_and_the_work(damaged):
    manifests, measurements = damaged.manifests(), damaged.measurements("runs/smoke")
    gone = {key for key, text in manifests.items() if json.loads(text)["kind"] in ("generate", "train", "attack")}
    for key in gone:
        shutil.rmtree(damaged.store / "artifacts" / key[:2] / key)
    runs = [damaged.start("run", "--matrix", "smoke", "--out", out) for out in ("one", "two")]
    outputs = [process.communicate(timeout=850) for process in runs]
    assert [process.returncode for process in runs] == [0, 0], outputs
    made = [int(re.search(r"Stages: (\d+) ran", out).group(1)) for out, _err in outputs]
    assert sum(made) == len(gone)  # nothing was made twice
    assert damaged.manifests() == manifests
    assert damaged.measurements("one") == damaged.measurements("two") == measurements


def test_an_interrupt_keeps_what_is_finished_and_says_how_to_go_on(command):
    import signal

    process = command.start("run", "--matrix", "smoke")
    while not list(command.store.glob("artifacts/*/*/manifest.json")):
        time.sleep(0.1)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "The same command continues from here" in err
    assert "Traceback" not in err
    assert command.manifests()


def test_report_and_compare_read_a_run(finished):
    out, _err = finished("report", "runs/smoke")
    assert "teacher" in out
    out, _err = finished("compare", "runs/smoke")
    assert "lora" in out
    out, _err = finished("compare", "memorizer", "noise", "--run", "runs/smoke")
    assert "noise" in out
    _out, err = finished("compare", "memoriser", "--run", "runs/smoke", code=2)
    assert "memorizer" in err


def test_cache_gc_empties_the_store_when_told(finished, command):
    out, _err = finished("cache", "gc", "--unused-for", "0", "--dry-run")
    assert "would be removed" in out
    assert finished.manifests()
    out, _err = command("cache", "gc")
    assert "0 items" in out
