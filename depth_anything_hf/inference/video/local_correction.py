# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""What of a frame differs from the frames before smoothly over the picture: a field to be added, fitted robustly."""

from __future__ import annotations

import cv2
import numpy as np

from .robust_fit import MAD_TO_DEVIATION


# Frames after which half of a correction is gone, so that true changes are followed: half a second at 30 a second.
FIELD_HALF_LIFE = 15.0
# Of a level: cells along the longer side of the picture, and the standard deviation of the window of a cell as a share
# of that side. The coarse level reaches into what has just come into view, where nothing is known.
LEVELS = ((24, 0.12), (64, 0.015))
# Differences count less and less from this many standard deviations of all of them on, and from this share of the
# frame's spread on: there something has moved or truly changed. Below the last share they are no outliers.
CUTOFF_DEVIATIONS, CUTOFF_SHARE, SMALLEST_CUTOFF_SHARE = 4.0, 0.3, 0.01
# Pixels, as a share of a window, that say "no correction": a window of which little is known is not relied on.
PRIOR = 0.05
ROUNDS = 2


def fit_field(values: np.ndarray, target: np.ndarray, spread: float) -> np.ndarray:
    """Return what brings values to a target, as far as it is smooth over the picture.

    Each level is a mean of the differences that the levels before have left, in a Gaussian window around each cell,
    with weights of Geman and McClure. It says nothing about single pixels: edges and detail of the values stay, and a
    surface that differs from all around it, by more than the noise of the frame, is left as it is.

    Args:
        values: float32 (h, w).
        target: float32 (h, w), NaN where it is not known.
        spread: of the values of the frame.

    Returns:
        float32 (h, w): the field; 0 where nothing is known far and wide.
    """
    height, width = values.shape
    field = np.zeros((height, width), dtype=np.float32)
    left = target - values
    known = np.isfinite(left)
    if not known.any() or not spread > 0:
        return field
    left[~known] = 0
    deviation = MAD_TO_DEVIATION * float(np.median(np.abs(left[known])))
    cutoff = min(CUTOFF_SHARE * spread, max(CUTOFF_DEVIATIONS * deviation, SMALLEST_CUTOFF_SHARE * spread))
    for cells, share in LEVELS:
        level = _fit_level(left, known, cutoff, cells / max(height, width), share)
        field += level
        left -= level
    return field


def _fit_level(left: np.ndarray, known: np.ndarray, cutoff: float, shrink: float, share: float) -> np.ndarray:
    height, width = left.shape
    size = tuple(max(2, min(length, round(length * shrink))) for length in (width, height))
    deviation = share * max(size)

    def in_windows(pixels: np.ndarray) -> np.ndarray:
        cells = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        blurred: np.ndarray = cv2.GaussianBlur(cells, (0, 0), deviation, borderType=cv2.BORDER_CONSTANT)
        return blurred

    prior = np.float32(PRIOR) * in_windows(np.ones_like(left))
    field = np.zeros_like(left)
    for _ in range(ROUNDS):
        weights = np.square(1 / (1 + np.square((left - field) * np.float32(1 / cutoff))))
        weights *= known
        cells = in_windows(weights * left) / (in_windows(weights) + prior)
        field = cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR)
    return field
