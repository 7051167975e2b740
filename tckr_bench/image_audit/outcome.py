"""What an audit of images found, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tckr_bench.records import Estimate

if TYPE_CHECKING:
    import pandas as pd

    from tckr_bench.records import Floats, Indices

Trace = Literal["trace", "no trace", "not enough evidence"]
"""The training images leave a trace in the synthetic ones; none that this audit can find; or it can tell neither."""


@dataclass(frozen=True)
class FolderCounts:
    """How many images there are.

    Attributes:
        synthetic, train, holdout: files by folder.
        shared: pictures that both real folders had, left out of both.
        repeated: further copies within a real folder, left out.
        ignored: files that are no images.
        released: training images that are among the synthetic ones, pixel by pixel where they are compared.
        released_holdout: hold-out images that are.
    """

    synthetic: int
    train: int
    holdout: int
    shared: int
    repeated: int
    ignored: int
    released: int
    released_holdout: int


@dataclass(frozen=True)
class PairCounts:
    """How many images an audit compares, and the most it can find.

    Attributes:
        pairs: of a training and a hold-out image each.
        judged: those of them that are not for teaching.
        references: hold-out images that stand apart.
        smallest_p: the least p-value that the judged pairs can have.
        largest_epsilon: the highest bound on epsilon that they can have, in nats.
    """

    pairs: int
    judged: int
    references: int
    smallest_p: float
    largest_epsilon: float


@dataclass(frozen=True)
class DatasetTest:
    """What the judged pairs tell, by a score that the others taught.

    Attributes:
        p_value: how often chance would tell training from hold-out images as well, if none had been used; one-sided.
        auc: how often the score puts a training image above a hold-out image, with its 95 % interval.
        epsilon: lower bound in nats on the epsilon of replacing one training image, with 97.5 % confidence.
        share: of the pairs that were guessed for it, the surest.
    """

    p_value: float
    auc: Estimate
    epsilon: Estimate
    share: float


@dataclass(frozen=True)
class ScoreFound:
    """A membership score by itself, on all pairs: the attack, what it sees and owns, and its AUC."""

    score: str
    sees: str
    owns: str
    auc: Estimate


@dataclass(frozen=True)
class AuditCheck:
    """A control of the audit: its name, whether it came out as it must, and why; `voids` if nothing counts without."""

    name: str
    passed: bool
    reason: str
    voids: bool


@dataclass(frozen=True)
class ImageAudit:
    """The outcome of an audit; it names no image and no path.

    Attributes:
        answer: whether the training images leave a trace.
        folders: how many images there are.
        pairs: how many were compared, and the most that could be found.
        found: by all scores together.
        scores: each by itself.
        checks: whose answers are known.
        remarks: what weakens it.
        delta: of the privacy that the bound on epsilon is of.
        seed: of the pairs.
    """

    answer: Trace
    folders: FolderCounts
    pairs: PairCounts
    found: DatasetTest
    scores: tuple[ScoreFound, ...]
    checks: tuple[AuditCheck, ...]
    remarks: tuple[str, ...]
    delta: float
    seed: int

    @property
    def void(self) -> tuple[AuditCheck, ...]:
        """The checks that failed and without which nothing counts."""
        return tuple(check for check in self.checks if check.voids and not check.passed)

    def to_frame(self) -> pd.DataFrame:
        """Return a row per measurement: what it is, of which score, its value and the ends of its interval."""
        import pandas as pd

        nothing = float("nan")
        rows = [
            ("p-value", "all", self.found.p_value, nothing, nothing),
            ("auc", "all", self.found.auc.value, self.found.auc.low, self.found.auc.high),
            ("epsilon", "all", self.found.epsilon.value, self.found.epsilon.low, nothing),
            *(("auc", it.score, it.auc.value, it.auc.low, it.auc.high) for it in self.scores),
        ]
        return pd.DataFrame(rows, columns=["quantity", "score", "value", "low", "high"])


@dataclass(frozen=True)
class AuditedImages:
    """An audit with what its page draws.

    Attributes:
        audit: what was found.
        members: scores of the judged training images, (judged,).
        others: scores of the judged hold-out images, (judged,).
        closest: the training images that lie nearest a synthetic one, the nearest first, and that one: places among
            the listed files, (k, 2).
    """

    audit: ImageAudit
    members: Floats
    others: Floats
    closest: Indices
