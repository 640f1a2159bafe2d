# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""The sky of a picture without a model of it: what two depth teachers both see far away and smooth."""

from __future__ import annotations

import cv2
import numpy as np


# As shares of the largest depth of the scale teacher: from where on a pixel is far, by it and by the fused label.
FAR_BY_SCALE = 0.5
FAR_BY_LABEL = 0.75
# Change of disparity from pixel to pixel, in inverses of that depth, up to which a map is smooth.
SMOOTH = 0.1
# A scale teacher that ends before this many metres, as one for rooms, cannot tell the sky from a far wall.
LEAST_MAX_DEPTH = 50.0


def sky_by_teachers(fused: np.ndarray | None, scale: np.ndarray, max_depth: float) -> np.ndarray:
    """Return the pixels that two teachers see far away and smooth: bool (H, W).

    Far is a depth of at least half of `max_depth` by the scale teacher, and of three quarters of it by the fused
    label; smooth is a gradient of disparity (Sobel) of at most 0.1 / `max_depth` per pixel in both. It finds the sky
    only if the scale teacher puts it far away: one whose training left the sky out may put it anywhere.

    Args:
        fused: float32 (H, W), fused disparity in 1 / metres; None without a fit, where there is no sky.
        scale: float32 (H, W), metres by the scale teacher.
        max_depth: metres, the largest depth that the scale teacher can predict.
    """
    if fused is None:
        return np.zeros(scale.shape, dtype=bool)
    disparity = 1 / scale
    far = (scale >= FAR_BY_SCALE * max_depth) & (fused <= 1 / (FAR_BY_LABEL * max_depth))
    steepest = SMOOTH / max_depth
    found: np.ndarray = far & (_steepness(disparity) <= steepest) & (_steepness(fused) <= steepest)
    return found


def _steepness(disparity: np.ndarray) -> np.ndarray:
    values = np.ascontiguousarray(disparity, dtype=np.float32)
    # Sobel's kernel sums 8 differences of neighbours.
    across, down = (cv2.Sobel(values, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1)))
    steepness: np.ndarray = np.hypot(across, down)
    return steepness


__all__ = ["LEAST_MAX_DEPTH", "sky_by_teachers"]
