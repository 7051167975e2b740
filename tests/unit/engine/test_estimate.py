"""Laws of the forecast."""

import dataclasses

import pytest

from tckr_bench.engine.estimate import FIRST_GUESS, STAGE_OVERHEAD, Rates, forecast
from tckr_bench.engine.graph import Stage
from tckr_bench.records import ComponentUse


def stage(key, *, work=10.0, parents=(), kind="train"):
    return Stage(key, kind, {}, {}, 0, {"parents": tuple(parents)}, key, work)


@pytest.fixture
def rates(tmp_path):
    rates = Rates(tmp_path / "rates.json")
    rates.learn(stage("any"), 10.0)  # one second per unit of work
    return rates


def test_a_stage_takes_what_one_like_it_took(rates):
    assert rates.seconds(stage("a", work=3)) == pytest.approx(3 + STAGE_OVERHEAD)
    assert rates.knows(stage("a"))
    assert not rates.knows(stage("a", kind="adapt"))


def test_a_component_that_never_ran_is_not_taken_for_another_of_its_kind(rates):
    other = ComponentUse("adapter", "other", "1", "other", {})
    known, unknown = (
        stage("a", kind="adapt"),
        dataclasses.replace(stage("b", kind="adapt"), components={"adapter": other}),
    )
    rates.learn(known, 1e-3)
    assert rates.seconds(unknown) == pytest.approx(STAGE_OVERHEAD + unknown.work * FIRST_GUESS["adapt"])


def test_independent_stages_share_the_jobs_and_chains_do_not(rates):
    each = 10 + STAGE_OVERHEAD
    independent = [stage("a"), stage("b"), stage("c"), stage("d")]
    chain = [stage("a"), stage("b", parents="a"), stage("c", parents="b"), stage("d", parents="c")]
    assert forecast(independent, rates, jobs=2) == pytest.approx(2 * each)
    assert forecast(chain, rates, jobs=2) == pytest.approx(4 * each)
    assert forecast([], rates, jobs=2) == 0


def test_rates_are_kept_and_damaged_ones_forgotten(rates, tmp_path):
    rates.write()
    assert Rates.read(tmp_path).seconds_per_unit == rates.seconds_per_unit
    (tmp_path / "rates.json").write_text("{")
    assert Rates.read(tmp_path).seconds_per_unit == {}


def test_rates_that_cannot_be_written_harm_nobody(tmp_path):
    Rates(tmp_path / "no folder" / "rates.json").write()
