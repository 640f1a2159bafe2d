# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Bilinear upsampling in NumPy, for engines that need no PyTorch."""

from __future__ import annotations

import numpy as np


# Rows that are computed together, so that they stay in the processor's cache.
ROWS_AT_ONCE = 32


def resize_bilinear(one: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a map bilinearly with aligned corners, as `torch.nn.functional.interpolate` does.

    Args:
        one: float32 (h, w).
        size: (H, W).

    Returns:
        float32 (H, W), equal but for the last bits.
    """
    height, width = size
    above, below, share_below = _neighbours(one.shape[0], height)
    left, right, share_right = _neighbours(one.shape[1], width)
    resized = np.empty(size, dtype=np.float32)
    for start in range(0, height, ROWS_AT_ONCE):
        rows = slice(start, min(start + ROWS_AT_ONCE, height))
        first = above[rows.start]
        source = one[first : below[rows.stop - 1] + 1]
        wide = source[:, left] * (1 - share_right) + source[:, right] * share_right
        share = share_below[rows, None]
        block = resized[rows]
        np.multiply(wide[above[rows] - first], 1 - share, out=block)
        block += wide[below[rows] - first] * share
    return resized


def _neighbours(old: int, new: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each new sample the old ones before and after it, and the share of the latter."""
    step = np.float32(old - 1) / np.float32(new - 1) if new > 1 else np.float32(0)
    position = np.arange(new, dtype=np.float32) * step
    before = np.minimum(position.astype(np.int64), old - 1)
    after = np.minimum(before + 1, old - 1)
    return before, after, position - before.astype(np.float32)
