"""The answer says what the measurements say, and no more."""

from __future__ import annotations

import dataclasses

import pytest

from tckr_bench.judging.caveats import caveats
from tckr_bench.plugin.registry import default_registry
from tckr_bench.records import ThreatModel
from tckr_bench.show.answer import answer


def board_with(made, *, gap=(0.021, 0.009, 0.033), auc=(0.53, 0.51, 0.55), **changes):
    cells = made.stated_cells(**changes)
    name = made.synthetic("lora", "soft").name
    cells[name] = made.under_worst(cells[name], "lira", auc[0])
    measurements = []
    for measurement in cells[name].measurements:
        stated = {"accuracy-gap": gap, "worst-auc": auc}.get(measurement.metric)
        measurements.append(
            dataclasses.replace(measurement, value=stated[0], low=stated[1], high=stated[2]) if stated else measurement
        )
    cells[name] = dataclasses.replace(cells[name], measurements=tuple(measurements))
    for other in (made.synthetic("lora", "hard").name, made.synthetic("none", "soft").name):
        cells[other] = made.stated_record(cells[other].method, made.measurements_for(0.3, 0.9))  # far behind
    return made.leaderboard_of(cells.values())


def said(made, **measurements):
    return " ".join(answer(board_with(made, **measurements).boards[0], {}, {}))


def test_a_loss_is_called_a_loss(made):
    words = said(made)
    assert "On fashion-mnist the best synthetic method by AOP is captioner attributes, generator miniature" in words
    assert "It loses 2.1 points of accuracy against real data (95 %: 0.9 to 3.3)." in words
    assert (
        "falls by 0.090 (95 %: 0.062 to 0.118), from 0.620 to 0.530, which is still told apart from guessing" in words
    )


def test_an_interval_around_zero_is_no_loss(made):
    assert "cannot be told apart from real data's: the gap is 0.5 points (95 %: −0.5 to 1.5)" in said(
        made, gap=(0.005, -0.005, 0.015)
    )


def test_a_gain_is_called_a_gain(made):
    assert "It gains 2.0 points of accuracy over real data (95 %: 1.0 to 3.0)." in said(made, gap=(-0.02, -0.03, -0.01))


def test_an_auc_that_did_not_change_is_said_so(made):
    words = said(made, auc=(0.61, 0.59, 0.63))
    assert "The worst attack's AUC, 0.610, cannot be told from the 0.620 of real data" in words
    assert "falls" not in words


def test_an_auc_that_rises_is_said_so(made):
    assert "AUC rises by 0.080" in said(made, auc=(0.70, 0.68, 0.72))


def test_an_auc_near_one_half_cannot_be_told_apart_from_guessing(made):
    assert "which cannot be told apart from guessing" in said(made, auc=(0.51, 0.49, 0.53))


def test_a_failed_control_takes_the_answer_back(made):
    assert "may be relied on: a control failed" in said(made, noise=None)
    assert "best synthetic method" not in said(made, noise=None)
    assert "may be relied on: a control failed" not in said(made)


def test_without_methods_or_baseline_nothing_is_concluded(made):
    cells = {name: record for name, record in made.stated_cells().items() if record.method.role != "method"}
    board = made.leaderboard_of(cells.values()).boards[0]
    assert answer(board, {}, {}) == ("On fashion-mnist no synthetic method has a measurement to be ranked by.",)
    assert "there is no real-data baseline, and a control failed" in said(made, teacher=None)


def test_caveats_apply_where_they_do(made):
    words = " ".join(caveats(board_with(made)))
    for part in ("No attack here is adaptive", "one seed", "a miniature at low resolution"):
        assert part in words
    cells = made.stated_cells()
    adaptive = {"lira": ThreatModel("all", "all", adaptive=True)}
    full_size = dataclasses.replace(made.use("generator", "sd2"), name="stable-diffusion")
    records = []
    for record in cells.values():
        method = record.method
        method = dataclasses.replace(method, generator=full_size) if method.generator else method
        records += [dataclasses.replace(record, method=method, threat_models=adaptive, seed=seed) for seed in (0, 1)]
    words = " ".join(caveats(made.leaderboard_of(records)))
    assert "spread between seeds" in words
    assert "Adaptive attacks, whose shadow models repeat the pipeline" in words
    for part in ("No attack here is adaptive", "one seed", "miniature"):
        assert part not in words


def test_what_adaptive_attacks_found_is_said_row_by_row(made):
    cells = made.stated_cells()
    name, other = made.synthetic("lora", "soft").name, made.synthetic("lora", "hard").name
    for changed, auc in ((name, 0.58), (other, 0.56)):
        record = cells[changed]
        models = {**record.threat_models, "repeating": ThreatModel("all", "all", adaptive=True)}
        measurements = (*record.measurements, made.measurement("auc-mia", auc, 0.02, "repeating"))
        cells[changed] = dataclasses.replace(record, measurements=measurements, threat_models=models)
    words = " ".join(caveats(made.leaderboard_of(cells.values())))
    assert "No attack on none · soft of fashion-mnist is adaptive" in words
    assert "at most 0.580 on synthetic rows (repeating on lora · soft of fashion-mnist" in words
    assert "where lira has 0.530" in words


def test_a_teacher_whose_shadow_models_repeat_it_makes_no_student_adaptive(made):
    cells = made.stated_cells()
    models = {"lira": ThreatModel("all", "all", adaptive=True)}
    cells["teacher"] = dataclasses.replace(cells["teacher"], threat_models=models)
    assert "No attack here is adaptive" in " ".join(caveats(made.leaderboard_of(cells.values())))


def test_the_answer_speaks_of_each_row_s_own_worst_attack(made):
    cells = made.stated_cells()
    for name, attack, auc in ((made.synthetic("lora", "soft").name, "other", 0.55), ("teacher", "third", 0.64)):
        cells[name] = made.under_worst(cells[name], attack, auc)
    words = " ".join(answer(made.leaderboard_of(cells.values()).boards[0], {}, {}))
    assert "The worst attack's AUC falls by 0.090 (95 %: 0.062 to 0.118), from 0.640 to 0.550" in words


@pytest.mark.parametrize("model", ["miniature", "mini-natural"])
def test_every_packaged_generator_is_called_a_miniature_whatever_its_label(made, model):
    registry = default_registry()
    use = registry.use("generator", "stable-diffusion", label="own-label", options={"model": model})
    records = []
    for record in made.stated_cells().values():
        generator = use if record.method.generator else None
        method = dataclasses.replace(record.method, generator=generator)
        records.append(dataclasses.replace(record, method=method))
    assert "a miniature at low resolution" in " ".join(caveats(made.leaderboard_of(records)))


@pytest.mark.parametrize("label", ["<script>", "[red]", "\x1b[31m"])
def test_names_in_the_answer_are_plain(made, label):
    board = dataclasses.replace(board_with(made).boards[0], dataset=label)
    assert all(sentence.isprintable() for sentence in answer(board, {}, {}))
