# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Flicker and consistency of maps whose changes are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from moving_pictures import World

from depth_anything_hf.geometry.picture_motion import PictureMotion, find_motion, small_grey
from depth_anything_hf.metrics.flicker import (
    change_along_motion,
    change_on_matched_pixels,
    flicker_score,
    warped_consistency_error,
)


def test_a_known_change_on_static_pixels():
    frame, disparity = World().view(100)
    motion = find_motion(small_grey(frame), small_grey(frame))
    assert motion.matched.all()
    assert change_on_matched_pixels(disparity, disparity, motion) == 0
    assert change_on_matched_pixels(disparity, disparity + np.float32(0.25), motion) == pytest.approx(0.25)
    half = disparity.copy()
    half[:36] += 0.5
    assert change_on_matched_pixels(disparity, half, motion) == pytest.approx(0.25)
    half[:36] = np.nan
    assert change_on_matched_pixels(disparity, half, motion) == 0


def test_a_pan_is_no_flicker():
    world = World()
    (first, before), (second, after) = world.view(100), world.view(106)
    motion = find_motion(small_grey(first), small_grey(second))
    still = PictureMotion(np.zeros_like(motion.flow), np.ones_like(motion.matched))
    assert change_on_matched_pixels(before, after, motion) < 0.1 * change_on_matched_pixels(before, after, still)


def test_flicker_has_no_unit_and_leaves_out_cuts():
    changes = np.array([0.1, math.nan, 0.3])
    assert flicker_score(changes, 0.0, 2.0) == pytest.approx(0.1)
    assert flicker_score(changes * 7, 5.0, 19.0) == pytest.approx(0.1)
    assert math.isnan(flicker_score(np.array([math.nan]), 0, 1)) and math.isnan(flicker_score(changes, 1, 1))
    nothing = PictureMotion(np.zeros((32, 32, 2), np.float32), np.zeros((32, 32), bool))
    assert math.isnan(change_on_matched_pixels(np.zeros((8, 8)), np.zeros((8, 8)), nothing))


def test_errors_that_stay_on_their_surface_are_consistent():
    random = np.random.default_rng(0)
    disparity = random.uniform(0.1, 1, (20, 30)).astype(np.float32)
    x, y = np.meshgrid(np.arange(30, dtype=np.float32) + 1, np.arange(20, dtype=np.float32))
    seen = x <= 29
    # The other view is one pixel further to the right, and everything is nearer in it.
    there = np.roll(disparity, 1, axis=1) + np.float32(0.05)

    def error(here, other):
        predicted = change_along_motion(here[seen], other, x[seen], y[seen])
        true = change_along_motion(disparity[seen], there, x[seen], y[seen])
        np.testing.assert_allclose(true, -0.05, atol=1e-6)
        return warped_consistency_error(predicted, true, 2.0, 0.1, 1.1)

    assert error(disparity / 2, there / 2) == pytest.approx(0, abs=1e-6)
    wrong = random.uniform(-1, 1, disparity.shape).astype(np.float32)
    assert error(disparity / 2 + wrong, there / 2 + np.roll(wrong, 1, axis=1)) == pytest.approx(0, abs=1e-6)
    # A shift of 0.03 in the second frame alone is one of 0.06 after the scale, and the range is 1.
    assert error(disparity / 2, there / 2 + np.float32(0.03)) == pytest.approx(0.06, abs=1e-6)
    assert math.isnan(warped_consistency_error(np.zeros(0), np.zeros(0), 1.0, 0, 1))
