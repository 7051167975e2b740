"""The page: whole, safe, honest and the same each time."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from tckr_bench.results.run_files import cell_folder, read_results, write_results

from tckr_bench.errors import RunError
from tckr_bench.results.evidence import (
    COPIES_FILE,
    EVIDENCE_FILE,
    SAMPLES_FILE,
    read_evidence,
    read_samples,
    write_evidence,
    write_samples,
)
from tckr_bench.show.render import render_report

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)> {{ 7 * 7 }} \x1b[31m =1+1 |'
VOID = {"meta", "img", "br", "link", "input"}


class Structure(HTMLParser):
    """Every element and attribute, the visible text, and whether elements nest."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes, self.text, self.styles = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.styles if self.open[-1:] == ["style"] else self.text).append(data)


def structure_of(page):
    found = Structure()
    found.feed(page.read_text(encoding="utf-8"))
    assert found.open == []
    return found


def words_of(page):
    return " ".join(" ".join(structure_of(page).text).split())


@pytest.fixture(scope="module")
def page(whole_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rendered") / "run"
    shutil.copytree(whole_run, folder)
    return render_report(folder)


def test_a_report_is_three_files(page):
    assert page.name == "report.html"
    assert {"leaderboard.csv", "leaderboard.md"} <= {path.name for path in page.parent.iterdir()}
    assert not list(page.parent.glob("*.partial"))


def test_the_page_answers_and_shows_every_part(page):
    words = words_of(page)
    for part in (
        "On fashion-mnist the best synthetic method by AOP is",
        "Controls",
        "PASS",
        "Accuracy and privacy",
        "Real beside synthetic",
        "Attack by attack",
        "Cost by stage",
        "What these measurements do not show",
        "No attack here is adaptive",
        "Threat models",
        "to train 16 shadow models",
        "Provenance",
        "0123456789abcdef",
        "with uncommitted changes",
        "abababab",
        "steps=10",
    ):
        assert part in words
    assert "cannot be trusted" not in words
    assert "contradicts" not in words


def test_the_page_asks_for_nothing_outside(page):
    text = re.sub(r"base64,[A-Za-z0-9+/=]+|\sxmlns(:xlink)?=\S+", "", page.read_text(encoding="utf-8"))
    assert not re.search(r"https?:|//[a-z]|@import", text)
    found = structure_of(page)
    assert not {"script", "iframe", "object", "embed", "link", "base", "form"} & set(found.tags)
    for name, value in found.attributes:
        assert not name.startswith("on")
        if name in ("src", "href", "xlink:href"):
            assert value.startswith(("data:image/png;base64,", "#"))
    assert not re.search(r"url\(\s*['\"]?(?!#)", "".join(found.styles))


def test_the_policy_forbids_all_but_own_styles_and_pictures(page):
    policy = next(value for _, value in structure_of(page).attributes if value and "default-src" in value)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def test_ids_are_unique(page):
    ids = [value for name, value in structure_of(page).attributes if name == "id"]
    assert len(ids) == len(set(ids))


@pytest.fixture(scope="module")
def audited_page(audited, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audited") / "run"
    shutil.copytree(audited, folder)
    return render_report(folder)


def test_the_page_of_an_audit_shows_every_part(audited_page):
    words = words_of(audited_page)
    for part in (
        "The worst attack's AUC falls",
        "dp-sgd (real data, defended)",
        "proved ε ≤ 7.90",
        "without any model, members look like non-members",
        "copies found: AUC 1.000",
        "Attacks on the classifier",
        "Diagnostic: if these were released too",
        "Test of the challenge",
        "worst, adaptive",
        "Attacks that adapt to synthetic data",
        "by shadow pipelines it",
        "Against real data, on the same images",
        "safer than real data",
        "In detail",
        "canaries, AUC",
        "Nearest copies",
        "2.0 of 255 apart",
        "against teacher, dp-sgd and early-stopping",
        "A proved epsilon holds for every person",
    ):
        assert part in words
    for part in ("No attack here is adaptive", "cannot be trusted", "contradicts", "was not tested"):
        assert part not in words


def test_the_page_of_an_audit_is_sound_and_safe(audited_page):
    found = structure_of(audited_page)
    ids = [value for name, value in found.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert not {"script", "iframe", "object", "embed", "link", "base", "form"} & set(found.tags)
    assert found.tags.count("details") == 8  # one per attack


def test_rendering_again_gives_the_same_bytes(page):
    names = ("report.html", "leaderboard.csv", "leaderboard.md")
    before = [(page.parent / name).read_bytes() for name in names]
    render_report(page.parent / "results.json")
    assert before == [(page.parent / name).read_bytes() for name in names]


def hostile_run(run):
    """Put hostile text wherever a results file has text."""
    results = read_results(run)
    records = []
    for index, record in enumerate(results.records):
        use = dataclasses.replace(
            record.method.classifier, name=HOSTILE, label=HOSTILE, distribution=HOSTILE, options={HOSTILE: HOSTILE}
        )
        described = dataclasses.replace(
            record.description,
            class_names=(HOSTILE,) * 10,
            source=HOSTILE,
            licence=HOSTILE,
            native_size=HOSTILE,
            fingerprint=HOSTILE,
        )
        stages = tuple(
            dataclasses.replace(stage, kind=HOSTILE, component=HOSTILE, device=HOSTILE) for stage in record.stages
        )
        threats = {
            HOSTILE + label: dataclasses.replace(model, sees=HOSTILE, owns=HOSTILE)
            for label, model in record.threat_models.items()
        }
        changed = dataclasses.replace(
            record,
            method=dataclasses.replace(record.method, classifier=use),
            description=described,
            splits={HOSTILE: 3},
            stages=stages,
            threat_models=threats,
        )
        if index == 2:
            method = dataclasses.replace(changed.method, name=HOSTILE)
            changed = dataclasses.replace(changed, method=method, status="failed", failure=HOSTILE, measurements=())
        records.append(changed)
    versions = {HOSTILE: HOSTILE}
    provenance = dataclasses.replace(
        results.provenance,
        commit=HOSTILE,
        platform=HOSTILE,
        processor=HOSTILE,
        device=HOSTILE,
        started=HOSTILE,
        versions=versions,
        distributions=versions,
    )
    changed = dataclasses.replace(
        results, matrix=HOSTILE, track=HOSTILE, provenance=provenance, records=tuple(records), seconds={HOSTILE: 1.0}
    )
    path = cell_folder(run, results.records[1]) / SAMPLES_FILE
    samples = read_samples(path)
    write_samples(dataclasses.replace(samples, prompts=(HOSTILE,) * len(samples.prompts)), path)
    write_results(changed, run)
    return run


def test_hostile_text_stays_text(run_copy):
    page = render_report(hostile_run(run_copy))
    found = structure_of(page)
    assert "script" not in found.tags
    assert all(not name.startswith("on") for name, _ in found.attributes)
    assert all(value.startswith("data:image/png") for name, value in found.attributes if name == "src")
    text = "".join(found.text)
    assert "<script>alert(1)</script>" in text
    assert "{{ 7 * 7 }}" in text
    assert "\x1b" not in page.read_text(encoding="utf-8")


def test_hostile_names_of_attacks_stay_text(audited, tmp_path):
    shutil.copytree(audited, tmp_path / "run")
    run = tmp_path / "run"
    for record in read_results(run).records:
        path = cell_folder(run, record) / EVIDENCE_FILE
        evidence = read_evidence(path)
        attacks = {}
        for label, attack in evidence.attacks.items():
            named = label if label == "lira" else HOSTILE + label
            model = dataclasses.replace(attack.threat_model, sees=HOSTILE, owns=HOSTILE)
            attacks[named] = dataclasses.replace(attack, attack=named, threat_model=model)
        write_evidence(dataclasses.replace(evidence, attacks=attacks), path)
        samples = cell_folder(run, record) / COPIES_FILE
        if samples.is_file():
            pairs = read_samples(samples)
            write_samples(dataclasses.replace(pairs, prompts=(HOSTILE,) * len(pairs.prompts)), samples)
    page = render_report(run)
    found = structure_of(page)
    assert "script" not in found.tags
    assert all(not name.startswith("on") for name, _ in found.attributes)
    assert all(value.startswith("data:image/png") for name, value in found.attributes if name == "src")
    assert "<script>alert(1)</script>" in "".join(found.text)
    assert "\x1b" not in page.read_text(encoding="utf-8")


def test_damaged_copies_are_a_note_and_no_crash(audited, tmp_path):
    shutil.copytree(audited, tmp_path / "run")
    record = next(record for record in read_results(tmp_path / "run").records if record.method.name == "memorizer")
    (cell_folder(tmp_path / "run", record) / COPIES_FILE).write_bytes(b"nonsense")
    words = words_of(render_report(tmp_path / "run"))
    assert "cannot be read" in words
    assert "2.0 of 255 apart" in words


def test_a_measurement_that_does_not_follow_is_announced(run_copy):
    results = read_results(run_copy)
    first = results.records[1]
    measurements = (dataclasses.replace(first.measurements[0], value=0.999), *first.measurements[1:])
    records = (results.records[0], dataclasses.replace(first, measurements=measurements), *results.records[2:])
    write_results(dataclasses.replace(results, records=records), run_copy)
    page = render_report(run_copy)
    words = words_of(page)
    assert "This run contradicts its own evidence." in words
    assert "value is 0.999 in the results" in words
    assert "These rows cannot be trusted." in words
    assert "99.9" not in words.replace("0.999 in the results", "")
    assert ",no," in (run_copy / "leaderboard.csv").read_text(encoding="utf-8")


def test_a_failed_control_is_announced(run_copy):
    results = read_results(run_copy)
    records = tuple(record for record in results.records if record.method.name != "noise")
    write_results(dataclasses.replace(results, records=records), run_copy)
    words = words_of(render_report(run_copy))
    assert "These rows cannot be trusted." in words
    assert "control noise: was not run" in words
    assert "may be relied on: a control failed" in words


def test_damaged_samples_are_a_note_and_no_crash(run_copy):
    (cell_folder(run_copy, read_results(run_copy).records[1]) / SAMPLES_FILE).write_bytes(b"nonsense")
    assert "cannot be read" in words_of(render_report(run_copy))


def test_a_run_of_failed_cells_still_gives_a_page(tmp_path, made):
    cells = tuple(dataclasses.replace(cell, failure="train: killed") for cell in made.Plan().cells)
    words = words_of(render_report(made.make_run(tmp_path / "run", made.Plan(cells=cells))))
    assert "there is no real-data baseline, and a control failed or is missing" in words
    assert "failed: seed 0: train: killed" in words


def test_several_seeds_and_datasets(tmp_path, made):
    plan = made.Plan(datasets=("fashion-mnist", "digits"), seeds=(0, 1), examples=60)
    words = words_of(render_report(made.make_run(tmp_path / "run", plan)))
    assert "On fashion-mnist" in words
    assert "On digits" in words
    assert "seeds ±" in words
    assert "spread between seeds" in words


def test_a_folder_without_results_is_an_error(tmp_path):
    with pytest.raises(RunError, match=r"holds no results\.json"):
        render_report(tmp_path)


def test_the_board_imports_no_torch():
    code = (
        "import sys; from tckr_bench.show import render, compare, tables, charts, chart_data, pictures; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'vl_convert', 'rich', 'jinja2', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_rendering_imports_no_torch(run_copy):
    code = (
        f"import sys, pathlib; from tckr_bench.show.render import render_report; "
        f"render_report(pathlib.Path({str(run_copy)!r})); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
