"""The paper's classifier: a sub-network of the Once-for-All MobileNetV3, width 1.0, built from its configuration.

timm's `MobileNetV3` has every part it needs; only the arrangement is ours.

The published supernet is a pickled file whose kernels are cut out of larger ones by learned matrices, so it is not read
here. To start from it, take the sub-network out where the Once-for-All package is installed, and save it:

    supernet.set_active_subnet(ks=kernels, e=expansions, d=depths)
    subnet = supernet.get_active_subnet(preserve_weight=True)
    safetensors.torch.save_file(subnet.state_dict(), "subnet.safetensors")

The option `weights` takes that file as it is, and files with timm's names.
"""

from __future__ import annotations

import functools
import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from timm.models.mobilenetv3 import MobileNetV3, SqueezeExcite, decode_arch_def, round_channels
from torch import nn

from tckr_plugins.classifiers.ofa_configuration import (
    EXPANDED_WIDTH,
    FEATURE_WIDTH,
    STEM_WIDTH,
    BlockConfiguration,
    parse_configuration,
)
from tckr_plugins.classifiers.options import weights_file
from tckr_plugins.classifiers.torch_classifier import Body, TorchClassifier
from tckr_plugins.classifiers.weights import read_weights, take_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from tckr_plugins.classifiers.options import OfaOptions

HEAD = "classifier"

OUTER_NAMES = {
    "first_conv.conv.": "conv_stem.",
    "first_conv.bn.": "bn1.",
    "final_expand_layer.conv.": "blocks.6.0.conv.",
    "final_expand_layer.bn.": "blocks.6.0.bn1.",
    "feature_mix_layer.conv.": "conv_head.",
    "classifier.linear.": "classifier.",
    "classifier.0.": "classifier.",
}
"""From the names of the Once-for-All package to timm's, outside the blocks."""

EXPANDING_NAMES = {
    "inverted_bottleneck.conv.": "conv_pw.",
    "inverted_bottleneck.bn.": "bn1.",
    "depth_conv.conv.": "conv_dw.",
    "depth_conv.bn.": "bn2.",
    "depth_conv.se.fc.reduce.": "se.conv_reduce.",
    "depth_conv.se.fc.expand.": "se.conv_expand.",
    "point_linear.conv.": "conv_pwl.",
    "point_linear.bn.": "bn3.",
}
FIRST_NAMES = {
    "depth_conv.conv.": "conv_dw.",
    "depth_conv.bn.": "bn1.",
    "point_linear.conv.": "conv_pw.",
    "point_linear.bn.": "bn2.",
}
"""The first block does not expand: timm numbers its norms from its depthwise convolution."""


def build_network(configuration: str, *, class_count: int, dropout: float = 0.0) -> nn.Module:
    """Return the sub-network with fresh weights: normalised images (n, 3, h, w) -> logits (n, classes).

    Source: Cai et al. 2020, "Once-for-All: Train One Network and Specialize it for Efficient Deployment".

    Raises:
        ValueError: the configuration is malformed.
    """
    network: nn.Module = MobileNetV3(
        decode_arch_def(_arrangement(parse_configuration(configuration))),
        num_classes=class_count,
        stem_size=STEM_WIDTH,
        num_features=FEATURE_WIDTH,
        head_bias=False,
        act_layer=nn.Hardswish,
        se_layer=functools.partial(
            SqueezeExcite, gate_layer="hard_sigmoid", force_act_layer=nn.ReLU, rd_round_fn=round_channels
        ),
        drop_rate=dropout,
    )
    return network


def _arrangement(blocks: tuple[BlockConfiguration, ...]) -> list[list[str]]:
    """Write the stages as timm does: repeats, kernel, stride, expansion, channels, squeeze, activation."""
    stages = [
        [_written(block) for block in stage] for _, stage in itertools.groupby(blocks, key=lambda block: block.stage)
    ]
    return [["ds_r1_k3_s1_e1_c16_nre"], *stages, [f"cn_r1_k1_s1_c{EXPANDED_WIDTH}"]]


def _written(block: BlockConfiguration) -> str:
    squeeze = "_se0.25" if block.squeezed else ""
    activation = "re" if block.relu else "hs"
    shape = f"k{block.kernel}_s{block.stride}_e{block.expansion}_c{block.channels_out}"
    return f"ir_r1_{shape}{squeeze}_n{activation}"


@dataclass(frozen=True)
class OfaArchitecture:
    """Builds a sub-network with a head of its own."""

    options: OfaOptions

    @property
    def image_size(self) -> int:
        """Side in pixels the network works at."""
        return self.options.image_size

    def describe(self) -> Mapping[str, Any]:
        """Return what decides the shape of the weights and the use of the input."""
        return {
            "name": "ofa-mobilenetv3",
            "configuration": self.options.configuration,
            "image_size": self.image_size,
        }

    def build(self, class_count: int, *, pretrained: bool) -> Body:
        """Build the network; with `pretrained` take up the weights the options name, save for the head.

        Raises:
            TckrError: the file cannot be read, or does not belong to the configuration.
        """
        module = build_network(self.options.configuration, class_count=class_count, dropout=self.options.dropout)
        if pretrained and self.options.weights:
            path = weights_file(self.options.weights)
            found = rename_original(read_weights(path), parse_configuration(self.options.configuration))
            take_up(module, found, heads=(HEAD,), path=path)
        return Body(module)


def rename_original(weights: Mapping[str, Tensor], blocks: tuple[BlockConfiguration, ...]) -> dict[str, Tensor]:
    """Give the weights of a sub-network, as the Once-for-All package names them, timm's names; leave others alone."""
    places = {"0": "blocks.0.0."}
    for _, stage in itertools.groupby(enumerate(blocks, start=1), key=lambda pair: pair[1].stage):
        for place, (index, block) in enumerate(stage):
            places[str(index)] = f"blocks.{block.stage + 1}.{place}."
    return {_renamed(name, places): value for name, value in weights.items()}


def _renamed(name: str, places: Mapping[str, str]) -> str:
    inner = re.fullmatch(r"blocks\.(\d+)\.(?:mobile_inverted_conv|conv)\.(.+)", name)
    if inner is None or inner[1] not in places:
        prefix, part, names = "", name, OUTER_NAMES
    else:
        prefix, part, names = places[inner[1]], inner[2], FIRST_NAMES if inner[1] == "0" else EXPANDING_NAMES
    for old, new in names.items():
        if part.startswith(old):
            return prefix + new + part.removeprefix(old)
    return name


def load(options: OfaOptions) -> TorchClassifier:
    """Return an untrained `ofa-mobilenetv3`."""
    return TorchClassifier(OfaArchitecture(options), options)
