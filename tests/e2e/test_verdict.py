"""The answer of a run through the installed command: its exit codes, and what it prints."""

import dataclasses
import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest

MAKERS = Path(__file__).parents[1] / "unit" / "conftest.py"
WIDTH = 100


def board_makers():
    """The makers of run folders that the unit tests of the board have."""
    name = "board_makers"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, MAKERS)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def repeat_the_pipeline(evidence):
    """Say in the evidence that the attack `lira` repeats the whole pipeline; no measurement depends on it."""
    attacks = {
        label: dataclasses.replace(
            attack, threat_model=dataclasses.replace(attack.threat_model, adaptive=label == "lira")
        )
        for label, attack in evidence.attacks.items()
    }
    return dataclasses.replace(evidence, attacks=attacks)


@pytest.fixture(scope="module")
def simple_run(tmp_path_factory):
    """A sound run without an adaptive attack."""
    makers = board_makers()
    hopeless = makers.synthetic("lora", "hard").name
    plan = (
        makers.Plan(examples=120, seeds=(0, 1))
        .changed(hopeless, accuracy=0.4)
        .without(makers.synthetic("lora", "soft", 2).name)
    )
    return makers.make_run(tmp_path_factory.mktemp("verdict") / "simple", plan)


@pytest.fixture(scope="module")
def run(simple_run):
    """The same with an adaptive attack."""
    adaptive = simple_run.with_name("adaptive")
    shutil.copytree(simple_run, adaptive)
    board_makers().change_evidence(adaptive, repeat_the_pipeline)
    return adaptive


LOOSE = ("--max-accuracy-drop", "25", "--max-tpr", "60@1")


def test_yes_is_exit_code_0_and_reads_within_100_columns(command, run):
    out, err = command("verdict", str(run), *LOOSE, code=0)
    assert "YES" in out.splitlines()[0]
    assert err == ""
    assert max(map(len, out.splitlines())) <= WIDTH
    for told in ("points of accuracy", "members of the training set", "lira", "120 test images", "2 seeds"):
        assert told in " ".join(out.split())


def test_no_is_exit_code_1(command, run):
    out, _ = command(
        "verdict", str(run), "--max-accuracy-drop", "2", "--max-tpr", "60@1", "--method", "lora · hard", code=1
    )
    assert out.splitlines()[0].endswith("NO")


def test_an_open_question_is_exit_code_3_and_says_what_would_settle_it(command, run):
    out, _ = command("verdict", str(run), "--max-accuracy-drop", "5", "--max-tpr", "60@1", code=3)
    assert "NOT ENOUGH EVIDENCE" in out
    assert "test images instead of 120" in " ".join(out.split())


def test_without_an_adaptive_attack_yes_must_be_allowed(command, simple_run):
    out, _ = command("verdict", str(simple_run), *LOOSE, code=3)
    assert "no attack repeats the whole pipeline" in " ".join(out.split())
    command("verdict", str(simple_run), *LOOSE, "--allow-non-adaptive", code=0)


def test_measurements_that_do_not_follow_from_the_evidence_are_no_evidence(command, run, tmp_path):
    shutil.copytree(run, tmp_path / "forged")
    path = next((tmp_path / "forged" / "records").glob("*/attributes-*-lora-*-soft-1x.json"))
    record = json.loads(path.read_text())
    measurements = record["seeds"][0]["measurements"]
    next(measurement for measurement in measurements if measurement["metric"] == "accuracy-gap")["value"] -= 0.1
    path.write_text(json.dumps(record))
    out, err = command("verdict", str(tmp_path / "forged"), *LOOSE, code=3)
    assert "do not follow" in " ".join(out.split()) or "does not follow" in " ".join(out.split())
    assert "accuracy-gap" in err


def test_json_says_the_same_and_nothing_else(command, run):
    out, _ = command("verdict", str(run), *LOOSE, "--max-auc", "0.9", "--json", code=0)
    answer = json.loads(out)
    assert answer["answer"] == "yes"
    judged = answer["datasets"][0]["judged"]
    assert [part["metric"] for part in judged["comparisons"]] == ["accuracy-gap", "tpr-at-1-fpr", "auc-mia"]
    assert judged["adaptive"] == ["lira"]
    assert len(answer["datasets"][0]["others"]) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("runs/none", *LOOSE), "holds no run.json"),
        (("{run}", "--max-accuracy-drop", "2", "--max-tpr", "5@2"), "F is 10, 1 or 0.1"),
        (("{run}", "--max-accuracy-drop", "2", "--max-tpr", "five"), "such as 5@1"),
        (("{run}", "--max-accuracy-drop", "2"), "--max-tpr"),
        (("{run}", "--max-tpr", "5@1"), "--max-accuracy-drop"),
        (("{run}", *LOOSE, "--method", "lora · sofd"), "did you mean 'lora · soft'"),
        (("{run}", *LOOSE, "--dataset", "digits"), "fashion-mnist"),
    ],
)
def test_mistakes_are_exit_code_2_and_one_sentence(command, run, arguments, told):
    out, err = command("verdict", *(argument.format(run=run) for argument in arguments), code=2)
    assert out == ""
    assert told in err
    assert "Traceback" not in err
