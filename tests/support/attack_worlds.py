"""Evidence for tests of attacks: worlds whose best attack is known, and arbitrary logits for references in loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import log_softmax, logsumexp

from tckr_bench.records import AttackEvidence, References


def two_class(confidence):
    """Return logits of two classes whose logit-scaled confidence in class 0 is the number given."""
    return np.stack([confidence, np.zeros_like(confidence)], axis=-1).astype(np.float32)


def gaussian_world(*, examples, shadows, shift, generator, spread=None):
    """Return evidence and members; training on example i moves its confidence N(m_i, s_i^2) by shift s_i."""
    means = generator.normal(scale=3.0, size=examples)
    deviations = np.ones(examples) if spread is None else generator.uniform(*spread, size=examples)
    membership = np.stack([generator.permutation(shadows) < shadows // 2 for _ in range(examples)], axis=1)
    members = np.arange(examples) < examples // 2

    def confidence(inside):
        return means + deviations * (shift * inside + generator.normal(size=inside.shape))

    evidence = AttackEvidence(
        target_logits=two_class(confidence(members)),
        labels=np.zeros(examples, dtype=np.int64),
        shadow_logits=two_class(confidence(membership)),
        shadow_membership=membership,
    )
    return evidence, members


def improbable_world(**world):
    """Return a Gaussian world lowered so far that log p is the confidence itself, and p small."""
    evidence, members = gaussian_world(**world)
    lower = np.array([-30.0, 0.0], dtype=np.float32)
    lowered = replace(
        evidence, target_logits=evidence.target_logits + lower, shadow_logits=evidence.shadow_logits + lower
    )
    return lowered, members


def single_example(*, target, inside, outside):
    """Return evidence on one example of two classes with these confidences in its class."""
    shadows = np.array([*inside, *outside], dtype=float)[:, None]
    membership = np.arange(len(shadows))[:, None] < len(inside)
    return AttackEvidence(two_class(np.array([target])), np.array([0]), two_class(shadows), membership)


def no_shadows(logits, labels):
    """Return evidence of an attacker without shadow models."""
    empty = np.zeros((0, *logits.shape), dtype=np.float32)
    return AttackEvidence(logits, labels, empty, np.zeros((0, len(labels)), dtype=bool))


def arbitrary_evidence(*, seed=0, shadows=9, examples=25, classes=5, queries=3, references=11):
    """Return evidence without structure, every example IN at least three and OUT of at least four shadows."""
    generator = np.random.default_rng(seed)
    membership = np.stack([generator.permutation(shadows) < 3 + index % 2 for index in range(examples)], axis=1)

    def logits(*shape):
        return generator.normal(scale=4, size=(*shape, classes)).astype(np.float32)

    def images(count):
        return generator.integers(0, 256, size=(count, 8, 8, 3)).astype(np.uint8)

    return AttackEvidence(
        target_logits=logits(examples),
        labels=generator.integers(classes, size=examples),
        shadow_logits=logits(shadows, examples),
        shadow_membership=membership,
        images=images(examples),
        target_queries=logits(queries, examples),
        shadow_queries=logits(shadows, queries, examples),
        references=References(
            images(references),
            generator.integers(classes, size=references),
            logits(references),
            logits(shadows, references),
        ),
    )


def phi(logits, label):
    """Return the logit-scaled confidence of one example as Carlini et al. 2022 write it down."""
    log_p = log_softmax(np.asarray(logits, dtype=np.float64))
    return log_p[label] - logsumexp(np.delete(log_p, label))


def reordered(evidence, order):
    """Return the evidence with its examples in another order."""
    return AttackEvidence(
        evidence.target_logits[order],
        evidence.labels[order],
        evidence.shadow_logits[:, order],
        evidence.shadow_membership[:, order],
        evidence.images[order],
        evidence.target_queries[:, order],
        evidence.shadow_queries[:, :, order],
        evidence.references,
    )
