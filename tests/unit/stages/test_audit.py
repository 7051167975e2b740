"""Laws of evidence on shadow models, and of the audit that attacks each of them in turn."""

import numpy as np
import pytest

from tckr_bench.records import AttackEvidence, References, ThreatModel
from tckr_bench.stages.audit import audit_canaries, audit_shadows
from tckr_bench.stages.challenge import shadow_mask
from tckr_bench.stages.shadows import only, with_shadow_as_target

EXAMPLES, SHADOWS, CLASSES = 40, 8, 3


CANARIES = np.arange(EXAMPLES) % 10 == 0


@pytest.fixture
def evidence():
    """Return shadows whose first logit is 1 for what they were trained on, and whose second is their index."""
    masks = np.array([shadow_mask(EXAMPLES, index, part=EXAMPLES // 2) for index in range(SHADOWS)])
    logits = np.zeros((SHADOWS, EXAMPLES, CLASSES), dtype=np.float32)
    logits[..., 0] = masks
    logits[..., 1] = np.arange(SHADOWS)[:, None]
    references = References(
        np.zeros((2, 1, 1, 3), np.uint8),
        np.zeros(2, np.int64),
        np.full((2, CLASSES), -1, np.float32),
        logits[:, :2],
    )
    return AttackEvidence(
        target_logits=np.full((EXAMPLES, CLASSES), -1, dtype=np.float32),
        labels=np.zeros(EXAMPLES, dtype=np.int64),
        shadow_logits=logits,
        shadow_membership=masks,
        images=np.arange(EXAMPLES, dtype=np.uint8).reshape(-1, 1, 1, 1).repeat(3, axis=3),
        target_queries=np.full((2, EXAMPLES, CLASSES), -1, dtype=np.float32),
        shadow_queries=np.stack([logits, logits], axis=1),
        references=references,
    )


class Reads:
    """Scores by the target's first logit, which tells members; remembers what it was given."""

    threat_model = ThreatModel("everything", "everything")

    def __init__(self, scale=1.0):
        self.scale = scale
        self.seen = []

    def score(self, evidence):
        self.seen.append(evidence)
        return self.scale * evidence.target_logits[:, 0].astype(np.float64)


def test_some_examples_keep_their_own_rows_of_everything(evidence):
    kept = np.arange(EXAMPLES) % 3 == 0
    part = only(evidence, kept)
    assert np.array_equal(part.shadow_membership, evidence.shadow_membership[:, kept])
    assert np.array_equal(part.shadow_logits, evidence.shadow_logits[:, kept])
    assert np.array_equal(part.shadow_queries, evidence.shadow_queries[:, :, kept])
    assert len(part.images) == len(part.labels) == part.target_queries.shape[1] == kept.sum()
    assert part.references is evidence.references


def test_neither_a_shadow_as_target_nor_its_complement_is_among_its_shadows(evidence):
    turned = with_shadow_as_target(evidence, 3, group=2)
    assert (turned.target_logits[:, 1] == 3).all()
    assert (turned.target_queries[..., 1] == 3).all()
    assert (turned.references.target_logits[:, 1] == 3).all()
    for logits in (turned.shadow_logits, turned.shadow_queries, turned.references.shadow_logits):
        assert set(np.unique(logits[..., 1])) == {0, 1, 4, 5, 6, 7}
    assert len(turned.shadow_membership) == SHADOWS - 2
    assert (turned.shadow_membership.sum(axis=0) == SHADOWS / 2 - 1).all()


def test_none_that_takes_turns_with_a_shadow_as_target_is_among_its_shadows(evidence):
    turned = with_shadow_as_target(evidence, 4, group=3)
    assert set(np.unique(turned.shadow_logits[..., 1])) == {0, 1, 2, 6, 7}


def test_the_audit_knows_what_each_shadow_was_trained_on(evidence):
    found = audit_shadows(Reads(), evidence, group=2)
    assert found.aucs.tolist() == [1.0] * SHADOWS
    assert found.vulnerability.tolist() == [1.0] * EXAMPLES
    assert found.tprs is None, "twenty non-members allow no 1 %"
    assert found.canary_scores.size == 0


def test_canaries_are_scored_among_themselves_in_and_out_of_each_shadow(evidence):
    attack = Reads()
    scores, membership = audit_canaries(attack, evidence, CANARIES, group=2)
    assert np.array_equal(membership, evidence.shadow_membership[:, CANARIES])
    assert np.array_equal(scores, membership.astype(float))
    assert {len(seen.labels) for seen in attack.seen} == {int(CANARIES.sum())}


def test_an_attack_that_has_it_backwards_is_seen_to(evidence):
    found = audit_shadows(Reads(scale=-2.0), evidence, group=2)
    assert found.aucs.tolist() == [0.0] * SHADOWS
    assert (found.vulnerability == -2.0).all()


def test_an_attack_on_models_that_remember_nothing_finds_nothing_even_where_models_differ_a_lot():
    """Each model has an offset of its own; a complement among the shadows would turn it into apparent membership."""
    generator = np.random.default_rng(0)
    examples, shadows = 400, 8
    labels = np.zeros(examples, dtype=np.int64)
    masks = np.array([shadow_mask(examples, index, part=examples // 2) for index in range(shadows)])
    aucs = []
    for _ in range(20):
        logits = generator.normal(size=(shadows, examples, CLASSES)) + 3 * generator.normal(size=(shadows, 1, 1))
        evidence = AttackEvidence(logits[0], labels, logits.astype(np.float32), masks)
        aucs.append(audit_shadows(Nearer(), evidence, group=2).aucs)
    assert abs(np.mean(aucs) - 0.5) < 0.01
    assert audit_shadows(Nearer(), evidence, group=2).tprs.shape == (shadows,)
    assert np.std(aucs) < 0.04  # DeLong's standard error for 200 + 200 is 0.029


class Nearer:
    """Scores how much nearer the target's first logit lies to the mean of IN than to the mean of OUT."""

    threat_model = ThreatModel("everything", "everything")

    def score(self, evidence):
        inside, logits = evidence.shadow_membership, evidence.shadow_logits[..., 0]
        means = [(logits * mask).sum(axis=0) / mask.sum(axis=0) for mask in (inside, ~inside)]
        distances = [(evidence.target_logits[:, 0] - mean) ** 2 for mean in means]
        return distances[1] - distances[0]
