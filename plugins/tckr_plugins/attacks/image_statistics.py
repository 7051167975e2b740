"""Statistics of an image that tell how it was made rather than what it shows: levels, detail, compression."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_plugins.late import np

if TYPE_CHECKING:
    import numpy.typing as npt

    from tckr_bench.records import Floats, Images


_AT_ONCE = 256
_BLOCK = 8  # pixels, as in JPEG
_BANDS = ((1, 4), (4, 7), (7, 10), (10, 15))  # sums of the two frequencies in a block
_SMALL = 1.0  # a coefficient that a coarse quantisation would make 0


def image_statistics(images: Images) -> Floats:
    """Return statistics of the levels, the detail and the compression of images, (n, 30) float64.

    >>> image_statistics(np.full((2, 16, 16, 3), 7, dtype=np.uint8)).shape
    (2, 30)
    """
    parts = [np.asarray(images[start : start + _AT_ONCE]) for start in range(0, len(images), _AT_ONCE)]
    return np.concatenate([np.concatenate([levels(part), detail(part), compression(part)], axis=1) for part in parts])


def levels(images: Images) -> Floats:
    """Return mean and deviation of each colour, quantiles of all, and the shares of black, of white and of levels used.

    >>> levels(np.array([[[[0, 0, 0], [255, 255, 255]]]], dtype=np.uint8))[0, [0, 3, 12, 13]].tolist()
    [127.5, 127.5, 0.5, 0.5]
    """
    flat = images.reshape(len(images), -1)
    offsets = np.arange(len(images))[:, None] * 256
    counts = np.bincount((flat + offsets).ravel(), minlength=256 * len(images)).reshape(-1, 256)
    reached = np.cumsum(counts, axis=1) / flat.shape[1]
    quantiles = [(reached < share).sum(axis=1) for share in (1e-9, 0.01, 0.1, 0.5, 0.9, 1 - 1e-9)]
    shares = counts / flat.shape[1]
    colours = images.astype(np.float32)
    means, deviations = (getattr(colours, name)(axis=(1, 2), dtype=np.float64) for name in ("mean", "std"))
    used = (counts > 0).mean(axis=1)
    return np.column_stack([means, deviations, *quantiles, shares[:, 0], shares[:, 255], used])


def detail(images: Images) -> Floats:
    """Return log mean squares of first and second differences of lightness and of two colour differences, (n, 8)."""
    colours = images.astype(np.float32)
    light = colours.mean(axis=3)
    planes = [light, colours[..., 0] - colours[..., 1], colours[..., 2] - colours[..., 1]]
    firsts = [_energy(np.diff(plane, axis=axis)) for plane in planes for axis in (1, 2)]
    seconds = [_energy(np.diff(light, n=2, axis=axis)) for axis in (1, 2)]
    return np.column_stack([*firsts, *seconds])


def compression(images: Images) -> Floats:
    """Return what JPEG leaves in the lightness, (n, 7): in its blocks of 8 x 8 pixels, and at their borders.

    Log mean squares of the blocks' cosine transform in four bands of rising frequency, the share of its coefficients
    that are nearly 0, and, along either axis, log ratios of the differences at the blocks' borders to those within.
    """
    from scipy.fft import dctn

    light = images.astype(np.float32).mean(axis=3)
    side = min(_BLOCK, *light.shape[1:])
    rows, columns = (length // side for length in light.shape[1:])
    blocks = light[:, : rows * side, : columns * side].reshape(len(light), rows, side, columns, side)
    waves = dctn(blocks, axes=(2, 4), norm="ortho")
    order = np.add.outer(np.arange(side), np.arange(side)) * _BLOCK // side  # 0 to 14, slow to fast
    squares, small = (values.mean(axis=(1, 3)) for values in (np.square(waves), np.abs(waves) < _SMALL))
    chosen = [(low <= order) & (order < high) for low, high in _BANDS]
    bands = [np.log1p(squares[:, band].sum(axis=1) / max(1, int(band.sum()))) for band in chosen]
    return np.column_stack([*bands, small.mean(axis=(1, 2)), *(_border_ratio(light, axis) for axis in (1, 2))])


def _border_ratio(light: npt.NDArray[np.float32], axis: int) -> Floats:
    """Return the log ratio of the mean difference across blocks' borders to that within blocks; 0 without borders."""
    steps = np.abs(np.diff(light, axis=axis)).mean(axis=3 - axis, dtype=np.float64)
    borders = np.arange(steps.shape[1]) % _BLOCK == _BLOCK - 1
    if borders.all() or not borders.any():
        return np.zeros(len(light))
    ratio: Floats = np.log((steps[:, borders].mean(axis=1) + 1) / (steps[:, ~borders].mean(axis=1) + 1))
    return ratio


def _energy(differences: npt.NDArray[np.float32]) -> Floats:
    """Return the log mean square of each (n, height, width); 0 where there are no differences."""
    if not differences.size:
        return np.zeros(len(differences))
    energy: Floats = np.log1p(np.square(differences).mean(axis=(1, 2), dtype=np.float64))
    return energy
