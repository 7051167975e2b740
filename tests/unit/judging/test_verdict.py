"""What an answer may never be, whatever the measurements, and what it says of them."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest

from tckr_bench import stats
from tckr_bench.errors import RunError
from tckr_bench.judging.criteria import Criteria, TprLimit
from tckr_bench.judging.verdict import Basis, answer_run, basis_of, judge, overall, worst_estimate
from tckr_bench.records import AttackScores, CellEvidence, Estimate, ThreatModel
from tckr_bench.show.verdict_words import needs, reasons
from tckr_bench.stats.proportions import beta_interval

ORDER = ("no", "not enough evidence", "yes")
MODELS = {
    "loss": ThreatModel("outputs", "nothing"),
    "lira": ThreatModel("outputs", "shadow models"),
    "adaptive": ThreatModel("outputs", "shadow models", adaptive=True),
    "images": ThreatModel("images", "nothing", surface="images"),
}
ON_CLASSIFIER = ("loss", "lira", "adaptive")
BETWEEN_TRAININGS = ("auc-between-trainings", "tpr-between-trainings")
LIMITS = Criteria(0.02, (TprLimit(0.05, 0.01),))
BASIS = Basis(2000, 1500, 1500, 16, False, 1)


def measurements(made, *, gap=0.01, half=0.005, tpr=0.02, reach=0.01, attacks=ON_CLASSIFIER):
    """A student's measurements: what is lost, and what each attack on the classifier finds, the adaptive one most."""
    found = [made.measurement("accuracy", 0.82), made.measurement("accuracy-gap", gap, half)]
    for label in attacks:
        value = tpr if label == "adaptive" else tpr / 2
        found += [made.measurement(name, value, reach, label) for name in ("tpr-at-1-fpr", "tpr-at-10-fpr")]
        found += [made.measurement("auc-mia", 0.53, 0.02, label)]
    if attacks:
        worst = "adaptive" if "adaptive" in attacks else attacks[0]
        found += [made.measurement("worst-tpr-at-1-fpr", tpr, reach, worst)]
        found += [made.measurement("worst-auc", 0.53, 0.02, worst), made.measurement("aop", 0.7, 0.02, worst)]
        found += [made.measurement(name, 0.0, 0.0, worst) for name in BETWEEN_TRAININGS]
    return (*found, made.measurement("auc-mia", 0.95, 0.01, "images"))


def without(record, *names):
    """A cell that lacks some measurements, by metric or by metric and attack."""
    kept = [it for it in record.measurements if not {it.metric, (it.metric, it.attack)} & set(names)]
    return dataclasses.replace(record, measurements=tuple(kept))


def student(made, *, models=MODELS, seed=0, method=None, changes=None, **given):
    record = made.stated_record(method or made.synthetic("lora", "soft"), measurements(made, **given), seed=seed)
    return dataclasses.replace(record, threat_models=models, **(changes or {}))


def leaderboard_of(made, students, **controls):
    cells = made.stated_cells(**controls)
    records = [record for record in cells.values() if record.method.role != "method"]
    return made.leaderboard_of([*records, *students])


def judged(made, criteria=LIMITS, *, students=None, controls=None, **given):
    board = leaderboard_of(made, students or [student(made, **given)], **(controls or {})).boards[0]
    row = next(row for row in board.rows if row.method.role == "method")
    return judge(board, row, criteria, basis=BASIS)


def test_yes_takes_every_upper_end_within_its_limit(made):
    judgement = judged(made)
    assert judgement.answer == "yes"
    assert [part.standing for part in judgement.comparisons] == ["within", "within"]
    assert judgement.adaptive == ("adaptive",)


LIMITED = {"tpr-between-trainings": LIMITS, "auc-between-trainings": Criteria(0.02, max_auc=0.9)}


