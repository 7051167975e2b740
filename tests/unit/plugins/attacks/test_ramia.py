"""Laws of RaMIA: a hand-computed case, a plain reference, worlds in which one point or every point of a range tells."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from attack_worlds import arbitrary_evidence, gaussian_world, improbable_world, reordered, two_class
from scipy.integrate import quad
from scipy.stats import norm
from tckr_plugins.attacks.calibrated_loss import CalibratedLossAttack
from tckr_plugins.attacks.lira import LiraAttack
from tckr_plugins.attacks.ramia import RamiaAttack, trimmed_mean
from tckr_plugins.attacks.rmia import RmiaAttack

from tckr_bench.errors import TckrError
from tckr_bench.records import AttackEvidence
from tckr_bench.stats import auc, auc_interval

BASES = {"rmia": RmiaAttack, "lira": LiraAttack, "calibrated-loss": CalibratedLossAttack}
FORMS = [{"trim": trim, "side": side} for trim in (0.0, 0.25, 0.5, 0.9) for side in ("lowest", "highest")]


def test_case_by_hand():
    # The shadow that is OUT gives p = 1/2 throughout; the target 1/2, 1/4 and 1/8 of the three points.
    evidence = AttackEvidence(
        two_class(np.array([0.0])),
        np.array([0]),
        two_class(np.zeros((1, 1))),
        np.array([[False]]),
        target_queries=two_class(np.array([[math.log(1 / 3)], [math.log(1 / 7)]])),
        shadow_queries=two_class(np.zeros((1, 2, 1))),
    )
    found = [
        RamiaAttack(base="calibrated-loss", **form).score(evidence)[0] / math.log(2)
        for form in ({"trim": 0.0}, {"trim": 0.3}, {"trim": 0.3, "side": "highest"}, {"trim": 0.0, "exact": False})
    ]
    assert found == pytest.approx([-1.0, -0.5, -1.5, -1.5])  # of 0, -1 and -2


def reference(evidence, base, *, trim, side, exact):
    """One example at a time: the base's scores of each point, the worst crossed out one by one."""
    attack = BASES[base]()
    points = [attack.score(evidence)] if exact else []
    for target, shadows in zip(evidence.target_queries, evidence.shadow_queries.swapaxes(0, 1), strict=True):
        points.append(attack.score(replace(evidence, target_logits=target, shadow_logits=shadows)))
    found = []
    for of_example in zip(*points, strict=True):
        left = list(of_example)
        for _ in range(min(round(trim * len(points)), len(points) - 1)):
            left.remove(min(left) if side == "lowest" else max(left))
        found.append(sum(left) / len(left))
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("exact", [True, False])
def test_every_form_agrees_with_a_straightforward_reference(base, form, exact):
    evidence = arbitrary_evidence()
    found = RamiaAttack(base=base, exact=exact, **form).score(evidence)
    np.testing.assert_allclose(found, reference(evidence, base, exact=exact, **form), atol=1e-9)


def test_untrimmed_with_lira_it_is_lira_with_all_queries():
    evidence = arbitrary_evidence()
    found = RamiaAttack(base="lira", trim=0.0).score(evidence)
    np.testing.assert_allclose(found, LiraAttack(queries="all").score(evidence), atol=1e-9)


def world(make, *, points, trained, shift, examples=2000, shadows=32, seed=0):
    """Return evidence with a range of so many points, alike but for their noise, of which training moves `trained`."""
    generator = np.random.default_rng(seed)
    which = generator.integers(points, size=examples)
    ranges = [make(examples=examples, shadows=shadows, shift=0.0, generator=generator)[0] for _ in range(points)]
    first, members = make(examples=examples, shadows=shadows, shift=0.0, generator=generator)
    membership = first.shadow_membership
    target = np.stack([point.target_logits for point in ranges])
    others = np.stack([point.shadow_logits for point in ranges], axis=1)
    for index in range(points):
        told = (which == index) if trained == "one" else np.ones(examples, dtype=bool)
        target[index, :, 0] += shift * (members & told)
        others[:, index, :, 0] += shift * (membership & told)
    return replace(first, target_queries=target, shadow_queries=others), members


