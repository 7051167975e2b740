"""Laws of the pages of methods and datasets: numbers are the record's, what others wrote stays text, links resolve."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import itertools
import posixpath
import re
from pathlib import Path

import numpy as np
import pytest
from made_standings import MAIN, made_standings
from reading_pages import ReadPage

from tckr_bench.judging import metric_names
from tckr_bench.leaderboard.site import links
from tckr_bench.leaderboard.site.pages import dataset_page, method_page
from tckr_bench.leaderboard.site.sources import Sources
from tckr_bench.leaderboard.standings import Standings
from tckr_bench.records import AttackScores, CellEvidence, Gate
from tckr_bench.results.files import file_reference, pictures_path, record_folder, record_path, submission_folder
from tckr_bench.results.pictures import PicturePair, write_pictures
from tckr_bench.results.scores import write_scores
from tckr_bench.text import plain

OURS = 1
"""The script that copies a command."""
ON_EACH, EVERY = "On each dataset", "Real data first"
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def standings():
    """Made standings; not to be changed."""
    return made_standings(datasets=2, methods=12)


@pytest.fixture(scope="module")
def hostile():
    """Made standings with hostile words; not to be changed."""
    return made_standings(datasets=2, methods=12, hostile=True)


@pytest.fixture(scope="module")
def pages(standings, tmp_path_factory):
    """Every page of the standings by its place on the site; not to be changed."""
    return pages_of(standings, tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def hostile_pages(hostile, tmp_path_factory):
    """Every page of the hostile standings; not to be changed."""
    return pages_of(hostile, tmp_path_factory.mktemp("results"))


def pages_of(standings, results):
    track, sources = standings.track.name, Sources(results)
    found = {
        links.method_link(track, entry.slug): method_page(entry, standings, sources=sources)
        for entry in standings.entries
    }
    return found | {
        links.dataset_link(track, name): dataset_page(name, standings, sources=sources)
        for name in standings.track.datasets
    }


def pages_with_scores(entry, standings, results):
    """The page of an entry and those of its datasets, where its scores are at hand."""
    changed, sources = swapped(standings, entry), Sources(results)
    pages = [method_page(entry, changed, sources=sources)]
    return pages + [dataset_page(name, changed, sources=sources) for name in entry.results]


def entry_of(standings, *, role="method", standing="ranked"):
    return next(
        entry for entry in standings.entries if entry.method.role == role and entry.standing in (standing, "control")
    )


def read(entry, standings, results):
    return ReadPage(method_page(entry, standings, sources=Sources(results)))


def with_records(entry, **changes):
    """Return an entry with its records changed."""
    results = {
        name: dataclasses.replace(found, record=dataclasses.replace(found.record, **changes))
        for name, found in entry.results.items()
    }
    return dataclasses.replace(entry, results=results)


def with_run(entry, **changes):
    """Return an entry with what its records say of their run changed."""
    run = dataclasses.replace(next(iter(entry.results.values())).record.run, **changes)
    return with_records(entry, run=run)


def swapped(standings, entry):
    """Return standings with one entry in the place of that of its slug."""
    entries = tuple(entry if other.slug == entry.slug else other for other in standings.entries)
    return Standings(standings.track, entries)


def save_scores(entry, results):
    """Write made-up scores of every attack of an entry and return the entry with records that name them."""
    named = {}
    for place, (name, found) in enumerate(entry.results.items()):
        record, generator = found.record, np.random.default_rng([place, len(entry.slug)])
        members, canaries = np.arange(400) % 2 == 0, np.arange(400) < 20
        attacks = {
            label: AttackScores(label, generator.normal(size=400) + members, members, canaries, model)
            for label, model in record.threat_models.items()
        }
        zeros = np.zeros((record.splits["test"], 10), np.float32)
        evidence = CellEvidence(np.zeros(len(zeros), np.int64), zeros, zeros, attacks, record.primary_attack)
        folder = record_folder(submission_folder(results, record), record)
        folder.mkdir(parents=True, exist_ok=True)
        seeds = []
        for seed in record.seeds:
            if seed.scores is not None:
                write_scores(evidence, folder / seed.scores.name)
                seed = dataclasses.replace(seed, scores=file_reference(folder / seed.scores.name))
            seeds.append(seed)
        named[name] = dataclasses.replace(found, record=dataclasses.replace(record, seeds=tuple(seeds)))
    return dataclasses.replace(entry, results=named)


def save_pictures(entry, results, *, side=32, samples=40, copies=20):
    """Write pairs of noise for every record of an entry."""
    generator = np.random.default_rng(0)
    kinds = ["sample"] * samples + ["copy"] * copies
    for found in entry.results.values():
        path = pictures_path(submission_folder(results, found.record), found.record)
        path.parent.mkdir(parents=True, exist_ok=True)
        images = generator.integers(0, 255, (len(kinds), 2, side, side, 3), dtype=np.uint8)
        pairs = [
            PicturePair(kind, index % 10, f"caption <b>{index}</b>", pair[0], pair[1])
            for index, (kind, pair) in enumerate(zip(kinds, images, strict=True))
        ]
        write_pictures(pairs, path)


def shown(value, *, scale=1.0, digits=3):
    """Return a number as pages print it, by a way of its own."""
    text = f"{scale * value:.{digits}f}"
    return (text.lstrip("-") if not text.strip("-0.") else text).replace("-", MINUS)


def interval(estimate, *, scale=1.0, digits=3):
    low, high = (shown(end, scale=scale, digits=digits) for end in (estimate.low, estimate.high))
    return f"{shown(estimate.value, scale=scale, digits=digits)} {low} to {high}"


def test_every_measurement_of_a_method_is_its_records(standings, pages):
    for entry in standings.entries:
        page = ReadPage(pages[links.method_link(standings.track.name, entry.slug)])
        for name, found in entry.results.items():
            cells, _ = page.row(ON_EACH, name)
            expected = (
                (found.row.get(metric_names.ACCURACY), 100, 1),
                (found.row.get(metric_names.GAP) if entry.family != "real data" else None, 100, 1),
                (found.row.risk(metric_names.AUC).estimate, 1, 3),
                (found.row.risk(metric_names.TPR).estimate, 100, 1),
                (found.row.get(metric_names.AOP), 1, 3),
            )
            for cell, (estimate, scale, digits) in zip(cells[1:6], expected, strict=True):
                told = "·" if estimate is None else interval(estimate, scale=scale, digits=digits)
                assert cell.startswith(told), (entry.slug, name)


def test_every_measurement_of_a_dataset_is_its_records(standings, pages):
    for name in standings.track.datasets:
        page = ReadPage(pages[links.dataset_link(standings.track.name, name)])
        rows = page.table(EVERY).rows[1:]
        on_it = [entry for entry in standings.entries if name in entry.results]
        assert len(rows) == len(on_it)
        for entry in on_it:
            row = entry.results[name].row
            cells, _ = next(row for row in rows if row[0][0].startswith(f"{plain(entry.name)} "))
            assert cells[1].startswith(interval(row.get(metric_names.ACCURACY), scale=100, digits=1))
            assert cells[3].startswith(interval(row.risk(metric_names.AUC).estimate))
            assert cells[4].startswith(interval(row.risk(metric_names.TPR).estimate, scale=100, digits=1))
            assert cells[5].startswith(interval(row.get(metric_names.AOP)))


def test_the_headline_is_the_mean_of_the_standings(standings, pages):
    for entry in standings.entries:
        page = ReadPage(pages[links.method_link(standings.track.name, entry.slug)])
        values = [element.text for element in page.every("dd") if "value" in element.classes]
        means = [
            entry.get("accuracy"),
            entry.get("accuracy-gap") if entry.family != "real data" else None,
            entry.get("worst-auc"),
            entry.get("worst-tpr-at-1-fpr"),
            entry.get("aop"),
        ]
        forms = [(100, 1), (100, 1), (1, 3), (100, 1), (1, 3)]
        expected = [
            shown(mean.value, scale=scale, digits=digits)
            for mean, (scale, digits) in zip(means, forms, strict=True)
            if mean is not None
        ]
        assert values == expected


def test_every_attack_has_its_measurements_threat_model_and_marks(standings, pages):
    entry = entry_of(standings)
    page = ReadPage(pages[links.method_link(standings.track.name, entry.slug)])
    for name, found in entry.results.items():
        rows = {cells[0].split()[0]: (cells, classes) for cells, classes in page.table(f"Attacks on {name}").rows[1:]}
        for label, model in found.record.threat_models.items():
            cells, classes = rows[label]
            assert cells[1].startswith(interval(found.row.get(metric_names.AUC, label)))
            assert cells[2].startswith(interval(found.row.get(metric_names.TPR, label), scale=100, digits=1))
            assert cells[3:6] == ["yes" if model.adaptive else "no", model.sees, model.owns]
            worst = label in found.row.risk(metric_names.AUC).attacks
            assert ("worst" in classes, "worst" in cells[0]) == (worst, worst)
            assert ("declared" in cells[0]) == (label == found.record.primary_attack)


def test_what_others_wrote_stays_text(hostile_pages):
    for place, html in hostile_pages.items():
        page = ReadPage(html)
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069]", html), place
        assert len(page.every("script")) == (OURS if place.startswith("methods") else 0)
        assert "taken" not in {element.tag for element in page.elements}
        for element in page.elements:
            assert not [name for name in element.attributes if name.startswith("on") or name == "style"], place
            assert element.get("src").startswith("data:image/png;base64,") or "src" not in element.attributes
        assert "document.title='taken'" in page.text, "hostile words are shown, not dropped"
        assert "\ufffd" in page.text


def test_a_page_asks_no_other_host_and_runs_only_what_its_policy_names(pages, standings, tmp_path):
    entry = entry_of(standings)
    entry = save_scores(entry, tmp_path)
    save_pictures(entry, tmp_path)
    for html in [*pages.values(), *pages_with_scores(entry, standings, tmp_path)]:
        page = ReadPage(html)
        policy = next(meta.get("content") for meta in page.every("meta") if "http-equiv" in meta.attributes)
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        for element in page.every("style") + page.every("script"):
            digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy
        for element in page.elements:
            assert "style" not in element.attributes
            for name in ("src", "href", "xlink:href", "action", "srcset", "data"):
                target = element.get(name)
                assert "//" not in target.removeprefix("data:image/png;base64,") or target.startswith("data:")
                assert re.match(r"(data:image/png;base64,|#|\.\./|$)", target), target
        assert "://" not in re.sub(r"<(style|script)>.*?</\1>|\sxmlns(:xlink)?=\S+", "", html, flags=re.DOTALL)
        assert "@import" not in html
        assert not re.search(r"url\((?!#)", html)


@pytest.mark.parametrize("written", ["pages", "hostile_pages"])
def test_links_resolve(written, request):
    found = request.getfixturevalue(written)
    for place, html in found.items():
        page = ReadPage(html)
        ids = [element.get("id") for element in page.elements if "id" in element.attributes]
        assert len(ids) == len(set(ids)), place
        for element in page.every("a"):
            target, _, fragment = element.get("href").partition("#")
            where = posixpath.normpath(posixpath.join(posixpath.dirname(place), target)) if target else place
            assert where in {*found, "index.html"}, (place, target)
            assert not fragment or fragment in ids
        for element in page.elements:
            for target in element.get("aria-labelledby").split():
                assert target in ids


def test_headings_tables_and_pictures_can_be_followed_without_sight(pages, standings, tmp_path):
    entry = entry_of(standings)
    entry = save_scores(entry, tmp_path)
    save_pictures(entry, tmp_path)
    for html in [*pages.values(), *pages_with_scores(entry, standings, tmp_path)]:
        page = ReadPage(html)
        levels = [int(element.tag[1]) for element in page.elements if re.fullmatch(r"h[1-6]", element.tag)]
        assert levels.count(1) == 1
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
        assert all(table.caption.strip() for table in page.tables)
        assert all(element.get("scope") for element in page.every("th"))
        assert all(element.get("alt") for element in page.every("img"))
        for element in page.elements:
            if "scroll" in element.classes:
                assert element.get("tabindex") == "0"
                assert element.get("aria-label")
        for element in page.every("svg"):
            assert element.get("aria-label") or element.get("aria-hidden") == "true"


def test_a_failed_gate_is_said_on_both_pages_and_strikes_the_measurements(standings, pages):
    entry = entry_of(standings, standing="untrusted")
    reason = "attacks reach an AUC of 0.61 on a classifier that knows nothing"
    page = ReadPage(pages[links.method_link(standings.track.name, entry.slug)])
    assert "Not ranked: not trusted" in page.text
    assert page.text.count(reason) >= 2
    for name in entry.results:
        assert "doubtful" in page.row(ON_EACH, name)[1]
        dataset = ReadPage(pages[links.dataset_link(standings.track.name, name)])
        assert "Not every measurement here is trusted." in dataset.text
        assert reason in dataset.text
        struck = [cells[0] for cells, classes in dataset.table(EVERY).rows if "doubtful" in classes]
        assert [words.startswith(plain(entry.name)) for words in struck] == [True]
        assert "not trusted" in struck[0]


def test_a_record_without_gates_is_not_trusted(standings, tmp_path):
    entry = with_records(entry_of(standings), gates=())
    page = read(entry, standings, tmp_path)
    assert "These measurements are not trusted." in page.text
    assert "the submission brought no checks" in page.text
    name = next(iter(entry.results))
    dataset = ReadPage(dataset_page(name, swapped(standings, entry), sources=Sources(tmp_path)))
    assert "doubtful" in dataset.row(EVERY, plain(entry.name))[1]


def test_a_passed_gate_strikes_nothing(standings, pages):
    page = ReadPage(pages[links.method_link(standings.track.name, entry_of(standings).slug)])
    assert not [element for element in page.elements if "doubtful" in element.classes]
    assert "not trusted" not in page.text


def test_a_failed_seed_is_said_with_its_reason(standings, pages):
    entry = next(entry for entry in standings.entries if any(found.row.failures for found in entry.results.values()))
    page = ReadPage(pages[links.method_link(standings.track.name, entry.slug)])
    name = next(name for name, found in entry.results.items() if found.row.failures)
    failure = "seed 1: stage generate: the process ran out of memory"
    assert failure in [" ".join(element.text.split()) for element in page.every("li")]
    assert page.row(ON_EACH, name)[0][6] == "1 of 2"
    dataset = ReadPage(pages[links.dataset_link(standings.track.name, name)])
    assert "seed 1: stage generate" in dataset.row(EVERY, plain(entry.name))[0][0]


def test_a_page_says_the_rank_with_its_interval_or_why_there_is_none(standings, pages):
    count = sum(entry.rank is not None for entry in standings.entries)
    for entry in standings.entries:
        text = ReadPage(pages[links.method_link(standings.track.name, entry.slug)]).text
        if entry.rank is not None:
            told = f"Rank {entry.rank} (95 %: {entry.rank_low} to {entry.rank_high}) of {count} ranked"
            assert told in text
        else:
            assert "Not ranked" in text
            assert all(plain(reason) in text for reason in entry.reasons)


def test_a_missing_dataset_is_said_and_leaves_no_means(standings, pages):
    entry = entry_of(standings, standing="incomplete")
    page = ReadPage(pages[links.method_link(standings.track.name, entry.slug)])
    assert page.row(ON_EACH, entry.missing[0])[0][1] == "not submitted"
    assert not [element for element in page.every("dd") if "value" in element.classes]
    dataset = ReadPage(pages[links.dataset_link(standings.track.name, entry.missing[0])])
    assert f"Without a record on this dataset: {plain(entry.name)}" in dataset.text


def test_a_dataset_shows_real_data_first_then_by_aop_and_controls_last(standings, pages):
    by_name = {plain(entry.name): entry for entry in standings.entries}
    for name in standings.track.datasets:
        page = ReadPage(pages[links.dataset_link(standings.track.name, name)])
        words = [cells[0] for cells, _ in page.table(EVERY).rows[1:]]
        names = sorted(by_name, key=len, reverse=True)
        shown_entries = [by_name[next(other for other in names if text.startswith(f"{other} "))] for text in words]
        roles = [entry.method.role for entry in shown_entries]
        assert roles[0] == "baseline"
        assert roles == sorted(roles, key=lambda role: {"baseline": 0, "control": 2}.get(role, 1))
        between = [entry for entry in shown_entries if entry.method.role in ("method", "defended")]
        weights = [entry.results[name].row.get(metric_names.AOP).value for entry in between]
        assert weights == sorted(weights, reverse=True)


def test_a_dataset_nobody_submitted_has_a_page(standings, tmp_path):
    empty = Standings(standings.track, ())
    page = ReadPage(dataset_page("digits", empty, sources=Sources(tmp_path)))
    assert "Nobody has submitted anything on this dataset." in page.text
    assert "2,000 train" in page.text


def test_pictures_are_left_out_where_there_are_none(standings, tmp_path):
    page = read(entry_of(standings), standings, tmp_path)
    assert not page.every("img")
    assert "The submission brought no pictures." in page.text


def test_pictures_are_left_out_where_the_licence_does_not_let_them_be_shown(standings, tmp_path):
    entry = entry_of(standings)
    save_pictures(entry, tmp_path)
    assert read(entry, standings, tmp_path).every("img")
    description = dataclasses.replace(next(iter(entry.results.values())).record.description, licence="research only")
    page = read(with_records(entry, description=description), standings, tmp_path)
    assert not page.every("img")
    assert "licence (research only) does not let its images be shown" in page.text


def test_a_page_shows_few_pictures_encoded_anew_and_stays_small(standings, tmp_path):
    entry = entry_of(standings)
    entry = save_scores(entry, tmp_path)
    save_pictures(entry, tmp_path, side=64, samples=40, copies=20)
    submitted = b"".join(path.read_bytes() for path in tmp_path.rglob("pictures/*/*.parquet"))
    html = method_page(entry, standings, sources=Sources(tmp_path))
    images = ReadPage(html).every("img")
    assert len(images) == len(entry.results) * (12 + 6)
    for image in images:
        content = base64.b64decode(image.get("src").removeprefix("data:image/png;base64,"))
        assert content.startswith(b"\x89PNG")
        assert content not in submitted
    assert "caption &lt;b&gt;0&lt;/b&gt;" in html
    assert len(html.encode()) < 400_000


def test_pictures_of_many_datasets_share_a_pages_bytes(tmp_path):
    board = made_standings(datasets=10, methods=4)
    entry = next(entry for entry in board.entries if entry.method.synthetic)
    save_pictures(entry, tmp_path, side=64)
    images = read(entry, board, tmp_path).every("img")
    assert len(images) >= 10
    assert sum(len(image.get("src")) for image in images) <= 200_000


def test_files_that_cannot_be_read_are_said_without_naming_a_folder(standings, tmp_path):
    entry = entry_of(standings)
    for found in entry.results.values():
        run = submission_folder(tmp_path, found.record)
        scores = [record_folder(run, found.record) / seed.scores.name for seed in found.record.seeds if seed.scores]
        for path in (pictures_path(run, found.record), *scores):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"PAR1 no parquet PAR1")
    page = read(entry, standings, tmp_path)
    assert page.text.count("is not the file the record names") == len(entry.results)
    assert page.text.count("does not hold any") == len(entry.results)
    assert str(tmp_path) not in page.text


def test_a_file_outside_the_records_folder_is_never_opened(standings, tmp_path):
    entry = entry_of(standings)
    save_pictures(entry, tmp_path / "results")
    name, found = next(iter(entry.results.items()))
    inside = pictures_path(submission_folder(tmp_path / "results", found.record), found.record)
    outside = tmp_path / "secret.parquet"
    inside.replace(outside)
    inside.symlink_to(outside)
    page = read(entry, standings, tmp_path / "results")
    assert "The pictures lie outside the folder of results; they are not opened." in page.text
    assert len(page.every("img")) == (len(entry.results) - 1) * (12 + 6)
    assert name in page.text


def test_the_command_the_recipe_and_every_option_are_shown(standings, tmp_path):
    recipe = "name = \"mine\"\n[captioner]\n    option = '<b>'\n"
    entry = with_run(entry_of(standings), recipe=recipe, command="tckr-bench run --matrix mine.toml")
    page = read(entry, standings, tmp_path)
    blocks = [element.text for element in page.every("pre")]
    assert [block.strip() for block in blocks] == ["tckr-bench run --matrix mine.toml", recipe.strip()]
    terms = [element.text for element in page.every("dt")]
    for use in (entry.method.generator, entry.method.adapter, entry.method.classifier):
        assert set(use.options) <= set(terms)
    record = next(iter(entry.results.values())).record
    for seed in record.seeds:
        if seed.scores is not None:
            assert seed.scores.sha256 in page.text
            assert f"{record.track}/{record.submission}/records/{record.dataset}/{seed.scores.name}" in page.text
    assert record_path(submission_folder(Path(), record), record).as_posix() in page.text


def test_a_commit_with_changes_is_marked(standings, tmp_path):
    entry = entry_of(standings)
    assert "with changes that were not committed" not in read(entry, standings, tmp_path).text
    made = next(iter(entry.results.values())).record.run.provenance
    dirty = with_run(entry, provenance=dataclasses.replace(made, dirty=True))
    assert "with changes that were not committed" in read(dirty, standings, tmp_path).text


def test_the_papers_measurements_stand_in_a_section_of_their_own(tmp_path):
    board = made_standings(datasets=3, methods=5)
    html = dataset_page("cifar10", board, sources=Sources(tmp_path))
    before, own = html.split('<section class="elsewhere"')
    assert "97.52" in own
    assert "reported, not measured here" in own
    assert "97.52" not in before
    assert 'class="elsewhere"' not in dataset_page("digits", board, sources=Sources(tmp_path))


def test_a_gate_of_one_submission_is_not_held_against_another(standings, tmp_path):
    entry = with_records(entry_of(standings), gates=(Gate("noise", False, "found too much"),))
    entry = with_run(entry, submission="f" * 16)
    entry = dataclasses.replace(entry, submission="f" * 16)
    page = ReadPage(dataset_page("digits", swapped(standings, entry), sources=Sources(tmp_path)))
    assert f"{'f' * 16}: noise: found too much" in page.text
    assert f"{MAIN}: noise" not in page.text
