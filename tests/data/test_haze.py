# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Haze follows its law, also at sky and where the depth is unknown."""

from __future__ import annotations

import math

import numpy as np
import pytest

from depth_anything_hf.data.haze import add_haze, sample_haze


def test_haze_follows_its_closed_form() -> None:
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (12, 9, 3), dtype=np.uint8)
    depth = random.uniform(0.3, 30, (12, 9)).astype(np.float32)
    airlight = np.array([0.8, 0.75, 0.9])
    transmission = np.exp(-0.2 * depth.astype(np.float64))[..., None]
    expected = image * transmission + 255 * airlight * (1 - transmission)
    hazy = add_haze(image, depth, 0.2, airlight)
    assert hazy.dtype == np.uint8 and np.abs(hazy - expected).max() <= 0.501
    assert np.array_equal(add_haze(image, depth, 0.0, airlight), image)


def test_haze_at_sky_and_at_unknown_depth() -> None:
    image = np.zeros((2, 3, 3), dtype=np.uint8)
    depth = np.array([[np.inf, np.nan, 2], [2, 2, 2]], dtype=np.float32)
    hazy = add_haze(image, depth, 0.3, np.array([1.0, 1.0, 1.0]))
    assert (hazy[0, 0] == 255).all() and np.array_equal(hazy[0, 1], hazy[0, 2])
    assert np.array_equal(add_haze(image, np.full((2, 3), np.nan, np.float32), 0.3, np.ones(3)), image)
    with pytest.raises(ValueError, match="size"):
        add_haze(image, depth[:1], 0.3, np.ones(3))


def test_haze_distribution() -> None:
    draws = [sample_haze(np.random.default_rng(seed)) for seed in range(2000)]
    densities = np.array([density for density, _ in draws])
    airlights = np.stack([airlight for _, airlight in draws])
    assert densities.min() >= 0.08 and densities.max() <= 0.35
    assert np.log(densities).mean() == pytest.approx((math.log(0.08) + math.log(0.35)) / 2, abs=0.04)
    assert airlights.min() >= 0.57 and airlights.max() <= 0.98
    assert np.ptp(airlights, axis=1).max() <= 0.061
