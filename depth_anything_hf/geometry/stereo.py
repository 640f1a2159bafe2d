# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Disparity of a stereo pair in pixels, and depth."""

from __future__ import annotations

import math

import numpy as np


def stereo_disparity_to_depth(disparity: np.ndarray, focal: float, baseline: float, offset: float = 0.0) -> np.ndarray:
    """Return `focal * baseline / (disparity + offset)`, depth along the optical axis of a rectified pair.

    Args:
        disparity: pixels, floating point, any shape.
        focal: focal length in pixels of the map's width.
        baseline: metres between the two cameras.
        offset: pixels between the principal points of both cameras (`doffs` of Middlebury's calib.txt).

    Returns:
        Metres, same shape, float32 at least: `+inf` where disparity and offset are 0, NaN where they are negative.

    Raises:
        ValueError: a focal length or baseline that is not positive, or an offset that is not finite.
    """
    if not (0 < focal < math.inf and 0 < baseline < math.inf and math.isfinite(offset)):
        raise ValueError(
            f"focal and baseline must be positive, offset finite, got {focal:g} px, {baseline:g} m and {offset:g} px"
        )
    total = disparity.astype(np.promote_types(disparity.dtype, np.float32)) + offset
    with np.errstate(divide="ignore"):
        depth: np.ndarray = focal * baseline / np.where(total >= 0, total, np.nan)
    return depth
