"""The audit's tables: every attack in its block, the worst marked, and columns only where something stands."""

from __future__ import annotations

import dataclasses

from tckr_bench.records import ThreatModel
from tckr_bench.show.audit import audit_of
from tckr_bench.text import short_names

SURFACES = {
    "lira": "classifier",
    "repeating": "classifier",
    "denoising": "generator",
    "copies": "images",
    "blind": "data",
}
AUCS = {"lira": 0.53, "repeating": 0.58, "denoising": 0.7, "copies": 0.55, "blind": 0.5}


def student(made):
    return made.synthetic("lora", "soft").name


def audited_cells(made, *more):
    """A run in which a student was attacked from every side; `more` measurements are its own."""
    cells = made.stated_cells()
    record = cells[student(made)]
    models = {
        label: ThreatModel("all", "all", adaptive=label == "repeating", surface=surface)
        for label, surface in SURFACES.items()
    }
    again = {it.metric for it in more} & {"worst-auc", "worst-tpr-at-1-fpr"} | {"auc-mia", "worst-auc"}
    measurements = [measurement for measurement in record.measurements if measurement.metric not in again]
    measurements += [made.measurement("auc-mia", auc, 0.02, label) for label, auc in AUCS.items()]
    measurements += [made.measurement("worst-auc", 0.58, 0.04, "repeating"), *more]
    cells[student(made)] = dataclasses.replace(record, threat_models=models, measurements=tuple(measurements))
    return cells


def leaderboard_of(made, *more):
    return made.leaderboard_of(audited_cells(made, *more).values())


def audit_made(made, *more):
    leaderboard = leaderboard_of(made, *more)
    return audit_of(leaderboard.boards[0], short_names(leaderboard.methods)[0])


def cell(audit, label, row="lora \N{MIDDLE DOT} soft"):
    lines = {line.label: line for block in audit.blocks for line in block.lines}
    return lines[label].cells[audit.rows.index(row)]


def detail(table, heading, row="lora \N{MIDDLE DOT} soft"):
    cells = next(cells for name, _, cells in table.lines if name == row)
    return cells[table.headings.index(heading)]


def test_attacks_stand_in_blocks_by_what_they_look_at(made):
    blocks = {block.title: [line.label for line in block.lines] for block in audit_made(made).blocks}
    assert blocks["attacks on the classifier"] == ["loss", "lira", "repeating"]
    assert blocks["diagnostic: if these were released too"] == ["denoising", "copies"]
    assert blocks["test of the challenge"] == ["blind"]


def test_only_the_worst_attack_on_the_classifier_is_marked(made):
    audit = audit_made(made)
    assert (cell(audit, "repeating").mark, cell(audit, "repeating").strong) == ("worst, adaptive", True)
    assert (cell(audit, "lira").mark, cell(audit, "lira").strong) == ("", False)
    assert (cell(audit, "denoising").mark, cell(audit, "denoising").value) == ("", "0.700")


def test_an_attack_a_row_did_not_face_is_left_empty(made):
    assert cell(audit_made(made), "denoising", "teacher").value == "\N{MIDDLE DOT}"


def test_the_published_choice_of_the_best_variant_is_told_apart_from_the_attacks(made):
    cells = audited_cells(made, made.measurement("best-published-auc", 0.61, 0.02))
    record = cells[student(made)]
    for variants, expected in (("ab", 1), ("a", 0)):
        models = record.threat_models | {f"lira-paper-{name}": ThreatModel("all", "all") for name in variants}
        changed = cells | {student(made): dataclasses.replace(record, threat_models=models)}
        leaderboard = made.leaderboard_of(changed.values())
        audit = audit_of(leaderboard.boards[0], short_names(leaderboard.methods)[0])
        found = [line for block in audit.blocks for line in block.lines if line.label == "best of 2, as published"]
        assert len(found) == expected
        for line in found:
            shown = line.cells[audit.rows.index("lora \N{MIDDLE DOT} soft")]
            assert (shown.value, shown.mark) == ("0.610", "")