@pytest.mark.parametrize("missing", LIMITED)
def test_one_training_is_no_yes_where_nothing_tells_how_another_would_lie(made, missing):
    assert judged(made, LIMITED[missing]).answer == "yes"
    alone = judged(made, LIMITED[missing], students=[without(student(made), missing)])
    assert alone.answer == "not enough evidence"
    assert any("it rests on one training" in obstacle for obstacle in alone.obstacles)
    two = judged(made, students=[without(student(made, seed=seed), missing) for seed in (0, 1)])
    assert not any("one training" in obstacle for obstacle in two.obstacles)


def test_of_rates_whose_spread_nothing_tells_one_training_is_no_yes(made):
    tenth = judged(made, Criteria(0.02, (TprLimit(0.5, 0.1),)))
    assert [part.standing for part in tenth.comparisons] == ["within", "within"]
    assert any("it rests on one training" in obstacle for obstacle in tenth.obstacles)


@pytest.mark.parametrize("given", [{"gap": 0.03}, {"tpr": 0.07}])
def test_no_takes_one_lower_end_beyond(made, given):
    assert judged(made, **given).answer == "no"


@pytest.mark.parametrize("given", [{"gap": 0.018}, {"gap": 0.022}, {"tpr": 0.045}, {"tpr": 0.055}])
def test_a_limit_inside_an_interval_leaves_the_question_open(made, given):
    judgement = judged(made, **given)
    assert judgement.answer == "not enough evidence"
    assert [part.need is not None for part in judgement.comparisons] == ["gap" in given, "tpr" in given]


def test_an_end_on_the_limit_is_within_and_not_beyond(made):
    limits = (TprLimit(0.9, 0.01),)
    assert judged(made, Criteria(0.01 + 0.005, limits), gap=0.01).answer == "yes"
    assert judged(made, Criteria(0.01 - 0.005, limits), gap=0.01).answer == "not enough evidence"


def test_a_tighter_limit_never_betters_the_answer(made):
    seen = set()
    for gap, half, tpr, reach in itertools.product((0.0, 0.03), (0.004, 0.02), (0.03, 0.06), (0.005, 0.03)):
        board = leaderboard_of(made, [student(made, gap=gap, half=half, tpr=tpr, reach=reach)]).boards[0]
        row = next(row for row in board.rows if row.method.role == "method")
        limits = [
            [
                judge(board, row, Criteria(drop, (TprLimit(found, 0.01),)), basis=BASIS).answer
                for found in (0.02, 0.04, 0.05, 0.07, 0.2)
            ]
            for drop in (0.0, 0.01, 0.02, 0.04, 0.06)
        ]
        seen |= {answer for line in limits for answer in line}
        places = np.array([[ORDER.index(answer) for answer in line] for line in limits])
        assert (np.diff(places, axis=0) >= 0).all()
        assert (np.diff(places, axis=1) >= 0).all()
    assert seen == set(ORDER)


def test_a_wider_interval_never_makes_an_answer_of_an_open_question(made):
    for gap, tpr in itertools.product((0.005, 0.019, 0.021, 0.04), (0.02, 0.049, 0.051, 0.08)):
        answers = [
            judged(made, gap=gap, half=0.0005 * factor, tpr=tpr, reach=0.0005 * factor).answer
            for factor in (1, 2, 4, 8, 16, 32, 64)
        ]
        opened = answers.index("not enough evidence")
        assert opened > 0
        assert set(answers[opened:]) == {"not enough evidence"}
        assert len(set(answers[:opened])) <= 1


@pytest.mark.parametrize("given", [{}, {"gap": 0.3, "tpr": 0.5}])
def test_a_failed_gate_leaves_no_other_answer_and_is_named(made, given):
    judgement = judged(made, controls={"overfit": made.measurements_for(0.8, 0.7, canary=0.5)}, **given)
    assert judgement.answer == "not enough evidence"
    assert any("control overfit" in reason and "cannot be trusted" in reason for reason in reasons(judgement))
    assert "as they must" in needs(judgement)[0]


def test_a_missing_teacher_or_control_leaves_no_other_answer(made):
    for missing in ("teacher", "outsider"):
        assert judged(made, controls={missing: None}).answer == "not enough evidence"


