"""Whether the saved arrays of an attack can be what they say they are; evidence is hostile input."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    from tckr_bench.records import AttackScores, CellEvidence, Copies, PrivacyGuarantee, ShadowAudit


def fault_of_attack(label: str, attack: AttackScores) -> str:
    """Return what is wrong with the shapes and values of an attack's arrays, or nothing."""
    import numpy as np

    shape = attack.scores.shape
    masks = (attack.members, attack.canaries)
    if len(shape) != 1 or any(mask.shape != shape or mask.dtype != np.bool_ for mask in masks):
        return f"the arrays of the attack {label} do not fit together"
    if not _finite(attack.scores):
        return f"the attack {label} has scores that are not finite"
    if attack.labels is not None and not _are_labels(attack.labels, len(attack.scores)):
        return f"the attack {label} has labels that are not one class index per example"
    if attack.audit is not None and not _is_audit(attack.audit, int((~attack.canaries).sum())):
        return f"the audit of the attack {label} has arrays that do not fit together or are not finite"
    if attack.copies is not None and not _are_copies(attack.copies):
        return f"the attack {label} has distances of copies that are not finite, 0 or more, and as many on each side"
    return ""


def fault_of_evidence(evidence: CellEvidence) -> str:
    """Return what is wrong with the shapes and values of evidence, or nothing."""
    import numpy as np

    count = len(evidence.test_labels)
    for name, logits in (("test_logits", evidence.test_logits), ("teacher_logits", evidence.teacher_logits)):
        if logits.ndim != 2 or len(logits) != count or logits.shape[1] < 2 or not np.isfinite(logits).all():
            return f"{name} are not finite values of shape ({count}, classes)"
    labels = evidence.test_labels
    if labels.ndim != 1 or not count or labels.dtype.kind not in "iu":
        return "test_labels are not a list of class indices"
    if labels.min() < 0 or labels.max() >= evidence.test_logits.shape[1]:
        return "test_labels hold a class that the logits do not have"
    faults = (fault_of_attack(label, attack) for label, attack in evidence.attacks.items())
    return next(filter(None, faults), "") or _fault_of_guarantee(evidence.guarantee)


def _fault_of_guarantee(guarantee: PrivacyGuarantee | None) -> str:
    if guarantee is None:
        return ""
    sound = math.isfinite(guarantee.epsilon) and guarantee.epsilon >= 0 and 0 <= guarantee.delta <= 1
    if guarantee.matching is not None:
        wanted, reached = guarantee.matching.wanted, guarantee.matching.reached
        sound = sound and 0 <= wanted <= 1 and 0 <= reached <= 1 and guarantee.matching.trainings >= 0
    return (
        ""
        if sound
        else "the privacy guarantee is not a finite epsilon of 0 or more with a delta and accuracies of 0 to 1"
    )


def _finite(values: npt.NDArray[Any]) -> bool:
    import numpy as np

    return values.dtype.kind == "f" and bool(np.isfinite(values).all())


def _are_labels(labels: npt.NDArray[Any], count: int) -> bool:
    return labels.shape == (count,) and labels.dtype.kind in "iu" and bool((labels >= 0).all())


def _is_audit(audit: ShadowAudit, ordinary: int) -> bool:
    """Return whether an audit has shadow models, ordinary examples by number, and canaries in or out of models."""
    import numpy as np

    shadows, shape = len(audit.aucs) if audit.aucs.ndim == 1 else 0, audit.canary_scores.shape
    fits = shadows > 0 and audit.vulnerability.shape == (ordinary,) and len(shape) == 2
    fits = fits and audit.canary_membership.shape == shape and audit.canary_membership.dtype == np.bool_
    shares = [audit.aucs] if audit.tprs is None else [audit.aucs, audit.tprs]
    fits = fits and all(part.shape == audit.aucs.shape for part in shares)
    fits = fits and all(_finite(part) for part in (*shares, audit.vulnerability, audit.canary_scores))
    return fits and all(bool(((part >= 0) & (part <= 1)).all()) for part in shares)


def _are_copies(copies: Copies) -> bool:
    sides = (copies.to_members, copies.to_others)
    fits = copies.to_members.ndim == 1 and copies.to_members.shape == copies.to_others.shape
    return fits and all(_finite(side) and bool((side >= 0).all()) for side in sides)
