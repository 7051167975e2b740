"""What a configuration of an Once-for-All MobileNetV3 means, worked out without building anything.

A sub-network (Cai et al. 2020, width 1.0) has five stages of two to four blocks. It is written as the width `10` and
twenty blocks `depth-kernel-expansion`, four to a stage; the blocks a stage does not have are `0-0-0`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = "10"
STAGES = 5
BLOCKS_PER_STAGE = 4
DEPTHS, KERNELS, EXPANSIONS = (2, 3, 4), (3, 5, 7), (3, 4, 6)
ABSENT = "0-0-0"

STEM_WIDTH = 16
STAGE_WIDTHS = (24, 40, 80, 112, 160)
STAGE_STRIDES = (2, 2, 2, 1, 2)
SQUEEZED_STAGES = (False, True, False, True, True)
RELU_STAGES = (True, True, False, False, False)
EXPANDED_WIDTH, FEATURE_WIDTH = 960, 1280


def _written(*exceptions: tuple[int, str], short_stages: tuple[int, ...] = ()) -> str:
    """Write a configuration that is 4-7-4 throughout, but for some blocks and for some stages of three blocks."""
    blocks = ["4-7-4"] * (STAGES * BLOCKS_PER_STAGE)
    for stage in short_stages:
        blocks[4 * stage : 4 * stage + 4] = ["3-7-4", "3-7-4", "3-7-4", ABSENT]
    for index, block in exceptions:
        blocks[index] = block
    return "_".join([WIDTH, *blocks])


PAPER_CONFIGURATIONS = {
    "bloodmnist": _written(),
    "caltech101": _written((1, "4-7-6")),
    "cifar10": _written((0, "4-7-6"), (1, "4-7-6"), short_stages=(2,)),
    "cifar100": _written((18, "4-7-6"), short_stages=(3,)),
    "dermamnist": _written((19, "4-7-6")),
    "food101": _written((2, "4-7-6"), (6, "4-7-6")),
    "imagenette": _written(short_stages=(2,)),
    "imagewoof": _written((3, "4-7-6")),
    "oxford_pets": _written(),
    "stanford_cars": _written((13, "4-7-3"), (18, "4-5-6"), (19, "4-5-4")),
    "stl10": _written((2, "4-7-6"), (6, "4-7-6")),
    "tiny_imagenet": _written((6, "4-7-6"), (19, "4-7-6")),
}
"""The configuration the paper's repository (NicoloResmini/TCKR) lists for each dataset."""


@dataclass(frozen=True)
class BlockConfiguration:
    """One inverted residual block: where it stands, its channels, and what it is made of."""

    stage: int
    kernel: int
    expansion: int
    channels_in: int
    channels_out: int
    stride: int
    squeezed: bool
    relu: bool

    @property
    def channels_inside(self) -> int:
        """Channels between the expanding and the projecting convolution."""
        return self.channels_in * self.expansion


def resolve_configuration(text: str) -> str:
    """Return the configuration of one of the paper's datasets, or a configuration as it was given, checked.

    Raises:
        ValueError: it is neither; one sentence names what was found.

    >>> resolve_configuration("imagenette") == resolve_configuration(PAPER_CONFIGURATIONS["imagenette"])
    True
    """
    text = PAPER_CONFIGURATIONS.get(text, text)
    parse_configuration(text)
    return text


def parse_configuration(text: str) -> tuple[BlockConfiguration, ...]:
    """Return the blocks of a configuration, those of a stage in order and without the absent ones.

    Raises:
        ValueError: one sentence with the number of blocks found, or the bad block.

    >>> len(parse_configuration("10_" + "_".join(["2-3-3", "2-3-3", "0-0-0", "0-0-0"] * 5)))
    10
    """
    width, *blocks = text.split("_")
    if width != WIDTH or len(blocks) != STAGES * BLOCKS_PER_STAGE:
        raise ValueError(
            f"a configuration is '{WIDTH}_' and {STAGES * BLOCKS_PER_STAGE} blocks joined by '_', or the name of a "
            f"dataset of the paper ({', '.join(PAPER_CONFIGURATIONS)}); found {len(blocks)} blocks after '{width}'"
        )
    found: list[BlockConfiguration] = []
    for stage in range(STAGES):
        group = blocks[stage * BLOCKS_PER_STAGE : (stage + 1) * BLOCKS_PER_STAGE]
        for place, (kernel, expansion) in enumerate(_parse_stage(stage, group)):
            found.append(_block(stage, place, kernel=kernel, expansion=expansion))
    return tuple(found)


def _parse_stage(stage: int, group: list[str]) -> Iterator[tuple[int, int]]:
    """Yield kernel and expansion of each block a stage has."""
    depth = int(group[0][0]) if group[0][:1].isdigit() else 0
    for place, written in enumerate(group):
        where = f"block {stage * BLOCKS_PER_STAGE + place + 1} ('{written}')"
        if place >= depth and depth in DEPTHS:
            if written != ABSENT:
                raise ValueError(f"{where} must be {ABSENT}: the first block of its stage says {depth} blocks")
            continue
        match = re.fullmatch(r"([0-9])-([0-9])-([0-9])", written)
        numbers = tuple(map(int, match.groups())) if match else (0, 0, 0)
        if not (numbers[0] in DEPTHS and numbers[1] in KERNELS and numbers[2] in EXPANSIONS):
            raise ValueError(
                f"{where} is not depth-kernel-expansion with depth 2, 3 or 4, kernel 3, 5 or 7, expansion 3, 4 or 6"
            )
        if numbers[0] != depth:
            raise ValueError(f"{where} names another depth than the first block of its stage ('{group[0]}')")
        yield numbers[1], numbers[2]


def _block(stage: int, place: int, *, kernel: int, expansion: int) -> BlockConfiguration:
    before = STEM_WIDTH if stage == 0 else STAGE_WIDTHS[stage - 1]
    return BlockConfiguration(
        stage=stage,
        kernel=kernel,
        expansion=expansion,
        channels_in=before if place == 0 else STAGE_WIDTHS[stage],
        channels_out=STAGE_WIDTHS[stage],
        stride=STAGE_STRIDES[stage] if place == 0 else 1,
        squeezed=SQUEEZED_STAGES[stage],
        relu=RELU_STAGES[stage],
    )


def squeezed_channels(channels: int) -> int:
    """Return the channels inside a squeeze-and-excitation: a quarter, in eights, and at least nine tenths of it.

    >>> squeezed_channels(72), squeezed_channels(960)
    (24, 240)
    """
    quarter = channels // 4
    rounded = max(8, (quarter + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * quarter else rounded


def forward_operations(configuration: str, *, image_size: int) -> float:
    """Return the floating-point operations of one image forward: two per multiply-add of every convolution.

    The head (2,560 per class), norms and activations are left out.
    """
    side = -(-image_size // 2)
    total = side * side * STEM_WIDTH * (3 * 9 + 9 + STEM_WIDTH)
    for block in parse_configuration(configuration):
        inside = block.channels_inside
        total += side * side * block.channels_in * inside
        side = -(-side // block.stride)
        total += side * side * inside * (block.kernel**2 + block.channels_out)
        total += 2 * inside * squeezed_channels(inside) if block.squeezed else 0
    total += side * side * STAGE_WIDTHS[-1] * EXPANDED_WIDTH + EXPANDED_WIDTH * FEATURE_WIDTH
    return 2.0 * total
