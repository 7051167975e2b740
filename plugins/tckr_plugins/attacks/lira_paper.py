"""The attack of the TCKR paper, as published: shadows of the test split, raw outputs, one of twelve variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from pydantic import Field

from tckr_bench.components import AttackComponent, Options, Shadows
from tckr_bench.errors import TckrError
from tckr_bench.records import ThreatModel
from tckr_plugins.attacks.signals import of_shadows, of_target
from tckr_plugins.late import np

if TYPE_CHECKING:
    from tckr_bench.records import AttackEvidence, Floats, Labels, Logits, Scores
    from tckr_plugins.attacks.signals import Signal

PaperVariant = Literal[
    "offline-stable-global",
    "offline-stable-per-example",
    "offline-unstable-global",
    "offline-unstable-per-example",
    "offline-margin-global",
    "offline-margin-per-example",
    "online-stable-global",
    "online-stable-per-example",
    "online-unstable-global",
    "online-unstable-per-example",
    "online-margin-global",
    "online-margin-per-example",
]
"""What `lira-paper` can be: <mode>-<form of phi>-<variance>."""

SMALLEST = 1e-10  # of what is published as a probability, and of a deviation
LARGEST = 1e10  # of a score, either way

VARIANTS: tuple[PaperVariant, ...] = get_args(PaperVariant)
"""The twelve variants, in the published order; a matrix that lists them all and takes the best chooses on its
evaluation data, as the paper does, and has to say so."""


class LiraPaperOptions(Options):
    """Options of `lira-paper`."""

    shadows: int = Field(
        default=16,
        ge=2,
        le=4096,
        multiple_of=2,
        description="shadow models, in pairs of IN and OUT, each trained on a part of the test split; 256 in the paper",
    )
    variant: PaperVariant = Field(
        default="online-stable-global",
        description="which of the twelve published variants; the paper reports the best on its evaluation data",
    )


class LiraPaperAttack:
    """Score each example as the TCKR paper does, so that its measurements can be reproduced; not a sound attack.

    Formula: phi is taken of the target and the shadows, of raw outputs v (logits) where probabilities are meant:
    `stable` log v_y - log sum_{k != y} v_k and `unstable` log v_y - log(1 - v_y), both of v clipped to
    [1e-10, 1 - 1e-10], or `margin` v_y - max_{k != y} v_k. Even shadows are IN for every example, odd ones OUT,
    whatever they were trained on. `online` scores log N(phi; mu_in, s_in^2) - log N(phi; mu_out, s_out^2);
    `offline` scores -(phi - mu_out)^2 / (2 s_out^2), which takes the examples most like the OUT shadows for
    members. `global` has one mean and one variance for all examples and shadows of a side, which leaves a threshold
    on phi; `per-example` has both per example (divided by observations). Scores are cut at 1e10.
    The published measurement is the AUC of the best of these 2 x 3 x 2 variants on the evaluation data, with 256
    shadows. An attack does not know who is a member, so it scores one `variant`: list all VARIANTS in a matrix and call
    the best one chosen on evaluation data.
    Source: Resmini, Lomurno, Sbrolli and Matteucci, arXiv 2504.04582, with the notebook `mia_lira` of the authors'
    repository; `lira` is the attack it is named after.
    Threat model: the attacker sees the target's outputs for the example and knows its label and the training recipe,
    and trains shadow models on parts of the test split. None of them ever saw a member, and each OUT one learned from
    a part of what its IN one learned from, so they cannot tell what training on the example does.
    """

    def __init__(self, *, variant: PaperVariant = "online-stable-global") -> None:
        self.mode, form, self.variance = variant.split("-", maxsplit=2)
        self.signal: Signal = {"stable": stable, "unstable": unstable, "margin": margin}[form]

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        return ThreatModel(
            sees="raw outputs of the released classifier",
            owns="the label of the example, the classifier's training recipe, and parts of the test split to train "
            "shadow models, which never saw a member; a published protocol reproduced, not a sound attack",
        )

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return the published score of each example, (n,) float64, -1e10 to 1e10.

        Raises:
            TckrError: shadow models do not come in pairs, are too few for a variance, or logits are not finite.
        """
        count, examples = evidence.shadow_membership.shape
        if not count or count % 2:
            raise TckrError(
                f"the attack 'lira-paper' needs shadow models in pairs, IN and OUT, but was given {count}; "
                "set its option shadows to 16, say"
            )
        if self.variance == "global" and count * examples < 4:
            raise TckrError("the attack 'lira-paper' cannot estimate a variance from one example and pair; train more")
        target = of_target(self.signal, evidence.target_logits, evidence.labels)
        outside = of_shadows(self.signal, evidence.shadow_logits[1::2], evidence.labels)
        if self.mode == "offline":
            scores = self._log_density(target, outside, scaled=False)
        else:
            inside = of_shadows(self.signal, evidence.shadow_logits[::2], evidence.labels)
            scores = self._log_density(target, inside) - self._log_density(target, outside)
        return np.clip(scores, -LARGEST, LARGEST)

    def _log_density(self, target: Floats, side: Floats, *, scaled: bool = True) -> Floats:
        """Return the log density of target (n,) under the Gaussian of a side (K, n), less a constant.

        Not `scaled`, it lacks the logarithm of the deviation as well.
        """
        if self.variance == "global":
            mean, deviation = side.mean(), side.std(ddof=1)
        else:
            mean, deviation = side.mean(axis=0), side.std(axis=0)
        deviation = np.maximum(deviation, SMALLEST)
        bend: Floats = -0.5 * ((target - mean) / deviation) ** 2
        return bend - np.log(deviation) if scaled else bend


