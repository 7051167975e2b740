"""What attacks find against the number of shadow models.

A bank is trained once and kept; running again trains what is missing. Targets are further models of the same recipe,
each on a random half of its own of which no model of the bank has the complement, so that their members are known. Each
is attacked with every disjoint part of the bank of K models.
"""

from __future__ import annotations

import math
from concurrent.futures import as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import load_file
from tckr_plugins.attacks.bavaria import BavariaAttack
from tckr_plugins.attacks.lira import LiraAttack
from tckr_plugins.attacks.loss import LossAttack
from tckr_plugins.attacks.rmia import RmiaAttack

from shadow_models.workers import shadow_into, workers
from shadow_models.world import World
from tckr_bench.errors import TckrError
from tckr_bench.records import AttackEvidence, References
from tckr_bench.stats import auc, tpr_at_fpr

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from tckr_bench.plugin.protocols import Attack

    Floats = npt.NDArray[np.float64]

ATTACKS: dict[str, Attack] = {
    "lira, fixed variance": LiraAttack(),
    "lira, variance per example": LiraAttack(variance="per-example"),
    "rmia": RmiaAttack(),
    "bavaria": BavariaAttack(),
}
FPR = 0.01
FIRST_TARGET = 1000  # beyond every bank


@dataclass(frozen=True)
class Bank:
    """A world and the logits of models trained in it, by index."""

    world: World
    challenge: dict[int, npt.NDArray[np.float32]]
    validation: dict[int, npt.NDArray[np.float32]]

    def evidence(self, target: int, shadows: Sequence[int]) -> AttackEvidence:
        """Return what an attack on one model sees with some others as its shadows."""
        world = self.world
        return AttackEvidence(
            target_logits=self.challenge[target],
            labels=world.labels,
            shadow_logits=np.stack([self.challenge[index] for index in shadows]),
            shadow_membership=np.stack([world.mask(index) for index in shadows]),
            references=References(
                images=world.validation_images,
                labels=world.validation_labels,
                target_logits=self.validation[target],
                shadow_logits=np.stack([self.validation[index] for index in shadows]),
            ),
        )


def measure(folder: Path, *, size: int, count: int, quick: bool) -> None:
    """Train what is missing of a bank of `size`, and print AUC and TPR of each attack on `count` targets against K."""
    folder = folder / ("quick" if quick else "whole")
    folder.mkdir(exist_ok=True)
    World.packaged(per_side=100 if quick else None).save(folder)
    targets = range(FIRST_TARGET, FIRST_TARGET + 2 * count, 2)  # one of each complementary pair
    bank = _train(folder, [*targets, *range(size)], epochs=2 if quick else 20)
    print(f"{count} targets, banks of {size}: mean ± 2 standard errors over the targets; the last column is paired")
    print(f"{'attack':28} {'K':>3} {'AUC':>15} {'TPR at 1 % FPR':>17} {f'AUC less K = {size}':>18}")
    _print("loss", 0, _found(LossAttack(), bank, targets, parts=[range(2)]), None)
    for name, attack in ATTACKS.items():
        found = {parts: _found(attack, bank, targets, parts=_parts(size, parts)) for parts in _powers(size)}
        for models, values in found.items():
            _print(name, models, values, found[size])


def _train(folder: Path, indices: Sequence[int], *, epochs: int) -> Bank:
    """Train the models that are not there yet, two at a time, and read all of them."""
    files = {index: folder / f"{index}.safetensors" for index in indices}
    missing = [index for index, file in files.items() if not file.exists()]
    if missing:
        with workers(folder, count=min(2, len(missing))) as pool:
            started = [pool.submit(shadow_into, str(files[index]), index, epochs=epochs) for index in missing]
            for done, one in enumerate(as_completed(started), start=1):
                one.result()
                print(f"\rtrained {done} of {len(missing)} models", end="" if done < len(missing) else "\n", flush=True)
    logits = {index: load_file(file) for index, file in files.items()}
    return Bank(
        World.shared(folder),
        {index: arrays["challenge"] for index, arrays in logits.items()},
        {index: arrays["validation"] for index, arrays in logits.items()},
    )


def _found(attack: Attack, bank: Bank, targets: Sequence[int], *, parts: Sequence[Sequence[int]]) -> Floats:
    """Return AUC and TPR on each target, mean over the parts of the bank, (targets, 2); NaN with too few shadows."""
    found = np.empty((len(targets), len(parts), 2))
    for row, target in enumerate(targets):
        members = bank.world.mask(target)
        for column, shadows in enumerate(parts):
            try:
                scores = attack.score(bank.evidence(target, shadows))
            except TckrError:
                found[row, column] = np.nan
                continue
            found[row, column] = auc(scores, members), tpr_at_fpr(scores, members, fpr=FPR).true_positive_rate.value
    mean: Floats = found.mean(axis=1)
    return mean


def _powers(size: int) -> list[int]:
    return [2**power for power in range(1, size.bit_length())]


def _parts(size: int, count: int) -> list[range]:
    """Return the disjoint parts of a bank with so many models each."""
    return [range(start, start + count) for start in range(0, size, count)]


def _print(name: str, models: int, values: Floats, whole: Floats | None) -> None:
    """Print one row; of what there is too little for, nothing."""
    if np.isnan(values).any():
        return
    area, rate = (_with_error(column) for column in values.T)
    less = "" if whole is None else _with_error(values[:, 0] - whole[:, 0])
    print(f"{name:28} {models:3} {area:>15} {rate:>17} {less:>18}")


def _with_error(values: Floats) -> str:
    return f"{values.mean():.3f} ± {2 * values.std(ddof=1) / math.sqrt(len(values)):.3f}"