def test_a_row_without_its_worst_attack_has_none_marked(made):
    cells = audited_cells(made)
    kept = [it for it in cells["teacher"].measurements if it.metric != "worst-auc"]
    cells["teacher"] = dataclasses.replace(cells["teacher"], measurements=tuple(kept))
    leaderboard = made.leaderboard_of(cells.values())
    audit = audit_of(leaderboard.boards[0], short_names(leaderboard.methods)[0])
    assert (cell(audit, "lira", "teacher").mark, cell(audit, "lira", "teacher").strong) == ("", False)
    assert cell(audit_made(made), "lira", "teacher").mark == "worst"


def test_details_are_of_the_worst_attack_with_its_corrected_interval(made):
    more = [made.measurement("tpr-at-10-fpr", 0.2, 0.05, label) for label in ("lira",)]
    more += [
        made.measurement("tpr-at-10-fpr", 0.3, 0.05, "repeating"),
        made.measurement("worst-tpr-at-1-fpr", 0.06, 0.02, "lira"),
    ]
    table = audit_made(made, *more).worst
    assert next(remark for name, remark, _ in table.lines if name.startswith("lora \N{MIDDLE DOT} soft")) == "repeating"
    assert (detail(table, "AUC").value, detail(table, "AUC").interval) == ("0.580", "0.540 to 0.620")
    assert detail(table, "found at 10 % FPR, %").value == "30.0"
    rate = detail(table, "found at 1 % FPR, %")
    assert (rate.value, rate.spread) == ("6.0", "lira")


def test_columns_stand_where_any_row_has_them(made):
    assert "advantage, points" not in audit_made(made).worst.headings
    table = audit_made(made, made.measurement("advantage", 0.08, 0.03, "repeating")).worst
    assert detail(table, "advantage, points").value == "8.0"
    assert detail(table, "advantage, points", "teacher").value == "\N{MIDDLE DOT}"


def test_an_empirical_epsilon_is_shown_as_the_bound_it_is(made):
    bound = dataclasses.replace(made.measurement("epsilon-lower", 0.4, 0, "repeating"), high=1.25)
    shown = detail(audit_made(made, bound).worst, "ε at least, nats")
    assert (shown.value, shown.interval) == ("≥ 0.40", "estimate 1.25")


def test_what_only_shadow_models_tell_is_taken_from_the_attack_that_has_it(made):
    canaries = made.measurement("audit-canary-auc", 0.9, 0.05, "repeating")
    lira_is_worst = [made.measurement("worst-auc", 0.6, 0.02, "lira")]
    shown = detail(audit_made(made, canaries, *lira_is_worst).worst, "canaries, AUC")
    assert (shown.value, shown.spread) == ("0.900", "repeating")
    own = detail(audit_made(made, canaries).worst, "canaries, AUC")
    assert (own.value, own.spread) == ("0.900", "")


def test_every_attack_has_its_own_table(made):
    tables = {
        table.title: table for table in audit_made(made, made.measurement("advantage", 0.4, 0.1, "denoising")).each
    }
    assert "lira" in tables
    assert [name for name, _, _ in tables["denoising"].lines] == ["lora \N{MIDDLE DOT} soft"]
    assert "blind" not in tables  # nothing but its AUC is known, which stands above


def test_repeated_training_images_are_counted_by_row(made):
    assert audit_made(made).copies.lines == ()
    rates = [
        made.measurement("duplicate-rate", 0.01, 0.005, "copies"),
        made.measurement("near-duplicate-rate", 0.02, 0.01, "copies"),
    ]
    ((name, _, cells),) = audit_made(made, *rates).copies.lines
    assert (name, [shown.value for shown in cells]) == ("lora \N{MIDDLE DOT} soft", ["1.00", "2.00"])


def test_searches_that_found_the_same_stand_once(made):
    def rates(label, value):
        return [made.measurement(metric, value, 0.001, label) for metric in ("duplicate-rate", "near-duplicate-rate")]

    assert len(audit_made(made, *rates("copies", 0.01), *rates("features", 0.01)).copies.headings) == 2
    assert len(audit_made(made, *rates("copies", 0.01), *rates("features", 0.02)).copies.headings) == 4
