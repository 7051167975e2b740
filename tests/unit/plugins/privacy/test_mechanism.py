"""Laws of sampling and noise: they are what the accountant is told."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tckr_plugins.privacy.mechanism import check_delta, noisy_mean, poisson_sample

from tckr_bench.errors import TckrError


def test_examples_are_drawn_independently_each_with_the_rate():
    random = torch.Generator().manual_seed(0)
    drawn = torch.zeros(4000, 50)
    for row in drawn:
        chosen = poisson_sample(50, rate=0.3, random=random)
        assert len(chosen.unique()) == len(chosen)
        row[chosen] = 1
    assert drawn.mean(dim=0).numpy() == pytest.approx(np.full(50, 0.3), abs=5 * math.sqrt(0.21 / 4000))
    assert float(drawn.sum(dim=1).var()) == pytest.approx(50 * 0.21, rel=0.15)  # batches of one size have none
    together = torch.cov(drawn.T)
    assert float((together - together.diag().diag()).abs().max()) < 5 * 0.21 / math.sqrt(4000)


def test_nobody_may_be_drawn():
    assert len(poisson_sample(3, rate=1e-9, random=torch.Generator().manual_seed(0))) == 0


def test_noise_has_the_deviation_and_the_sum_is_shared_by_the_expected_number():
    total = torch.arange(100_000.0)
    found = noisy_mean(total, deviation=3.0, expected=8.0, random=torch.Generator().manual_seed(0))
    noise = 8 * found.double() - total
    assert float(noise.std()) == pytest.approx(3.0, rel=0.02)
    assert abs(float(noise.mean())) < 5 * 3.0 / math.sqrt(100_000)


def test_a_delta_of_a_share_of_one_image_is_refused():
    check_delta(0.0999, images=10)
    with pytest.raises(TckrError, match=r"delta of 0\.1 allows one of 10 .* well below 1\.0e-01"):
        check_delta(0.1, images=10)
