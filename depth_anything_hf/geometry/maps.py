# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Checks of maps (H, W): one shape, finite or positive inside a mask, values at pixels."""

from __future__ import annotations

import numpy as np


def check_same_shape(**maps: np.ndarray) -> None:
    """Raise ValueError, naming the maps and their shapes, unless all have one shape."""
    shapes = {name: np.shape(values) for name, values in maps.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"all maps must have one shape, got {shapes}; resize the prediction to the label first.")


def finite_inside(values: np.ndarray, mask: np.ndarray, name: str) -> np.ndarray:
    """The values at the mask's pixels as a (n,) float64 array; ValueError with the map's name if one is not finite."""
    inside = values[mask].astype(np.float64, copy=False)
    if not np.isfinite(inside).all():
        broken = int((~np.isfinite(inside)).sum())
        raise ValueError(f"{name} is not finite at {broken} of {inside.size} pixels inside the mask.")
    return inside


def values_at_pixels(values: np.ndarray, pixels: np.ndarray, name: str) -> np.ndarray:
    """The map's values at some pixels.

    Args:
        values: (H, W).
        pixels: (N, 2) whole numbers, [row, column], counted from 0 at the top left.
        name: of the points, for the message.

    Returns:
        (N,), the map's dtype.

    Raises:
        ValueError: if the pixels are not (N, 2) whole numbers, or one lies outside the map; it is named.
    """
    found = np.asarray(pixels)
    if found.size == 0:
        found = np.zeros((0, 2), dtype=np.int64)
    if found.ndim != 2 or found.shape[1] != 2 or not np.array_equal(found, np.floor(found)):
        raise ValueError(f"{name} must be (N, 2) whole numbers, [row, column], got shape {found.shape}.")
    rows, columns = found.T
    outside = (found < 0).any(axis=1) | (rows >= values.shape[0]) | (columns >= values.shape[1])
    if outside.any():
        first = int(np.argmax(outside))
        raise ValueError(
            f"{name}[{first}] is row {rows[first]}, column {columns[first]}, outside the map of {values.shape[0]} "
            f"rows and {values.shape[1]} columns; points are [row, column] in pixels of the full-size image."
        )
    return values[rows.astype(np.int64), columns.astype(np.int64)]


def depth_inside(depth: np.ndarray, mask: np.ndarray) -> np.ndarray:
    inside = depth[mask]
    if not (inside > 0).all():
        raise ValueError("depth must be positive inside the mask; leave NaN and zero pixels out of the mask.")
    return inside.astype(np.float64)


def positive_inside(values: np.ndarray, mask: np.ndarray, name: str) -> np.ndarray:
    inside = finite_inside(values, mask, name)
    if (inside <= 0).any():
        raise ValueError(f"{name} must be positive inside the mask, its smallest value there is {inside.min()}.")
    return inside
