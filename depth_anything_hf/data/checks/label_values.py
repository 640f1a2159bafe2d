# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Levels, whole numbers, largest values and empty borders of a label."""

from __future__ import annotations

import cv2
import numpy as np

from .findings import LargestValue


# Levels of 8 bits, and how many of them a label has at least that could have more.
MOST_LEVELS, FEWEST_LEVELS = 255, 12
# By how much of a step a value may differ from a level, for rounding.
LEVEL_TOLERANCE = 0.02
THIN_SIDE = 320
# Pixels with one and the same largest value, as a share of all, and how much farther than all else.
LARGEST_SHARE, LARGEST_RATIO = 1e-3, 2.0
# Rows of 128 that are below any sky, and how much of them may have its value.
BELOW, MOST_BELOW = 32, 0.02
# A part without values that was cut off: its share of the picture, how many of the pixels beside it have a value, and
# how many of the whole rest. Sky and what is too far end in a rugged line.
CUT_SHARE, CUT_EDGE, CUT_DENSITY, CUT_MARGIN = 0.25, 0.7, 0.5, 4


def thinned(values: np.ndarray, side: int = THIN_SIDE) -> np.ndarray:
    """Return every n-th row and column, so that the larger side has at most so many pixels."""
    step = -(-max(values.shape) // side)
    return values[::step, ::step]


def levels_of(values: np.ndarray) -> tuple[int, float] | None:
    """Return how many levels a label has and their step, where all are multiples up to 255 of one number.

    Args:
        values: (H, W), NaN without a value.
    """
    thin = thinned(values)
    unique = np.unique(thin[np.isfinite(thin) & (thin > 0)]).astype(np.float64)
    if not FEWEST_LEVELS <= unique.size <= MOST_LEVELS:
        return None
    # Neighbours among many levels of 8 bits are mostly one step apart.
    step = float(np.diff(unique).min())
    # The step itself is known better from the largest level.
    step = float(unique[-1] / np.rint(unique[-1] / step))
    codes = unique / step
    if codes[-1] > MOST_LEVELS + 0.5 or np.abs(codes - np.rint(codes)).max() > LEVEL_TOLERANCE:
        return None
    return unique.size, step


def whole_share(finite: np.ndarray) -> float:
    """Return the share of finite values that are whole numbers."""
    return float(np.mean(finite == np.rint(finite))) if finite.size else 0.0


def largest_value(values: np.ndarray, stored: np.ndarray | None) -> LargestValue | None:
    """Return the largest finite value where many pixels have exactly it; None where few do.

    Args:
        values: (H, W), NaN without a value.
        stored: the numbers in the file (H, W); None where they are not known.
    """
    finite = np.isfinite(values)
    if not finite.any():
        return None
    largest = float(values[finite].max())
    have = values == largest
    share = float(have.mean())
    if share < LARGEST_SHARE:
        return None
    others = values[finite & ~have]
    code = stored[have] if stored is not None and stored.shape == values.shape else None
    # One value may be that of several numbers, as after rounding.
    told = float(code.flat[0]) if code is not None and (code == code.flat[0]).all() else largest
    return LargestValue(largest, told, share, float(others.max()) if others.size else float("nan"), _is_above(have))


def _is_above(have: np.ndarray) -> bool:
    """Tell whether pixels are like sky: most in one piece that begins at the upper border, few below."""
    small = cv2.resize(have.astype(np.uint8), (128, 128), interpolation=cv2.INTER_NEAREST)
    if small[-BELOW:].mean() > MOST_BELOW:
        return False
    _, pieces = cv2.connectedComponents(small)
    above = np.unique(pieces[0])
    above = above[above > 0]
    return bool(np.isin(pieces, above).sum() >= 0.5 * max(1, int(small.sum()))) and bool(above.size)


def cut_part(values: np.ndarray) -> tuple[str, float] | None:
    """Return side and share of a part without values that ends in a straight line, as of a label cut off.

    Args:
        values: (H, W), NaN without a value.
    """
    known = ~np.isnan(values)
    found = []
    for sides, have in ((("top", "bottom"), known.mean(axis=1)), (("left", "right"), known.mean(axis=0))):
        for side, line in zip(sides, (have, have[::-1]), strict=True):
            filled = np.flatnonzero(line > 0)
            if not filled.size or filled[0] < CUT_SHARE * len(line):
                continue
            beside = line[filled[0] : filled[0] + CUT_MARGIN]
            if beside.max() >= CUT_EDGE and line[filled[0] :].mean() >= CUT_DENSITY:
                found.append((side, filled[0] / len(line)))
    return max(found, key=lambda each: each[1], default=None)
