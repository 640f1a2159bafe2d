# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Robust fits: exact, among outliers, unbiased by noise, refused."""

from __future__ import annotations

import numpy as np
import pytest

from depth_anything_hf.inference.video.robust_fit import fit_robustly


def fit(values, target):
    return fit_robustly(values, target, whole_spread=0.8)


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (0.2, 5.0), (7.0, -3.0)])
def test_exact_and_a_quarter_of_outliers(scale, shift):
    values = np.random.default_rng(0).uniform(0, 1, 2000)
    target = scale * values + shift
    assert fit(values, target) == pytest.approx((scale, shift), rel=1e-6)
    noisy = target + scale * np.random.default_rng(1).normal(0, 0.01, 2000)
    noisy[:500] += scale * np.random.default_rng(2).uniform(0.5, 3, 500)
    assert fit(values, noisy) == pytest.approx((scale, shift), rel=0.02, abs=0.01 * scale)


def test_noise_does_not_shrink_the_scale():
    random = np.random.default_rng(0)
    truth = random.uniform(0, 1, 20000)
    values, target = (truth + random.normal(0, 0.1, truth.size) for _ in range(2))
    assert np.polyfit(values, target, 1)[0] < 0.91
    assert fit(values, target) == pytest.approx((1, 0), abs=0.01)


def test_what_says_nothing_gives_no_fit():
    random = np.random.default_rng(0)
    values = random.uniform(0, 1, 2000)
    assert fit(values[:50], values[:50]) is None
    assert fit(np.full(2000, 0.3), values) is None
    assert fit(0.01 * values, values) is None
    assert fit(values, -values) is None
    assert fit(values, np.full(2000, 0.3)) is None
    assert fit(values, random.uniform(0, 1, 2000)) is None
    assert fit(values, 1e5 * values) is None
