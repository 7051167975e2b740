"""A privacy audit made with numpy: several attacks on several surfaces, defences, shadow models and canaries.

Figures are those of the installed metrics, and stand-ins, roughly right, for those that are not installed.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from tckr_bench import stats
from tckr_bench.board.results import RESULTS_FORMAT, cell_folder, write_results
from tckr_bench.board.verify import Verified, chance_limits, recompute_figures
from tckr_bench.evidence import COPIES_FILE, EVIDENCE_FILE, SAMPLES_FILE, write_evidence, write_samples
from tckr_bench.records import AttackScores, CellEvidence, Copies, Figure, PrivacyGuarantee, ShadowAudit, ThreatModel

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


def audited_run(folder, made, *, examples: int = 400, cells=None, dataset: str = "fashion-mnist") -> Verified:
    """Write the evidence and pictures of an audit, and return it as if all its figures had been recomputed."""
    folder.mkdir(parents=True, exist_ok=True)
    records, evidence, teacher = [], {}, None
    for index, cell in enumerate(cells or audited_cells(made)):
        found = _evidence(cell, made, key=(examples, index), examples=examples, teacher=teacher)
        teacher = found.test_logits if teacher is None else teacher
        models = {label: attack.threat_model for label, attack in found.attacks.items()}
        record = dataclasses.replace(
            made.stated_record(cell.method, dataset=dataset), threat_models=models, contamination=None
        )
        where = cell_folder(folder, record)
        where.mkdir(parents=True)
        write_evidence(found, where / EVIDENCE_FILE)
        if cell.method.synthetic:
            write_samples(made.samples_for((index,)), where / SAMPLES_FILE)
        if cell.copied:
            write_samples(_nearest(made.samples_for((index, 1))), where / COPIES_FILE)
        records.append(dataclasses.replace(record, figures=_figures(folder, record, found, cell)))
        evidence[record.dataset, record.method.name, record.seed] = found
    results = dataclasses.replace(made.results_of(records), format=RESULTS_FORMAT, matrix="audit")
    write_results(results, folder)
    return Verified(results, (), chance_limits(folder, results), evidence)


def _nearest(samples):
    captions = [
        f"{'member' if index % 3 else 'not a member'}, {2 + 3.7 * index:.1f} of 255 apart" for index in range(5)
    ]
    return dataclasses.replace(samples, prompts=tuple(captions))


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
            audit=_audit(generator, strength, 2 * examples) if adaptive else None,
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


def _audit(generator, strength, count) -> ShadowAudit:
    inside = generator.random((SHADOWS, CANARIES)) < 0.5
    scores = generator.normal(size=(SHADOWS, CANARIES)) + 4 * strength * inside
    aucs = np.clip(0.5 + 0.4 * strength + generator.normal(0, 0.012, SHADOWS), 0, 1)
    return ShadowAudit(aucs, generator.gamma(2, 0.2, count), scores, inside)


def _figures(folder, record, evidence, cell) -> tuple[Figure, ...]:
    """Return what the installed metrics give, with a stand-in for whatever else there is to show."""
    computed = recompute_figures(folder, record)
    installed = {figure.metric for figure in computed}
    return (*computed, *(figure for figure in _stand_ins(evidence, cell) if figure.metric not in installed))


def _stand_ins(evidence, cell) -> list[Figure]:
    figures, worst = [], {}
    for label, attack in evidence.attacks.items():
        kept = ~attack.canaries
        scores, members = attack.scores[kept], attack.members[kept]
        auc = stats.auc_interval(scores, members)
        for metric, rate in (("tpr-at-10-fpr", 0.1), ("tpr-at-1-fpr", 0.01)):
            point = stats.tpr_at_fpr(scores, members, fpr=rate).true_positive_rate
            figures.append(_figure(metric, point.value, point.low, point.high, label))
            if metric == "tpr-at-1-fpr" and attack.threat_model.surface == "classifier":
                worst.setdefault("worst-tpr-at-1-fpr", []).append((point, label))
        if attack.threat_model.surface == "classifier":
            worst.setdefault("worst-auc", []).append((auc, label))
        gain = max(0.0, auc.value - 0.5)
        figures += [
            _figure("advantage", 1.4 * gain, 1.4 * gain - 0.05, 1.4 * gain + 0.05, label),
            _figure("epsilon-lower", max(0.0, 4 * gain - 0.3), max(0.0, 4 * gain - 0.3), 4 * gain + 0.1, label),
            _figure("worst-class-auc", min(1, auc.value + 0.04), auc.low, min(1, auc.high + 0.09), label),
        ]
        if attack.audit is not None:
            figures += _of_audit(attack.audit, gain, label)
        if attack.copies is not None:
            figures += [
                _figure("duplicate-rate", 0.01, 0.002, 0.03, label),
                _figure("near-duplicate-rate", 0.04, 0.02, 0.07, label),
            ]
    for metric, candidates in worst.items():
        estimate, label = max(candidates, key=lambda entry: entry[0].value)
        wider = 0.25 * (estimate.high - estimate.low)
        low, high = max(0, estimate.low - wider), min(1, estimate.high + wider)
        figures.append(_figure(metric, estimate.value, low, high, label))
    if cell.guarantee:
        figures.append(_figure("epsilon-accounted", *[cell.guarantee.epsilon] * 3, ""))
    return figures


def _of_audit(audit, gain, label) -> list[Figure]:
    spread = float(audit.aucs.std(ddof=1))
    low, high = (spread * np.sqrt((SHADOWS - 1) / chi2.ppf(tail, SHADOWS - 1)) for tail in (0.975, 0.025))
    found = stats.auc_interval(audit.canary_scores.ravel(), audit.canary_membership.ravel())
    rate = stats.tpr_at_fpr(audit.canary_scores.ravel(), audit.canary_membership.ravel()).true_positive_rate
    shown = max(0.0, 8 * gain - 0.2)
    return [
        _figure("auc-between-trainings", spread, float(low), float(high), label),
        _figure("worst-decile-auc", min(1, 0.5 + 2.5 * gain), 0.5 + gain, min(1, 0.58 + 2.5 * gain), label),
        _figure("audit-canary-auc", found.value, found.low, found.high, label),
        _figure("audit-canary-tpr-at-1-fpr", rate.value, rate.low, rate.high, label),
        _figure("audit-canary-epsilon-lower", shown, shown, shown + 0.6, label),
    ]


def _figure(metric, value, low, high, attack) -> Figure:
    return Figure(metric, float(value), float(low), float(high), "a stand-in", 800, attack)
