"""What `audit-images` prints and writes: the answer first, a page of its own, and nobody's picture unasked."""

from __future__ import annotations

import base64
import json
import re

import pytest
from image_folders import write_world
from reading_pages import ReadPage

import tckr_bench
from tckr_bench.api.image_audits import AuditRequest
from tckr_bench.cli import cli
from tckr_bench.commands.audit_images import audit_images
from tckr_bench.errors import DatasetError, OptionError, StoreError, UnfavourableAnswer, exit_code_of


def request_of(world, **options):
    return AuditRequest(world["synthetic"], world["train"], world["holdout"], **options)


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("copied"), size=40, released=40)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("untouched"), size=40)


def test_the_plan_comes_first_and_the_answer_before_what_it_rests_on(copied, tmp_path, capsys):
    page = tmp_path / "pages" / "audit.html"
    with pytest.raises(UnfavourableAnswer) as answer:
        audit_images(request_of(copied, page=page))
    out = " ".join(capsys.readouterr().out.split())
    parts = [
        "training images: 40 in",
        "So many can give a p-value of 0.0001 at the least",
        "Your training images leave a trace in the synthetic images.",
        "Checks same pictures passed",
        "What it leaves out",
        f"Page: {page}",
    ]
    places = [out.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)
    assert exit_code_of(answer.value) == 1


def test_where_nothing_is_found_the_command_succeeds_and_says_how_far_it_looked(untouched, tmp_path, capsys):
    audit_images(request_of(untouched, page=tmp_path / "audit.html"))
    out = " ".join(capsys.readouterr().out.split())
    assert "Your training images leave no trace in the synthetic images that this audit can find." in out
    assert "No epsilon of differential privacy is refuted; so many pairs can refute up to" in out


def test_json_is_all_of_standard_output_and_names_no_path(copied, capsys):
    with pytest.raises(UnfavourableAnswer):
        audit_images(request_of(copied), as_json=True)
    out = capsys.readouterr().out
    found = json.loads(out)
    assert found["answer"] == "trace"
    assert found["found"]["p_value"] <= 0.025
    assert [check["passed"] for check in found["checks"]] == [True] * 4
    assert str(copied["train"].parent) not in out


def test_the_function_returns_what_the_command_prints(copied, capsys):
    audit = tckr_bench.audit_images(copied["synthetic"], train=copied["train"], holdout=copied["holdout"])
    with pytest.raises(UnfavourableAnswer):
        audit_images(request_of(copied), as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["found"]["epsilon"]["value"] == audit.found.epsilon.value
    assert len(found["scores"]) == len(audit.scores)


def test_the_page_is_one_document_without_a_picture_of_anybody(copied, tmp_path):
    page = tmp_path / "audit.html"
    audit = tckr_bench.audit_images(copied["synthetic"], train=copied["train"], holdout=copied["holdout"], page=page)
    html = page.read_text(encoding="utf-8")
    read = ReadPage(html)
    assert not [it for it in read.elements if it.tag == "img"]
    assert not [it for it in read.elements if it.get("href").startswith("http") or it.get("src")]
    assert not [it for it in read.elements if it.tag == "a" and not it.get("href").startswith("#")]
    assert not re.search(r" style=\"", re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL))
    assert "Your training images leave a trace in the synthetic images." in html
    assert f"{audit.found.epsilon.value:.2f}" in html
    assert len([it for it in read.elements if it.tag == "svg"]) == 2
    assert len(read.tables) == 2
    assert str(copied["train"].parent) not in html
    assert "0000.png" not in html


def test_training_images_are_shown_where_they_are_asked_for_and_the_page_says_so(copied, tmp_path):
    page = tmp_path / "audit.html"
    folders = {"train": copied["train"], "holdout": copied["holdout"]}
    tckr_bench.audit_images(copied["synthetic"], **folders, page=page, show_real_images=True)
    html = page.read_text(encoding="utf-8")
    images = [it for it in ReadPage(html).elements if it.tag == "img"]
    assert len(images) == 12
    assert all(base64.b64decode(it.get("src").partition(",")[2])[:4] == b"\x89PNG" for it in images)
    assert html.index("This page shows real training images.") < html.index("Your training images leave a trace")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"delta": 1.0}, "a delta of 1 is not possible; give 0 or more, and less than 1"),
        ({"delta": -0.1}, "a delta of -0.1 is not possible"),
        ({"show_real_images": True}, "real images can be shown on a page alone"),
    ],
)
def test_an_option_that_cannot_be_is_one_sentence(copied, options, words):
    with pytest.raises(OptionError, match=words):
        request_of(copied, **options)


def test_a_page_that_cannot_be_written_is_said_before_anything_long_begins(copied, tmp_path, monkeypatch):
    monkeypatch.setattr("tckr_bench.api.image_audits.audit_folders", None)
    with pytest.raises(OptionError, match=r"is a folder; name a file for the page, such as '.*image-audit.html'"):
        audit_images(request_of(copied, page=tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write the page"):
        audit_images(request_of(copied, page=tmp_path / "file" / "audit.html"))


def test_a_mistake_leaves_no_page_behind(copied, tmp_path):
    page = tmp_path / "audit.html"
    (tmp_path / "bad").mkdir()
    for index in range(40):
        (tmp_path / "bad" / f"{index}.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match="cannot be decoded"):
        tckr_bench.audit_images(tmp_path / "bad", train=copied["train"], holdout=copied["holdout"], page=page)
    assert not page.exists()


def test_the_help_says_what_exit_codes_mean_and_shows_examples():
    command = cli.commands["audit-images"]
    assert "0 if no trace is found, 1 if there is one, 3" in " ".join(command.help.split())
    assert {option for it in command.params for option in it.opts} >= {"--train", "--holdout", "--show-real-images"}
