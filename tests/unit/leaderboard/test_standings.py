"""Laws of the standings: nobody is ranked who may not be, nobody is left out, and every why is said."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from made_standings import made_records, made_track, of_run

from tckr_bench.errors import LeaderboardError
from tckr_bench.judging.ranking import dominates
from tckr_bench.leaderboard.lines import lines_of
from tckr_bench.leaderboard.standings import standings_of
from tckr_bench.records import Gate

TRACK = made_track()
RECORDS = made_records(TRACK, methods=16)
STANDINGS = standings_of(RECORDS, TRACK)
TEACHER = "teacher"
STOPPED = "stopped"


def entry_of(standings, method, submission=None):
    found = [e for e in standings.entries if e.method.name == method and submission in (None, e.submission)]
    assert len(found) == 1, method
    return found[0]


def changed(method, *, dataset=None, **changes):
    """Return the records with those of a method changed, on one dataset or all."""
    return [
        dataclasses.replace(record, **changes)
        if record.method.name == method and dataset in (None, record.dataset)
        else record
        for record in RECORDS
    ]


def unattacked(method, records=RECORDS):
    """Return records of which those of a method were not attacked."""
    return [of_run(record, attacks=()) if record.method.name == method else record for record in records]


def failed(seed):
    return dataclasses.replace(seed, status="failed", measurements=(), scores=None, failure="out of memory")


def test_every_record_is_in_an_entry_and_every_entry_is_once():
    held = [result.record for entry in STANDINGS.entries for result in entry.results.values()]
    assert len(held) == len(RECORDS)
    assert all(record in held for record in RECORDS)
    assert len({entry.slug for entry in STANDINGS.entries}) == len(STANDINGS.entries)
    assert len({entry.name for entry in STANDINGS.entries}) == len(STANDINGS.entries)


def test_only_what_has_everything_is_ranked_and_the_others_say_why():
    standings = {entry.standing for entry in STANDINGS.entries}
    assert standings == {"ranked", "incomplete", "untrusted", "test-chosen", "control"}
    for entry in STANDINGS.entries:
        ranks = (entry.rank, entry.rank_low, entry.rank_high)
        if entry.standing == "ranked":
            assert entry.reasons == ()
            assert None not in ranks
            gap = {"accuracy-gap"} if entry.family != "real data" else set()
            assert set(entry.estimates) == {"accuracy", "worst-auc", "worst-tpr-at-1-fpr", "aop"} | gap
        else:
            assert ranks == (None, None, None)
            assert not entry.pareto
            assert entry.reasons or entry.standing == "control"


def test_standings_do_not_depend_on_the_order_of_the_records():
    shuffled = [RECORDS[index] for index in np.random.default_rng(0).permutation(len(RECORDS))]
    again = {entry.slug: entry for entry in standings_of(shuffled, TRACK).entries}
    for entry in STANDINGS.entries:
        other = again[entry.slug]
        assert (other.rank, other.get("aop"), other.standing, other.reasons) == (
            entry.rank,
            entry.get("aop"),
            entry.standing,
            entry.reasons,
        )


def test_ranked_come_first_by_rank_and_aop_and_controls_last():
    kinds = [entry.standing for entry in STANDINGS.entries]
    ranked = [entry for entry in STANDINGS.entries if entry.standing == "ranked"]
    assert kinds[: len(ranked)] == ["ranked"] * len(ranked)
    assert set(kinds[kinds.index("control") :]) == {"control"}
    order = [(entry.rank, -entry.get("aop").value) for entry in ranked]
    assert order == sorted(order)


def test_pareto_is_what_comparing_every_pair_gives():
    ranked = [entry for entry in STANDINGS.entries if entry.standing == "ranked"]
    points = {entry.slug: (entry.get("accuracy").value, entry.get("worst-auc").value) for entry in ranked}
    for entry in ranked:
        beaten = any(dominates(points[other.slug], points[entry.slug]) for other in ranked)
        assert entry.pareto == (not beaten)
    assert any(entry.pareto for entry in ranked)


def test_real_data_has_no_gap_to_itself():
    entry = entry_of(STANDINGS, TEACHER)
    assert entry.get("accuracy-gap") is None
    assert all("accuracy-gap" not in line.line.estimates for line in lines_of(STANDINGS) if line.entry is entry)


def test_a_failed_gate_on_one_dataset_makes_an_entry_untrusted():
    gates = (Gate("noise", False, "AUC 0.61"), Gate("overfit", True, "found"))
    entry = entry_of(standings_of(changed(STOPPED, dataset="digits", gates=gates), TRACK), STOPPED)
    assert entry.standing == "untrusted"
    assert entry.reasons == ("gate noise failed on digits",)


def test_a_record_without_any_gate_is_not_trusted():
    entry = entry_of(standings_of(changed(STOPPED, gates=()), TRACK), STOPPED)
    assert entry.standing == "untrusted"
    assert entry.reasons[0].startswith("no gate was judged on")


def test_epochs_chosen_on_the_test_set_are_not_ranked():
    entry = entry_of(standings_of(changed(STOPPED, protocol="paper"), TRACK), STOPPED)
    assert (entry.standing, entry.rank) == ("test-chosen", None)
    assert entry.get("aop") is not None


def test_a_missing_dataset_or_seed_or_attack_is_named():
    fewer = [record for record in RECORDS if (record.method.name, record.dataset) != (STOPPED, "digits")]
    entry = entry_of(standings_of(fewer, TRACK), STOPPED)
    assert (entry.standing, entry.missing, entry.reasons) == ("incomplete", ("digits",), ("no record on digits",))
    assert entry.get("aop") is None
    seeds = entry_of(STANDINGS, STOPPED).results["digits"].record.seeds[:1]
    entry = entry_of(standings_of(changed(STOPPED, dataset="digits", seeds=seeds), TRACK), STOPPED)
    assert (entry.standing, entry.reasons) == ("incomplete", ("1 of 2 seeds on digits",))
    entry = entry_of(standings_of(unattacked(STOPPED), TRACK), STOPPED)
    assert entry.standing == "incomplete"
    assert entry.reasons[0].startswith("not attacked by lira with 16 shadow models on ")


def test_a_failed_seed_counts_as_chance_and_never_drops_out():
    record = entry_of(STANDINGS, STOPPED).results["digits"].record
    one = changed(STOPPED, dataset="digits", seeds=(record.seeds[0], failed(record.seeds[1])))
    before, after = entry_of(STANDINGS, STOPPED), entry_of(standings_of(one, TRACK), STOPPED)
    assert after.standing == "ranked"

    def lost(metric, chance):
        (measurement,) = [it for it in record.seeds[1].measurements if it.metric == metric]
        return (measurement.value - chance) / (2 * len(TRACK.datasets))

    assert before.get("accuracy").value - after.get("accuracy").value == pytest.approx(lost("accuracy", 1 / 10))
    assert before.get("worst-auc").value - after.get("worst-auc").value == pytest.approx(lost("worst-auc", 0.5))
    assert after.get("aop").value < before.get("aop").value


def test_a_method_that_failed_throughout_is_at_chance():
    seeds = {r.dataset: tuple(map(failed, r.seeds)) for r in RECORDS if r.method.name == STOPPED}
    records = [dataclasses.replace(r, seeds=seeds[r.dataset]) if r.method.name == STOPPED else r for r in RECORDS]
    entry = entry_of(standings_of(records, TRACK), STOPPED)
    assert (entry.get("accuracy").value, entry.get("worst-auc").value) == pytest.approx((0.1, 0.5))
    assert entry.get("aop").value == pytest.approx(0.1)


def test_a_method_that_is_added_changes_no_interval_of_another():
    fewer = standings_of([record for record in RECORDS if record.method.name != STOPPED], TRACK)
    for entry in fewer.entries:
        assert entry.estimates == STANDINGS.entry(entry.slug).estimates


@pytest.mark.parametrize("submission", ["c0ffee5eed5a11ae", "c0ffee0000000000", "1234567812345678"])
def test_two_submissions_of_one_method_have_different_names(submission):
    again = [of_run(r, submission=submission) for r in RECORDS if r.method.name == STOPPED]
    found = standings_of([*RECORDS, *again], TRACK)
    names = [entry.name for entry in found.entries]
    assert len(set(names)) == len(names)
    assert sum(entry.method.name == STOPPED for entry in found.entries) == 2


def test_records_of_other_tracks_and_datasets_are_left_aside():
    elsewhere = [of_run(record, track="other") for record in RECORDS]
    assert standings_of(elsewhere, TRACK).entries == ()
    strange = [dataclasses.replace(record, dataset="strange") for record in RECORDS[:4]]
    assert standings_of([*RECORDS, *strange], TRACK) == STANDINGS
    assert standings_of(strange, TRACK).entries == ()


def test_costs_and_images_are_summed_over_the_datasets():
    for entry in STANDINGS.entries:
        records = [result.record for result in entry.results.values()]
        assert entry.images == sum(record.images_generated for record in records)
        for kind, found in (("judging", entry.evaluation_seconds), ("making", entry.pipeline_seconds)):
            wanted = sum(
                np.mean([cpu(seed, judging=kind == "judging") for seed in record.seeds if seed.status == "ok"])
                for record in records
            )
            assert found == pytest.approx(wanted), entry.name


def cpu(seed, *, judging):
    kinds = {"shadow", "attack", "measure"}
    return sum(step.cpu_seconds for step in seed.cost if (step.kind in kinds) == judging)


def test_what_is_wrong_is_said_in_one_order_whatever_else_is_wrong():
    gates = (Gate("noise", False, "AUC 0.61"),)
    for broken in itertools.product((False, True), repeat=3):
        changes = {}
        changes |= {"gates": gates} if broken[0] else {}
        changes |= {"protocol": "paper"} if broken[2] else {}
        records = changed(STOPPED, **changes)
        entry = entry_of(standings_of(unattacked(STOPPED, records) if broken[1] else records, TRACK), STOPPED)
        first = [word for word, is_so in zip(("untrusted", "incomplete", "test-chosen"), broken, strict=True) if is_so]
        assert entry.standing == (first or ["ranked"])[0]
        assert len(entry.reasons) == sum(broken)


def test_on_one_dataset_the_same_rule_ranks_what_is_there():
    for dataset in TRACK.datasets:
        found = standings_of(RECORDS, TRACK, dataset=dataset)
        assert (found.dataset, found.datasets) == (dataset, (dataset,))
        one = dataclasses.replace(TRACK, datasets={dataset: TRACK.datasets[dataset]})
        alone = standings_of([record for record in RECORDS if record.dataset == dataset], one)
        assert found.entries == alone.entries
        for entry in found.entries:
            assert set(entry.results) == {dataset}
            row = entry.results[dataset].row
            if entry.standing == "ranked" and not row.failures:
                assert entry.get("accuracy").value == pytest.approx(row.get("accuracy").value)
                assert entry.get("aop").value == pytest.approx(row.get("aop").value, abs=0.02)
    assert STANDINGS.datasets == tuple(TRACK.datasets)


def test_what_lacks_another_dataset_is_ranked_on_the_one_it_has():
    fewer = [record for record in RECORDS if (record.method.name, record.dataset) != (STOPPED, "digits")]
    assert entry_of(standings_of(fewer, TRACK), STOPPED).standing == "incomplete"
    assert entry_of(standings_of(fewer, TRACK, dataset="fashion-mnist"), STOPPED).standing == "ranked"
    assert not [e for e in standings_of(fewer, TRACK, dataset="digits").entries if e.method.name == STOPPED]


def test_a_dataset_the_track_has_not_is_a_sentence():
    with pytest.raises(LeaderboardError, match="has no dataset 'digit'; did you mean 'digits'"):
        standings_of(RECORDS, TRACK, dataset="digit")


def test_privacy_is_that_of_the_worst_attack_and_not_of_the_one_declared_before_the_run():
    loud = [of_run(record, primary_attack="loss") for record in RECORDS]
    declared = {
        entry.slug: (entry.rank, entry.get("worst-auc"), entry.get("aop"))
        for entry in standings_of(loud, TRACK).entries
    }
    assert declared == {
        entry.slug: (entry.rank, entry.get("worst-auc"), entry.get("aop")) for entry in STANDINGS.entries
    }
    for entry in STANDINGS.entries:
        for result in entry.results.values():
            finished = [seed for seed in result.record.seeds if seed.status == "ok"]
            worst = [max(it.value for it in seed.measurements if it.metric == "worst-auc") for seed in finished]
            assert result.row.risk("auc-mia").estimate.value == pytest.approx(np.mean(worst))
