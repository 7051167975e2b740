"""The report of a run: whole, safe, honest and the same each time; its pages are those of the site."""

from __future__ import annotations

import base64
import csv
import dataclasses
import hashlib
import posixpath
import re
import shutil
import subprocess
import sys

import pytest
from reading_pages import ReadPage

from tckr_bench.errors import LeaderboardError, RunError
from tckr_bench.judging.rows import verified_leaderboard
from tckr_bench.leaderboard.run_standings import standings_of_run
from tckr_bench.leaderboard.site.galleries import MOST_COPIES, MOST_PAIRS
from tckr_bench.leaderboard.site.report import write_report
from tckr_bench.results.files import pictures_path, read_run, record_path
from tckr_bench.results.pictures import alone, read_pictures, write_pictures
from tckr_bench.results.records import SeedResult
from tckr_bench.results.verify import verified
from tckr_bench.text import plain

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)> {{ 7 * 7 }} [31m =1+1 |'


@pytest.fixture(autouse=True, scope="module")
def _light():
    """Leave out the charting library, and resample little: neither is what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tckr_bench.judging.paired.REPLICATES", 100)
        patch.setattr("tckr_bench.leaderboard.site.index.vega_bundle", lambda: "// charts")
        yield


def html_of(index):
    """Every page of a report by its place."""
    root = index.parent
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in root.rglob("*.html")}


def pages_of(index):
    return {place: ReadPage(text) for place, text in html_of(index).items()}


def words_of(index):
    """What the pages say together."""
    return " ".join(page.text for page in pages_of(index).values())


@pytest.fixture(scope="module")
def index(whole_run, tmp_path_factory, _light):
    folder = tmp_path_factory.mktemp("rendered") / "run"
    shutil.copytree(whole_run, folder)
    return write_report(folder)


@pytest.fixture(scope="module")
def audited_index(audited, tmp_path_factory, _light):
    folder = tmp_path_factory.mktemp("audited") / "run"
    shutil.copytree(audited, folder)
    return write_report(folder)


@pytest.fixture(params=["index", "audited_index"])
def pages(request):
    return pages_of(request.getfixturevalue(request.param))


def test_a_report_is_the_pages_of_the_run_and_its_board_as_csv_and_markdown(index):
    run = index.parent.parent
    assert index == run / "report" / "index.html"
    assert {"board.csv", "board.md", "methods", "datasets"} <= {path.name for path in index.parent.iterdir()}
    methods = {record.method.name for record in read_run(run).records}
    assert len(list(index.parent.glob("methods/*/*.html"))) == len(methods)
    with (index.parent / "board.csv").open(newline="") as file:
        assert {row["method"] for row in csv.DictReader(file)} == methods
    assert not [path for path in run.iterdir() if path.name.startswith(".report")]


def test_the_pages_answer_and_show_every_part(index):
    words = words_of(index)
    for part in (
        "On fashion-mnist the best synthetic method by AOP is",
        "Controls",
        "passed",
        "Accuracy and privacy",
        "Real beside synthetic",
        "Attack by attack",
        "CPU time by kind of stage",
        "What these measurements do not show",
        "No attack here is adaptive",
        "Threat models",
        "to train 16 shadow models",
        "Provenance",
        "0123456789abcdef",
        "with changes that were not committed",
        "abababab",
        "Against real data, on the same images",
    ):
        assert part in words
    assert not re.search("not trusted\\.|here is trusted", words)
    assert "contradicts" not in words


def test_the_pages_of_an_audit_show_every_part(audited_index):
    words = words_of(audited_index)
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
        "A proved epsilon holds for every training image",
    ):
        assert part in words
    for part in ("No attack here is adaptive", "here is trusted", "contradicts", "was not tested"):
        assert part not in words


def test_every_attack_has_all_its_measurements_in_a_fold_of_its_own(audited_index):
    (dataset,) = [page for place, page in pages_of(audited_index).items() if place.startswith("datasets/")]
    labels = {label for record in read_run(audited_index.parent.parent).records for label in record.threat_models}
    folds = [" ".join(element.text.split()) for element in dataset.every("summary")]
    assert {fold.removesuffix(": all its measurements") for fold in folds if fold.endswith("measurements")} == labels


def test_the_pages_tell_the_ranks_of_the_run_and_of_each_dataset(audited_index):
    found = verified(audited_index.parent.parent)
    (board,) = verified_leaderboard(found).boards
    entries = standings_of_run(found, dataset=board.dataset).entries
    ranks = {row.method.name: (row.rank, row.rank_low, row.rank_high) for row in board.rows}
    assert {entry.method.name: (entry.rank, entry.rank_low, entry.rank_high) for entry in entries} == ranks
    (dataset,) = [page for place, page in pages_of(audited_index).items() if place.startswith("datasets/")]
    for entry in entries:
        cells, _ = dataset.row("Real data first", plain(entry.name))
        told = f"rank {entry.rank} ({entry.rank_low}–{entry.rank_high})"
        assert (told in cells[0]) == (entry.rank is not None)


def test_the_pages_ask_for_nothing_outside_and_run_what_their_policy_names(pages):
    for place, page in pages.items():
        policy = next(meta.get("content") for meta in page.every("meta") if "http-equiv" in meta.attributes)
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        for element in page.every("style") + page.every("script"):
            digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy or element.get("type") == "application/json"
        assert not {"iframe", "object", "embed", "base"} & {element.tag for element in page.elements}, place
        for element in page.elements:
            assert not [name for name in element.attributes if name.startswith("on") or name == "style"], place
            for name in ("src", "href", "xlink:href", "action", "srcset", "data"):
                target = element.get(name)
                assert re.match(r"(data:image/png;base64,|#|(\.\./|methods/|datasets/|index\.html)|$)", target), target


def test_ids_are_unique_and_links_resolve(pages):
    for place, page in pages.items():
        ids = [element.get("id") for element in page.elements if "id" in element.attributes]
        assert len(ids) == len(set(ids)), place
        for element in page.every("a"):
            target, _, fragment = element.get("href").partition("#")
            where = posixpath.normpath(posixpath.join(posixpath.dirname(place), target)) if target else place
            assert where in pages, (place, target)
            assert target or fragment in ids


def test_writing_again_gives_the_same_bytes(index):
    def content():
        return {path: path.read_bytes() for path in index.parent.rglob("*") if path.is_file()}

    before = content()
    write_report(index.parent.parent / "run.json")
    assert content() == before


def test_a_folder_called_report_that_holds_something_else_is_left_alone(run_copy):
    (run_copy / "report").mkdir()
    (run_copy / "report" / "mine.txt").write_text("mine")
    with pytest.raises(LeaderboardError, match="something else"):
        write_report(run_copy)
    assert (run_copy / "report" / "mine.txt").read_text() == "mine"


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


def assert_hostile_text_is_text(index):
    for place, text in html_of(index).items():
        page = ReadPage(text)
        assert "\x1b" not in text
        assert all("alert(1)" not in element.text for element in page.every("script") if not element.get("type"))
        for element in page.elements:
            assert not [name for name in element.attributes if name.startswith("on")], place
            assert "src" not in element.attributes or element.get("src").startswith("data:image/png;base64,")
            assert element.tag != "script" or "script" not in element.inside
    words = words_of(index)
    assert "<script>alert(1)</script>" in words
    assert "{{ 7 * 7 }}" in words


def test_hostile_text_stays_text(run_copy, made):
    assert_hostile_text_is_text(write_report(hostile_run(made, run_copy)))


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
    assert_hostile_text_is_text(write_report(tmp_path / "run"))


def test_a_record_with_characters_that_cannot_be_shown_is_named_and_left_out(run_copy):
    path = record_path(run_copy, next(it for it in read_run(run_copy).records if it.method.name == "overfit"))
    path.write_text(path.read_text().replace('"the package"', '"the \\u001b[31m package"'))
    words = words_of(write_report(run_copy))
    assert "overfit: the record overfit.json is not valid: a text holds the character U+001B" in words
    assert "Not every measurement here is trusted." in words
    assert "overfit: was not run" in words


def test_damaged_pictures_are_a_note_and_no_crash(audited, tmp_path):
    shutil.copytree(audited, tmp_path / "run")
    record = next(record for record in read_run(tmp_path / "run").records if record.method.name == "memorizer")
    pictures_path(tmp_path / "run", record).write_bytes(b"nonsense")
    words = words_of(write_report(tmp_path / "run"))
    assert "memorizer.parquet does not hold any" in words
    assert "2.0 of 255 apart" in words


def test_a_measurement_that_does_not_follow_is_announced_before_all_else(run_copy, made):
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
    index = write_report(run_copy)
    words = pages_of(index)["index.html"].text
    assert "This run contradicts its own evidence." in words
    assert words.index("contradicts its own evidence") < words.index("may be relied on")
    assert "value is 0.999 in the results" in words
    words = words_of(index)
    assert "evidence: 1 measurement does not follow from the saved evidence" in words
    assert "99.9" not in words.replace("0.999 in the results", "")
    assert ",no," in (index.parent / "board.csv").read_text(encoding="utf-8")


def test_a_failed_control_is_announced(run_copy, made):
    made.change_run(run_copy, lambda record: None if record.method.name == "noise" else record)
    words = words_of(write_report(run_copy))
    assert "Not every measurement here is trusted." in words
    assert "noise: was not run" in words
    assert "may be relied on: a control failed" in words


def test_what_its_gates_say_is_not_believed(run_copy, made):
    def forged(record):
        gates = tuple(dataclasses.replace(gate, passed=False, reason="forged") for gate in record.gates)
        return dataclasses.replace(record, gates=gates)

    made.change_run(run_copy, forged)
    words = words_of(write_report(run_copy))
    assert "forged" not in words
    assert not re.search("not trusted\\.|here is trusted", words)


def test_a_run_of_failed_cells_still_gives_its_pages(tmp_path, made):
    cells = tuple(dataclasses.replace(cell, failure="train: killed") for cell in made.Plan().cells)
    words = words_of(write_report(made.make_run(tmp_path / "run", made.Plan(cells=cells))))
    assert "there is no real-data baseline, and a control failed or is missing" in words
    assert "seed 0: train: killed" in words


def test_a_run_none_of_whose_records_can_be_read_still_gives_its_index(run_copy):
    for record in read_run(run_copy).records:
        record_path(run_copy, record).write_text("{}")
    assert "contradicts its own evidence" in words_of(write_report(run_copy))


def test_several_seeds_and_datasets(tmp_path, made):
    plan = made.Plan(datasets=("fashion-mnist", "digits"), seeds=(0, 1), examples=60)
    words = words_of(write_report(made.make_run(tmp_path / "run", plan)))
    assert "On fashion-mnist" in words
    assert "On digits" in words
    assert "seeds ±" in words
    assert "spread between seeds" in words


def repeated(path, kind, times):
    """Make a file hold its pictures of a kind several times over, numbered in their captions."""
    pairs = [pair for pair in read_pictures(path) if pair.kind == kind] * times
    write_pictures([dataclasses.replace(pair, caption=f"number {index}") for index, pair in enumerate(pairs)], path)


@pytest.mark.parametrize(("kind", "times", "most"), [("sample", 12, MOST_PAIRS), ("copy", 4, MOST_COPIES)])
def test_samples_are_spread_from_first_to_last_and_copies_are_the_surest(audited, tmp_path, made, kind, times, most):
    run = tmp_path / "run"
    shutil.copytree(audited, run)
    name = made.synthetic("none", "soft").name if kind == "sample" else "memorizer"
    path = pictures_path(run, next(record for record in read_run(run).records if record.method.name == name))
    repeated(path, kind, times)
    last = len(read_pictures(path)) - 1
    (text,) = [text for place, text in html_of(write_report(run)).items() if f"/{name}-" in place]
    shown = [int(number) for number in re.findall(r"number (\d+)", text)]
    assert shown == sorted(set(shown))
    assert (len(shown), shown[0], shown[-1]) == (most, 0, last if kind == "sample" else most - 1)


def private(record):
    return dataclasses.replace(record, description=dataclasses.replace(record.description, licence="not stated"))


def test_a_report_shows_the_real_images_of_its_run_whatever_the_licence_and_counts_them(run_copy, made):
    made.change_run(run_copy, private)
    pages = [text.split("</head>")[1] for place, text in html_of(write_report(run_copy)).items() if "methods" in place]
    for text in (text for text in pages if "data:image/png;base64," in text):
        shown = text.count("data:image/png;base64,")
        assert f"This page shows {shown} real images of" in text
        assert text.index("This page shows") < text.index("<h2")
    assert "data:image/png;base64," in "".join(pages)


def test_a_report_of_synthetic_images_alone_says_that_it_shows_no_real_one(run_copy, made):
    made.change_run(run_copy, private)
    for record in read_run(run_copy).records:
        path = pictures_path(run_copy, record)
        if path.is_file() and record.method.name == "memorizer":
            path.unlink()
        elif path.is_file():
            write_pictures([alone(pair) for pair in read_pictures(path)], path)
    pages = html_of(write_report(run_copy))
    words = words_of(write_report(run_copy))
    assert any("data:image/png;base64," in text.split("</head>")[1] for text in pages.values())
    assert "This page shows no real image of" in words
    assert "--show-real-images` shows some" in words
    assert not re.search(r"shows \d+ real image", words)
    assert "All its pictures come close to real images and are withheld." in words
    assert "Real beside synthetic" not in words


def test_a_folder_without_results_is_an_error(tmp_path):
    with pytest.raises(RunError, match=r"holds no run\.json"):
        write_report(tmp_path)


def test_what_pages_are_made_of_imports_nothing_heavy():
    code = (
        "import sys; from tckr_bench.leaderboard.site import report; "
        "from tckr_bench.show import compare, tables, charts, chart_data; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'vl_convert', 'rich', 'jinja2', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_writing_a_report_imports_no_torch(run_copy):
    code = (
        f"import sys, pathlib; from tckr_bench.leaderboard.site.report import write_report; "
        f"write_report(pathlib.Path({str(run_copy)!r})); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_differences_of_other_numbers_of_resamples_are_not_taken_for_these(run_copy, monkeypatch):
    def pages():
        return [text for place, text in html_of(write_report(run_copy)).items() if place.startswith("datasets/")]

    few = pages()
    monkeypatch.setattr("tckr_bench.judging.paired.REPLICATES", 150)
    assert pages() != few
