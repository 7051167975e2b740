"""What a control is: a method whose answer is known before the run, with everything that sets it apart from others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from tckr_bench.records import (
    CellEvidence,
    CellRecord,
    ChallengeParameters,
    ComponentUse,
    EpochChoice,
    Method,
    Sample,
    TrainingProtocol,
)


class ControlOptions(BaseModel):
    """What a matrix file may set of a control in `[control.<name>]`; a control without options takes this."""

    model_config = ConfigDict(extra="forbid", frozen=True)


OptionsT = TypeVar("OptionsT", bound=ControlOptions)


class Components(Protocol):
    """What is installed, as `Registry` knows it: makes uses of components, their options checked."""

    def use(self, family: str, name: str, *, label: str, options: Mapping[str, Any]) -> ComponentUse:
        """Return a component as a matrix uses it."""
        ...

    def untrained(self, classifier: ComponentUse) -> ComponentUse:
        """Return the same classifier made to learn nothing, as its component declares."""
        ...

    def memorising(self, classifier: ComponentUse, *, epochs: int) -> ComponentUse:
        """Return the same classifier made to learn its images by heart, as its component declares."""
        ...


@dataclass(frozen=True)
class Parts:
    """What a control makes its methods of: components, and a matrix's first captioner and classifier."""

    components: Components
    captioner: ComponentUse
    classifier: ComponentUse
    image_size: int

    def use(self, family: str, name: str, *, label: str, options: Mapping[str, Any]) -> ComponentUse:
        """Return an installed component."""
        return self.components.use(family, name, label=label, options=options)

    def untrained(self) -> ComponentUse:
        """Return the classifier with its first weights."""
        return self.components.untrained(self.classifier)

    def memorising(self, epochs: int) -> ComponentUse:
        """Return the classifier as it learns its training images by heart, in so many passes over them."""
        return self.components.memorising(self.classifier, epochs=epochs)


@dataclass(frozen=True)
class Regime:
    """How a method is trained and attacked; the defaults are those of every method that is no control.

    Attributes:
        sample: which real images stand in the place of the training split.
        challenge: the examples its classifier is judged on.
        epoch: which epoch is kept; None leaves it to the matrix's protocol.
        sees_members: whether its classifier ever learns from a training image, or from what was made of one. Where it
            does not there is nothing to repeat, and attackers bring the shadow models of the real-data baseline.
    """

    sample: Sample = field(default_factory=Sample)
    challenge: ChallengeParameters = field(default_factory=ChallengeParameters)
    epoch: EpochChoice | None = None
    sees_members: bool = True


def ordinary(_: ControlOptions) -> Regime:
    """Return the regime of every method that is no control."""
    return Regime()


@dataclass(frozen=True)
class ControlOutcome:
    """What a check of a control came to, with the numbers that say so."""

    passed: bool
    reason: str


@dataclass(frozen=True)
class Trial:
    """A finished cell of a control, and what it is judged by.

    Attributes:
        cell: the record that is judged.
        records: every record of its dataset.
        primary: label of the attack declared before the run.
        limit: how far the control may go by its own evidence; None where that was not at hand.
    """

    cell: CellRecord
    records: Sequence[CellRecord]
    primary: str
    limit: float | None = None

    @property
    def teacher(self) -> CellRecord | None:
        """The real-data baseline of the same seed and classifier, or the only one of that seed."""
        teachers = [one for one in self.records if one.method.role == "baseline" and one.seed == self.cell.seed]
        same = [one for one in teachers if one.method.classifier.label == self.cell.method.classifier.label]
        return same[0] if same else teachers[0] if len(teachers) == 1 else None


@dataclass(frozen=True)
class Control(Generic[OptionsT]):
    """A method whose answer is known before the run.

    Attributes:
        name: of the control and its gate; what its methods are called, or begin with, before a `-`.
        summary: what it is, a clause that follows its name.
        expectation: what must come of it, a clause that follows "so".
        methods: makes what it adds to a matrix, of role `control`.
        checks: its gate: everything that must hold of a finished cell of it.
        options: what a matrix file may set of it.
        regime: how its methods are trained and attacked.
        protocols: under which protocols it is asked for.
        limit: how far it may go by a finished cell's own evidence; None if nothing in the evidence says so.
        charted: whether charts show it beside the methods, as what an attack finds where everything is released.
        required: whether rows of a run without it are not trusted.
    """

    name: str
    summary: str
    expectation: str
    methods: Callable[[Parts, OptionsT], tuple[Method, ...]]
    checks: Callable[[Trial], Iterable[ControlOutcome]]
    options: type[OptionsT]
    regime: Callable[[OptionsT], Regime] = ordinary
    protocols: tuple[TrainingProtocol, ...] = ("sound", "paper")
    limit: Callable[[CellRecord, CellEvidence], float] | None = None
    charted: bool = False
    required: bool = True

    @property
    def words(self) -> str:
        """What it is and what must come of it, as shown wherever the control is explained."""
        return f"{self.summary}, so {self.expectation}"

    def owns(self, name: str) -> bool:
        """Return whether a method or gate of this name belongs to the control."""
        return name == self.name or name.startswith(f"{self.name}-")

    def judge(self, trial: Trial) -> ControlOutcome:
        """Return what failed of the checks of a cell, if anything did, else what they found."""
        if trial.cell.status == "failed":
            return ControlOutcome(passed=False, reason=f"its cell failed ({trial.cell.failure or 'no reason given'})")
        return join(list(self.checks(trial)))


def join(outcomes: Sequence[ControlOutcome]) -> ControlOutcome:
    """Return several outcomes as one: what failed, if anything did, else all that was found.

    >>> join([ControlOutcome(True, "a"), ControlOutcome(False, "b"), ControlOutcome(False, "c")])
    ControlOutcome(passed=False, reason='b; c')
    >>> join([ControlOutcome(True, "a"), ControlOutcome(True, "b")])
    ControlOutcome(passed=True, reason='a; b')
    """
    failed = [outcome.reason for outcome in outcomes if not outcome.passed]
    return ControlOutcome(not failed, "; ".join(failed or [outcome.reason for outcome in outcomes]))
