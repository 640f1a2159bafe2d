# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Fields of corrections with known answers: ramps, edges, what has just come into view, true changes, nothing."""

from __future__ import annotations

import numpy as np
from moving_pictures import smooth_noise

from depth_anything_hf.inference.video.local_correction import fit_field


HEIGHT, WIDTH = 108, 144
SPREAD = 0.6
VALUES = smooth_noise(np.random.default_rng(0), HEIGHT, WIDTH, 8)
RAMP = np.linspace(-0.1, 0.1, WIDTH, dtype=np.float32)[None, :].repeat(HEIGHT, axis=0)


def test_a_ramp_is_found_and_reaches_into_what_was_not_seen():
    target = VALUES + RAMP
    target[:, -12:] = np.nan
    error = np.abs(fit_field(VALUES, target, SPREAD) - RAMP)
    assert error[:, 4:-16].max() < 0.01
    assert error[:, -12:].mean() < 0.5 * RAMP[:, -12:].mean()


def test_noise_of_single_pixels_is_no_field():
    noise = np.random.default_rng(1).normal(0, 0.05, VALUES.shape).astype(np.float32)
    field = fit_field(VALUES, VALUES + noise, SPREAD)
    assert field.std() < 0.2 * noise.std()
    # Edges stay where they are: neighbours are corrected alike.
    assert np.abs(np.diff(field, axis=1)).max() < 0.02


def test_what_has_truly_changed_stays():
    target = VALUES + np.random.default_rng(1).normal(0, 0.005, VALUES.shape).astype(np.float32)
    target[40:70, 60:100] -= 0.3
    field = fit_field(VALUES, target, SPREAD)
    assert np.abs(field).max() < 0.02


def test_nothing_known_is_no_correction():
    nothing = np.full_like(VALUES, np.nan)
    for values, target, spread in ((VALUES, nothing, SPREAD), (nothing, VALUES, SPREAD), (VALUES, VALUES + 1, 0.0)):
        field = fit_field(values, target, spread)
        assert field.shape == VALUES.shape and not field.any()
    small = fit_field(VALUES[:32, :32], VALUES[:32, :32] + 0.05, SPREAD)
    np.testing.assert_allclose(small, 0.05, atol=0.01)
