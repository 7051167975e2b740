"""The page: whole, safe, honest and the same each time."""

from __future__ import annotations

import dataclasses
import itertools
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from tckr_bench.show.render import render_report

from tckr_bench.errors import RunError
from tckr_bench.results.files import pictures_path, read_run, record_path
from tckr_bench.results.pictures import read_pictures, write_pictures
from tckr_bench.results.records import SeedResult

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)> {{ 7 * 7 }} [31m =1+1 |'
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
        "A proved epsilon holds for every person",
    ):
        assert part in words
    for part in ("No attack here is adaptive", "cannot be trusted", "contradicts", "was not tested"):
        assert part not in words
    (against,) = set(re.findall(r"against ((?:[a-z-]+, )*[a-z-]+ and [a-z-]+)", words)) & {
        f"{first}, {second} and {third}"
        for first, second, third in itertools.permutations(("teacher", "dp-sgd", "early-stopping"))
    }
    assert against


def test_the_page_of_an_audit_is_sound_and_safe(audited_page):
    found = structure_of(audited_page)
    ids = [value for name, value in found.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert not {"script", "iframe", "object", "embed", "link", "base", "form"} & set(found.tags)
    assert found.tags.count("details") == 8  # one per attack


def test_rendering_again_gives_the_same_bytes(page):
    names = ("report.html", "leaderboard.csv", "leaderboard.md")
    before = [(page.parent / name).read_bytes() for name in names]
    render_report(page.parent / "run.json")
    assert before == [(page.parent / name).read_bytes() for name in names]


def hostile_run(made, run):
    """Put hostile text wherever a run has text that is no name of a file."""
    saved = read_run(run)
    failing = saved.records[2].method.name

    def hostile(record):
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
        threats = {
            HOSTILE + label: dataclasses.replace(model, sees=HOSTILE, owns=HOSTILE)
            for label, model in record.threat_models.items()
        }
        seeds = []
        for result in record.seeds:
            cost = tuple(
                dataclasses.replace(step, kind=HOSTILE, component=HOSTILE, device=HOSTILE) for step in result.cost
            )
            failed = SeedResult(result.seed, "failed", failure=HOSTILE, cost=cost)
            seeds.append(failed if record.method.name == failing else dataclasses.replace(result, cost=cost))
        return dataclasses.replace(
            record,
            method=dataclasses.replace(record.method, classifier=use),
            description=described,
            splits={HOSTILE: 3, "test": 120},
            seeds=tuple(seeds),
            threat_models=threats,
        )

    for record in saved.records:
        hostile_captions(run, record)
    versions = {HOSTILE: HOSTILE}
    provenance = dataclasses.replace(
        saved.information.provenance,
        commit=HOSTILE,
        platform=HOSTILE,
        processor=HOSTILE,
        device=HOSTILE,
        started=HOSTILE,
        versions=versions,
        distributions=versions,
    )
    made.change_run(
        run, hostile, matrix=HOSTILE, command=HOSTILE, recipe=HOSTILE, provenance=provenance, seconds={HOSTILE: 1.0}
    )
    return run


def hostile_captions(run, record):
    path = pictures_path(run, record)
    if path.is_file():
        write_pictures([dataclasses.replace(pair, caption=HOSTILE) for pair in read_pictures(path)], path)


def assert_hostile_text_is_text(page):
    found = structure_of(page)
    assert "script" not in found.tags
    assert all(not name.startswith("on") for name, _ in found.attributes)
    assert all(value.startswith("data:image/png") for name, value in found.attributes if name == "src")
    text = "".join(found.text)
    assert "<script>alert(1)</script>" in text
    assert "{{ 7 * 7 }}" in text


def test_hostile_text_stays_text(run_copy, made):
    assert_hostile_text_is_text(render_report(hostile_run(made, run_copy)))


def test_hostile_names_of_attacks_stay_text(audited, tmp_path, made):
    def renamed(evidence):
        attacks = {}
        for label, attack in evidence.attacks.items():
            named = label if label == "lira" else HOSTILE + label
            model = dataclasses.replace(attack.threat_model, sees=HOSTILE, owns=HOSTILE)
            attacks[named] = dataclasses.replace(attack, attack=named, threat_model=model)
        return dataclasses.replace(evidence, attacks=attacks)

    shutil.copytree(audited, tmp_path / "run")
    made.change_evidence(tmp_path / "run", renamed)
    for record in read_run(tmp_path / "run").records:
        hostile_captions(tmp_path / "run", record)
    assert_hostile_text_is_text(render_report(tmp_path / "run"))


def test_a_record_with_characters_that_cannot_be_shown_is_named_and_left_out(run_copy):
    path = record_path(run_copy, next(it for it in read_run(run_copy).records if it.method.name == "overfit"))
    path.write_text(path.read_text().replace('"the package"', '"the \\u001b[31m package"'))
    page = render_report(run_copy)
    words = words_of(page)
    assert "overfit: the record overfit.json is not one: a text holds the character U+001B" in words
    assert "These rows cannot be trusted." in words
    assert "control overfit: was not run" in words
    assert "\x1b" not in page.read_text(encoding="utf-8")


def test_damaged_pictures_are_a_note_and_no_crash(audited, tmp_path):
    shutil.copytree(audited, tmp_path / "run")
    record = next(record for record in read_run(tmp_path / "run").records if record.method.name == "memorizer")
    pictures_path(tmp_path / "run", record).write_bytes(b"nonsense")
    words = words_of(render_report(tmp_path / "run"))
    assert "the file of pictures memorizer.parquet is not one" in words
    assert "2.0 of 255 apart" in words


def test_a_measurement_that_does_not_follow_is_announced(run_copy, made):
    def flatter(record):
        if record.method.name != "overfit":
            return record
        (result,) = record.seeds
        better = tuple(
            dataclasses.replace(it, value=0.999, high=0.9995) if it.metric == "accuracy" else it
            for it in result.measurements
        )
        return dataclasses.replace(record, seeds=(dataclasses.replace(result, measurements=better),))

    made.change_run(run_copy, flatter)
    page = render_report(run_copy)
    words = words_of(page)
    assert "This run contradicts its own evidence." in words
    assert "value is 0.999 in the results" in words
    assert "These rows cannot be trusted." in words
    assert "99.9" not in words.replace("0.999 in the results", "")
    assert ",no," in (run_copy / "leaderboard.csv").read_text(encoding="utf-8")


def test_a_failed_control_is_announced(run_copy, made):
    made.change_run(run_copy, lambda record: None if record.method.name == "noise" else record)
    words = words_of(render_report(run_copy))
    assert "These rows cannot be trusted." in words
    assert "control noise: was not run" in words
    assert "may be relied on: a control failed" in words


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
    with pytest.raises(RunError, match=r"holds no run\.json"):
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
