"""How long attacks take to score many examples with many shadow models."""

from __future__ import annotations

import time

import numpy as np
from tckr_plugins.attacks.bavaria import BavariaAttack
from tckr_plugins.attacks.calibrated_loss import CalibratedLossAttack
from tckr_plugins.attacks.lira import LiraAttack
from tckr_plugins.attacks.rmia import RmiaAttack

from tckr_bench.plugin.protocols import Attack
from tckr_bench.records import AttackEvidence
from tckr_bench.stages.challenge import shadow_mask

CLASSES = 10
ATTACKS: dict[str, Attack] = {
    "lira, fixed variance": LiraAttack(),
    "lira, variance per example": LiraAttack(variance="per-example"),
    "lira, offline": LiraAttack(mode="offline"),
    "rmia": RmiaAttack(),
    "rmia, offline": RmiaAttack(mode="offline"),
    "bavaria": BavariaAttack(),
    "bavaria, offline": BavariaAttack(mode="offline"),
    "calibrated-loss": CalibratedLossAttack(),
}


def measure(*, shadows: int, examples: int) -> None:
    """Print how long each attack takes on random logits."""
    generator = np.random.default_rng(0)
    evidence = AttackEvidence(
        target_logits=generator.standard_normal((examples, CLASSES), dtype=np.float32),
        labels=generator.integers(CLASSES, size=examples),
        shadow_logits=generator.standard_normal((shadows, examples, CLASSES), dtype=np.float32),
        shadow_membership=np.stack([shadow_mask(examples, index, part=examples // 2) for index in range(shadows)]),
    )
    print(f"{f'{shadows} shadow models, {examples:,} examples':36} {'processor, s':>12} {'wall, s':>8}")
    for name, attack in ATTACKS.items():
        wall, processor = time.perf_counter(), time.process_time()
        attack.score(evidence)
        print(f"{name:36} {time.process_time() - processor:12.2f} {time.perf_counter() - wall:8.2f}", flush=True)
