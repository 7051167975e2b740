"""What the target and a bank of shadow models say of the challenge, as evidence for attacks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tckr_bench.records import AttackEvidence, LabelledImages, References, Sample, ShadowData, Take
from tckr_bench.stages.challenge import Challenge, sample_mask
from tckr_bench.stages.train import Predictions, read_predictions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt


def gather_evidence(
    target: Path,
    bank: Sequence[Path],
    challenge: Challenge,
    *,
    validation: LabelledImages,
    shadow_data: ShadowData = "challenge",
) -> AttackEvidence:
    """Return the evidence on every challenge example, from a trained target and a bank of shadow models, in order."""
    found = read_predictions(target)
    shadows = [read_predictions(folder) for folder in bank]
    take: Take = "part" if shadow_data == "challenge" else "test-split"
    masks = [sample_mask(challenge, Sample(take, index=index)) for index in range(len(shadows))]
    asked = len(found.queries)
    return AttackEvidence(
        target_logits=found.challenge,
        labels=challenge.examples.labels,
        shadow_logits=_stack([shadow.challenge for shadow in shadows], found.challenge),
        shadow_membership=np.stack(masks) if masks else np.empty((0, len(found.challenge)), bool),
        images=challenge.examples.images,
        target_queries=found.queries if asked else None,
        shadow_queries=_stack([shadow.queries for shadow in shadows], found.queries) if asked else None,
        references=_references(validation, found, shadows),
    )


def only(evidence: AttackEvidence, kept: npt.NDArray[np.bool_]) -> AttackEvidence:
    """Return the evidence on some of the examples, (n,) bool; references stay."""
    if kept.all():
        return evidence
    images, target, shadows = evidence.images, evidence.target_queries, evidence.shadow_queries
    return replace(
        evidence,
        target_logits=evidence.target_logits[kept],
        labels=evidence.labels[kept],
        shadow_logits=evidence.shadow_logits[:, kept],
        shadow_membership=evidence.shadow_membership[:, kept],
        images=None if images is None else images[kept],
        target_queries=None if target is None else target[:, kept],
        shadow_queries=None if shadows is None else shadows[:, :, kept],
    )


def with_shadow_as_target(evidence: AttackEvidence, index: int, *, group: int) -> AttackEvidence:
    """Return the evidence on shadow `index` as the target model, with the other groups of shadows as its shadows.

    Those that take turns with it are left out as well: of two halves, one was trained on exactly what the other was
    not, so that it would stand OUT for all members and IN for all others, and tell them apart by nothing but its own
    peculiarities. `group` is how many take turns.
    """
    others = np.arange(len(evidence.shadow_membership)) // group != index // group
    queries, references = evidence.shadow_queries, evidence.references
    return replace(
        evidence,
        target_logits=evidence.shadow_logits[index],
        shadow_logits=evidence.shadow_logits[others],
        shadow_membership=evidence.shadow_membership[others],
        target_queries=None if queries is None else queries[index],
        shadow_queries=None if queries is None else queries[others],
        references=None
        if references is None
        else replace(
            references,
            target_logits=references.shadow_logits[index],
            shadow_logits=references.shadow_logits[others],
        ),
    )


def _references(validation: LabelledImages, target: Predictions, shadows: Sequence[Predictions]) -> References | None:
    if not len(validation):
        return None
    logits = _stack([shadow.validation for shadow in shadows], target.validation)
    return References(validation.images, validation.labels, target.validation, logits)


def _stack(parts: Sequence[npt.NDArray[np.float32]], like: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    return np.stack(parts) if parts else np.empty((0, *like.shape), np.float32)
