"""AugMix for whole batches of uint8 images, with parameters of its own for every image.

AugMix (Hendrycks et al. 2020) blends an image with three chains of one to three simple operations. torchvision draws
one set of parameters for a batch, and one image at a time is slow; here every image draws its own, from an explicit
generator, and the images that drew the same kind of operation take it together. The operations and their strengths
are those of torchvision's `AugMix` as it stands: severity 3, alpha 1, all thirteen operations, bilinear.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from tckr_plugins.classifiers.lookup import OPERATIONS as LOOKUPS
from tckr_plugins.classifiers.lookup import grey, look_up

if TYPE_CHECKING:
    from torch import Generator, Tensor

WIDTH, DEPTH = 3, 3
CACHED_PIXELS = 8 * 224 * 224
"""Pixels that a CPU takes at a time: what lies in its cache is blended a third faster."""
GEOMETRIC = ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
OPERATIONS = (*GEOMETRIC, *LOOKUPS, "colour", "sharpness")
LEVELS: dict[str, tuple[float, ...]] = {
    "shear_x": (0.0, 0.3 / 9, 0.6 / 9),
    "shear_y": (0.0, 0.3 / 9, 0.6 / 9),
    "translate_x": (0.0, 1 / 27, 2 / 27),
    "translate_y": (0.0, 1 / 27, 2 / 27),
    "rotate": (0.0, 30 / 9, 60 / 9),
    "posterize": (4.0, 4.0, 3.0),
    "solarize": (255.0, 255 * 8 / 9, 255 * 7 / 9),
    "autocontrast": (0.0, 0.0, 0.0),
    "equalize": (0.0, 0.0, 0.0),
    "brightness": (0.0, 0.1, 0.2),
    "contrast": (0.0, 0.1, 0.2),
    "colour": (0.0, 0.1, 0.2),
    "sharpness": (0.0, 0.1, 0.2),
}
"""Strengths up to severity 3, in radians of slope, shares of the side, degrees, bits, grey levels and shares."""
SIGNED = frozenset({*GEOMETRIC, "brightness", "contrast", "colour", "sharpness"})


@dataclass(frozen=True)
class Draws:
    """What n images drew, on the CPU.

    Attributes:
        weights: of the image itself and of its chains, (n, 1 + WIDTH), rows add up to 1.
        depths: operations in each chain, (n, WIDTH), 1 to DEPTH.
        operations: indices into `OPERATIONS`, (n, WIDTH, DEPTH).
        strengths: signed strengths of the operations, (n, WIDTH, DEPTH).
    """

    weights: Tensor
    depths: Tensor
    operations: Tensor
    strengths: Tensor

    def part(self, start: int, stop: int) -> Draws:
        """Return what images `start` to `stop` drew."""
        fields = (self.weights, self.depths, self.operations, self.strengths)
        return Draws(*(values[start:stop] for values in fields))


def draw(count: int, *, generator: Generator) -> Draws:
    """Draw the parameters of `count` images: Beta(1, 1) for the image, Dirichlet(1, 1, 1) for its chains."""
    chained = torch.rand((count, 1), generator=generator)
    shares = torch.empty(count, WIDTH).exponential_(generator=generator)
    shares = shares / shares.sum(dim=1, keepdim=True)  # exponentials that are scaled to 1 are a flat Dirichlet
    depths = torch.randint(1, DEPTH + 1, (count, WIDTH), generator=generator)
    shape = (count, WIDTH, DEPTH)
    operations = torch.randint(len(OPERATIONS), shape, generator=generator)
    levels = torch.randint(3, shape, generator=generator)
    signs = torch.randint(2, shape, generator=generator) * 2 - 1
    table = torch.tensor([LEVELS[name] for name in OPERATIONS])
    signed = torch.tensor([name in SIGNED for name in OPERATIONS])
    strengths = table[operations, levels] * torch.where(signed[operations], signs, 1)
    return Draws(torch.cat([1 - chained, chained * shares], dim=1), depths, operations, strengths)


def augmix(images: Tensor, *, generator: Generator) -> Tensor:
    """Augment every image by AugMix.

    Args:
        images: (n, height, width, 3) uint8, on any device.
        generator: a CPU generator, whatever the device of the images.

    Returns:
        A new tensor of the same shape, dtype and device.

    >>> one = torch.full((1, 4, 4, 3), 7, dtype=torch.uint8)
    >>> augmix(one, generator=torch.Generator().manual_seed(0)).shape
    torch.Size([1, 4, 4, 3])
    """
    draws = draw(len(images), generator=generator)
    if images.device.type != "cpu" or not len(images):
        return blend(images, draws)
    step = max(1, CACHED_PIXELS // (images.shape[1] * images.shape[2]))
    starts = range(0, len(images), step)
    return torch.cat([blend(images[at : at + step], draws.part(at, at + step)) for at in starts])


def blend(images: Tensor, draws: Draws) -> Tensor:
    """Return images (n, height, width, 3) uint8 blended with their chains as drawn."""
    planes = images.permute(0, 3, 1, 2).contiguous()
    weights = draws.weights.to(images.device)[:, :, None, None, None]
    mixed = weights[:, 0] * planes + 1e-3  # so that weights that add up to a hair under 1 do not cost a grey level
    for chain in range(WIDTH):
        changed = planes.clone()
        for step in range(DEPTH):
            active = draws.depths[:, chain] > step
            _step(changed, active, draws.operations[:, chain, step], draws.strengths[:, chain, step])
        mixed.addcmul_(weights[:, chain + 1], changed.float())
    return mixed.clamp_(max=255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def _step(planes: Tensor, active: Tensor, operations: Tensor, strengths: Tensor) -> None:
    """Apply one operation to each active image of planes (n, 3, height, width) uint8, in place."""
    names = [OPERATIONS[index] for index in operations.tolist()]
    drawn = zip(names, active.tolist(), strengths.tolist(), strict=True)
    # A third of the signed operations draw no strength at all: those change nothing.
    needed = [wanted and not (strength == 0 and name in SIGNED) for name, wanted, strength in drawn]
    for kind, apply in ((GEOMETRIC, _move), (LOOKUPS, look_up), (("colour",), _colour), (("sharpness",), _sharpen)):
        places = [index for index, name in enumerate(names) if needed[index] and name in kind]
        if places:
            where = torch.tensor(places)
            there = where.to(planes.device)
            changed = apply(planes.index_select(0, there), [names[index] for index in places], strengths[where])
            planes.index_copy_(0, there, changed)


def apply_operation(images: Tensor, name: str, strength: float) -> Tensor:
    """Apply one named operation of the same strength to images (n, height, width, 3) uint8."""
    planes = images.permute(0, 3, 1, 2).contiguous()
    count = len(images)
    _step(
        planes,
        torch.ones(count, dtype=torch.bool),
        torch.full((count,), OPERATIONS.index(name)),
        torch.full((count,), strength),
    )
    return planes.permute(0, 2, 3, 1).contiguous()


def _move(planes: Tensor, names: list[str], strengths: Tensor) -> Tensor:
    """Shear, translate and rotate; black comes in from outside."""
    height, width = planes.shape[2:]
    maps = [
        _map(name, strength, height=height, width=width)
        for name, strength in zip(names, strengths.tolist(), strict=True)
    ]
    grid = _grid(torch.tensor(maps).to(planes.device), height=height, width=width)
    moved = functional.grid_sample(planes.float(), grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return moved.round_().clamp_(0, 255).to(torch.uint8)


def _grid(maps: Tensor, *, height: int, width: int) -> Tensor:
    """Return what `affine_grid` returns for maps (n, 2, 3), as sums of a row and a column: twice as fast on a CPU."""
    across = (2 * torch.arange(width, device=maps.device) + 1) / width - 1
    down = (2 * torch.arange(height, device=maps.device) + 1) / height - 1
    columns = maps[:, :, 0, None] * across + maps[:, :, 2, None]
    rows = maps[:, :, 1, None] * down
    return (columns[:, :, None, :] + rows[:, :, :, None]).permute(0, 2, 3, 1)


def _map(name: str, strength: float, *, height: int, width: int) -> list[list[float]]:
    """Return where each output pixel comes from, as `affine_grid` wants it: both axes run from -1 to 1."""
    if name == "shear_x":  # about the upper left corner, as torchvision does
        return [[1.0, strength * height / width, strength * height / width], [0.0, 1.0, 0.0]]
    if name == "shear_y":
        return [[1.0, 0.0, 0.0], [strength * width / height, 1.0, strength * width / height]]
    if name == "translate_x":
        return [[1.0, 0.0, -2 * int(strength * width) / width], [0.0, 1.0, 0.0]]
    if name == "translate_y":
        return [[1.0, 0.0, 0.0], [0.0, 1.0, -2 * int(strength * height) / height]]
    sine, cosine = math.sin(math.radians(strength)), math.cos(math.radians(strength))
    return [[cosine, -sine * height / width, 0.0], [sine * width / height, cosine, 0.0]]


def _colour(planes: Tensor, _names: list[str], strengths: Tensor) -> Tensor:
    """Blend with the grey image; a strength of -1 is grey, 0 changes nothing."""
    factor = (1 + strengths).to(planes.device)[:, None, None, None]
    blended = planes * factor + grey(planes)[:, None] * (1 - factor)
    return blended.clamp_(0, 255).to(torch.uint8)


def _sharpen(planes: Tensor, _names: list[str], strengths: Tensor) -> Tensor:
    """Blend with a 3x3 blur that weighs the centre five times; the outermost pixels stay."""
    if min(planes.shape[2:]) < 3:
        return planes
    values = planes.float()
    centre = values[:, :, 1:-1, 1:-1]
    thirds = values[:, :, :-2] + values[:, :, 1:-1] + values[:, :, 2:]
    box = thirds[..., :-2] + thirds[..., 1:-1] + thirds[..., 2:]
    blurred = box.add_(centre, alpha=4).div_(13).round_()
    factor = (1 + strengths).to(planes.device)[:, None, None, None]
    result = planes.clone()
    result[:, :, 1:-1, 1:-1] = (blurred + (centre - blurred) * factor).clamp_(0, 255).to(torch.uint8)
    return result
