"""Words and numbers, and the neutralising of hostile text."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tckr_bench import text


@given(st.text())
def test_plain_text_is_printable_and_on_one_line(given_text):
    assert text.plain(given_text).isprintable()


def test_escape_sequences_and_direction_marks_are_made_visible():
    assert "\x1b" not in text.plain("a\x1b[2Jb")
    assert "\u202e" not in text.plain("a\u202eb")


@given(st.text())
def test_no_spreadsheet_text_begins_like_a_formula(given_text):
    assert not text.spreadsheet(given_text).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t=", "\r=", "\n=", " =", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\ufe66"]
)
def test_a_text_that_begins_like_a_formula_wide_or_after_blanks_begins_with_a_quote(start):
    assert text.spreadsheet(f"{start}1+1") == f"'{start.strip()}1+1"


def test_markdown_text_is_shown_as_it_stands():
    assert text.markdown("a|b") == r"a\|b"
    assert text.markdown("[x](y)\n# z") == r"\[x\](y) \# z"
    assert "<" not in text.markdown("<img>").replace(r"\<", "")
    assert "https://" not in text.markdown("https://example.org")


def test_numbers():
    assert text.percent(0.8421) == "84.2"
    assert text.percent(-0.0001) == "0.0"
    assert text.span(-0.5, 0.25) == "−0.500 to 0.250"
    assert text.duration(59.99) == "60.0 s"
    assert text.duration(3600) == "1 h 0 min"
    assert text.duration(float("nan")) == text.NOTHING
    assert text.size(1536) == "1.5 kB"
    assert text.listing([]) == ""
    assert text.listing(["a"]) == "a"


def test_short_names_keep_what_tells_methods_apart(made):
    methods = [made.synthetic("lora", "soft"), made.synthetic("lora", "hard"), made.plain_method("noise", "control")]
    names, shared = text.short_names(methods)
    assert names[methods[0].name] == "soft"
    assert names["noise"] == "noise"
    assert shared == {
        "captioner": "attributes",
        "generator": "miniature",
        "adapter": "lora",
        "classifier": "small-cnn",
        "cardinality": "1x",
    }


def test_a_single_method_is_named_by_generator_and_adapter(made):
    only = made.synthetic("lora", "soft")
    assert text.short_names([only])[0][only.name] == "miniature · lora · soft · 1x"


def test_short_names_that_would_collide_stay_full(made):
    first = made.synthetic("lora", "soft")
    second = dataclasses.replace(first, name="another")
    names, _ = text.short_names([first, second])
    assert names == {first.name: first.name, "another": "another"}


def test_a_method_is_described_by_what_tells_it_apart(made):
    method = made.synthetic("lora", "soft")
    assert text.describe(method, {"captioner": "", "generator": "", "classifier": "", "cardinality": ""}) == (
        "adapter lora, soft labels"
    )