def test_the_mean_reaches_the_optimum_where_every_point_tells():
    evidence, members = world(gaussian_world, points=4, trained="all", shift=0.7, shadows=256)
    estimate = auc_interval(RamiaAttack(base="lira", trim=0.0, exact=False).score(evidence), members)
    assert estimate.low <= norm.cdf(0.7 * math.sqrt(4) / math.sqrt(2)) <= estimate.high


def test_the_largest_score_is_what_it_should_be_where_one_unknown_point_tells():
    # The score of each of 9 points is N(d, 1) if it was trained on, else N(0, 1), nearly: 32 shadows tell the mean.
    points, shift = 9, 3.0
    evidence, members = world(improbable_world, points=points, trained="one", shift=shift)
    spread = math.sqrt(1 + 2 / 32)

    def likelihood(x):  # density of the largest of a member's, times the chance that all of a non-member's are less
        moved = norm.pdf((x - shift) / spread) * norm.cdf(x / spread) ** (points - 1)
        still = (
            (points - 1) * norm.pdf(x / spread) * norm.cdf(x / spread) ** (points - 2) * norm.cdf((x - shift) / spread)
        )
        return (moved + still) / spread * norm.cdf(x / spread) ** points

    optimum = quad(likelihood, -10, 15)[0]
    ramia = {trim: RamiaAttack(base="calibrated-loss", trim=trim, exact=False) for trim in (0.0, 0.89)}
    found = {trim: auc_interval(attack.score(evidence), members) for trim, attack in ramia.items()}
    assert found[0.89].low <= optimum <= found[0.89].high
    mean = norm.cdf(shift / points / (spread / math.sqrt(points)) / math.sqrt(2))
    assert found[0.0].low <= mean <= found[0.0].high
    assert optimum > mean + 0.1


def test_without_the_image_itself_its_outputs_are_not_looked_at():
    evidence = arbitrary_evidence()
    other = replace(evidence, target_logits=evidence.target_logits[::-1], shadow_logits=evidence.shadow_logits[::-1])
    near, exact = RamiaAttack(base="lira", exact=False), RamiaAttack(base="lira")
    assert np.array_equal(near.score(other), near.score(evidence))
    assert not np.array_equal(exact.score(other), exact.score(evidence))
    assert "altered copies of the example alone" in near.threat_model.sees


def test_ranges_tell_nothing_where_training_left_no_trace():
    evidence, members = world(gaussian_world, points=3, trained="all", shift=0.0)
    estimate = auc_interval(RamiaAttack().score(evidence), members)
    assert estimate.low <= 0.5 <= estimate.high


@pytest.mark.parametrize("base", BASES)
def test_the_order_of_examples_does_not_matter(base):
    evidence, attack = arbitrary_evidence(), RamiaAttack(base=base)
    order = np.random.default_rng(1).permutation(25)
    np.testing.assert_allclose(attack.score(reordered(evidence, order)), attack.score(evidence)[order], atol=1e-9)


def test_one_score_is_always_kept():
    scores = np.arange(6.0).reshape(3, 2)
    assert trimmed_mean(scores, trim=0.99, side="lowest").tolist() == [4.0, 5.0]
    assert trimmed_mean(scores, trim=0.99, side="highest").tolist() == [0.0, 1.0]


def test_ramia_says_what_is_lacking():
    evidence = replace(arbitrary_evidence(), target_queries=None, shadow_queries=None)
    with pytest.raises(TckrError, match="'ramia' was given no altered copies of the examples; set augmented_queries"):
        RamiaAttack().score(evidence)


def test_a_base_that_is_better_than_guessing_makes_the_range_better():
    evidence, members = world(gaussian_world, points=4, trained="all", shift=0.7, seed=3)
    single = LiraAttack().score(
        replace(evidence, target_logits=evidence.target_queries[0], shadow_logits=evidence.shadow_queries[:, 0])
    )
    assert auc(RamiaAttack(base="lira", exact=False).score(evidence), members) > auc(single, members) + 0.05
