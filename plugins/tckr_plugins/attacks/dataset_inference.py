"""Dataset inference: how far an image lies from the decision boundaries, weighed as models of known data teach it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.components import AttackComponent
from tckr_bench.records import ThreatModel
from tckr_plugins.attacks.shadow_models import require_both_sides
from tckr_plugins.attacks.shadow_options import ShadowOptions, shadows_of
from tckr_plugins.attacks.signals import require_finite
from tckr_plugins.late import np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tckr_bench.records import AttackEvidence, Bools, Floats, Labels, Logits, Queries, Scores

MOST_CLASSES = 10  # margins to the nearest ones; of those far off, each more costs noise and says little
RIDGE = 1e-6  # share of a feature's variance added to it, as features may say the same twice


class DatasetInferenceAttack:
    """Score each example by the linear function of its margins that best tells IN from OUT in the shadow models.

    Formula: the features f(x, y) of an example under a model are its margins z_y - z_k to the other classes k, in
    ascending order, the ten smallest; where altered copies were asked about, also the mean and the smallest of their
    margins to the nearest other class. s(x) = w . f_target(x, y) with w = C^-1 (m_in - m_out), Fisher's discriminant:
    m_in and m_out are the mean features of examples under shadows that they are IN or OUT of, C the covariance within
    these two groups. Unlike LiRA it learns one rule for all examples; what a single image shows is little, and a set of
    them is tested together: the metric `dataset-power` says how often that proves its use.
    Source: Maini, Yaghini and Papernot 2021, Dataset Inference: Ownership Resolution in Machine Learning
    (margins to each class, a regressor that learns what margins of training images are like, a test of many scores at
    once). Students distilled from a model count there as copies of its data, as they do in Li et al. 2025, arXiv
    2502.02970, which finds that a trace shows in sets where none shows in single images. Differences: margins are of
    logits and under the fixed alterations, where the paper walks at random, or by gradients, until the class changes;
    the regressor is linear, and learns on shadow models instead of the owner's one model, which is not at hand.
    Threat model: the attacker is the owner of the data: sees the target's outputs for the example and its altered
    copies, knows its label and the training recipe of the attacked classifier, and trains models on parts of its data.
    """

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        return ThreatModel(
            sees="class probabilities of the released classifier, also for altered copies of the example where the "
            "matrix has them",
            owns="the label of the example, the classifier's training recipe, and data of the same "
            "distribution to train shadow models with and without the example",
        )

    def score(self, evidence: AttackEvidence) -> Scores:
        """Return the discriminant of each example, (n,) float64.

        Raises:
            TckrError: there are no shadow models, some example is never IN or never OUT, or logits are not finite.
        """
        require_both_sides(evidence.shadow_membership, attack="dataset-inference")
        target = features(evidence.target_logits, evidence.labels, evidence.target_queries, "the attacked classifier")
        return target @ discriminant(_of_shadows(evidence), evidence.shadow_membership)


def _of_shadows(evidence: AttackEvidence) -> Iterator[Floats]:
    """Yield the features of the examples under each shadow model, one at a time to bound memory."""
    queries = evidence.shadow_queries
    for index, logits in enumerate(evidence.shadow_logits):
        yield features(logits, evidence.labels, None if queries is None else queries[index], "its shadow models")


def features(logits: Logits, labels: Labels, queries: Queries | None, owner: str) -> Floats:
    """Return what a model says of each example: logits (n, classes) and, maybe, queries (q, n, classes) -> (n, d).

    They are the margins of `margins`, and of each example's altered copies the mean and the smallest of the nearest.

    Raises:
        TckrError: the logits of their owner are not finite.
    """
    require_finite(logits, owner)
    found = margins(logits, labels)
    if queries is None:
        return found
    require_finite(queries.reshape(-1, queries.shape[-1]), owner)
    nearest = np.stack([margins(of_copy, labels)[:, 0] for of_copy in queries])
    return np.column_stack([found, nearest.mean(axis=0), nearest.min(axis=0)])


def margins(logits: Logits, labels: Labels) -> Floats:
    """Return the ten smallest of z_y - z_k over the other classes k, ascending, (n, classes >= 2) -> (n, <= 10).

    >>> margins(np.array([[5.0, 1.0, 4.0], [0.0, 2.0, 0.5]], dtype=np.float32), np.array([0, 0])).tolist()
    [[1.0, 4.0], [-2.0, -0.5]]
    """
    wide, own = np.asarray(logits, dtype=np.float64), labels[:, None]
    gaps = np.take_along_axis(wide, own, axis=1) - wide
    np.put_along_axis(gaps, own, np.inf, axis=1)
    smallest: Floats = np.sort(gaps, axis=1)[:, : min(MOST_CLASSES, wide.shape[1] - 1)]
    return smallest


def discriminant(models: Iterable[Floats], membership: Bools) -> Floats:
    """Return Fisher's discriminant (d,) between the examples that models are trained on and the others.

    Each of K models gives its features (n, d) of the same n examples, of which membership (K, n) tells those that it
    was trained on. Both groups are there.

    >>> out = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])  # of variance 1, uncorrelated
    >>> of_one_model = np.vstack([out, out + [1.0, 2.0]])
    >>> discriminant([of_one_model], np.array([[False] * 4 + [True] * 4])).round(3).tolist()
    [1.0, 2.0]
    """
    counts, sums, squares, centre = np.zeros(2), 0.0, 0.0, None
    for found, inside in zip(models, membership, strict=True):
        centre = found.mean(axis=0) if centre is None else centre  # small sums, small rounding errors
        near, groups = found - centre, np.stack([~inside, inside]).astype(np.float64)
        counts, sums, squares = counts + groups.sum(axis=1), sums + groups @ near, squares + near.T @ near
    means = sums / counts[:, None]
    covariance = (squares - (means.T * counts) @ means) / counts.sum()
    deviations = np.sqrt(np.diag(covariance).clip(min=0))
    deviations[deviations == 0] = 1.0
    alike = covariance / np.outer(deviations, deviations) + RIDGE * np.eye(len(deviations))
    weights: Floats = np.linalg.solve(alike, (means[1] - means[0]) / deviations) / deviations
    return weights


DATASET_INFERENCE = AttackComponent(
    "dataset-inference",
    version="1",
    options=ShadowOptions,
    load=lambda _options: DatasetInferenceAttack(),
    summary="margins to all classes, weighed as shadow models teach; one rule for all images (Maini et al. 2021)",
    shadows=shadows_of,
)
