"""The card of an exported dataset: its front matter parses, hostile text stays text, and doubts come first."""

import dataclasses
import json

import pytest
import yaml

from tckr_bench.export.card import Contents, Subject, data_card
from tckr_bench.export.card_provenance import Artifacts, FileSum, provenance_of, same_export, to_json
from tckr_bench.judging.criteria import criteria_from
from tckr_bench.judging.rows import verified_leaderboard
from tckr_bench.judging.verdict import basis_of, judge
from tckr_bench.results.verify import verified

ARTIFACTS = Artifacts(("a" * 64,), "b" * 64, "c" * 64)
CRITERIA = criteria_from(accuracy_drop=10, tprs=["20@1"], auc=0.8)
HOSTILE = "x\n---\nlicense: mit\n# <script>alert(1)</script> [y](http://evil) `z` | www.evil.example"


@pytest.fixture(scope="module")
def found(audited):
    return verified(audited)


@pytest.fixture
def subject(found, made):
    """The soft student of the audited run."""
    (board,) = verified_leaderboard(found).boards
    row = next(row for row in board.rows if row.method.name == made.synthetic("lora", "soft").name)
    return Subject(
        board=board,
        row=row,
        record=row.records[0],
        name="lora · soft",
        basis=basis_of(row, found.evidence),
        information=found.run.information,
        run_command="tckr-bench run --matrix audit",
        export_command="tckr-bench export runs/audit it --to here",
        version="0.1.0",
    )


@pytest.fixture
def contents(subject):
    counts = dict.fromkeys(subject.record.description.class_names, 90)
    return Contents(900, 32, 32, counts, prompts=False, probabilities="included")


def front_matter(card):
    start, text, _ = card.split("---\n", 2)
    assert start == ""
    return yaml.safe_load(text)


def body(card):
    return card.split("---\n", 2)[2]


def judged(subject):
    answer = judge(subject.board, subject.row, CRITERIA, basis=subject.basis)
    return dataclasses.replace(subject, criteria=CRITERIA, judgement=answer)


def test_the_front_matter_says_what_the_hub_asks(subject, contents):
    found = front_matter(data_card(subject, contents))
    assert found["license"] == "other"
    assert found["task_categories"] == ["image-classification"]
    assert found["size_categories"] == ["n<1K"]
    assert found["configs"][0]["data_files"] == [{"split": "train", "path": "data/train-*.parquet"}]


@pytest.mark.parametrize(
    ("images", "category"), [(999, "n<1K"), (1000, "1K<n<10K"), (228_000, "100K<n<1M"), (10**6, "1M<n<10M")]
)
def test_the_size_is_the_category_of_the_hub(subject, contents, images, category):
    card = data_card(subject, dataclasses.replace(contents, images=images))
    assert front_matter(card)["size_categories"] == [category]


def test_the_measurements_are_those_of_the_row(subject, contents):
    card = data_card(subject, contents)
    accuracy, auc = subject.row.get("accuracy", ""), subject.row.get("worst-auc", "")
    assert f"{100 * accuracy.value:.1f} ({100 * accuracy.low:.1f} to {100 * accuracy.high:.1f})" in card
    assert f"{auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f})" in card


def test_attacks_stand_under_what_they_look_at(subject, contents):
    card = data_card(subject, contents)
    classifier, rest = card.split("### Attacks on the images themselves")
    images, rest = rest.split("### Attacks on the captions")
    captions, models = rest.split("### Who the attackers are")
    assert "| adaptive (adaptive) |" in classifier
    assert "| nearest-copy |" in images
    assert "repeat a training image" in images
    assert "| nearest-caption |" in captions
    assert "| denoising |" not in card, "the generator is not exported"
    for label in ("lira", "adaptive", "nearest-copy", "nearest-caption"):
        assert f"| {label} |" in models


def test_every_gate_is_listed_with_its_outcome(subject, contents):
    card = data_card(subject, contents)
    for gate in subject.board.gates:
        assert f"| {gate.name} |" in card
    assert len(subject.board.gates) == card.count("| passed |")


def test_hostile_text_stays_text(subject, contents):
    described = dataclasses.replace(subject.record.description, name=HOSTILE, source=HOSTILE, licence=HOSTILE)
    models = {HOSTILE: subject.record.threat_models["lira"]}
    record = dataclasses.replace(subject.record, dataset=HOSTILE, description=described, threat_models=models)
    hostile = dataclasses.replace(subject, record=record, name=HOSTILE, run_command=HOSTILE, export_command=HOSTILE)
    hostile = dataclasses.replace(
        hostile, board=dataclasses.replace(subject.board, reasons=(HOSTILE,)), row=subject.row
    )
    card = data_card(hostile, dataclasses.replace(contents, probabilities="not at hand", remark=HOSTILE))
    assert front_matter(card)["license"] == "other"
    fenced = body(card).split("```")
    assert len(fenced) == 3, "nothing ends the code block early"
    shown = fenced[0] + fenced[2]
    assert "<script>" not in shown
    assert "](http://evil" not in shown
    assert " www.evil" not in shown
    assert "\nlicense: mit" not in card
    assert not [line for line in shown.splitlines() if line.startswith("# ") and "in place of" not in line]
    for line in shown.splitlines():
        if line.startswith("| ") and "alert" in line:
            assert line.replace("\\|", "").count("|") in (3, 5), "no cell ends early"


