"""DOMIAS: where synthetic images lie denser than real ones do, the generator has overfitted to a member."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tckr_bench.components import AttackComponent, Options
from tckr_bench.errors import NotApplicableError
from tckr_bench.records import ReleaseOutcome, ThreatModel
from tckr_plugins.attacks.copies import as_pixels, low_frequencies, released_images
from tckr_plugins.late import np

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import Context, ReleaseEvidence
    from tckr_bench.records import Floats


_TILE = 2**20  # distances held at once: 8 MB
_LEAST_VARIANCE = 1e-4  # of the largest component's: a hundredth of its spread, where pixels are rounded


class DomiasOptions(Options):
    """Options of `domias`."""

    components: int = Field(default=16, ge=1, le=192, description="dimensions in which densities are estimated")
    most_images: int = Field(default=50_000, ge=1, description="synthetic images looked at, the first ones")


class DomiasAttack:
    """Score each example by how much denser synthetic images lie around it than real images that are no members.

    Formula: s(x) = log p_G(z(x)) - log p_R(z(x)), p_G a density of the m synthetic images and p_R one of the r
    references. z are the first `components` principal components, each divided by its standard deviation, of the low
    frequencies that `nearest-copy` compares; they are fitted on the synthetic images and the references, either
    weighing half, and never see the challenge. Both are kernel densities, p(z) = mean_j N(z; z_j, h^2 I), with Scott's
    bandwidth, h = n^(-1 / (d + 4)) of the n images in d dimensions. The kernels' shape is that of both sets together,
    where `scipy.stats.gaussian_kde`, which the authors use, takes it from each alone: a generator that makes a few
    images over and over has none of its own.
    By default 16 components: of some thousands of images a kernel is then two thirds as wide as the data, and still
    local. With 32 it is four fifths as wide, and a density tells little but the distance to the middle of the data;
    with a few, images that are unlike each other fall together.
    Source: van Breugel et al. 2023, Membership Inference Attacks against Synthetic Data through Overfitting Detection.
    Threat model: the synthetic images are released, not the classifier alone; the attacker owns the example and images
    of the same source that are no members. A diagnostic of such a release.
    """

    def __init__(self, *, components: int = 16, most_images: int = 50_000) -> None:
        self.components, self.most_images = components, most_images

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        return ThreatModel(
            sees="the synthetic images, if they are released (a diagnostic)",
            owns="the example and images of the same source that are no members",
            surface="images",
        )

    def score(self, evidence: ReleaseEvidence, *, context: Context) -> ReleaseOutcome:
        """Return the log ratio of the two densities at each example.

        Raises:
            NotApplicableError: there are no synthetic images, or no references.
        """
        synthetic = released_images(evidence, attack="domias", most_images=self.most_images)
        if evidence.references is None or not len(evidence.references):
            raise NotApplicableError(
                "the attack 'domias' has no images known not to be members to compare with; keep a validation split"
            )
        images = [evidence.images, synthetic, np.asarray(evidence.references.images)]
        examples, *others = (low_frequencies(part).astype(np.float64) for part in as_pixels(images))
        whiten = whitening(*others, components=self.components)
        of_synthetic, of_references = (log_density(whiten(examples), whiten(rows)) for rows in others)
        context.progress(1.0)
        return ReleaseOutcome(of_synthetic - of_references)


def whitening(one: Floats, other: Floats, *, components: int) -> Callable[[Floats], Floats]:
    """Return a map of rows (n, d) to principal components of two sets of rows together, (n, components or fewer).

    Each set weighs half, however large. Components have mean 0 and variance 1; those without any variance are left out.

    >>> whiten = whitening(np.array([[4.0, 1.0], [4.0, 1.0], [4.0, 1.0]]), np.array([[8.0, 1.0]]), components=2)
    >>> np.abs(whiten(np.array([[4.0, 1.0], [6.0, 1.0], [10.0, 5.0]]))).tolist()
    [[1.0], [0.0], [2.0]]
    """
    middle = (one.mean(axis=0) + other.mean(axis=0)) / 2
    covariances = [(rows - middle).T @ (rows - middle) / len(rows) for rows in (one, other)]
    variances, axes = np.linalg.eigh((covariances[0] + covariances[1]) / 2)
    variances, axes = variances[::-1][:components], axes[:, ::-1][:, :components]
    kept = (variances > 0) & (variances >= _LEAST_VARIANCE * variances[0])
    scaled = axes[:, kept] / np.sqrt(variances[kept])
    return lambda rows: (rows - middle) @ scaled


def log_density(points: Floats, sample: Floats) -> Floats:
    """Return the log of a kernel density of a sample (m, d) of about unit variance, at points (n, d).

    It is log mean_j N(x; x_j, h^2 I) with h = m^(-1 / (d + 4)) (Scott 1992, Multivariate Density Estimation).

    >>> density = np.exp(log_density(np.array([[0.0], [1.0]]), np.array([[0.0]])))
    >>> density.round(3).tolist()  # one kernel is the normal distribution
    [0.399, 0.242]
    """
    from scipy.special import logsumexp

    count, dimensions = sample.shape
    width = count ** (-1 / (dimensions + 4))
    # Half squared distances over h^2 are, but for a term of the point's own, a product of matrices.
    points, sample = points / width, sample / width
    halves = np.square(sample).sum(axis=1) / 2
    found = np.empty(len(points))
    step = max(1, _TILE // count)
    for start in range(0, len(points), step):
        part = slice(start, start + step)
        found[part] = logsumexp(points[part] @ sample.T - halves, axis=1)
    found -= np.square(points).sum(axis=1) / 2
    found -= np.log(count) + dimensions * (np.log(width) + np.log(2 * np.pi) / 2)
    return found


DOMIAS = AttackComponent(
    "domias",
    version="1",
    options=DomiasOptions,
    load=lambda options: DomiasAttack(components=options.components, most_images=options.most_images),
    summary="how much denser synthetic images lie there than real ones (DOMIAS, van Breugel et al. 2023)",
    surface="images",
)
