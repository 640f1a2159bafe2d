# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Cuts against what is none: brightness, blur, noise."""

from __future__ import annotations

import cv2
import numpy as np
from moving_pictures import World

from depth_anything_hf.geometry.picture_motion import small_grey
from depth_anything_hf.inference.video.cuts import colour_histogram, is_new_scene, structure_correlation


def judge(before: np.ndarray, after: np.ndarray, matched: float = 0.0) -> bool:
    colours = colour_histogram(before), colour_histogram(after)
    return is_new_scene(matched, *colours, small_grey(before), small_grey(after))


def test_another_scene_is_a_cut_only_where_little_is_matched():
    before, after = World(0).view(100)[0], World(1).view(100)[0]
    assert judge(before, after) and judge(before, after, 0.1) and not judge(before, after, 0.3)


def test_flash_blur_and_fade_are_none():
    frame = World().view(100)[0]
    assert not judge(frame, np.clip(frame * 1.8 + 40.0, 0, 255).astype(np.uint8))
    assert not judge(frame, cv2.blur(frame, (25, 1)))
    assert not judge(frame, (frame * 0.2).astype(np.uint8))
    black = np.zeros_like(frame)
    assert not judge(black, black)


def test_histogram_and_structure():
    red = np.zeros((10, 2000, 3), dtype=np.uint8)
    red[..., 0] = 255
    shares = colour_histogram(red)
    assert shares.shape == (512,) and shares.sum() == 1 and shares[7 * 64] == 1
    grey = small_grey(World().view(100)[0])
    assert structure_correlation(grey, 255 - grey) < -0.99
    assert structure_correlation(grey, grey // 2) > 0.99