@pytest.mark.parametrize("allowed", [False, True])
def test_without_an_adaptive_attack_there_is_no_yes_unless_it_is_allowed(made, allowed):
    plain = {label: dataclasses.replace(model, adaptive=False) for label, model in MODELS.items()}
    criteria = dataclasses.replace(LIMITS, allow_non_adaptive=allowed)
    judgement = judged(made, criteria, models=plain)
    assert judgement.answer == ("yes" if allowed else "not enough evidence")
    assert any("repeats the whole pipeline" in reason for reason in reasons(judgement))
    assert judged(made, criteria, models=plain, gap=0.05).answer == "no"


def test_only_an_adaptive_attack_on_the_classifier_counts(made):
    elsewhere = MODELS | {
        "adaptive": dataclasses.replace(MODELS["adaptive"], adaptive=False),
        "images": dataclasses.replace(MODELS["images"], adaptive=True),
    }
    assert judged(made, models=elsewhere).answer == "not enough evidence"


def test_every_seed_needs_an_adaptive_attack(made):
    plain = MODELS | {"adaptive": dataclasses.replace(MODELS["adaptive"], adaptive=False)}
    seeds = [student(made, seed=0), student(made, seed=1)]
    assert judged(made, students=seeds).answer == "yes"
    assert judged(made, students=[seeds[0], student(made, seed=1, models=plain)]).answer == "not enough evidence"


@pytest.mark.parametrize("changes", [{"protocol": "paper"}, {"contamination": "images"}])
def test_what_flatters_the_row_keeps_it_from_a_yes(made, changes):
    assert judged(made, changes=changes).answer == "not enough evidence"
    assert judged(made, changes=changes, gap=0.05).answer == "no"


def test_an_attack_without_its_rate_leaves_the_worst_unknown(made):
    criteria = Criteria(0.02, (TprLimit(0.2, 0.1),))
    seeds = [student(made, seed=seed) for seed in (0, 1)]  # of this rate one training tells nothing of others
    assert judged(made, criteria, students=seeds).answer == "yes"
    judgement = judged(made, criteria, students=[without(one, ("tpr-at-10-fpr", "lira")) for one in seeds])
    assert judgement.comparisons[1].standing == "unknown"
    assert judgement.answer == "not enough evidence"


@pytest.mark.parametrize("missing", ["worst-tpr-at-1-fpr", "worst-auc"])
def test_without_the_measurement_of_the_worst_attack_no_other_stands_in(made, missing):
    criteria = Criteria(0.02, (TprLimit(0.05, 0.01),), 0.9)
    judgement = judged(made, criteria, students=[without(student(made), missing)])
    unknown = [part.metric for part in judgement.comparisons if part.standing == "unknown"]
    assert unknown == [missing.replace("worst-auc", "auc-mia").removeprefix("worst-")]
    assert judgement.answer == "not enough evidence"


def test_a_rate_that_was_not_measured_is_unknown_and_says_what_it_takes(made):
    judgement = judged(made, Criteria(0.02, (TprLimit(0.05, 0.001),)))
    assert judgement.answer == "not enough evidence"
    assert any("1,000 non-members" in reason for reason in reasons(judgement))


@pytest.mark.parametrize(("place", "missing"), [(0, "accuracy-gap"), (1, "worst-tpr-at-1-fpr")])
def test_a_seed_without_a_measurement_leaves_it_unknown(made, place, missing):
    judgement = judged(made, students=[student(made), without(student(made, seed=1), missing)])
    assert [part.standing == "unknown" for part in judgement.comparisons] == [place == 0, place == 1]
    assert judgement.answer == "not enough evidence"


def test_a_row_that_failed_has_no_answer(made):
    record = made.stated_record(made.synthetic("lora", "soft"), failure="out of memory")
    judgement = judged(made, students=[record])
    assert judgement.answer == "not enough evidence"
    assert any("out of memory" in reason for reason in reasons(judgement))


def row_of(made, **given):
    board = leaderboard_of(made, [student(made, **given)]).boards[0]
    return next(row for row in board.rows if row.method.role == "method")


