"""Frozen records that pass between rooms; no bare dict crosses a module boundary.

Those without arrays are also the schema of the result files: pydantic reads and writes them as they stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.records.data import (
    SPLITS,
    DatasetDescription,
    EncodedImage,
    GenerationRequest,
    LabelledImages,
    Pretraining,
    PrivacyGuarantee,
    Prompts,
    Split,
    TrainingData,
    TrainingHistory,
)
from tckr_bench.records.estimate import Estimate
from tckr_bench.records.membership import (
    AttackEvidence,
    AttackScores,
    CanaryKind,
    CellEvidence,
    Copies,
    DenoisingProbe,
    References,
    ReleaseOutcome,
    ShadowAudit,
    ShadowData,
    Surface,
    ThreatModel,
)
from tckr_bench.records.read_only import read_only
from tckr_bench.records.results import (
    Cell,
    CellRecord,
    ComponentUse,
    Contamination,
    Cost,
    Gate,
    LabelKind,
    Measurement,
    Method,
    Role,
    StepCost,
    TrainingProtocol,
    attacks_on,
)
from tckr_bench.records.sampling import ChallengeParameters, EpochChoice, Sample, Take

if TYPE_CHECKING:
    from tckr_bench.records.data import Images, Labels, Logits, Scores

__all__ = [
    "SPLITS",
    "AttackEvidence",
    "AttackScores",
    "CanaryKind",
    "Cell",
    "CellEvidence",
    "CellRecord",
    "ChallengeParameters",
    "ComponentUse",
    "Contamination",
    "Copies",
    "Cost",
    "DatasetDescription",
    "DenoisingProbe",
    "EncodedImage",
    "EpochChoice",
    "Estimate",
    "Gate",
    "GenerationRequest",
    "Images",
    "LabelKind",
    "LabelledImages",
    "Labels",
    "Logits",
    "Measurement",
    "Method",
    "Pretraining",
    "PrivacyGuarantee",
    "Prompts",
    "References",
    "ReleaseOutcome",
    "Role",
    "Sample",
    "Scores",
    "ShadowAudit",
    "ShadowData",
    "Split",
    "StepCost",
    "Surface",
    "Take",
    "ThreatModel",
    "TrainingData",
    "TrainingHistory",
    "TrainingProtocol",
    "attacks_on",
    "read_only",
]