def test_a_failed_gate_is_said_before_anything_else(subject, contents):
    doubted = dataclasses.replace(
        subject, board=dataclasses.replace(subject.board, reasons=("control noise: knew it",))
    )
    lines = [line for line in body(data_card(doubted, contents)).splitlines() if line]
    assert lines[0].startswith("# ")
    assert "checks of this measurement failed" in lines[1]
    assert "> - control noise: knew it" in lines[:6]
    assert "NOT TRUSTWORTHY" in "\n".join(lines)
    assert "checks of this measurement failed" not in data_card(subject, contents)


def test_without_limits_there_is_no_verdict(subject, contents):
    card = data_card(subject, contents)
    assert "No limits were given" in card
    assert "under limits that were named beforehand? **" not in card


def test_under_limits_the_card_answers_and_holds_the_images_against_them_too(subject, contents):
    entry = judged(subject)
    card = data_card(entry, contents)
    assert f"**{entry.judgement.answer.upper()}.**" in card
    assert "No limits were given" not in card
    assert "- nearest-copy, AUC: " in card


def test_prompts_are_said_to_be_there_only_where_they_are(subject, contents):
    without, with_them = (
        data_card(subject, dataclasses.replace(contents, prompts=prompts)) for prompts in (False, True)
    )
    assert "The prompts are left out" in without
    assert "| `prompt` |" not in without
    assert "The prompts are included" in with_them
    assert "| `prompt` |" in with_them


@pytest.mark.parametrize(
    ("kind", "words"),
    [("left out", "were left out, as asked"), ("not at hand", "it is gone"), ("none", "")],
)
def test_soft_labels_that_are_not_there_are_missed_in_words(subject, contents, kind, words):
    card = data_card(subject, dataclasses.replace(contents, probabilities=kind, remark="it is gone"))
    assert "| `teacher_probabilities` |" not in card
    assert words in card
    assert ("was not measured here" in card) == (kind != "none")


def test_what_was_not_measured_is_not_passed_over(subject, contents):
    models = {label: model for label, model in subject.record.threat_models.items() if model.surface == "classifier"}
    record = dataclasses.replace(subject.record, threat_models=models)
    bare = dataclasses.replace(subject, record=record, row=dataclasses.replace(subject.row, records=(record,)))
    assert data_card(bare, contents).count("None was made in this run.") == 2


def test_no_promise_is_made_that_nobody_keeps(subject, contents):
    card = data_card(subject, contents)
    assert "No differential-privacy guarantee holds" in card
    assert "no promise to any one person" in card


def test_the_same_export_is_recognised_and_another_is_not(subject, contents):
    mine = provenance_of(subject, contents, ARTIFACTS)
    files = {"data/x.parquet": FileSum("d" * 64, 3)}
    written = to_json(dataclasses.replace(mine, files=files))
    assert same_export(written, mine) == files
    retyped = dataclasses.replace(mine, export_command="tckr-bench export elsewhere")
    assert same_export(written, retyped) == files
    for changes in ({"seed": 1}, {"columns": ("image",)}, {"measurements": ()}, {"exported_with": "0.2.0"}):
        assert same_export(written, dataclasses.replace(mine, **changes)) is None
    assert same_export(b"[]", mine) is None
    assert same_export(b"{", mine) is None


def test_the_provenance_holds_no_path_of_ones_own(subject, contents, made):
    generator = made.use("generator", "folder", path="/home/me/clinic/photos", weights=["~/secret/lora"], steps=3)
    method = dataclasses.replace(subject.record.method, generator=generator)
    private = dataclasses.replace(subject, record=dataclasses.replace(subject.record, method=method))
    text = to_json(provenance_of(private, contents, ARTIFACTS)).decode()
    assert "clinic" not in text
    assert "secret" not in text
    assert json.loads(text)["method"]["generator"]["options"] == {"path": "…/photos", "weights": ["…/lora"], "steps": 3}


def test_no_attack_is_said_to_fail_where_its_interval_merely_includes_guessing(subject, contents):
    def with_low(low):
        worst = dataclasses.replace(subject.row.get("worst-auc", ""), low=low)
        row = dataclasses.replace(subject.row, estimates={**subject.row.estimates, ("worst-auc", ""): worst})
        return data_card(dataclasses.replace(subject, row=row), contents)

    assert "which includes guessing)" in with_low(0.49)
    assert "all of it above guessing)" in with_low(0.51)
    assert "cannot be told" not in with_low(0.49)
