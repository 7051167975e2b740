"""For plugin authors: fakes of what a component is given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tckr_bench.plugin.protocols import Context, ReleaseEvidence
from tckr_bench.records import (
    AttackEvidence,
    AttackScores,
    CellEvidence,
    Copies,
    GenerationRequest,
    LabelledImages,
    Matching,
    PrivacyGuarantee,
    Prompts,
    References,
    ShadowAudit,
    ThreatModel,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from tckr_bench.records import DenoisingProbe, Images


def fake_images(count: int = 12, *, size: int = 32, classes: int = 3, seed: int = 0) -> LabelledImages:
    """Return images that a classifier can tell apart: noise around a colour and a place of each class."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % classes
    images = generator.integers(0, 60, size=(count, size, size, 3)).astype(np.uint8)
    for index, label in enumerate(labels):
        top = int(label) * size // (classes + 1)
        images[index, top : top + size // 3, size // 4 : 3 * size // 4, int(label) % 3] += 150
    return LabelledImages(images, labels)


def fake_class_names(classes: int = 3) -> tuple[str, ...]:
    """Return class names."""
    return tuple(f"kind {index}" for index in range(classes))


def fake_prompts(data: LabelledImages) -> Prompts:
    """Return one prompt per image."""
    texts = tuple(f"kind {label}: a bright object" for label in data.labels)
    return Prompts(texts, data.labels, np.arange(len(data), dtype=np.int64))


def fake_attack_evidence(*, examples: int = 60, classes: int = 3, shadows: int = 8, seed: int = 0) -> AttackEvidence:
    """Return evidence in which members (the first half) are fitted better, by the target and by every shadow.

    Nothing is missing from it: images of the labels' classes, two altered copies of each, and half as many references,
    which no model was trained on.
    """
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, size=examples).astype(np.int64)
    members = np.arange(examples) < examples // 2
    splits = [generator.permutation(examples) < examples // 2 for _ in range(shadows // 2)]
    masks = np.array([mask for split in splits for mask in (split, ~split)]).reshape(-1, examples)

    def logits(mask: Any, of: Any = labels) -> Any:  # noqa: ANN401 - arrays
        outputs = generator.normal(size=(len(of), classes))
        outputs[np.arange(len(of)), of] += 1.0 + 2.0 * mask
        return outputs.astype(np.float32)

    def of_shadows(draw: Callable[[Any], Any], *shape: int) -> Any:  # noqa: ANN401 - arrays
        return np.array([draw(mask) for mask in masks], dtype=np.float32).reshape(-1, *shape, classes)

    shadow_logits = of_shadows(logits, examples)
    target_logits = logits(members)
    pool = fake_images(examples * classes, classes=classes, seed=seed)
    outside = fake_images(examples // 2, classes=classes, seed=seed + 1)
    return AttackEvidence(
        target_logits=target_logits,
        labels=labels,
        shadow_logits=shadow_logits,
        shadow_membership=masks.astype(bool),
        images=pool.images[np.arange(examples) * classes + labels],
        target_queries=np.stack([logits(members) for _ in range(2)]),
        shadow_queries=of_shadows(lambda mask: [logits(mask) for _ in range(2)], 2, examples),
        references=References(
            images=outside.images,
            labels=outside.labels,
            target_logits=logits(0, outside.labels),
            shadow_logits=of_shadows(lambda _mask: logits(0, outside.labels), len(outside)),
        ),
    )


class FakeDiffusionGenerator:
    """A diffusion generator that makes grey images and denoises dark images best."""

    image_size = 32

    def restore(self, weights: Path) -> None:
        """Take up nothing."""

    def generate(self, request: GenerationRequest, *, context: Context) -> Images:
        """Return grey images."""
        context.progress(1.0)
        return np.full((len(request), self.image_size, self.image_size, 3), 128, dtype=np.uint8)

    def denoising_errors(
        self, images: Images, prompts: Sequence[str], *, probe: DenoisingProbe, context: Context
    ) -> npt.NDArray[np.float64]:
        """Return errors that grow with the mean level of an image, and with the timestep."""
        assert len(images) == len(prompts), "one prompt per image"
        context.progress(1.0)
        levels: npt.NDArray[np.float64] = images.mean(axis=(1, 2, 3), dtype=np.float64)
        return (1.0 + levels) * (1.0 + probe.timestep)


def fake_release_evidence(*, examples: int = 60, seed: int = 0) -> ReleaseEvidence:
    """Return evidence in which members (the first half) were released, slightly altered, with their captions."""
    data, others = (fake_images(count, seed=seed + shift) for shift, count in enumerate((examples, examples // 2)))
    members = np.arange(examples) < examples // 2
    noise = np.random.default_rng(seed).integers(0, 9, size=data.images[members].shape)
    prompts = tuple(f"kind {label}: object {index % 20}" for index, label in enumerate(data.labels))
    return ReleaseEvidence(
        images=data.images,
        labels=data.labels,
        class_names=fake_class_names(),
        prompts=prompts,
        generator=FakeDiffusionGenerator(),
        synthetic=LabelledImages((data.images[members] + noise).astype(np.uint8), data.labels[members]),
        released_prompts=prompts[: examples // 2],
        references=others,
        members=members,
    )


def fake_cell_evidence(*, examples: int = 1000, classes: int = 3, seed: int = 0) -> CellEvidence:
    """Return the evidence of a cell with one attack, as many members as non-members, that no built-in metric lacks.

    The attack itself has no canaries, but its eight shadow models have; the training proves something and is
    matched to a student, and a tenth of the synthetic images are copies.
    """
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, size=examples).astype(np.int64)
    logits = generator.normal(size=(2, examples, classes)).astype(np.float32)
    logits[:, np.arange(examples), labels] += np.float32(1.0)
    members = np.arange(2 * examples) < examples
    scores = generator.normal(size=2 * examples) + 0.5 * members
    membership = np.stack([generator.permutation(8) < 4 for _ in range(40)], axis=1)
    to_members = 20.0 * generator.random(examples)
    attack = AttackScores(
        attack="fake",
        scores=scores,
        members=members,
        canaries=np.zeros(2 * examples, dtype=bool),
        threat_model=ThreatModel(sees="logits", owns="nothing"),
        labels=generator.integers(0, classes, size=2 * examples).astype(np.int64),
        audit=ShadowAudit(
            aucs=generator.normal(0.6, 0.02, size=8),
            vulnerability=generator.normal(size=2 * examples),
            canary_scores=generator.normal(size=membership.shape) + membership,
            canary_membership=membership,
            tprs=generator.uniform(0.01, 0.05, size=8),
        ),
        copies=Copies(
            np.where(np.arange(examples) % 10, to_members, 0.1 * to_members / 20), 20.0 * generator.random(examples)
        ),
    )
    matching = Matching(wanted=0.5, reached=0.49, trainings=5)
    guarantee = PrivacyGuarantee(epsilon=4.0, delta=1e-5, accountant="prv", matching=matching)
    return CellEvidence(labels, logits[0], logits[1], {"fake": attack}, "fake", guarantee)
