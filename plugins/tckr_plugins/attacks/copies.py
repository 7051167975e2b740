"""The nearest-copy attack: an example that a synthetic image resembles, altered or not, was learnt from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tckr_bench.components import AttackComponent, Options
from tckr_bench.errors import NotApplicableError
from tckr_bench.records import Copies, ReleaseOutcome, ThreatModel
from tckr_plugins.attacks.alterations import nearest_altered
from tckr_plugins.attacks.thumbnails import common_side, thumbnails
from tckr_plugins.late import np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from tckr_bench.components import Context, ReleaseEvidence
    from tckr_bench.records import Bools, Floats, ImageSequence

    Rows = npt.NDArray[Any]

LARGEST_SIDE = 32
FREQUENCIES = 8
ROUNDING = 1e-3  # of 255: by which an alteration must come nearer to count
_QUERIES, _CHUNK = 512, 4096  # rows of a tile of distances: 8 MB
_CANDIDATES = 4  # of each chunk, measured again in double precision

Space = Literal["pixels", "features"]


class NearestCopyOptions(Options):
    """Options of `nearest-copy`."""

    space: Space = Field(default="pixels", description="what is compared: pixels, or their lowest frequencies alone")
    calibrate: bool = Field(
        default=False, description="subtract the distance to the nearest image of the validation split, which it needs"
    )
    most_images: int = Field(default=50_000, ge=1, description="synthetic images looked at, the first ones")


class NearestCopyAttack:
    """Score each example by minus its distance to the nearest synthetic image.

    Formula: s(x) = -min_j d(x, g_j), g_j the synthetic images; with `calibrate`, s(x) = min_k d(x, r_k) - min_j
    d(x, g_j), r_k the reference images: an easy image, near to everything, is then no likelier a member for it.
    In `pixels`, d is the root mean squared difference of the pixels in 0-255, of thumbnails of 32 pixels' side where
    images are larger. In `features`, it is the same of images freed of their detail: of each colour only the 8 x 8
    lowest frequencies of the cosine transform, the mean colour among them, are compared.
    An altered copy is a copy: generators are adapted to mirrored and cropped images. So d(x, g) is the least of that
    difference and those to x mirrored, cut to three quarters of its side or more, shifted by up to a seventh of it, up
    to 45 levels brighter or darker, and of 0.7 to 1.45 times its contrast, as far as `nearest_altered` finds what
    fits. What was rotated or recoloured is not looked for. Members and others are searched alike, so what
    alterations bring near by chance tells nobody apart.
    An exact copy has distance 0 in either space, a mirrored one next to 0.
    Source: Chen et al. 2020, GAN-Leaks: A Taxonomy of Membership Inference Attacks against Generative Models (the
    full black-box attack, and its calibration by a difference).
    Threat model: the synthetic images are released, not the classifier alone; the attacker owns the example, and for
    `calibrate` images of the same source that are no members. A diagnostic of such a release.
    """

    def __init__(self, *, space: Space = "pixels", calibrate: bool = False, most_images: int = 50_000) -> None:
        self.space, self.calibrate, self.most_images = space, calibrate, most_images

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        return ThreatModel(
            sees="the synthetic images, if they are released (a diagnostic)",
            owns="the example" + (" and images of the same source that are no members" if self.calibrate else ""),
            surface="images",
        )

    def score(self, evidence: ReleaseEvidence, *, context: Context) -> ReleaseOutcome:
        """Return minus the distance of each example to its nearest synthetic image, and which image that is.

        Raises:
            NotApplicableError: there are no synthetic images, or no references to calibrate with.
        """
        synthetic = self._synthetic(evidence)
        references = evidence.references.images if evidence.references is not None else ()
        if self.calibrate and not len(references):
            raise NotApplicableError(
                "the attack 'nearest-copy' has no images to calibrate with; keep a validation split, or leave "
                "'calibrate' off"
            )
        images = [evidence.images, synthetic, *([np.asarray(references)] if self.calibrate else [])]
        examples, *others = as_pixels(images)
        distances, nearest = nearest_copies(examples, others[0], of="originals", space=self.space)
        scores = -distances
        if self.calibrate:
            scores += nearest_copies(examples, others[1], of="originals", space=self.space)[0]
        context.progress(1.0)
        return ReleaseOutcome(scores, nearest)

    def copies(self, evidence: ReleaseEvidence, *, members: Bools) -> Copies:
        """Return how near each synthetic image comes to the members and to the others, in pixels.

        Raises:
            NotApplicableError: there are no synthetic images.
        """
        examples, synthetic = as_pixels([evidence.images, self._synthetic(evidence)])
        to_members, to_others = (
            nearest_copies(examples[side], synthetic, of="copies", space="pixels")[0] for side in (members, ~members)
        )
        return Copies(to_members, to_others)

    def _synthetic(self, evidence: ReleaseEvidence) -> ImageSequence:
        return released_images(evidence, attack="nearest-copy", most_images=self.most_images)


def released_images(evidence: ReleaseEvidence, *, attack: str, most_images: int) -> ImageSequence:
    """Return the first synthetic images an attack is given.

    Raises:
        NotApplicableError: there are none.
    """
    if evidence.synthetic is None or not len(evidence.synthetic):
        raise NotApplicableError(
            f"the attack '{attack}' was given no synthetic images; use it on a method that makes some"
        )
    return evidence.synthetic.images[:most_images]


def as_pixels(images: Sequence[ImageSequence]) -> list[Rows]:
    """Return sets of images as rows of the pixels of their thumbnails, all of one size, (n, side * side * 3) uint8."""
    side = common_side(*images, largest=LARGEST_SIDE)
    return [thumbnails(part, side=side).reshape(len(part), -1) for part in images]


def nearest_copies(
    originals: Rows, copies: Rows, *, of: Literal["originals", "copies"], space: Space
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return how far each original, or copy, is from the nearest of the others, altered or not, and which that is.

    Originals (n, side * side * 3) and copies (m, side * side * 3) are rows of pixels, uint8; the distances are root
    mean squared differences in 0-255, to the original as it is or as it is nearest once altered.

    >>> tile = np.arange(64, dtype=np.uint8).reshape(8, 8, 1).repeat(3, axis=2)
    >>> image = np.kron(tile, np.ones((4, 4, 1), dtype=np.uint8))
    >>> mirrored = np.ascontiguousarray(image[:, ::-1]).reshape(1, -1)
    >>> nearest_copies(image.reshape(1, -1), mirrored, of="copies", space="pixels")[0].round(1).tolist()
    [0.0]
    """
    side = round((originals.shape[1] / 3) ** 0.5)
    compared = [part if space == "pixels" else low_frequencies(part) for part in (originals, copies)]
    distances, nearest = nearest_rows(*(compared if of == "originals" else compared[::-1]))
    altered, others = nearest_altered(
        *(part.reshape(-1, side, side, 3) for part in (originals, copies)),
        of=of,
        frequencies=None if space == "pixels" else FREQUENCIES,
    )
    closer = altered < distances - ROUNDING
    return np.where(closer, altered, distances), np.where(closer, others, nearest)


