# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Motion between frames: known shifts, what is new, noise, brightness, other scenes, sizes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from moving_pictures import World

from depth_anything_hf.geometry.picture_motion import find_motion, small_grey


@pytest.mark.parametrize("shift", [0, 1, 5, 20])
def test_a_shift_is_found_and_what_is_new_is_not_matched(shift):
    world = World()
    before, after = (small_grey(world.view(x)[0]) for x in (200, 200 + shift))
    motion = find_motion(before, after)
    inside = motion.matched[:, : 96 - shift - 4]
    assert inside.mean() > 0.85
    # The camera went right, so what is seen now was further to the right before.
    np.testing.assert_allclose(np.median(motion.flow[motion.matched], axis=0), [shift, 0], atol=0.2)
    if shift > 1:
        assert motion.matched[:, 96 - shift + 1 :].mean() < 0.1


def test_maps_of_any_size_move_along():
    world = World()
    (before, disparity), (after, moved) = world.view(200), world.view(206)
    motion = find_motion(small_grey(before), small_grey(after))
    for factor in (1, 3):
        size = (96 * factor, 72 * factor)
        warped = motion.warp(cv2.resize(disparity, size))
        error = np.abs(warped - cv2.resize(moved, size))[:, : 86 * factor]
        assert error.mean() < 0.005


@pytest.mark.parametrize(("gain", "offset"), [(1.3, 10), (0.6, 0), (1.0, -25)])
def test_exposure_is_no_motion(gain, offset):
    world = World()
    before, after = (small_grey(world.view(x)[0]) for x in (200, 203))
    after = np.clip(after.astype(np.float32) * gain + offset, 0, 255).astype(np.uint8)
    motion = find_motion(before, after)
    assert motion.matched[:, :90].mean() > 0.8
    np.testing.assert_allclose(np.median(motion.flow[motion.matched], axis=0), [3, 0], atol=0.2)


def test_noise_is_no_motion_and_another_scene_is_not_matched():
    random, frame = np.random.default_rng(0), World().view(200)[0]
    noisy = [np.clip(frame + random.normal(0, 6, frame.shape), 0, 255).astype(np.uint8) for _ in range(2)]
    assert find_motion(small_grey(noisy[0]), small_grey(noisy[1])).matched.mean() > 0.8
    other = World(seed=1).view(200)[0]
    assert find_motion(small_grey(frame), small_grey(other)).matched.mean() < 0.15


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (300, 5), (32, 32), (1080, 1920)])
def test_pictures_of_any_size_and_of_one_colour(size):
    grey = small_grey(np.full((*size, 3), 77, dtype=np.uint8))
    assert max(grey.shape) <= 192 and min(grey.shape) >= 32
    motion = find_motion(grey, grey)
    # Nothing moves, as far as one can tell.
    assert motion.matched.all() and np.abs(motion.flow).max() < 1e-3


def test_the_number_of_threads_does_not_matter():
    before, after = (small_grey(World().view(x)[0]) for x in (200, 207))
    threads = cv2.getNumThreads()
    try:
        flows = []
        for count in (1, 4):
            cv2.setNumThreads(count)
            flows.append(find_motion(before, after).flow)
    finally:
        cv2.setNumThreads(threads)
    np.testing.assert_array_equal(*flows)
