# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Whether another scene begins: hardly a pixel has been seen before, and neither colours nor structure are alike."""

from __future__ import annotations

import cv2
import numpy as np


# Of the pixels; between frames of one scene it is above 0.6 even in quick pans, across most cuts below 0.1.
FEWEST_MATCHED = 0.25
ALIKE_COLOURS = 0.8
ALIKE_STRUCTURE = 0.5
COLOUR_LEVELS = 8
STRUCTURE_SIZE = (24, 18)  # (width, height)


def colour_histogram(frame: np.ndarray) -> np.ndarray:
    """Return the shares of 512 colours in a frame, uint8 (H, W, 3): float32 (512,), their sum is 1."""
    # Every few pixels suffice for the shares.
    step = max(1, max(frame.shape[:2]) // 128)
    some = np.ascontiguousarray(frame[::step, ::step])
    levels, ranges = [COLOUR_LEVELS] * 3, [0.0, 256.0] * 3
    counts = cv2.calcHist([some], [0, 1, 2], None, levels, ranges).ravel()
    shares: np.ndarray = (counts / counts.sum()).astype(np.float32)
    return shares


def is_new_scene(
    matched_share: float, previous_colours: np.ndarray, colours: np.ndarray, previous: np.ndarray, current: np.ndarray
) -> bool:
    """Tell a cut from motion, noise and flashes.

    Args:
        matched_share: of the pixels that were seen in the frame before.
        previous_colours: of `colour_histogram`.
        colours: of `colour_histogram`.
        previous: small grey picture, uint8 (h, w).
        current: small grey picture, uint8 (h, w).
    """
    if matched_share >= FEWEST_MATCHED:
        return False
    # A whip pan blurs what it shows, and a flash bleaches it: one of the two is still alike.
    common = float(np.minimum(previous_colours, colours).sum())
    return common < ALIKE_COLOURS and structure_correlation(previous, current) < ALIKE_STRUCTURE


def structure_correlation(previous: np.ndarray, current: np.ndarray) -> float:
    """Return the correlation of two grey pictures, coarsely: 1 for the same at any brightness and contrast."""
    coarse = [
        cv2.resize(each, STRUCTURE_SIZE, interpolation=cv2.INTER_AREA).astype(np.float64)
        for each in (previous, current)
    ]
    first, second = (each - each.mean() for each in coarse)
    product = float(np.sqrt(np.square(first).sum() * np.square(second).sum()))
    # Two pictures without any structure are alike.
    return float((first * second).sum()) / product if product > 1.0 else 1.0