def stable(outputs: Logits, labels: Labels) -> Floats:
    """Return log v_y - log sum_{k != y} v_k of outputs clipped to [1e-10, 1 - 1e-10], (n, classes) -> (n,).

    >>> stable(np.array([[5.0, 0.5, -3.0]], dtype=np.float32), np.array([1])).round(4).tolist()
    [-0.6931]
    """
    clipped = _clipped(outputs)
    own = _own(clipped, labels)
    np.put_along_axis(clipped, labels[:, None], 0.0, axis=1)
    found: Floats = np.log(own) - np.log(clipped.sum(axis=1))
    return found


def unstable(outputs: Logits, labels: Labels) -> Floats:
    """Return log v_y - log(1 - v_y) of outputs clipped to [1e-10, 1 - 1e-10], (n, classes) -> (n,).

    >>> unstable(np.array([[5.0, 0.8, -3.0]], dtype=np.float32), np.array([1])).round(4).tolist()
    [1.3863]
    """
    own = _own(_clipped(outputs), labels)
    found: Floats = np.log(own) - np.log(1 - own)
    return found


def margin(outputs: Logits, labels: Labels) -> Floats:
    """Return v_y - max_{k != y} v_k, (n, classes) -> (n,).

    >>> margin(np.array([[5.0, 0.5, -3.0]], dtype=np.float32), np.array([1])).tolist()
    [-4.5]
    """
    wide = np.array(outputs, dtype=np.float64)
    own = _own(wide, labels)
    np.put_along_axis(wide, labels[:, None], -np.inf, axis=1)
    found: Floats = own - wide.max(axis=1)
    return found


def _clipped(outputs: Logits) -> Floats:
    return np.clip(np.asarray(outputs, dtype=np.float64), SMALLEST, 1 - SMALLEST)


def _own(values: Floats, labels: Labels) -> Floats:
    found: Floats = np.take_along_axis(values, labels[:, None], axis=1)[:, 0]
    return found


LIRA_PAPER = AttackComponent(
    "lira-paper",
    version="1",
    options=LiraPaperOptions,
    load=lambda options: LiraPaperAttack(variant=options.variant),
    summary="the TCKR paper's own protocol, to reproduce its measurements; its shadow models never saw a member",
    shadows=lambda options: Shadows(options.shadows, data="test-split"),
)
