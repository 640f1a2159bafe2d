# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Steadiness of a clip's predictions: flicker, which needs no truth, and consistency along the true motion.

A map that never changes has neither: read them beside a metric of depth such as delta1.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..geometry.maps import check_same_shape
from ..geometry.picture_motion import PictureMotion, shrink_map


def change_on_matched_pixels(previous: np.ndarray, values: np.ndarray, motion: PictureMotion) -> float:
    """Return the mean absolute change of pixels that show the same in two successive frames.

    The flicker of a clip is the mean over its pairs of frames, as a share of the range of all its values: see
    `flicker_score`. In a standing camera's clip these are the static pixels, in a pan those that the motion leads to.

    Args:
        previous: float32 (H, W), the values of the frame before.
        values: float32 (H, W).
        motion: between the two frames, see `geometry.picture_motion.find_motion`.

    Returns:
        In the unit of the values; NaN where no pixel is matched, as across a cut.

    Raises:
        ValueError: the shapes differ.
    """
    check_same_shape(previous=previous, values=values)
    height, width = motion.matched.shape
    small = shrink_map(values.astype(np.float32, copy=False), height, width)
    moved = motion.warp(shrink_map(previous.astype(np.float32, copy=False), height, width))
    counted = motion.matched & np.isfinite(small) & np.isfinite(moved)
    if not counted.any():
        return float("nan")
    return float(np.abs(small[counted].astype(np.float64) - moved[counted]).mean())


def flicker_score(changes: np.ndarray, lowest: float, highest: float) -> float:
    """Return the flicker of a clip: the mean change from frame to frame, as a share of the range of its values.

    It has no unit: predictions of any scale and shift can be compared. Depth that truly changes counts as well, so
    that the truth has a flicker, too, where the camera moves.

    Args:
        changes: (N,) of `change_on_matched_pixels`; NaN does not count.
        lowest: of all values of the clip, robustly: a low percentile.
        highest: a high percentile.

    Returns:
        From 0 upwards; NaN without any pair of frames, or for values that are all the same.
    """
    changes = np.asarray(changes, dtype=np.float64)
    known = changes[~np.isnan(changes)]
    if known.size == 0 or not highest > lowest:
        return float("nan")
    return float(known.mean() / (highest - lowest))


def change_along_motion(values: np.ndarray, other: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return how the values of surface points differ between two views: here minus there.

    Args:
        values: (N,) of some pixels of a view.
        other: (H, W), the other view.
        x: (N,) pixels of the other view, where these points are in it; see `geometry.reprojection.find_in_view`.
        y: (N,)

    Returns:
        float64 (N,), with bilinear interpolation there.
    """
    check_same_shape(values=values, x=x, y=y)
    if values.size == 0:
        return np.zeros(values.shape)
    places = [each.astype(np.float32).reshape(-1, 1) for each in (x, y)]
    there = cv2.remap(other.astype(np.float32), places[0], places[1], cv2.INTER_LINEAR)
    change: np.ndarray = values.astype(np.float64) - there.reshape(values.shape)
    return change


def warped_consistency_error(
    predicted_changes: np.ndarray, true_changes: np.ndarray, scale: float, lowest: float, highest: float
) -> float:
    """Return how differently from the truth the disparity of surface points changes from frame to frame.

    The mean of `|scale * predicted - true|` over points that both frames see, as a share of the range of the true
    disparity: 0 for the truth, and for errors that stay on their surface. Changes that are due to the motion of the
    camera are no error, unlike in `flicker_score`.

    Args:
        predicted_changes: (N,) of `change_along_motion`.
        true_changes: (N,), 1 / metres.
        scale: that brings the predictions of all frames to the truth.
        lowest: of the true disparity in the clip: a low percentile.
        highest: a high percentile.

    Returns:
        From 0 upwards; NaN without points.
    """
    check_same_shape(predicted_changes=predicted_changes, true_changes=true_changes)
    if predicted_changes.size == 0 or not highest > lowest:
        return float("nan")
    return float(np.abs(scale * predicted_changes - true_changes).mean() / (highest - lowest))
