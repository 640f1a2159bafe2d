# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Average each pixel along its motion, where it was seen before at about the same disparity."""

from __future__ import annotations

import cv2
import numpy as np

from ...geometry.picture_motion import PictureMotion


# Weight of the past: a step becomes visible with a time constant of 1 / (1 - weight) frames.
PAST_WEIGHT = 0.9
# Of the frame's spread: the past weighs a quarter as much where it differs by this, and hardly where by more.
TOLERANCE = 0.3


def smooth_along_motion(previous: np.ndarray, values: np.ndarray, motion: PictureMotion, spread: float) -> np.ndarray:
    """Return the values averaged with the previous result where the pixels were.

    The past weighs less where the pixel was hidden or is not known again, and where its value differs so much that
    it is another surface or has truly changed.

    Args:
        previous: float32 (H, W), the previous result.
        values: float32 (H, W).
        motion: from the previous frame to this one.
        spread: of the values of a frame, what the tolerance is a share of.

    Returns:
        float32 (H, W).
    """
    height, width = values.shape
    step = motion.warp(previous)
    known = motion.matched.astype(np.float32)
    weight: np.ndarray = cv2.resize(known, (width, height), interpolation=cv2.INTER_LINEAR)
    # In place: these maps are large.
    step -= values
    with np.errstate(over="ignore", invalid="ignore"):
        unlike = step * np.float32(1 / max(TOLERANCE * spread, 1e-12))
        unlike *= unlike
        unlike += np.float32(1)
        unlike *= unlike
        weight *= np.float32(PAST_WEIGHT)
        weight /= unlike
        step *= weight
    unknown = ~np.isfinite(step)
    if unknown.any():
        step[unknown] = 0
    step += values
    return step
