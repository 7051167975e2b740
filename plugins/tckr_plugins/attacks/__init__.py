"""Built-in attacks: on a classifier, on what may be released beside it, and a test of the challenge itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tckr_bench.hookspecs import hookimpl
from tckr_plugins.attacks.bavaria import BAVARIA
from tckr_plugins.attacks.blind import BLIND
from tckr_plugins.attacks.calibrated_loss import CALIBRATED_LOSS
from tckr_plugins.attacks.caption_match import CAPTION_MATCH
from tckr_plugins.attacks.clid import CLID
from tckr_plugins.attacks.copies import NEAREST_COPY
from tckr_plugins.attacks.dataset_inference import DATASET_INFERENCE
from tckr_plugins.attacks.denoising import DENOISING_LOSS, PIA, REDIFFUSE, SECMI
from tckr_plugins.attacks.domias import DOMIAS
from tckr_plugins.attacks.lira import LIRA
from tckr_plugins.attacks.lira_paper import LIRA_PAPER
from tckr_plugins.attacks.loss import LOSS
from tckr_plugins.attacks.quantile_regression import QUANTILE_REGRESSION
from tckr_plugins.attacks.ramia import RAMIA
from tckr_plugins.attacks.reference_free import CONFIDENCE, ENTROPY, GAP, MODIFIED_ENTROPY
from tckr_plugins.attacks.rmia import RMIA

if TYPE_CHECKING:
    from collections.abc import Callable

    from tckr_bench.components import AttackComponent

WITHOUT_SHADOWS = (LOSS, CONFIDENCE, ENTROPY, MODIFIED_ENTROPY, GAP, QUANTILE_REGRESSION)
WITH_SHADOWS = (LIRA, RMIA, RAMIA, BAVARIA, CALIBRATED_LOSS, LIRA_PAPER, DATASET_INFERENCE)
ON_RELEASES = (DENOISING_LOSS, SECMI, PIA, REDIFFUSE, CLID, NEAREST_COPY, DOMIAS, CAPTION_MATCH)


@hookimpl
def register_attacks(register: Callable[[AttackComponent], None]) -> None:
    """Register the built-in attacks."""
    for component in (*WITHOUT_SHADOWS, *WITH_SHADOWS, *ON_RELEASES, BLIND):
        register(component)
