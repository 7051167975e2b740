"""Laws of the standings in the terminal: what is shown is what stands, and text of others stays text."""

from __future__ import annotations

import dataclasses
import io
import re

import pytest
from made_standings import made_standings
from rich.console import Console

from tckr_bench.judging import quantities
from tckr_bench.leaderboard.lines import lines_of
from tckr_bench.leaderboard.tables import legend_of, standings_group

VALUES = (
    ("accuracy", 100, 1),
    ("accuracy-gap", 100, 1),
    ("worst-auc", 1, 3),
    ("worst-tpr-at-1-fpr", 100, 1),
    ("aop", 1, 3),
)


def terminal(standings, width=100):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(standings_group(standings))
    return console.file.getvalue()


def rows_of(shown):
    """The first two lines of each row of the table, in order: those that end in a time, images and marks."""
    lines = shown.splitlines()
    firsts = [number for number, line in enumerate(lines) if re.search(r" s +(·|[\d,]+) [P ]?[A-Z]* *$", line)]
    return [(lines[number], lines[number + 1]) for number in firsts]


def changed(standings, slug, **changes):
    entries = [dataclasses.replace(it, **changes) if it.slug == slug else it for it in standings.entries]
    return dataclasses.replace(standings, entries=tuple(entries))


@pytest.mark.parametrize("hostile", [False, True])
@pytest.mark.parametrize("dataset", [None, "digits"])
def test_the_terminal_table_fits_100_columns(hostile, dataset):
    shown = terminal(made_standings(hostile=hostile, dataset=dataset))
    assert max(map(len, shown.splitlines())) <= 100
    for heading in ("accuracy ↑", "gap ↓", "AUC ↓", "TPR@1% ↓", "AOP ↑", "CPU ↓", "images ↓"):
        assert heading in shown


def test_every_measurement_shown_is_that_of_the_standings_with_half_its_interval():
    standings = made_standings()
    rows = rows_of(terminal(standings))
    assert len(rows) == len(standings.entries)
    for entry, (values, halves) in zip(standings.entries, rows, strict=True):
        estimates = [(entry.get(name), scale, digits) for name, scale, digits in VALUES]
        wanted = ["·" if it is None else f"{scale * it.value:.{digits}f}" for it, scale, digits in estimates]
        assert re.search(r" +".join(map(re.escape, wanted)), values), (entry.name, wanted, values)
        half = [f"± {scale * (it.high - it.low) / 2:.{digits}f}" for it, scale, digits in estimates if it]
        assert re.search(r" +".join(map(re.escape, half)), halves), (entry.name, half, halves)


def test_a_rank_is_shown_with_its_interval_and_marks_and_only_for_what_is_ranked():
    standings = made_standings()
    for entry, (values, _) in zip(standings.entries, rows_of(terminal(standings)), strict=True):
        if entry.rank is None:
            assert values.startswith("   ")
        else:
            assert values.lstrip().startswith(f"{entry.rank} ({entry.rank_low}-{entry.rank_high}) ")
        assert ("P" in values[-3:]) == entry.pareto
        assert values[-3:].strip().endswith("C") == entry.method.synthetic


def test_what_is_not_ranked_comes_after_with_its_reason_and_a_failed_seed_is_told():
    standings = made_standings()
    shown = " ".join(terminal(standings).split())
    for sentence in (
        "incomplete: it has no record of digits",
        "test-chosen: its epochs were chosen on the test set",
        "ranked: on fashion-mnist, seed 1: stage generate: the process ran",
    ):
        assert sentence in shown
    table = shown[: shown.index("test-chosen: its")]
    assert table.index("9 (9-9) teacher") < table.index("test-chosen") < table.index("memorizer")


def test_a_failed_gate_is_shown_with_its_reason_and_gates_are_never_silently_missing():
    standings = made_standings()
    shown = " ".join(terminal(standings).split())
    assert "gates of c0ffee5e PASS 10 of 10 on 2 datasets: memorizer, noise, overfit, untrained and outsider" in shown
    assert "gates of badc0de0 FAIL on digits, noise: attacks reach an AUC of 0.61" in shown
    entry = next(it for it in standings.entries if it.standing == "incomplete")
    ((name, result),) = entry.results.items()
    bare = dataclasses.replace(result, record=dataclasses.replace(result.record, gates=()))
    shown = terminal(changed(standings, entry.slug, results={name: bare}))
    assert "gates of 0ddba11f  FAIL  on fashion-mnist: there is none" in shown


def test_a_dataset_of_its_own_shows_that_datasets_measurements_and_ranks():
    standings = made_standings(dataset="digits")
    shown = terminal(standings)
    rows = rows_of(shown)
    assert len(rows) == len(standings.entries) < len(made_standings().entries)
    for entry, (values, _) in zip(standings.entries, rows, strict=True):
        row = entry.results["digits"].row
        wanted = [f"{row.get('worst-auc').value:.3f}", f"{100 * row.get('worst-tpr-at-1-fpr').value:.1f}"]
        assert re.search(r" +".join(wanted), values)
        assert entry.rank is None or values.lstrip().startswith(f"{entry.rank} ({entry.rank_low}-{entry.rank_high}) ")
    words = " ".join(shown.split())
    assert "(track made), on digits" in words
    assert "on this dataset alone" in words


def test_arrows_say_what_the_metrics_declare(monkeypatch):
    standings = made_standings()
    assert legend_of(standings, lines_of(standings))[0].startswith("accuracy, % ↑: share of")
    turned = {"higher": "↓", "lower": "↑", "neither": ""}
    monkeypatch.setattr(quantities, "ARROWS", turned)
    shown = terminal(standings)
    for heading in ("accuracy ↓", "gap ↑", "TPR@1% ↑"):
        assert heading in " ".join(shown.split())


def test_every_sign_beside_an_entry_is_explained():
    standings = made_standings()
    legend = legend_of(standings, lines_of(standings))
    signs = {line[0] for line in legend if re.match(r"[A-Z?]: ", line)}
    shown = {mark for line in lines_of(standings) for mark in line.line.signs} - {"P"}
    assert signs == shown == {"T", "C"}
    assert any(line.startswith("T: epochs chosen on the test set: ") and "never ranked" in line for line in legend)
    assert any("P: nobody ranked is at least as good" in line for line in legend)


def test_hostile_text_stays_text_in_the_terminal():
    for dataset in (None, "digits"):
        standings = made_standings(hostile=True, dataset=dataset)
        slug = standings.entries[0].slug
        shown = terminal(changed(standings, slug, name="[red]x[/red] \x1b]0;taken\x07 \u202eevil"))
        assert not any(ord(character) < 32 and character != "\n" for character in shown)
        assert not {"\u202e", "\u2066", "\x7f"} & set(shown)
        assert "[red]x[/red]" in shown
