"""A privacy audit made with numpy: several attacks on several surfaces, defences, shadow models and canaries."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from tckr_bench.records import AttackScores, CellEvidence, Copies, PrivacyGuarantee, ShadowAudit, ThreatModel
from tckr_bench.stats import auc

SHADOWS, CANARIES = 16, 50
OUTPUTS = "class probabilities of the released classifier"
SHADOW_MODELS = "the classifier's training recipe and data of the same distribution to train 16 shadow models"
MODELS = {
    "loss": ThreatModel(OUTPUTS, "the label of the example"),
    "rmia": ThreatModel(OUTPUTS + ", also for other examples", SHADOW_MODELS),
    "lira": ThreatModel(OUTPUTS, SHADOW_MODELS),
    "adaptive": ThreatModel(OUTPUTS, SHADOW_MODELS, adaptive=True),
    "denoising": ThreatModel("the weights of the adapted generator", "the prompts", surface="generator"),
    "nearest-copy": ThreatModel("the synthetic images", "nothing else", surface="images"),
    "nearest-caption": ThreatModel("the captions", "the captioner", surface="captions"),
    "blind": ThreatModel("no model: the challenge images alone", "who is a member of the others", surface="data"),
}
STRENGTHS = {"loss": 0.6, "rmia": 1.05, "lira": 1.0, "adaptive": 1.5}
BY_ROLE = {"baseline": ("lira", "rmia"), "defended": ("lira", "rmia"), "method": ("adaptive",)}
"""Which attacks' shadow models repeat all of a row's training, by its role."""


@dataclass(frozen=True)
class AuditedCell:
    """A cell of the audit: its method, accuracy, leak of its classifier and of what may be released with it."""

    method: object
    accuracy: float
    leak: float
    released: float = 0.0
    copied: float = 0.0
    guarantee: PrivacyGuarantee | None = None
    canaries: float = 0.0


def audited_cells(made) -> tuple[AuditedCell, ...]:
    """Return a teacher, two defences, three students and the controls; `made` holds the makers of the board's tests."""
    plain, synthetic = made.plain_method, made.synthetic
    return (
        AuditedCell(plain("teacher", "baseline"), 0.842, 0.55),
        AuditedCell(plain("dp-sgd", "defended"), 0.741, 0.04, guarantee=PrivacyGuarantee(7.9, 1e-5, "rdp")),
        AuditedCell(plain("early-stopping", "defended"), 0.822, 0.22),
        AuditedCell(synthetic("lora", "soft"), 0.815, 0.12, released=0.5, copied=0.15),
        AuditedCell(synthetic("lora", "hard"), 0.771, 0.07, released=0.5, copied=0.15),
        AuditedCell(synthetic("none", "soft"), 0.792, 0.02, released=0.05),
        AuditedCell(plain("memorizer", "control"), 0.838, 0.54, copied=8.0),
        AuditedCell(plain("noise", "control"), 0.1, 0.0),
        AuditedCell(plain("overfit", "control"), 0.79, 1.6, canaries=5.0),
        AuditedCell(plain("untrained", "control"), 0.1, 0.0),
        AuditedCell(plain("outsider", "control"), 0.61, 0.0),
    )


def audited_run(folder, made, *, examples: int = 400, cells=None, outputs=None):
    """Write a run folder whose measurements are what the metrics make of its evidence, with pictures of copies.

    `outputs` makes the outputs of a method, by its name, of those of the methods before it.
    """
    stated, evidence, pictures, teacher, logits = [], {}, {}, None, {}
    for index, cell in enumerate(cells or audited_cells(made)):
        found = _evidence(cell, made, key=(examples, index), examples=examples, teacher=teacher)
        if cell.method.name in (outputs or {}):
            found = dataclasses.replace(found, test_logits=outputs[cell.method.name](logits))
        logits[cell.method.name] = found.test_logits
        teacher = found.test_logits if teacher is None else teacher
        models = {label: attack.threat_model for label, attack in found.attacks.items()}
        record = dataclasses.replace(made.stated_record(cell.method), threat_models=models)
        stated.append(record)
        evidence[record.dataset, cell.method.name, record.seed] = found
        shown = made.samples_for((index,)) if cell.method.synthetic else []
        shown += _nearest(made.samples_for((index, 1), "copy")) if cell.copied else []
        if shown:
            pictures[record.dataset, cell.method.name] = shown
    attacks = tuple(made.use("attack", label) for label in MODELS)
    return made.write_made_run(folder, stated, evidence, pictures=pictures, matrix="audit", attacks=attacks)


def _nearest(pairs):
    return [
        dataclasses.replace(
            pair, caption=f"{'member' if index % 3 else 'not a member'}, {2 + 3.7 * index:.1f} of 255 apart"
        )
        for index, pair in enumerate(pairs)
    ]


def _evidence(cell, made, *, key, examples, teacher) -> CellEvidence:
    generator = np.random.default_rng(key)
    test_labels = np.arange(1000) % 10
    logits = made.logits_of(generator, test_labels, cell.accuracy)
    members = np.arange(2 * examples) < examples
    canaries = np.zeros(2 * examples, dtype=bool)
    if cell.canaries:
        canaries[[*range(50), *range(examples, examples + 50)]] = True
    hardness = np.random.default_rng(11).normal(size=2 * examples)
    attacks = {}
    for label, model in MODELS.items():
        strength = _strength(label, cell)
        if strength is None:
            continue
        scores = 0.5 * hardness + 0.8 * generator.normal(size=2 * examples) + strength * members
        scores[canaries & members] += cell.canaries
        adaptive = label in BY_ROLE.get(cell.method.role, ())
        attacks[label] = AttackScores(
            label,
            scores,
            members,
            canaries,
            dataclasses.replace(model, adaptive=adaptive),
            labels=np.tile(np.arange(10), examples // 5)[: 2 * examples],
            audit=_audit(generator, strength, auc(scores[~canaries], members[~canaries]), int((~canaries).sum()))
            if adaptive
            else None,
            copies=Copies(generator.gamma(9, 2, 300), generator.gamma(9, 2.1, 300))
            if label == "nearest-copy"
            else None,
        )
    return CellEvidence(
        test_labels, logits, logits if teacher is None else teacher, attacks, "lira", guarantee=cell.guarantee
    )


def _strength(label, cell) -> float | None:
    surface, synthetic = MODELS[label].surface, cell.method.synthetic
    if surface == "data":
        return 0.0
    if surface == "images":
        return cell.copied if synthetic or cell.copied else None
    if surface != "classifier":
        return (cell.released if surface == "generator" else 0.3) if synthetic else None
    if label == "adaptive" and not synthetic:
        return None
    return STRENGTHS[label] * cell.leak


def _audit(generator, strength, found, count) -> ShadowAudit:
    """Return an audit of shadow models that are what a target is on which an attack found so much."""
    inside = generator.random((SHADOWS, CANARIES)) < 0.5
    scores = generator.normal(size=(SHADOWS, CANARIES)) + 4 * strength * inside
    aucs = np.clip(found + generator.normal(0, 0.012, SHADOWS), 0, 1)
    return ShadowAudit(aucs, generator.gamma(2, 0.2, count), scores, inside)
