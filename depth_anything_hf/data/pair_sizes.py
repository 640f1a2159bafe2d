# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""A label that is smaller than its image, as those of phones are, becomes as large by the nearest value."""

from __future__ import annotations

import math

import numpy as np

from ..geometry.intrinsics import RATIO_TOLERANCE


def enlarge_to(values: np.ndarray, *shapes: tuple[int, ...]) -> np.ndarray:
    """Return a label as large as the first of the shapes that is larger and has its ratio; else as it is.

    Each pixel gets the value that lies nearest to its centre: depth on both sides of an edge is never mixed.

    Args:
        values: (H, W).
        shapes: (height, width) that the image may have.
    """
    height, width = values.shape
    for shape in shapes:
        rows, columns = shape
        is_larger = rows >= height and columns >= width and (rows, columns) != (height, width)
        if is_larger and _have_one_ratio(values.shape, shape):
            # One axis after the other takes a third of the time.
            enlarged: np.ndarray = values[:, _nearest(width, columns)][_nearest(height, rows)]
            return enlarged
    return values


def _have_one_ratio(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    # Rounding to whole pixels changes the ratio of small pictures more.
    tolerance = RATIO_TOLERANCE + 1 / min(*shape, *other)
    return abs(math.log(shape[1] / shape[0] * other[0] / other[1])) <= tolerance


def _nearest(count: int, wanted: int) -> np.ndarray:
    """Return, for each of `wanted` pixels, which of `count` lies over its centre: (wanted,) whole numbers."""
    return (2 * np.arange(wanted) + 1) * count // (2 * wanted)
