"""Limits as they are typed."""

import math

import pytest

from tckr_bench.errors import OptionError
from tckr_bench.judging.criteria import Criteria, TprLimit, criteria_from, tpr_limit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5@1", TprLimit(0.05, 0.01)),
        ("20@10", TprLimit(0.2, 0.1)),
        (" 2.5 @ 0.1 ", TprLimit(0.025, 0.001)),
        ("100@1.0", TprLimit(1.0, 0.01)),
    ],
)
def test_members_at_false_alarms_are_read_in_per_cent(text, expected):
    assert tpr_limit(text) == expected


@pytest.mark.parametrize("text", ["", "5", "5@", "@1", "5 1", "5%@1", "-5@1", "nan@1", "1e1@1", "1.2.3@1", "5@1@1"])
def test_what_is_not_of_the_form_is_refused_with_an_example(text):
    with pytest.raises(OptionError, match="5@1") as caught:
        tpr_limit(text)
    assert f"'{text}'" in str(caught.value)


@pytest.mark.parametrize("text", ["5@2", "5@0", "5@100", "5@0.01"])
def test_other_rates_of_false_alarms_are_refused(text):
    with pytest.raises(OptionError, match=r"F is 10, 1 or 0\.1"):
        tpr_limit(text)


@pytest.mark.parametrize("text", ["1@1", "5@10", "0@1", "101@1"])
def test_a_limit_that_guessing_reaches_or_nothing_can_break_is_refused(text):
    with pytest.raises(OptionError, match="guessing"):
        tpr_limit(text)


@pytest.mark.parametrize("drop", [-1, 101, math.nan, math.inf])
def test_a_loss_lies_between_0_and_100_points(drop):
    with pytest.raises(OptionError, match="--max-accuracy-drop"):
        criteria_from(accuracy_drop=drop, tprs=["5@1"], auc=None)


@pytest.mark.parametrize("auc", [0.5, 0.3, 1.1, math.nan])
def test_an_auc_lies_above_guessing(auc):
    with pytest.raises(OptionError, match="--max-auc"):
        criteria_from(accuracy_drop=2, tprs=[], auc=auc)


def test_without_a_limit_on_attacks_there_is_no_question():
    with pytest.raises(OptionError, match="--max-tpr"):
        criteria_from(accuracy_drop=2, tprs=[], auc=None)


def test_points_and_per_cent_become_fractions():
    assert criteria_from(accuracy_drop=2, tprs=["5@1", "20@10"], auc=0.6) == Criteria(
        0.02, (TprLimit(0.05, 0.01), TprLimit(0.2, 0.1)), 0.6, allow_non_adaptive=False
    )


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Criteria(2, (TprLimit(0.05, 0.01),)), "max_accuracy_drop is 2; give a share"),
        (lambda: Criteria(float("nan"), (TprLimit(0.05, 0.01),)), "max_accuracy_drop is nan"),
        (lambda: Criteria(0.02), "no limit says what attacks may find"),
        (lambda: Criteria(0.02, max_auc=0.5), "max_auc is 0.5"),
        (lambda: TprLimit(5, 1), "fpr is 1; give one of"),
        (lambda: TprLimit(0.05, 0.05), "fpr is 0.05"),
        (lambda: TprLimit(0.01, 0.01), "tpr is 0.01; give a share above"),
    ],
)
def test_limits_made_in_python_are_checked_as_those_of_the_command_are(make, words):
    with pytest.raises(OptionError, match=words):
        make()
