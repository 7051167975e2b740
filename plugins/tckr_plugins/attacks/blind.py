"""The blind test: can members be told from non-members without looking at any model?"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tckr_bench.components import AttackComponent, Options
from tckr_bench.errors import NotApplicableError
from tckr_bench.records import ReleaseOutcome, ThreatModel
from tckr_plugins.attacks.image_statistics import image_statistics
from tckr_plugins.attacks.thumbnails import common_side, thumbnails
from tckr_plugins.late import np, stats

if TYPE_CHECKING:
    from tckr_bench.components import Context, ReleaseEvidence
    from tckr_bench.records import Bools, Floats, Images, Labels


LARGEST_SIDE = 16
COMPONENTS = 32


class BlindOptions(Options):
    """Options of `blind`."""

    folds: int = Field(default=5, ge=2, le=100, description="parts of which each is judged by what the others teach")
    seed: int = Field(default=0, ge=0, description="of the dealing into parts")


class BlindTest:
    """Score each example by how much it looks like the members, as a model learnt on the other examples tells.

    Formula: the examples are dealt into `folds` parts with as many members each; gradient-boosted trees are fitted to
    all parts but one and predict the membership of that one; s(x) is the place of x among its part, (rank - 1/2) /
    size, ties sharing theirs. Ranks, as predictions of differently fitted models must not be compared: an intercept
    that leans away from the part left out would push the AUC below 0.5. It sees the class, 32 principal components of
    the image at 16 pixels' side, and statistics of its levels, detail and compression; no model's output.
    Source: Das et al. 2024, Blind Baselines Beat Membership Inference Attacks for Foundation Models; Meeus et al. 2024,
    SoK: Membership Inference Attacks on LLMs are Rushing Nowhere (and How to Fix It).
    Threat model: none, it is given who is a member. It tests the challenge: an AUC of 0.5 means that members and
    non-members can be exchanged as far as this test sees; above it, other attacks' measurements are in part about the
    split, not about what a model has learnt. An interval that takes the scores for independent is too narrow by about
    the square root of 2, as every two parts judge each other: an AUC just outside it says little.
    """

    def __init__(self, *, folds: int = 5, seed: int = 0) -> None:
        self.folds, self.seed = folds, seed

    @property
    def threat_model(self) -> ThreatModel:
        """What the test sees and owns."""
        return ThreatModel(
            sees="no model: the challenge images alone (a diagnostic of the challenge)",
            owns="who is a member, for all examples but the one it scores",
            surface="data",
        )

    def score(self, evidence: ReleaseEvidence, *, context: Context) -> ReleaseOutcome:
        """Return the place of each example among its part, (n,) float64 in 0 to 1.

        Raises:
            NotApplicableError: it is not told who is a member, or either side is smaller than the number of parts.
        """
        from sklearn.model_selection import StratifiedKFold

        members = self._members(evidence)
        # In an order of their own: neither parts nor rounding may depend on where the examples happen to lie.
        order = np.array(sorted(range(len(members)), key=_digests(evidence).__getitem__))
        features = _features(evidence.images[order], evidence.labels[order])
        parts = StratifiedKFold(self.folds, shuffle=True, random_state=self.seed)
        scores = np.empty(len(members))
        for done, (others, part) in enumerate(parts.split(features, members[order]), start=1):
            fitted = self._classifier().fit(features[others], members[order[others]])
            scores[order[part]] = _places(fitted.predict_proba(features[part])[:, 1])
            context.progress(done / self.folds)
        return ReleaseOutcome(scores)

    def _members(self, evidence: ReleaseEvidence) -> Bools:
        if evidence.members is None:
            raise NotApplicableError("the attack 'blind' must be told who is a member; it tests a challenge alone")
        smaller = int(min(evidence.members.sum(), (~evidence.members).sum()))
        if smaller < self.folds:
            raise NotApplicableError(
                f"the attack 'blind' cannot deal {smaller} examples of a side into {self.folds} parts; use a larger "
                "challenge or fewer 'folds'"
            )
        return evidence.members

    def _classifier(self) -> Any:  # noqa: ANN401 - scikit-learn has no types
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(
            learning_rate=0.05, max_iter=100, max_leaf_nodes=8, early_stopping=False, random_state=self.seed
        )


def _features(images: Images, labels: Labels) -> Floats:
    """Return what the test sees of each example, (n, features): class, picture and statistics; not who is a member."""
    side = common_side(images, largest=LARGEST_SIDE)
    pixels = thumbnails(images, side=side).reshape(len(images), -1).astype(np.float64)
    classes = np.equal.outer(labels, np.unique(labels))
    return np.concatenate([classes, principal_components(pixels, COMPONENTS), image_statistics(images)], axis=1)


def principal_components(rows: Floats, count: int) -> Floats:
    """Return the first principal components of rows (n, d), (n, count or fewer).

    >>> principal_components(np.array([[0.0, 1.0], [0.0, 3.0]]), 1).tolist()
    [[-1.0], [1.0]]
    """
    centred = rows - rows.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :count]
    largest = np.abs(axes).argmax(axis=0)
    axes = axes * np.sign(axes[largest, np.arange(axes.shape[1])])
    found: Floats = centred @ axes
    return found


def _digests(evidence: ReleaseEvidence) -> list[bytes]:
    """Return a name for each example that its content alone decides."""
    return [
        hashlib.sha256(image.tobytes() + label.tobytes()).digest()
        for image, label in zip(evidence.images, evidence.labels, strict=True)
    ]


def _places(predictions: Floats) -> Floats:
    """Return the place of each prediction among all, 0 to 1.

    >>> _places(np.array([0.9, 0.2, 0.2, 0.4])).tolist()
    [0.875, 0.25, 0.25, 0.625]
    """
    places: Floats = (stats.midranks(predictions) - 0.5) / len(predictions)
    return places


BLIND = AttackComponent(
    "blind",
    version="1",
    options=BlindOptions,
    load=lambda options: BlindTest(folds=options.folds, seed=options.seed),
    summary="no attack: whether members differ from non-members without any model; 0.5 on a sound challenge",
    surface="data",
)
