from __future__ import annotations

import numpy as np
import pytest

from workbench.audit.fairness.power import detectable_difference


def test_the_textbook_case():
    # 63 people a group see 0.25 around one half: 2 (1.96 + 0.84)^2 x 0.25 / 0.25^2 = 62.8
    assert detectable_difference(0.5, 63, 63) == pytest.approx(0.25, abs=0.001)


def test_it_is_found_about_four_times_in_five():
    rng, n, m = np.random.default_rng(0), 150, 900
    gap = detectable_difference(0.4, n, m)
    a, b = rng.binomial(n, 0.4 - gap / 2, 20_000) / n, rng.binomial(m, 0.4 + gap / 2, 20_000) / m
    z = (b - a) / np.sqrt(a * (1 - a) / n + b * (1 - b) / m)
    assert np.mean(np.abs(z) > 1.96) == pytest.approx(0.8, abs=0.03)


def test_extremes_stay_in_range():
    assert detectable_difference(0.5, 1, 1) == 1.0
    assert 0 < detectable_difference(0.0, 50, 50) < 0.2
