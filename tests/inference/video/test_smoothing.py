# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Smoothing along the motion: less noise, sharp borders of what moves, true changes are followed."""

from __future__ import annotations

import numpy as np
from moving_pictures import World, pan

from depth_anything_hf.inference.video.alignment import TemporalAlignment


def test_noise_is_averaged_out_in_a_pan():
    world, random = World(), np.random.default_rng(0)
    plain, smooth = TemporalAlignment(rescale=False), TemporalAlignment(rescale=False, smooth=True)
    errors = []
    for x in pan(40):
        frame, truth = world.view(x)
        noisy = truth + random.normal(0, 0.03, truth.shape).astype(np.float32)
        errors.append([np.abs(each(frame, noisy).values - truth).mean() for each in (plain, smooth)])
    before, after = np.mean(errors[20:], axis=0)
    assert after < before / 1.6


def test_what_moves_keeps_its_border():
    frame, background = World().view(100)
    pattern = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    alignment = TemporalAlignment(rescale=False, smooth=True)
    for left in range(4, 60, 2):
        picture, truth = frame.copy(), background.copy()
        picture[24:48, left : left + 24] = pattern
        truth[24:48, left : left + 24] = 3
        error = np.abs(alignment(picture, truth).values - truth)
    # Nothing of the object, which is 2 to 3 in front, is left where it was or missing where it is.
    assert error.max() < 0.15


def test_a_true_change_is_followed():
    frame, truth = World().view(100)
    alignment = TemporalAlignment(rescale=False, smooth=True)
    for _ in range(10):
        alignment(frame, truth)
    nearer = truth.copy()
    nearer[:, :40] += 1
    assert np.abs(alignment(frame, nearer).values - nearer).max() < 0.05
    # A small one within a second.
    nearer[:, 40:] += 0.02
    for _ in range(30):
        result = alignment(frame, nearer).values
    assert np.abs(result - nearer).max() < 0.003


def test_missing_values_stay_missing_and_do_not_spread():
    frame, truth = World().view(100)
    holes = truth.copy()
    holes[10:20, 10:20] = np.nan
    alignment = TemporalAlignment(rescale=False, smooth=True)
    alignment(frame, holes)
    result = alignment(frame, truth).values
    assert np.isfinite(result).all()
    np.testing.assert_array_equal(np.isnan(alignment(frame, holes).values), np.isnan(holes))
