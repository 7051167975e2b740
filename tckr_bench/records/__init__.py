"""Frozen records that pass between rooms; no bare dict crosses a module boundary.

Those without arrays are also the schema of the result files: pydantic reads and writes them as they stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tckr_bench.records.contract import Better, CaptionBasis, Quantity, ShadowData, Shadows, Unit
from tckr_bench.records.data import (
    MATCHED_WITHIN,
    SPLITS,
    DatasetDescription,
    EncodedImage,
    FoundCaptions,
    GenerationRequest,
    ImageCatalogue,
    LabelledImages,
    Matching,
    Pretraining,
    PrivacyGuarantee,
    Prompts,
    Split,
    TrainingData,
    TrainingHistory,
    Tuned,
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

_ARRAY_TYPES = (
    "Bools",
    "Floats",
    "ImageSequence",
    "Images",
    "Indices",
    "Labels",
    "Logits",
    "Members",
    "Membership",
    "Queries",
    "Scores",
    "ShadowLogits",
    "ShadowQueries",
)

if TYPE_CHECKING:
    from tckr_bench.records.arrays import (
        Bools,
        Floats,
        Images,
        ImageSequence,
        Indices,
        Labels,
        Logits,
        Members,
        Membership,
        Queries,
        Scores,
        ShadowLogits,
        ShadowQueries,
    )
else:

    def __getattr__(name: str) -> Any:  # noqa: ANN401 - an array type
        """Import the array types when one is asked for: they need numpy, which the command line does without."""
        if name not in _ARRAY_TYPES:
            raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
        from tckr_bench.records import arrays

        return getattr(arrays, name)


__all__ = [
    "MATCHED_WITHIN",
    "SPLITS",
    "AttackEvidence",
    "AttackScores",
    "Better",
    "Bools",
    "CanaryKind",
    "CaptionBasis",
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
    "Floats",
    "FoundCaptions",
    "Gate",
    "GenerationRequest",
    "ImageCatalogue",
    "ImageSequence",
    "Images",
    "Indices",
    "LabelKind",
    "LabelledImages",
    "Labels",
    "Logits",
    "Matching",
    "Measurement",
    "Members",
    "Membership",
    "Method",
    "Pretraining",
    "PrivacyGuarantee",
    "Prompts",
    "Quantity",
    "Queries",
    "References",
    "ReleaseOutcome",
    "Role",
    "Sample",
    "Scores",
    "ShadowAudit",
    "ShadowData",
    "ShadowLogits",
    "ShadowQueries",
    "Shadows",
    "Split",
    "StepCost",
    "Surface",
    "Take",
    "ThreatModel",
    "TrainingData",
    "TrainingHistory",
    "TrainingProtocol",
    "Tuned",
    "Unit",
    "attacks_on",
    "read_only",
]