def test_the_worst_is_of_attacks_on_the_classifier_alone(made):
    estimate, attacks = worst_estimate(row_of(made), "auc-mia")
    assert estimate.value == 0.53  # the copies' 0.95 is of what is not released
    assert set(attacks) <= set(ON_CLASSIFIER)


def test_the_measurement_of_the_worst_attack_is_what_counts_and_names_its_attack(made):
    record = without(student(made), "worst-tpr-at-1-fpr")
    record = dataclasses.replace(
        record, measurements=(*record.measurements, made.measurement("worst-tpr-at-1-fpr", 0.03, 0.02, "lira"))
    )
    board = leaderboard_of(made, [record]).boards[0]
    row = next(row for row in board.rows if row.method.role == "method")
    estimate, attacks = worst_estimate(row, "tpr-at-1-fpr")
    assert (estimate.value, estimate.high, attacks) == (0.03, 0.05, ("lira",))


def test_a_measurement_of_the_worst_attack_that_a_seed_lacks_leaves_it_unknown(made):
    seeds = [student(made), without(student(made, seed=1), "worst-auc")]
    board = leaderboard_of(made, seeds).boards[0]
    row = next(row for row in board.rows if row.method.role == "method")
    assert worst_estimate(row, "auc-mia") is None


def test_the_rule_of_the_worst_by_hand(made):
    estimate, attacks = worst_estimate(row_of(made, tpr=0.06, reach=0.01), "tpr-at-10-fpr")
    # adaptive 0.06, the others 0.03; three attacks widen the lower end by 1 + ln 3 / ln 40 = 1.2978
    assert (estimate.value, attacks) == (0.06, ("adaptive",))
    assert estimate.high == pytest.approx(0.07)
    assert estimate.low == pytest.approx(0.06 - 0.012978, abs=1e-6)


