"""The contract checks every plugin can run over its components."""

import pytest
from tckr_bench_example import BRIGHTNESS, MARGIN

from tckr_bench.testing import check_attack, check_captioner, check_component


@pytest.mark.parametrize("component", [MARGIN, BRIGHTNESS], ids=lambda component: component.name)
def test_the_component_is_named_and_documented(component):
    check_component(component)


def test_the_attack_keeps_its_contract():
    check_attack(MARGIN.load(MARGIN.parse_options({})))


def test_the_captioner_keeps_its_contract():
    check_captioner(BRIGHTNESS.load(BRIGHTNESS.parse_options({"threshold": 100})))