def low_frequencies(rows: Rows) -> npt.NDArray[np.float32]:
    """Return the 8 x 8 lowest frequencies of each colour of square images, rows (n, side * side * 3), as rows.

    Scaled such that the root mean squared difference of two rows is that of the images without their detail.

    >>> flat = np.full((1, 16 * 16 * 3), 100, dtype=np.uint8)
    >>> np.sqrt((low_frequencies(flat) ** 2).mean()).round(3)
    np.float32(100.0)
    """
    from scipy.fft import dctn

    side = round((rows.shape[1] / 3) ** 0.5)
    kept = min(FREQUENCIES, side)
    found = np.empty((len(rows), kept * kept * 3), dtype=np.float32)
    for part in _blocks(len(rows), _CHUNK):
        pixels = rows[part].reshape(-1, side, side, 3).astype(np.float64)
        waves = dctn(pixels, axes=(1, 2), norm="ortho")[:, :kept, :kept]
        found[part] = waves.reshape(len(pixels), -1) * (kept / side)
    return found


def nearest_rows(queries: Rows, among: Rows) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return the root mean squared difference of each row (n, d) to the nearest of others (m, d), and which it is.

    Distances are found in single precision, tile by tile, and the few smallest measured again in double: an equal row
    is at 0 exactly. Of several at the same distance the first counts.

    >>> distances, nearest = nearest_rows(np.array([[0, 0], [9, 9]]), np.array([[3, 4], [9, 9], [9, 9]]))
    >>> distances.round(3).tolist(), nearest.tolist()
    ([3.536, 0.0], [0, 1])
    """
    best = np.full(len(queries), np.inf)
    found = np.zeros(len(queries), dtype=np.int64)
    centre = among.mean(axis=0, dtype=np.float64).astype(np.float32)  # small norms, small rounding errors
    for rows in _blocks(len(queries), _QUERIES):
        part = queries[rows].astype(np.float32) - centre
        for columns in _blocks(len(among), _CHUNK):
            candidates = _candidates(part, among[columns].astype(np.float32) - centre) + columns.start
            distances = _exact(queries[rows], among[candidates])
            first = distances.argmin(axis=1)[:, None]
            nearest = np.take_along_axis(distances, first, axis=1)[:, 0]
            better = nearest < best[rows]
            best[rows] = np.where(better, nearest, best[rows])
            found[rows] = np.where(better, np.take_along_axis(candidates, first, axis=1)[:, 0], found[rows])
    return best, found


def _candidates(queries: npt.NDArray[np.float32], among: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Return the places of about the nearest few of `among` for each query, (n, few), in order of place."""
    gaps = np.square(among).sum(axis=1) - 2 * (queries @ among.T)
    few = min(_CANDIDATES, len(among))
    places: npt.NDArray[np.int64] = np.argpartition(gaps, few - 1, axis=1)[:, :few]
    return np.sort(places, axis=1)


def _exact(queries: Rows, candidates: Rows) -> Floats:
    """Return the root mean squared differences of queries (n, d) to candidates (n, few, d), (n, few)."""
    differences = candidates.astype(np.float64) - queries[:, None].astype(np.float64)
    distances: Floats = np.sqrt(np.square(differences).mean(axis=2))
    return distances


def _blocks(count: int, size: int) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


NEAREST_COPY = AttackComponent(
    "nearest-copy",
    version="2",
    options=NearestCopyOptions,
    load=lambda options: NearestCopyAttack(
        space=options.space, calibrate=options.calibrate, most_images=options.most_images
    ),
    summary="minus the distance to the nearest synthetic image, mirrored, cropped or brighter ones too; counts copies",
    surface="images",
)
