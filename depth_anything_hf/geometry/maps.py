# Copyright 2026 The depth_anything_hf authors.
# SPDX-License-Identifier: Apache-2.0
"""Checks of maps (H, W): one shape, finite or positive inside a mask, values at pixels."""

from __future__ import annotations

import numpy as np


def check_same_shape(**maps: np.ndarray) -> None:
    """Raise ValueError, naming the maps and their shapes, unless all have one shape."""
    shapes = {name: np.shape(values) for name, values in maps.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(
            f"all maps must have the same shape, got {shapes}; resize the prediction to the size of the label first."
        )


def finite_inside(values: np.ndarray, mask: np.ndarray, name: str) -> np.ndarray:
    """Return the values inside the mask, (N,) float64; raise ValueError with the map's name if one is not finite."""
    inside: np.ndarray = values[mask].astype(np.float64, copy=False)
    if not np.isfinite(inside).all():
        broken = int((~np.isfinite(inside)).sum())
        raise ValueError(
            f"{name} is not finite at {broken} of {inside.size} pixels inside the mask; take them out of the mask."
        )
    return inside


def values_at_pixels(values: np.ndarray, pixels: np.ndarray, name: str) -> np.ndarray:
    """Return the values of a map at some pixels.

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
        raise ValueError(
            f"{name} must be whole numbers (N, 2), [row, column] each, got shape {found.shape} of {found.dtype}."
        )
    rows, columns = found.T
    outside = (found < 0).any(axis=1) | (rows >= values.shape[0]) | (columns >= values.shape[1])
    if outside.any():
        first = int(np.argmax(outside))
        raise ValueError(
            f"{name}[{first}] is row {rows[first]:g}, column {columns[first]:g}, outside the map of {values.shape[0]} "
            f"rows and {values.shape[1]} columns; points are [row, column] in pixels of the full-size image."
        )
    chosen: np.ndarray = values[rows.astype(np.int64), columns.astype(np.int64)]
    return chosen


def depth_inside(depth: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the depths inside the mask, (N,) float64, also `+inf` (sky); raise ValueError if one is not positive."""
    inside: np.ndarray = depth[mask].astype(np.float64)
    if not (inside > 0).all():
        wrong = int((~(inside > 0)).sum())
        raise ValueError(
            f"depth must be positive inside the mask; at {wrong} of {inside.size} pixels it is NaN, zero or negative: "
            "take them out of the mask."
        )
    return inside


def positive_inside(values: np.ndarray, mask: np.ndarray, name: str) -> np.ndarray:
    """Return the values inside the mask, (N,) float64; raise ValueError if one is not finite and positive."""
    inside = finite_inside(values, mask, name)
    if (inside <= 0).any():
        raise ValueError(f"{name} must be positive inside the mask; the smallest value there is {inside.min()}.")
    return inside
