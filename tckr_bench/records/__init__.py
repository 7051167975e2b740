"""Frozen records that pass between rooms; no bare dict crosses a module boundary.

Those without arrays are also the schema of the result files: pydantic reads and writes them as they stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.records.contract import Better, Quantity, ShadowData, Shadows, Unit
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
    Surface,
    ThreatModel,
)
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
    "Better",
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
    "Quantity",
    "References",
    "ReleaseOutcome",
    "Role",
    "Sample",
    "Scores",
    "ShadowAudit",
    "ShadowData",
    "Shadows",
    "Split",
    "StepCost",
    "Surface",
    "Take",
    "ThreatModel",
    "TrainingData",
    "TrainingHistory",
    "TrainingProtocol",
    "Unit",
    "attacks_on",
]