def test_the_rule_of_the_worst_is_no_narrower_than_bonferroni_of_proportions():
    for trials, attacks in itertools.product((20, 300, 5000), (2, 5, 12)):
        widened = 1 + math.log(attacks) / math.log(40)
        for hits in range(0, trials + 1, max(1, trials // 40)):
            value, low = hits / trials, stats.clopper_pearson(hits, trials).low
            corrected, _ = beta_interval(hits, trials, stats.estimates.Tails(0.025 / attacks, 0.025))
            assert value - widened * (value - low) <= corrected + 1e-12


def test_the_worst_of_one_attack_is_its_own_interval(made):
    estimate, _ = worst_estimate(row_of(made, attacks=("loss",), models={"loss": MODELS["loss"]}), "tpr-at-10-fpr")
    assert (estimate.low, estimate.value, estimate.high) == pytest.approx((0.0, 0.01, 0.02))


def test_what_would_settle_a_question_is_said_in_numbers(made):
    judgement = judged(made, gap=0.018, tpr=0.045)
    for comparison, now in zip(judgement.comparisons, (2000, 1500), strict=True):
        assert comparison.need.settles == "within"
        assert comparison.need.examples > comparison.need.now == now
    assert judgement.comparisons[1].need.others == judgement.comparisons[1].need.examples
    assert "test images" in needs(judgement)[0]
    assert "non-members" in needs(judgement)[1]


def test_on_the_limit_no_number_of_examples_settles_anything(made):
    judgement = judged(made, gap=0.02, tpr=0.05)
    assert all(part.need.examples is None and part.need.on_limit for part in judgement.comparisons)
    assert sum("sits on the limit" in sentence for sentence in needs(judgement)) == 2
    near = judged(made, gap=0.0199999)
    assert near.comparisons[0].need == dataclasses.replace(
        judgement.comparisons[0].need, settles="within", on_limit=False
    )
    assert "more than 10,000,000" in needs(near)[0]


def test_a_settled_answer_asks_for_no_examples(made):
    assert not any(part.need for part in judged(made, gap=0.05).comparisons)
    assert needs(judged(made, gap=0.05)) == ()


def test_a_run_is_answered_by_its_best_method_and_the_others_are_listed(made):
    methods = [made.synthetic("lora", "soft"), made.synthetic("none", "soft")]
    students = [student(made, method=methods[0]), student(made, method=methods[1], gap=0.3)]
    leaderboard = leaderboard_of(made, students)
    answer = answer_run(leaderboard, LIMITS, evidence={})
    best = leaderboard.boards[0].best.method.name
    assert answer.datasets[0].judged.method == best
    assert [entry.method for entry in answer.datasets[0].others] == [
        method.name for method in methods if method.name != best
    ]
    named = answer_run(leaderboard, LIMITS, evidence={}, method="none")  # the short name
    assert (named.answer, named.datasets[0].judged.method, named.datasets[0].others) == ("no", methods[1].name, ())
    assert named.datasets[0].named


def test_a_method_that_failed_is_not_judged_where_another_has_measurements(made):
    failed = made.stated_record(made.synthetic("a", "soft"), failure="out of memory")
    for controls in ({}, {"outsider": None}):
        answer = answer_run(leaderboard_of(made, [failed, student(made)], **controls), LIMITS, evidence={})
        assert answer.datasets[0].judged.method == made.synthetic("lora", "soft").name
        assert answer.datasets[0].others[0].method == failed.method.name


def test_names_that_are_not_there_get_the_nearest(made):
    leaderboard = leaderboard_of(made, [student(made), student(made, method=made.synthetic("none", "soft"))])
    with pytest.raises(RunError, match="did you mean 'lora'"):
        answer_run(leaderboard, LIMITS, evidence={}, method="lorra")
    with pytest.raises(RunError, match="no synthetic method 'teacher'"):
        answer_run(leaderboard, LIMITS, evidence={}, method="teacher")
    with pytest.raises(RunError, match="did you mean 'fashion-mnist'"):
        answer_run(leaderboard, LIMITS, evidence={}, datasets=["fashion-minst"])


def test_a_dataset_without_a_synthetic_method_is_not_answered(made):
    answer = answer_run(leaderboard_of(made, []), LIMITS, evidence={})
    assert (answer.answer, answer.datasets[0].judged) == ("not enough evidence", None)


def test_several_datasets_have_the_worst_of_their_answers():
    for first, second in itertools.product(ORDER, repeat=2):
        assert ORDER.index(overall([first, second])) == min(ORDER.index(first), ORDER.index(second))
    assert overall([]) == "not enough evidence"


def test_the_basis_counts_members_and_the_others_apart_without_canaries(made):
    record = student(made)
    board = leaderboard_of(made, [record]).boards[0]
    row = next(row for row in board.rows if row.method.role == "method")
    assert (basis_of(row, {}).members, basis_of(row, {}).others) == (500, 500)  # 1,000 examples, half and half
    members = np.arange(30) < 20
    scores = AttackScores("lira", np.zeros(30), members, np.arange(30) >= 28, MODELS["lira"])
    evidence = CellEvidence(np.zeros(5), np.zeros((5, 2)), np.zeros((5, 2)), {"lira": scores}, "lira")
    basis = basis_of(row, {(record.dataset, record.method.name, 0): evidence})
    assert (basis.members, basis.others, basis.seeds) == (20, 8, 1)


def test_no_sentence_carries_what_a_terminal_would_obey(made):
    hostile = {"lo\x1b[31mss": MODELS["loss"], "adaptive": MODELS["adaptive"]}
    judgement = judged(made, models=hostile, attacks=tuple(hostile))
    text = " ".join((*reasons(judgement), *needs(judgement), *judgement.remarks))
    assert text.isprintable()


def test_a_gain_is_called_a_gain(made):
    text = " ".join(reasons(judged(made, gap=-0.03)))
    assert "gains 3.0 points of accuracy" in text
    assert "loses" not in text


def test_estimates_pass_into_the_comparison_as_they_are(made):
    estimate = judged(made).comparisons[0].estimate
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((0.01, 0.005, 0.015))
    assert isinstance(estimate, Estimate)
