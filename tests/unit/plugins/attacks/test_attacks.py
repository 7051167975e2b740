"""Laws of all built-in attacks on a classifier."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from attack_worlds import gaussian_world
from tckr_plugins import attacks

from tckr_bench.errors import OptionError, TckrError
from tckr_bench.records import Shadows
from tckr_bench.stats import auc_interval
from tckr_bench.testing import fake_attack_evidence

WITHOUT_SHADOWS = {"loss", "confidence", "entropy", "modified-entropy", "gap", "quantile-regression"}
WITH_SHADOWS = {"lira", "rmia", "ramia", "bavaria", "calibrated-loss", "lira-paper", "dataset-inference"}


def components():
    found = {}
    attacks.register_attacks(lambda component: found.update({component.name: component}))
    return {name: component for name, component in found.items() if component.surface == "classifier"}


def asked(evidence):
    """Return the evidence with the plain outputs for those on altered copies as well."""
    return replace(
        evidence, target_queries=evidence.target_logits[None], shadow_queries=evidence.shadow_logits[:, None]
    )


def load(name, **options):
    component = components()[name]
    return component.load(component.parse_options(options))


@pytest.mark.parametrize("name", sorted(WITHOUT_SHADOWS | WITH_SHADOWS))
def test_a_diverged_target_is_refused(name):
    evidence = fake_attack_evidence()
    evidence.target_logits[3] = np.nan
    with pytest.raises(TckrError, match="cannot score the attacked classifier: 1 rows of its logits are not finite"):
        load(name).score(evidence)


@pytest.mark.parametrize("name", sorted(WITH_SHADOWS))
def test_a_diverged_shadow_model_is_refused(name):
    evidence, _ = gaussian_world(examples=8, shadows=4, shift=1.0, generator=np.random.default_rng(5))
    evidence.shadow_logits[1, 3, 1] = -np.inf
    with pytest.raises(TckrError, match="cannot score its shadow models: 1 rows of its logits are not finite"):
        load(name).score(asked(evidence))


@pytest.mark.parametrize("name", sorted(WITH_SHADOWS))
def test_attacks_find_nothing_where_training_left_no_trace(name):
    evidence, members = gaussian_world(examples=4000, shadows=16, shift=0.0, generator=np.random.default_rng(4))
    estimate = auc_interval(load(name).score(asked(evidence)), members)
    assert estimate.low <= 0.5 <= estimate.high


def test_registration_loads_what_it_names():
    found = components()
    assert set(found) == WITHOUT_SHADOWS | WITH_SHADOWS
    for name, component in found.items():
        attack = load(name)
        assert attack.threat_model.sees
        assert not attack.threat_model.adaptive
        count, data = 16 if name in WITH_SHADOWS else 0, "test-split" if name == "lira-paper" else "challenge"
        assert component.shadows(component.parse_options({})) == Shadows(count, data)


def test_options_say_what_they_allow():
    found = components()
    for name in WITHOUT_SHADOWS:
        with pytest.raises(OptionError, match="shadows"):
            found[name].parse_options({"shadows": 4})
    for name in WITH_SHADOWS - {"lira-paper"}:
        given = found[name].parse_options({"adaptive": True, "shadows": 6})
        assert found[name].shadows(given) == Shadows(6, adaptive=True)
    with pytest.raises(OptionError, match="variance"):
        found["lira"].parse_options({"variance": "global"})
    with pytest.raises(OptionError, match="gamma"):
        found["rmia"].parse_options({"gamma": 0})
    with pytest.raises(OptionError, match="offline_a"):
        found["rmia"].parse_options({"offline_a": 1.5})
    for given in ({"adaptive": True}, {"shadows": 3}, {"shadow_data": "challenge"}, {"variant": "best"}):
        with pytest.raises(OptionError, match=next(iter(given))):
            found["lira-paper"].parse_options(given)


@pytest.mark.parametrize("family", ["attacks", "classifiers", "metrics"])
def test_registration_imports_nothing_heavy(family):
    heavy = {"torch", "timm", "scipy", "numpy"}
    code = f"import sys, tckr_plugins.{family}; print(sorted({heavy} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
